"""The overview tells how far each source was read; an admin begins a new epoch of one that was set back."""

from __future__ import annotations

import re
from dataclasses import replace

from crm.model import RecordRef
from gateway.store.auditing import AuditStore
from gateway.sweep import native
from tests.gateway.http.test_console import Visitor
from tests.gateway.http.world import HERO, World

EPOCH = "/console/sources/epoch"


async def set_back(world: World) -> None:
    s = world.house.services
    there = await s.crms["local"].get(RecordRef.parse(HERO))
    world.clock.advance(5)
    told = await s.ledger.observe(replace(there, version=there.version - 1), native("local"), began=s.clock.now())
    assert told.rewound


async def test_it_is_told_and_a_press_begins_anew(world: World) -> None:
    async with Visitor(world) as admin:
        csrf = await admin.enter()
        page = (await admin.get("/console?lang=en"))[1]
        assert "How far each source was read" in page and "in order" in page and EPOCH not in page
        await set_back(world)
        page = (await admin.get("/console"))[1]
        assert "Records that were set back there: 1" in page and EPOCH in page
        assert "Begin a new epoch" in page
        status, page, _ = await admin.post(EPOCH, {"csrf": csrf, "source": "local"})
        assert status == 200 and "A new epoch has begun" in page and EPOCH not in page
        status, page, _ = await admin.post(EPOCH, {"csrf": csrf, "source": "local"})
        assert "Nothing was changed" in page
    noted = (await AuditStore(world.house.services.store, world.clock).latest(1))[0]
    assert (noted.what, noted.subject, noted.by, noted.facts["many"]) == ("new_epoch", "local", "p_zhaolei", 1)


async def test_it_wants_an_admin_a_form_and_a_sign_in_of_just_now(world: World) -> None:
    await set_back(world)
    async with Visitor(world) as manager:
        link = await world.tokens.login_link("p_wangmin")
        assert (await manager.post("/console/login", {"link": link}))[0] == 200
        page = (await manager.get("/console?lang=en"))[1]
        assert EPOCH not in page and "set back" in page
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
        assert found is not None
        csrf = found[1]
        assert (await manager.post(EPOCH, {"csrf": csrf, "source": "local"}))[0] == 403
    async with Visitor(world) as admin:
        csrf = await admin.enter()
        assert (await admin.post(EPOCH, {"source": "local"}))[0] == 403
        world.clock.advance(15 * 60)
        status, page, told = await admin.post(EPOCH, {"csrf": csrf, "source": "local"})
        assert re.search("/console/again", str(told.url)) and status == 200
    assert await world.house.services.ledger.rewound("local") == [HERO]
