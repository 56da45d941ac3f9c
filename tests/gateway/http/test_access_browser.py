"""The pages of who may see what in a real Chromium: looked at by axe, and used by keyboard alone without scripts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Page

from tests.gateway.http.test_access_api import FILES, HOSTILE, a_room, second_admin
from tests.gateway.http.test_console_browser import LOOKS, _looked_at, browsing, enter
from tests.gateway.http.world import HERO, World

pytestmark = pytest.mark.browser
HERE = "console/policies/access"
SHOTS = os.environ.get("FLOATCARD_SHOTS")


async def proposed(world: World) -> int:
    await second_admin(world)
    await a_room(world)
    zhao = await world.client("operate", person="p_zhaolei")  # the demo's door lets in the other one
    made = await zhao.post("access/versions", {"files": FILES, "reason": f"notes stay with sales {HOSTILE}"})
    return int(made.body["n"])


async def looked_at(page: Page, world: World, path: str, name: str) -> None:
    await page.goto(f"{world.url}/{HERE}{path}")
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"access-{name}.png", full_page=True)
    await _looked_at(page, name)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
async def test_the_pages_are_readable_by_everybody(world: World, width: int, scheme: str) -> None:
    n = await proposed(world)
    locale = "zh-CN" if width == 390 else "en"
    async with browsing() as browser:
        view = {"width": width, "height": 844}
        context = await browser.new_context(viewport=view, color_scheme=scheme, locale=locale)  # type: ignore[arg-type]
        page, complaints = await context.new_page(), list[str]()
        page.on("console", lambda line: complaints.append(line.text))
        await enter(page, world)
        await page.goto(f"{world.url}/console?lang={locale}")
        end = f"{width}-{scheme}"
        await looked_at(page, world, "", f"list-{end}")
        await looked_at(page, world, f"/{n}?look=1", f"version-{end}")
        await looked_at(page, world, "/edit?file=marketing.cedar", f"edit-{end}")
        asked = f"/simulate?room=r_east&field=note&at=22%3A00&customer={HERO}"
        await looked_at(page, world, asked, f"simulate-{end}")
        assert not complaints, "the content security policy or a missing file"


async def test_the_keyboard_and_no_script_are_enough(world: World) -> None:
    n = await proposed(world)
    async with browsing() as browser:
        context = await browser.new_context(java_script_enabled=False, locale="en")
        page = await context.new_page()
        await enter(page, world)
        await page.goto(f"{world.url}/{HERE}/{n}?lang=en")
        await page.get_by_role("textbox", name="Why; kept with the version").focus()
        await page.keyboard.type("looked at the difference")
        await page.keyboard.press("Enter")
        await page.get_by_text("It is set.").first.wait_for()
    told = (await (await world.client("operate", person="p_zhaolei", name="z")).get(f"access/versions/{n}")).body
    assert (told["state"], told["applied_why"], told["applied_by"]) == ("applied", "looked at the difference", "p_noor")
