"""The laboratory's pages in a real Chromium: looked at by axe, and used by keyboard alone and without scripts."""

from __future__ import annotations

import pytest

from tests.gateway.http.test_console_browser import LOOKS, _looked_at, browsing, enter
from tests.gateway.http.test_policies import CLOCK, disputed, second_admin, until
from tests.gateway.http.world import World

pytestmark = pytest.mark.browser


async def planned(world: World) -> str:
    await second_admin(world)
    await disputed(world)
    zhao = await world.client("operate", person="p_zhaolei")  # the demo's door lets in the other one
    begun = await zhao.post("policies/plans", CLOCK)
    await until(zhao, begun.body["id"], "planned")
    return str(begun.body["id"])


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
async def test_the_pages_are_readable_by_everybody(world: World, width: int, scheme: str) -> None:
    id_ = await planned(world)
    async with browsing() as browser:
        view = {"width": width, "height": 844}
        context = await browser.new_context(viewport=view, color_scheme=scheme, locale="zh-CN")  # type: ignore[arg-type]
        page, complaints = await context.new_page(), list[str]()
        page.on("console", lambda line: complaints.append(line.text))
        await enter(page, world)
        await page.goto(f"{world.url}/console/policies")
        await _looked_at(page, "policies")
        await page.goto(f"{world.url}/console/policies/{id_}")
        await _looked_at(page, "a change of policy")
        await page.locator('a[href*="/why/"]').first.click()
        await _looked_at(page, "a decision explained")
        assert not complaints, "the content security policy or a missing file"


async def test_the_keyboard_and_no_script_are_enough(world: World) -> None:
    id_ = await planned(world)
    async with browsing() as browser:
        context = await browser.new_context(java_script_enabled=False, locale="en")
        page = await context.new_page()
        await enter(page, world)
        await page.goto(f"{world.url}/console/policies/{id_}?lang=en")
        await page.get_by_role("textbox", name="Why; kept with every decision").focus()
        await page.keyboard.type("numbers were lost")
        await page.keyboard.press("Enter")
        await page.get_by_text("in force").first.wait_for()
    told = await until(await world.client("operate", person="p_zhaolei", name="z"), id_, "applied")
    assert told["reason"] == "numbers were lost" and told["approved_by"] == "p_noor"
