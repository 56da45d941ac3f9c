"""The page of mentions in a real Chromium: looked at by axe, and used by keyboard alone and without scripts."""

from __future__ import annotations

import pytest

from tests.gateway.http.test_console_browser import LOOKS, _looked_at, browsing, enter
from tests.gateway.http.test_console_mentions import known_room, reported
from tests.gateway.http.world import World

pytestmark = pytest.mark.browser
TEXT = "明天去华星医疗谈续约，远航科技的合同也带上，祝一切顺利！Call Northlake Instruments too. " + "长" * 300


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
async def test_the_page_is_readable_by_everybody(world: World, width: int, scheme: str) -> None:
    await known_room(world)
    await reported(world, "顺利", ["none", "none", "none"])
    await reported(world, "very" * 60, ["wrong", "missed"])
    async with browsing() as browser:
        view = {"width": width, "height": 844}
        context = await browser.new_context(viewport=view, color_scheme=scheme, locale="zh-CN")  # type: ignore[arg-type]
        page, complaints = await context.new_page(), list[str]()
        page.on("console", lambda line: complaints.append(line.text))
        await enter(page, world)
        await page.goto(f"{world.url}/console/mentions?q=华星医疗")
        await page.locator("summary").click()
        await _looked_at(page, "mentions")
        await page.fill("#text", TEXT)
        await page.select_option("#room", "web/r_east")
        await page.click(".try .primary")
        await page.wait_for_selector(".result")
        await _looked_at(page, "a message tried")
        assert not complaints, "the content security policy or a missing file"


async def test_the_keyboard_and_no_script_are_enough(world: World) -> None:
    await reported(world, "顺利", ["none"])
    async with browsing() as browser:
        context = await browser.new_context(java_script_enabled=False, locale="en")
        page = await context.new_page()
        await enter(page, world)
        await page.goto(f"{world.url}/console/mentions?lang=en")
        await page.get_by_role("textbox", name="Message").focus()
        await page.keyboard.type("去华星医疗")
        for _ in range(2):  # past the room
            await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.get_by_text("A card would float here.").wait_for()
        await page.get_by_role("button", name="Undo · 顺利 · 李婷 Li Ting").focus()
        await page.keyboard.press("Enter")
        await page.get_by_text("It is taken back.").wait_for()
    assert await world.house.services.mentioning.learned(0) == []
