"""The console in a real Chromium: looked at by axe, used by keyboard alone and without scripts."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

from tests.gateway.chat.browser.looking import chromium
from tests.gateway.http.world import World

pytestmark = pytest.mark.browser


@contextlib.asynccontextmanager
async def browsing() -> AsyncIterator[Browser]:
    path = chromium()
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


async def people_to_map(world: World) -> None:
    people = world.house.services.people
    await people.saw("web/demo/user/u_sunjia", "孙佳", "member", "web/r_partner")
    await people.saw("web/demo/user/liting2", "Li Ting", "member", "web/r_partner")
    await people.saw("web/demo/user/evil", "<b>" + "😀" * 10_000, "unknown", "web/r_east")


async def enter(page: Page, world: World) -> None:
    await page.goto(f"{world.url}/console")
    await page.click("form[action='/console/enter'] button")
    await page.wait_for_selector(".tiles")


LOOKS = [(1280, "light"), (390, "dark")]
if os.environ.get("FLOATCARD_SOAK") == "1":
    LOOKS += [(1280, "dark"), (390, "light")]


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
async def test_every_page_is_readable_by_everybody(world: World, width: int, scheme: str) -> None:
    await people_to_map(world)
    async with browsing() as browser:
        context = await browser.new_context(
            viewport={"width": width, "height": 844},
            color_scheme=scheme,  # type: ignore[arg-type]
            locale="zh-CN",
        )
        page, complaints = await context.new_page(), list[str]()
        page.on("console", lambda line: complaints.append(line.text))
        await page.goto(f"{world.url}/console")
        await _looked_at(page, "sign in")
        await page.goto(f"{world.url}/console/login?link=x")
        await _looked_at(page, "link")
        await enter(page, world)
        await _looked_at(page, "overview")
        await page.goto(f"{world.url}/console/identities")
        for summary in await page.locator("summary").all():
            await summary.click()
        await _looked_at(page, "identities")
        assert not complaints, "the content security policy or a missing file"


async def _looked_at(page: Page, where: str) -> None:
    found = await Axe().run(page)
    assert not found.response["violations"], f"{where}: {found.generate_report()}"
    wide = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1], f"{where} is wider than the window"


async def test_the_keyboard_and_no_script_are_enough(world: World) -> None:
    await people_to_map(world)
    async with browsing() as browser:
        context = await browser.new_context(java_script_enabled=False, locale="en")
        page = await context.new_page()
        await enter(page, world)
        await page.goto(f"{world.url}/console/identities?lang=en")
        await page.get_by_label("Belongs to · 孙佳").focus()
        for _ in range(4):  # past "nobody yet", in the order of the names
            await page.keyboard.press("ArrowDown")
        await page.get_by_role("button", name="Link what I chose").focus()
        await page.keyboard.press("Enter")
        await page.get_by_text("Not linked: 1.").wait_for()  # whoever has one there already gets no second unasked
        await page.get_by_label("Belongs to · 孙佳").focus()
        for _ in range(4):
            await page.keyboard.press("ArrowDown")
        await page.get_by_label("also where they have an account").focus()
        await page.keyboard.press("Space")
        await page.keyboard.press("Enter")
        await page.get_by_text("Linked: 1. Their cards").wait_for()
        linked = world.house.services.people.linked("im", "web/demo/user/u_sunjia")
        assert linked is not None and linked.id == "p_chenwei"
        await page.get_by_role("button", name="Undo · web/demo/user/u_sunjia").focus()
        await page.keyboard.press("Enter")
        await page.get_by_text("The link is undone.").wait_for()
    assert world.house.services.people.linked("im", "web/demo/user/u_sunjia") is None
