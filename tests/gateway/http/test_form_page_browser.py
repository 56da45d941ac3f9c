"""The form's page in a real Chromium, without scripts: looked at by axe, narrow and wide, light and dark."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from tests.gateway.house import LI, Live, opened
from tests.gateway.http.test_console_browser import browsing
from tests.gateway.http.test_form_page import NEW, link_of

pytestmark = pytest.mark.browser


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Live]:
    async with opened(tmp_path) as house:
        await house.say(LI, "east", "华星医疗", locale="zh-CN")
        await house.settle()
        yield house


async def looked_at(page: Page, what: str) -> None:
    found = await Axe().run(page)
    assert not found.response["violations"], f"{what}: {found.generate_report()}"
    wide = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert not wide, f"{what} is wider than the window"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark"), (390, "light"), (1280, "dark")])
async def test_the_page_is_readable_by_everybody(live: Live, width: int, scheme: str, tmp_path: Path) -> None:
    async with browsing() as browser:
        looks = {"viewport": {"width": width, "height": 844}, "color_scheme": scheme}
        context = await browser.new_context(**looks)  # type: ignore[arg-type]
        page, complaints = await context.new_page(), list[str]()
        page.on("console", lambda line: complaints.append(line.text))
        link = await link_of(live)
        await page.goto(f"{live.url}/form/{link}")
        await looked_at(page, "before it is opened")
        await page.click("button[name=open]")
        await looked_at(page, "the form")
        await page.screenshot(path=tmp_path / f"form-{width}-{scheme}.png", full_page=True)
        await page.fill("[name='v.phone']", "not a number")
        await page.click(".fields button")
        await looked_at(page, "a wrong value")
        await live.natively("phone", "+86 512 6288 0200")
        await live.settle()
        await page.fill("[name='v.phone']", NEW)
        await page.click(".fields button")
        await page.wait_for_selector(".sides")
        await looked_at(page, "a conflict")
        await page.screenshot(path=tmp_path / f"conflict-{width}-{scheme}.png", full_page=True)
        await page.goto(f"{live.url}/form/{link[:-3]}xyz")
        await looked_at(page, "no link")
        assert not [each for each in complaints if "404" not in each], "the content security policy or a missing file"


async def test_without_scripts_and_by_keyboard_alone(live: Live) -> None:
    async with browsing() as browser:
        context = await browser.new_context(java_script_enabled=False)
        page = await context.new_page()
        await page.goto(f"{live.url}/form/{await link_of(live)}")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.wait_for_selector(".fields")
        await page.focus("[name='v.phone']")
        await page.keyboard.press("Control+A")
        await page.keyboard.type(NEW)
        await page.keyboard.press("Enter")
        await page.wait_for_selector("[role=status]")
        await live.settle()
        assert await live.value("phone") == NEW
        await page.get_by_role("button", name="撤销").press("Enter")
        await page.wait_for_selector("[role=status]")
        await live.settle()
        assert await live.value("phone") != NEW
