"""A person's own sessions of the console: listed, ended one by one or all but this; nobody else's are touched."""

from __future__ import annotations

import re

from gateway.store.auditing import AuditStore
from identity.model import Person
from tests.gateway.http.test_console import Visitor
from tests.gateway.http.world import World


async def test_who_is_signed_in_thrice_sees_it_and_signs_out_everywhere_else(world: World) -> None:
    people = world.house.services.people
    await people.put(Person("p_audit", "Auditor", frozenset({"auditor"})))
    async with Visitor(world) as here, Visitor(world) as one, Visitor(world) as two, Visitor(world) as other:
        csrf = await here.enter()
        for visitor in (one, two):
            await visitor.enter()
        theirs = await other.enter("p_audit")
        page = (await here.get("/console/me?lang=en"))[1]
        ids = re.findall(r'name="session" value="(\w+)"', page)
        assert len(ids) == 2 and page.count("this one") == 1 and "Sign out everywhere else" in page
        assert not re.findall(r'name="session"', (await other.get("/console/me"))[1]), "nobody else's"
        await other.post("/console/me/end", {"csrf": theirs, "session": ids[0]})
        assert len(re.findall(r'name="session"', (await here.get("/console/me"))[1])) == 2
        assert (
            "Sessions that are ended: 1" in (await here.post("/console/me/end", {"csrf": csrf, "session": ids[0]}))[1]
        )
        assert "Sessions that are ended: 1" in (await here.post("/console/me/end", {"csrf": csrf}))[1]
        for visitor in (one, two):
            assert (await visitor.get("/console/identities"))[2].url.path == "/console"
        for visitor in (here, other):
            assert (await visitor.get("/console/identities"))[2].url.path == "/console/identities"
        assert "Nothing was changed" in (await here.post("/console/me/end", {"csrf": csrf}))[1]
    noted = await AuditStore(world.house.services.store, world.clock).latest(50)
    assert [(each.by, each.facts) for each in noted if each.what == "signed_out"] == [("p_zhaolei", {"many": 1})] * 2


async def test_a_session_that_ended_by_itself_is_not_listed(world: World) -> None:
    async with Visitor(world) as here, Visitor(world) as left:
        await left.enter()
        world.clock.advance(60)
        await here.enter()
        page = (await here.get("/console/me"))[1]
        assert 'name="session"' in page
        world.clock.advance(3600 * 11)
        await here.enter()
        assert 'name="session"' not in (await here.get("/console/me"))[1]
