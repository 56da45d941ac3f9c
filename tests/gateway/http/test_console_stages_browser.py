"""Stages and applications in a real Chromium: looked at by axe, decided by keyboard alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.store.tokens import Token
from tests.gateway.http.test_console_browser import LOOKS, _looked_at, browsing, enter
from tests.gateway.http.test_console_pages import room
from tests.gateway.http.test_console_stages import at, behaved
from tests.gateway.http.world import HERO, World

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("FLOATCARD_SHOTS")
"""A folder: every page is kept there as a picture, for human eyes."""


async def lived_in(world: World) -> None:
    await room(world, "r_east")
    await room(world, "r_partner", "u_guest")
    stages = world.house.services.stages
    await stages.decide("group/group", "minimal", 0, "p_zhaolei")
    for ago in range(1, 20):
        some = {"shown": 12 + ago % 5 * 3, "opened": 6, "edited": 2, "wrong": ago % 4 == 0, "muted": ago % 9 == 0}
        await behaved(world, await at(world), ago, **some)
    now = world.clock.now()
    reads = frozenset({"name", "phone", "contact"})
    soon = Token("短信 sms", frozenset({"read"}), "p_liting", reads=reads, expires_at=now + 86_400_000)
    client = world.bearing(await world.tokens.make(soon))
    for _ in range(3):
        await client.get(f"customers/{HERO}")
    await client.get(f"customers/{HERO}/fields/address/history")
    await world.tokens.make(Token("x" * 128, frozenset({"read", "edit", "operate"}), "p_wangmin"))


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
async def test_both_pages_are_readable_by_everybody(world: World, width: int, scheme: str) -> None:
    await lived_in(world)
    locale = "zh-CN" if width == 390 else "en"
    async with browsing() as browser:
        view = {"width": width, "height": 844}
        context = await browser.new_context(viewport=view, color_scheme=scheme, locale=locale)  # type: ignore[arg-type]
        page, complaints = await context.new_page(), list[str]()
        page.on("console", lambda line: complaints.append(line.text))
        await enter(page, world)
        await page.goto(f"{world.url}/console?lang={locale}")
        for name, path in (("stages", "rooms/stages"), ("applications", "audit/applications")):
            await page.goto(f"{world.url}/console/{path}")
            for summary in await page.locator("summary").all():
                await summary.click()
            if SHOTS:
                await page.screenshot(path=Path(SHOTS) / f"{name}-{width}-{scheme}.png", full_page=True)
            await _looked_at(page, path)
        assert complaints == []


async def test_a_step_is_taken_by_keyboard(world: World) -> None:
    await lived_in(world)
    async with browsing() as browser:
        page = await (await browser.new_context(locale="en")).new_page()
        await enter(page, world)
        await page.goto(f"{world.url}/console/rooms/stages?lang=en")
        button = page.get_by_role("button", name="Take the proposed step")
        for _ in range(60):
            await page.keyboard.press("Tab")
            if await button.evaluate("it => it === document.activeElement"):
                break
        await page.keyboard.press("Enter")
        await page.get_by_role("status").wait_for()
        assert (await at(world)).stage == "standard"
