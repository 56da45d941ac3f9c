"""A page of the chat that is loaded again is where it was, and what competes stands on one line each."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.demo import DemoProcess, window
from tests.browser.test_loop import HERO, save_phone

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

LINES = """each => {
  const range = document.createRange();
  range.selectNodeContents(each);
  return new Set([...range.getClientRects()].map(line => Math.round(line.top))).size;
}"""


def test_the_room_is_remembered_and_a_phone_number_in_dispute_is_whole(browser: Any, demo: DemoProcess) -> None:
    with window(browser, demo, "u_liting") as li, window(browser, demo, "u_wangmin") as wang:
        for each in (li, wang):
            each.room("华星项目")
        li.say("明天去华星医疗谈续约")
        forms = [each.open_form(HERO) for each in (li, wang)]
        for form, number in zip(forms, ("+86 512 6288 1111", "+86 512 6288 2222"), strict=True):
            save_phone(form, number)
        expect(li.conflict()).to_contain_text("+86 512 6288 2222")
        title = li.page.locator("#room-title").inner_text()
        li.page.reload()
        expect(li.page.locator("#room-title")).to_have_text(title)
        values = li.conflict().locator(".column .value")
        expect(values).to_have_count(3)
        assert [value.evaluate(LINES) for value in values.all()] == [1, 1, 1]
