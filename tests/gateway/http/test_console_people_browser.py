"""One person's page in a real Chromium: looked at by axe, wide and narrow, light and dark, in both languages."""

from __future__ import annotations

import pytest

from gateway.store.devices import DeviceStore
from gateway.store.person_changes import PersonChanges
from tests.gateway.http.test_console_browser import LOOKS, browsing, enter
from tests.gateway.http.test_console_pages_browser import looked_at
from tests.gateway.http.test_console_people import twin
from tests.gateway.http.world import World

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
async def test_one_person_is_readable_by_everybody(world: World, width: int, scheme: str) -> None:
    s = world.house.services
    await twin(world)
    changes, devices = PersonChanges(s.store, s.people, s.clock), DeviceStore(s.store, s.people, s.clock)
    await changes.merge("p_liting", "p_twin", by="p_zhaolei")
    made = await devices.add("p_liting", "Till 3", frozenset({"read"}), by="p_zhaolei")
    await devices.bind(made.id, "ab" * 32, evidence="test", by="p_zhaolei")
    locale = "zh-CN" if width == 390 else "en"
    async with browsing() as browser:
        view = {"width": width, "height": 844}
        context = await browser.new_context(viewport=view, color_scheme=scheme, locale=locale)  # type: ignore[arg-type]
        page, complaints = await context.new_page(), list[str]()
        page.on("console", lambda line: complaints.append(line.text))
        await enter(page, world)
        await page.goto(f"{world.url}/console?lang={locale}")
        await looked_at(page, world, "identities/one?person=p_liting&other=p_chenwei", f"person-{width}-{scheme}")
        assert not complaints, "the content security policy or a missing file"
