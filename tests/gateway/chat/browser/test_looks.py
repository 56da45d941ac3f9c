from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.gateway.chat.browser.looking import Looking, say
from tests.gateway.chat.house import House, Person

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
EVERYTHING = ("华星", "远航", "Northlake", "冲突", "风险", "/why")


async def _filled(house: House, room: str) -> None:
    hands = Person(house, "u_liting")
    first = await hands.say(room, "你好")
    await hands.say(room, "回复", quote=first["id"])
    for word in EVERYTHING:
        await hands.say(room, word)
        await house.drained()


async def _violations(page: Page) -> list[str]:
    found: Any = await Axe().run(page)
    return [f"{one['id']}: {[node['html'][:120] for node in one['nodes']]}" for one in found.response["violations"]]


async def _sideways(page: Page) -> int:
    return int(await page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_axe_finds_nothing_on_any_screen(look: Looking, house: House, scheme: str, width: int) -> None:
    await _filled(house, "r_east")
    locale = "zh-CN" if scheme == "light" else "en"
    page = await look.window("u_liting", width=width, color_scheme=scheme, locale=locale, reduced_motion="reduce")
    await expect(page.locator(".card")).to_have_count(len(EVERYTHING))
    assert await _violations(page) == []
    assert await _sideways(page) <= 0
    if width == 390:
        for view in ("rooms", "trail", "crm", "chat"):
            await page.locator(f"[data-go={view}]").click()
            assert await _violations(page) == [], view
            assert await _sideways(page) <= 0, view
    else:
        await page.locator("#tab-crm").click()
        await page.locator("#hits button").first.click()
        await expect(page.locator(".record")).to_be_visible()
        assert await _violations(page) == []
    await page.get_by_role("button", name="编辑", exact=True).first.click()
    await expect(page.locator("dialog[open]")).to_be_visible()
    assert await _violations(page) == []
    await page.keyboard.press("Escape")
    await page.locator("#members").click()
    assert await _violations(page) == []
    assert look.complaints == []


async def test_an_empty_room_and_a_guest_are_clean_too(look: Looking, house: House) -> None:
    page = await look.window("u_guest", locale="en", reduced_motion="reduce")
    await expect(page.locator("#empty")).to_be_visible()
    await page.locator("#empty .hint").first.click()
    await expect(page.locator("#composer-text")).to_be_focused()
    assert await _violations(page) == []


@pytest.mark.parametrize("width", [1280, 390])
async def test_a_card_is_at_most_420_pixels_wide_and_inside_the_window(look: Looking, house: House, width: int) -> None:
    await _filled(house, "r_east")
    page = await look.window("u_liting", width=width)
    await expect(page.locator(".card")).to_have_count(len(EVERYTHING))
    boxes = await page.locator(".card").evaluate_all(
        "cards => cards.map(c => c.getBoundingClientRect()).map(b => [b.left, b.right, b.width])"
    )
    assert all(box[2] <= 420 and box[0] >= 0 and box[1] <= width for box in boxes)


async def test_letters_are_at_least_13_pixels(look: Looking, house: House) -> None:
    await _filled(house, "r_east")
    page = await look.window("u_liting")
    await expect(page.locator(".card")).to_have_count(len(EVERYTHING))
    small = await page.evaluate(
        "[...document.querySelectorAll('body *')].filter(e => !e.closest('[aria-hidden=true]') &&"
        " [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) &&"
        " parseFloat(getComputedStyle(e).fontSize) < 13).map(e => e.outerHTML.slice(0, 80))"
    )
    assert small == []


@pytest.mark.parametrize(("motion", "moves"), [("reduce", False), ("no-preference", True)])
async def test_motion_is_off_for_those_who_ask(look: Looking, house: House, motion: str, moves: bool) -> None:
    page = await look.window("u_liting", reduced_motion=motion)
    await say(page, "冲突")
    await page.get_by_role("button", name="用我的").click()
    await expect(page.locator(".changed").first).to_be_attached()
    name = await page.locator(".changed").first.evaluate("e => getComputedStyle(e).animationName")
    assert (name != "none") is moves


async def test_the_theme_and_the_language_are_remembered(look: Looking, house: House) -> None:
    page = await look.window("u_liting", color_scheme="light")
    await page.locator("#theme").click()
    await page.locator("#language").click()
    await page.reload()
    await expect(page.locator("#room-title")).to_have_text("East China sales")
    assert await page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert await page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"
