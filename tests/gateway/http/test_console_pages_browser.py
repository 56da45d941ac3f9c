"""Rooms, customers, conflicts, alerts and the audit in a real Chromium: looked at by axe, used by keyboard alone."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Page

from tests.gateway.http.test_console_browser import LOOKS, _looked_at, browsing, enter
from tests.gateway.http.test_console_pages import ROOM, edited, raised, room
from tests.gateway.http.test_policies import disputed
from tests.gateway.http.world import HERO, World

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("FLOATCARD_SHOTS")
"""A folder: every page is kept there as a picture, for human eyes."""


async def lived_in(world: World) -> str:
    """A house in which something happened; the id of its conflict."""
    await room(world, "r_partner", "u_guest")
    await room(world, "r_east")
    await edited(world, "tier", "VIP")
    await edited(world, "address", "苏州工业园区星湖街 328 号 " + "very long " * 30)
    await disputed(world)
    await raised(world, 3)
    [case] = await world.house.services.ledger.conflicts()
    return case.id


async def looked_at(page: Page, world: World, path: str, name: str) -> None:
    await page.goto(f"{world.url}/console/{path}")
    for summary in await page.locator("summary").all():
        await summary.click()
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)
    await _looked_at(page, path)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
async def test_every_page_is_readable_by_everybody(world: World, width: int, scheme: str) -> None:
    code = await lived_in(world)
    locale = "zh-CN" if width == 390 else "en"
    async with browsing() as browser:
        view = {"width": width, "height": 844}
        context = await browser.new_context(viewport=view, color_scheme=scheme, locale=locale)  # type: ignore[arg-type]
        page, complaints = await context.new_page(), list[str]()
        page.on("console", lambda line: complaints.append(line.text))
        await enter(page, world)
        await page.goto(f"{world.url}/console?lang={locale}")
        end = f"{width}-{scheme}"
        for name, path in (
            ("overview", ""),
            *(("rooms", "rooms"), ("room", f"rooms/one?room={ROOM}&customer=华星医疗"), ("customers", "customers")),
            *(("customer", f"customers/one?ref={HERO}&field=phone"), ("conflicts", "conflicts"), ("alerts", "alerts")),
            ("join", f"customers/join?ref={HERO}&other=local:account:yunqi-textile"),
            *(("audit", "audit"), ("decision", f"audit?q={code}"), ("near", "audit?q=e")),
        ):
            await looked_at(page, world, path, f"{name}-{end}")
        await page.locator("form[action='/console/audit/verify'] button").click()
        await page.get_by_text("✓").first.wait_for()
        await _looked_at(page, "verified")
        assert not complaints, "the content security policy or a missing file"


async def test_the_keyboard_and_no_script_are_enough(world: World) -> None:
    await lived_in(world)
    s = world.house.services
    known = s.people.person("p_zhaolei")
    assert known is not None
    await s.people.put(replace(known, locale="en"))
    async with browsing() as browser:
        context = await browser.new_context(java_script_enabled=False, locale="en")
        page = await context.new_page()
        await enter(page, world)
        await _rooms(page, world)
        await _customers(page, world)
        await _conflicts(page, world)
        await _alerts(page, world)
        await _audit(page, world)
    assert (await s.mentioning.binding(ROOM)).budget == 5
    assert [each.state for each in await s.alerts.about(HERO)].count("acknowledged") == 1


async def tabbed_to(page: Page, name: str, path: str = "") -> None:
    """By the key alone, as somebody without a pointer gets there; `path`: on the page of that address."""
    if path:
        await page.wait_for_url(f"**{path}*")
    for _ in range(80):
        await page.keyboard.press("Tab")
        focused = await page.evaluate("document.activeElement.innerText || document.activeElement.ariaLabel || ''")
        if str(focused).strip().startswith(name):
            return
    raise AssertionError(f"{name} is not reached")


async def _rooms(page: Page, world: World) -> None:
    await page.goto(f"{world.url}/console/rooms")
    await tabbed_to(page, "room r_partner")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Can I hear you").wait_for()
    await page.get_by_label("Cards an hour").focus()
    await page.keyboard.type("5")
    await page.keyboard.press("Enter")
    await page.get_by_text("It is set.").wait_for()


async def _customers(page: Page, world: World) -> None:
    await page.goto(f"{world.url}/console/customers")
    await page.get_by_label("Find a customer").focus()
    await page.keyboard.type("星医")
    await page.keyboard.press("Enter")
    await tabbed_to(page, "华星医疗", "/customers?q=")
    await page.keyboard.press("Enter")
    await tabbed_to(page, "Undo", "/customers/one?ref=")
    await page.keyboard.press("Enter")
    await page.get_by_text("It is taken back.").wait_for()


async def _conflicts(page: Page, world: World) -> None:
    await page.goto(f"{world.url}/console/conflicts")
    await tabbed_to(page, "Use this")
    await page.keyboard.press("Enter")
    await page.get_by_text("It is settled.").wait_for()


async def _alerts(page: Page, world: World) -> None:
    await page.goto(f"{world.url}/console/alerts")
    await page.get_by_label("Choose · ").first.focus()
    await page.keyboard.press("Space")
    await tabbed_to(page, "Acknowledge those chosen")
    await page.keyboard.press("Enter")
    await page.get_by_text("Acknowledged: 1.").wait_for()


async def _audit(page: Page, world: World) -> None:
    await page.goto(f"{world.url}/console/audit")
    await tabbed_to(page, "Verify the chain")
    await page.keyboard.press("Enter")
    await page.get_by_text("none altered, missing or reordered").wait_for()
