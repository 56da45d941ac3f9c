"""What the console tells of a customer that its CRM merged into another, and how its proposals are taken."""

from __future__ import annotations

from dataclasses import replace

from crm.model import RecordRef
from gateway.handlers import merged
from gateway.sweep import native, take
from gateway.turn import new_trail
from tests.gateway.http.test_console import Visitor
from tests.gateway.http.test_console_mentions import entered
from tests.gateway.http.test_console_pages import edited, hidden, page
from tests.gateway.http.test_policies import ONE
from tests.gateway.http.world import HERO, World


async def merge(world: World, heir: str) -> None:
    s, spine = world.house.services, world.house.spine
    crm = s.crms["local"]
    before = await crm.get(RecordRef.parse(HERO))
    after = replace(before, deleted=True, merged_into=RecordRef.parse(heir).id, version=before.version + 1)
    trail = new_trail("")
    told = await s.ledger.observe(after, native("local"), began=s.clock.now(), trace=trail.turn)
    await take(s, spine, before, after, told, trail)
    await merged.propose(s, HERO, heir, trail)


async def other(world: World) -> str:
    keys = await world.house.services.mirror.keys("", 50)
    return next(key for key in keys if key != HERO)


async def test_its_page_says_what_became_of_it_and_leads_to_the_other(world: World) -> None:
    heir = await other(world)
    await merge(world, heir)
    async with Visitor(world) as visitor:
        await entered(visitor)
        told = await page(visitor, f"customers/one?ref={HERO}")
        assert "Merged into another customer in the CRM: read only" in told
        assert "[CRM] merged it into another" in told and "In its CRM" in told
        assert "The customer it became" in told
        assert "customers/undo" not in told, "nothing of it is undone"


async def test_what_is_deleted_is_refused_with_what_to_do(world: World) -> None:
    s = world.house.services
    await edited(world, "phone", ONE)
    async with Visitor(world) as visitor:
        await entered(visitor)
        sent = hidden((await visitor.get(f"/console/customers/one?ref={HERO}"))[1], "customers/undo")
        await merge(world, await other(world))
        status, told, _ = await visitor.post("/console/customers/undo", sent)
        assert status == 409 and "Restore it there before you change it." in told
    assert (await s.ledger.state(HERO, "phone")).value == ONE  # type: ignore[union-attr]


async def test_a_proposal_is_taken_there_once(world: World) -> None:
    heir = await other(world)
    await edited(world, "phone", ONE)
    await merge(world, heir)
    s = world.house.services
    state = await s.ledger.state(heir, "phone")
    assert state is not None and [each.value for each in state.proposed] == [ONE]
    async with Visitor(world) as visitor:
        await entered(visitor)
        raw = (await visitor.get(f"/console/customers/one?ref={heir}"))[1]
        where = raw.index(ONE)
        sent = hidden(raw[where:], "customers/take")
        assert sent["field"] == "phone"
        assert "It is settled." in await page(visitor, "customers/take", **sent)
        state = await s.ledger.state(heir, "phone")
        assert state is not None and state.value == ONE and state.proposed == () and state.conflict is None
        status, told, _ = await visitor.post("/console/customers/take", sent)
        assert status == 409 and "decided already" in told
        forged = {**sent, "data": sent["data"][:-2] + "xx"}
        assert (await visitor.post("/console/customers/take", forged))[0] == 403
