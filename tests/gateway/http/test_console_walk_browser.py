"""Every page that the console's router knows, in a real Chromium: by keyboard alone, in both languages, wide and
narrow, light and dark. A page that somebody adds is in by itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from benchmarks.console.pages import addresses, of
from gateway.http.console import Console
from tests.gateway.http.test_console_browser import _looked_at, browsing, enter, people_to_map
from tests.gateway.http.test_console_mentions import reported
from tests.gateway.http.test_console_pages import ROOM
from tests.gateway.http.test_console_pages_browser import lived_in
from tests.gateway.http.test_policies import CLOCK, second_admin, until
from tests.gateway.http.world import HERO, World

SHOTS = os.environ.get("FLOATCARD_SHOTS")
LOOKS = [(1280, "light", "zh-CN"), (390, "dark", "en")]
WHOLE = os.environ.get("FLOATCARD_SOAK") == "1"
"""Every variant of every page in every look; else each page once, walked wide and looked at narrow too."""
pytestmark = [pytest.mark.browser, pytest.mark.timeout(3_600 if WHOLE else 400)]
if WHOLE:
    LOOKS = [
        (width, scheme, tongue) for width in (1280, 390) for scheme in ("light", "dark") for tongue in ("en", "zh-CN")
    ]

REACHED = """() => {
  const shown = each => each.checkVisibility({visibilityProperty: true}) && !each.disabled && each.tabIndex >= 0;
  const kinds = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]';
  const all = [...document.querySelectorAll(kinds)];
  return all.filter(shown).length;
}"""
FOCUSED = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  if (!at.dataset.seen) at.dataset.seen = String(1 + document.querySelectorAll('[data-seen]').length);
  const style = getComputedStyle(at), box = at.getBoundingClientRect();
  const label = at.labels && at.labels.length ? at.labels[0].innerText : '';
  return {
    id: at.dataset.seen,
    name: (at.getAttribute('aria-label') || label || at.innerText || at.placeholder || '').trim(),
    ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1,
    inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    what: at.outerHTML.slice(0, 160),
  };
}"""


async def pages(world: World) -> list[str]:
    """Addresses of a house in which something of everything happened."""
    code = await lived_in(world)
    await people_to_map(world)
    await reported(world, "顺利", ["none", "none", "none"])
    await second_admin(world)
    zhao = await world.client("operate", "read", person="p_zhaolei")
    begun = await zhao.post("policies/plans", {**CLOCK, "days": 30})
    await until(zhao, begun.body["id"], "planned", "failed")
    routes = Console(world.house.services, world.house.spine, world.tokens).routes()
    return addresses(routes, of(HERO, ROOM, "p_liting", code, "华星", begun.body["id"]))


async def test_every_page_is_readable_and_reached_by_the_keyboard(world: World) -> None:
    addressed = await pages(world)
    async with browsing() as browser:
        for width, scheme, tongue in LOOKS:
            await looked(browser, world, addressed, width, scheme, tongue)


async def looked(browser: Any, world: World, addressed: list[str], width: int, scheme: str, tongue: str) -> None:
    context = await browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme, locale=tongue, reduced_motion="reduce"
    )
    page, complaints = await context.new_page(), list[str]()
    page.on("console", lambda line: complaints.append(f"{page.url}: {line.text}"))
    await enter(page, world)
    await page.goto(f"{world.url}/console?lang={tongue}")
    seen = set[str]()
    for number, address in enumerate(addressed):
        if not WHOLE and address.partition("?")[0] in seen:
            continue
        await page.goto(f"{world.url}{address}")
        assert await page.evaluate("document.documentElement.lang") == tongue, address
        for summary in await page.locator("summary").all():
            await summary.click()
        if SHOTS:
            name = f"{number:02}-{address.removeprefix('/console/').partition('?')[0].replace('/', '-')}"
            await page.screenshot(path=Path(SHOTS) / f"{name}-{width}-{scheme}-{tongue}.png", full_page=True)
        await _looked_at(page, address)
        if (path := address.partition("?")[0]) not in seen:
            seen.add(path)
            if WHOLE or width == 1280:
                await walked(page, f"{world.url}{address}")
    assert not complaints, "the content security policy or a missing file"
    await context.close()


async def walked(page: Page, address: str) -> None:
    """Tab and nothing else: every control is reached once, has a name, is seen, and shows that it has the focus."""
    await page.goto(address)
    await page.keyboard.press("Tab")
    skip = await page.evaluate(FOCUSED)
    assert skip["what"].startswith('<a class="skip"') and skip["inside"], f"{address}: the way past the navigation"
    reached, wanted = {skip["id"]}, await page.evaluate(REACHED)
    for _ in range(wanted + 20):
        await page.keyboard.press("Tab")
        at = await page.evaluate(FOCUSED)
        if at is None or at["id"] == skip["id"]:
            break
        assert at["name"], f"{address}: without a name: {at['what']}"
        assert at["ring"], f"{address}: the focus is not seen: {at['what']}"
        assert at["inside"], f"{address}: the focus is out of sight: {at['what']}"
        reached.add(at["id"])
    assert len(reached) >= wanted, f"{address}: {len(reached)} of {wanted} controls are reached"


async def test_the_way_past_the_navigation_leads_to_the_content(world: World) -> None:
    async with browsing() as browser:
        page = await (await browser.new_context(java_script_enabled=True, locale="en")).new_page()
        await enter(page, world)
        await page.goto(f"{world.url}/console/rooms")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.id") == "main"
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.querySelector('main').contains(document.activeElement)")
