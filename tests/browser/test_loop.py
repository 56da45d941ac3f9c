"""The whole product in small: message, card, two edits, conflict, settled, undone, a guest joins, a manager hears."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.demo import PHONE, DemoProcess, Window, window

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

HERO = "华星医疗"


def save_phone(form: Any, number: str) -> None:
    form.get_by_label(PHONE).fill(number)
    form.locator("button[type=submit]").click()


def phone(window_: Window) -> Any:
    return window_.fact(HERO, PHONE)


def test_the_loop(browser: Any, demo: DemoProcess) -> None:
    with window(browser, demo, "u_liting") as li, window(browser, demo, "u_wangmin") as wang:
        for each in (li, wang):
            each.room("华星项目")

        li.say("明天去华星医疗谈续约")
        for each in (li, wang):
            expect(each.card(HERO)).to_be_visible()
            expect(phone(each)).to_contain_text("+86 512")

        # Both open the form before either saves: neither has seen the other's value.
        form_li, form_wang = li.open_form(HERO), wang.open_form(HERO)
        save_phone(form_li, "+86 512 6288 1111")
        expect(phone(wang)).to_contain_text("+86 512 6288 1111")
        expect(phone(wang)).to_contain_text("[Web card 1.0]")
        save_phone(form_wang, "+86 512 6288 2222")

        for each in (li, wang):
            expect(each.conflict()).to_contain_text("+86 512 6288 1111")
            expect(each.conflict()).to_contain_text("+86 512 6288 2222")
            expect(phone(each)).to_contain_text("待定")

        settle = li.conflict().locator(".column", has_text="6288 2222").get_by_role("button")
        settle.click()
        for each in (li, wang):
            expect(phone(each)).to_contain_text("+86 512 6288 2222")
            expect(phone(each)).not_to_contain_text("待定")
            expect(each.conflict()).to_have_count(0)

        # The write-back has reached the CRM, and its echo made nothing new of it.
        expect(phone(li)).to_contain_text("已写入 CRM")

        li.card(HERO).get_by_role("button", name="撤销").click()
        for each in (li, wang):
            expect(phone(each)).not_to_contain_text("6288 2222")

        li.page.locator("#members").click()
        li.page.get_by_role("button", name=re.compile("邀请.*David Park")).click()
        expect(wang.card(HERO)).not_to_contain_text("+86 512")
        expect(wang.card(HERO)).to_contain_text(HERO)
        expect(wang.card(HERO)).not_to_contain_text("李婷")

        li.page.keyboard.press("Escape")
        li.page.locator("#tab-crm").click()
        li.page.locator("#crm-query").fill(HERO)
        li.page.locator("#hits").get_by_role("button", name=HERO).first.click()
        li.page.locator("#crm").get_by_role("button", name="风险").click()
        wang.room("Floatcard")
        alert = wang.page.locator("#entries article.card").filter(has_text=HERO).last
        expect(alert).to_contain_text("风险")
        alert.get_by_role("button", name="知道了").click()
        expect(alert).to_contain_text("王敏")
        expect(alert.get_by_role("button", name="知道了")).to_have_count(0)
