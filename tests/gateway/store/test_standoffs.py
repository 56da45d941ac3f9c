"""A CRM that holds something else than what stands, and nothing is to be sent all the same."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.store.ledger import OutboxRow
from reconcile.model import MergePolicy, Source
from tests.gateway.store.world import ACME, CRM, NOBODY, World, record

OURS = MergePolicy(mode="authoritative", authority=("web",), fallback="review")
ERP = Source("erp", "ERP")


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    """Only what is edited on cards counts; the CRM was read once."""
    opened = World.open(store_url, OURS)
    await opened.ledger.observe(record(1, {"tier": "gold"}), CRM)
    yield opened
    await opened.store.close()


async def due(world: World) -> list[OutboxRow]:
    return await world.ledger.claim("local", world.clock() + 10**9)


async def heads(world: World) -> tuple[str, ...]:
    state = await world.ledger.state(ACME, "tier")
    assert state is not None
    return state.heads


async def test_while_people_must_decide_a_crm_that_changed_is_left_alone(world: World) -> None:
    await world.ledger.ingest(world.edit("silver", name="tier"))
    await world.ledger.answered((await due(world))[0], 2)
    await world.ledger.ingest(world.edit("iron", name="tier", who="p2"))
    assert len(await world.ledger.conflicts()) == 1
    await world.ledger.observe(record(3, {"tier": "lead"}), CRM)
    assert await due(world) == []
    await world.ledger.ingest(world.edit("iron", name="tier", kind="resolve", seen=await heads(world)))
    assert [row.value for row in await due(world)] == ["iron"]


async def test_a_refused_value_is_not_sent_again_because_the_crm_changed(world: World) -> None:
    await world.ledger.ingest(world.edit("silver", name="tier"))
    await world.ledger.refused((await due(world))[0], "read only there")
    await world.ledger.observe(record(2, {"tier": "lead"}), CRM)
    assert await due(world) == []
    state = await world.ledger.state(ACME, "tier")
    assert state is not None
    assert (state.value, state.write) == ("silver", "refused")


async def test_a_stream_has_seen_what_it_said_itself(store_url: str) -> None:
    """Not what came after it elsewhere: its unchanged value gives way to the change, without a conflict."""
    world = World.open(store_url, MergePolicy(mode="review"), NOBODY)
    first = await world.ledger.ingest(world.edit("x", source=ERP, stream="erp", watermark=1))
    changed = await world.ledger.ingest(world.edit("y", seen=first.heads))
    again = await world.ledger.ingest(world.edit("x", source=ERP, stream="erp", watermark=2))
    assert (again.reason, again.winner, again.conflict) == ("three_way", changed.edit_id, "none")
    await world.store.close()
