"""How far each source was read: what comes late, what was set back, and where a new epoch begins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from gateway.store.ledger import Observed
from reconcile.model import MergePolicy
from tests.gateway.store import oracle
from tests.gateway.store.world import ACME, CRM, World, record

LATEST = MergePolicy(mode="last_writer_wins")


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    opened = World.open(store_url, LATEST)
    yield opened
    await opened.store.close()


async def read(world: World, version: int, value: str, *, began: int | None = None) -> Observed:
    """A read of its own, begun now; or what was on its way (`began` 0)."""
    at = world.clock() if began is None else began
    return await world.ledger.observe(record(version, {"phone": value}), CRM, began=at)


async def value(world: World) -> object:
    found = await world.ledger.state(ACME, "phone")
    return found.value if found is not None else None


async def test_what_comes_late_is_no_edit_and_no_alarm(world: World) -> None:
    await read(world, 5, "five")
    assert await read(world, 4, "four", began=0) == Observed(stale=True)
    assert (await value(world), await world.ledger.rewound("local")) == ("five", [])


async def test_a_read_that_began_before_a_later_version_was_told_is_late(world: World) -> None:
    began = world.clock()
    await read(world, 5, "five", began=0)
    assert await read(world, 4, "four", began=began) == Observed(stale=True)


async def test_a_record_that_is_read_to_be_older_was_set_back_and_is_set_aside(world: World) -> None:
    await read(world, 5, "five")
    assert await read(world, 3, "three") == Observed(stale=True, rewound=True)
    assert await read(world, 4, "four", began=0) == Observed(stale=True, rewound=True), "until somebody says so"
    assert (await value(world), await world.ledger.rewound("local")) == ("five", [ACME])
    await read(world, 5, "five")
    assert await world.ledger.rewound("local") == [], "a copy of it that lagged behind was read"
    await read(world, 3, "three")
    await read(world, 6, "six")
    assert (await value(world), await world.ledger.rewound("local")) == ("six", []), "it has overtaken itself"


async def test_a_new_epoch_begins_on_top_of_what_was_known(world: World) -> None:
    await read(world, 5, "five")
    await read(world, 2, "two")
    assert await world.ledger.new_epoch("local") == [ACME]
    assert await world.ledger.new_epoch("local") == []
    done = await read(world, 2, "two")
    assert [each.reason for each in done.ingested] == ["causal"] and await value(world) == "two"
    await read(world, 3, "three")
    assert await value(world) == "three"
    assert (await read(world, 2, "two", began=0)).stale
    assert (await read(world, 1, "one")).rewound, "and it can be set back again"
    assert await world.ledger.new_epoch("local") == [ACME]
    await read(world, 1, "one")
    assert await value(world) == "one"
    rows = await world.ledger.history(ACME, "phone")
    assert [row.edit.value for row in rows] == ["one", "three", "two", "five"]
    await world.store.read(lambda c: oracle.check(c, world.vault, ACME, "phone", LATEST))
    assert await world.ledger.verify() is None


async def test_what_we_write_after_a_new_epoch_goes_under_its_versions(world: World) -> None:
    await read(world, 5, "five")
    await read(world, 2, "two")
    await world.ledger.new_epoch("local")
    await read(world, 2, "two")
    heads = (await world.ledger.states(ACME))["phone"].heads
    await world.ledger.ingest(world.edit("ours", name="phone", seen=heads))
    (row,) = await world.ledger.claim("local", world.clock())
    assert row.precondition == 2
    await world.ledger.answered(row, 3)
    heads = (await world.ledger.states(ACME))["phone"].heads
    await world.ledger.ingest(world.edit("ours too", name="phone", seen=heads))
    (row,) = await world.ledger.claim("local", world.clock())
    assert row.precondition == 3, "the old epoch went further, and is over"
    await world.ledger.answered(row, 4)
    assert await read(world, 4, "ours too") == Observed(lag=None)
    assert (await value(world), await world.ledger.rewound("local")) == ("ours too", [])


async def test_the_lag_is_of_news_alone(world: World) -> None:
    first = await world.ledger.observe(record(1, {"phone": "one"}), CRM)
    assert first.lag is None, "how old it is when it is first read says nothing"
    at = world.clock()
    told = await world.ledger.observe(replace(record(2, {"phone": "two"}), modified=at - 4000), CRM)
    assert told.lag is not None and 4000 <= told.lag < 5000
    again = await world.ledger.observe(replace(record(2, {"phone": "two"}), modified=at - 4000), CRM)
    assert again.lag is None
