"""A record that its CRM deleted, merged into another, and restored: edits like any other, of a field of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from crm.model import Record
from gateway.store.ledger import Observed, Snapshot
from reconcile.model import Json, MergePolicy
from reconcile.policy import LIFE
from tests.gateway.store.world import ACME, CRM, World, record

HELD = {"phone": "138 0013 8000", "tier": "gold"}


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    # the record's life is not for a person to decide, whatever is configured for all else
    opened = World.open(store_url, MergePolicy(mode="authoritative", authority=("web", "erp"), fallback="review"))
    await opened.ledger.observe(record(1, HELD), CRM)
    yield opened
    await opened.store.close()


def gone(version: int, into: str = "") -> Record:
    return replace(record(version, HELD), deleted=True, merged_into=into)


async def told(world: World, record: Record, began: int | None = None) -> Observed:
    return await world.ledger.observe(record, CRM, began=world.clock() if began is None else began)


async def life(world: World) -> list[Json]:
    return [row.edit.value for row in await world.ledger.history(ACME, LIFE)][::-1]


async def save(world: World, value: str) -> None:
    found = await world.ledger.state(ACME, "tier")
    await world.ledger.ingest(world.edit(value, name="tier", seen=found.heads if found else ()))


async def claimed(world: World) -> list[Json]:
    return [row.value for row in await world.ledger.claim("local", world.clock() + 1000)]


async def test_a_record_that_lives_needs_no_word_of_it(world: World) -> None:
    assert (await told(world, record(2, HELD))).life is None
    assert await life(world) == []


async def test_a_deletion_is_an_edit_with_a_decision_in_the_chain_and_changes_no_field(world: World) -> None:
    seen = await told(world, replace(gone(2), fields={}))
    assert seen.life is not None and seen.changed and seen.ingested == ()
    assert (seen.life.value, seen.life.reason, seen.life.conflict) == ("deleted", "causal", "none")
    assert len(await world.ledger.history(ACME, "tier")) == 1
    found = await world.ledger.decision(seen.life.decision.id)
    assert found is not None and found.decision.field == LIFE
    assert await world.ledger.verify() is None


async def test_told_again_it_is_no_news(world: World) -> None:
    assert (await told(world, gone(2))).life is not None
    for version in (2, 2, 3):
        assert (await told(world, gone(version))).life is None
    assert await life(world) == ["deleted"]


async def test_while_it_is_gone_nothing_is_claimed_and_what_waited_goes_out_when_it_is_back(world: World) -> None:
    await save(world, "silver")
    await told(world, gone(2))
    assert await claimed(world) == []
    await save(world, "bronze")
    assert await claimed(world) == []
    back = await told(world, record(3, HELD))
    assert back.life is not None and back.life.value == "live"
    assert await claimed(world) == ["bronze"]
    assert await life(world) == ["deleted", "live"]


async def test_a_write_that_was_on_its_way_waits_with_the_others(world: World) -> None:
    await save(world, "silver")
    (row,) = await world.ledger.claim("local", world.clock() + 1000)
    seen = await world.ledger.moved(row, Snapshot(gone(2), CRM))
    assert seen.life is not None and seen.life.value == "deleted"
    assert await claimed(world) == []
    await told(world, record(3, HELD))
    assert await claimed(world) == ["silver"]


async def test_a_deletion_is_heard_though_a_write_is_unanswered(world: World) -> None:
    await save(world, "silver")
    await world.ledger.claim("local", world.clock() + 1000)
    seen = await told(world, gone(2))
    assert seen.held and seen.life is not None


async def test_under_one_version_the_later_word_counts(world: World) -> None:
    await told(world, gone(1))
    await told(world, record(1, HELD))
    await told(world, gone(1))
    assert await life(world) == ["deleted", "live", "deleted"]


async def test_a_restored_one_told_before_its_deletion_stays_deleted(world: World) -> None:
    before = world.clock() - 1000
    await told(world, gone(5))
    assert (await told(world, record(3, HELD), began=before)).stale
    assert await life(world) == ["deleted"] and await claimed(world) == []
    # read after it, it is the newer word, whatever its version
    assert (await told(world, record(3, HELD))).life is not None
    assert await life(world) == ["deleted", "live"]


async def test_an_old_deletion_told_late_needs_a_look(world: World) -> None:
    await told(world, record(4, HELD))
    late = await told(world, gone(2), began=0)
    assert late.stale and late.life is None
    assert await life(world) == []


async def test_of_a_record_nobody_knew_nothing_is_kept(world: World) -> None:
    stranger = replace(gone(1), ref=replace(gone(1).ref, id="99"))
    assert await told(world, stranger) == Observed()


async def test_a_merge_names_the_other_and_is_worked_on_once(world: World) -> None:
    seen = await told(world, gone(2, into="7"))
    await told(world, gone(3, into="7"))
    assert seen.life is not None and seen.life.value == "merged_into local:account:7"
    rows = await world.store.read(
        lambda c: c.exec_driver_sql("SELECT kind FROM due WHERE substr(key, 1, 7) = 'merged:'").all()
    )
    assert len(rows) == 1


async def test_a_policy_is_no_business_of_a_records_life(world: World) -> None:
    assert world.ledger.policies.of("account", LIFE).name == "records"
    assert world.ledger.policies.of("account", f"{LIFE} erp").propose_only == ()
