"""An edit and what another gateway does to the same customer meanwhile, on PostgreSQL: whoever waits for a row finds it
as it became."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection

from gateway.clock import SystemClock
from gateway.lab.laboratory import make_plan
from gateway.store import policy_changes, sql
from gateway.store.connect import address, writing
from gateway.store.erasing import EraseStore
from gateway.store.ledger import outbox
from gateway.store.ledger.batch import Batch, item
from gateway.store.mirror import MirrorStore
from gateway.store.policy_changes import PolicyChange, PolicyChanges
from reconcile.chain import shard_of
from reconcile.model import MergePolicy
from reconcile.policy import Policies
from tests.engines.postgresql import Postgresql
from tests.gateway.lab.seeded import propose
from tests.gateway.store.world import ACME, CRM, KEY, World, record

PHONE = MergePolicy(mode="master_wins", master="local", normaliser="phone:CN")
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@pytest.fixture
async def world(postgresql_url: str) -> AsyncIterator[World]:
    it = World.open(postgresql_url, Policies(fields={"phone": PHONE}))
    yield it
    await it.store.close()


@contextmanager
def another(url: str) -> Iterator[Connection]:
    """The other gateway's line."""
    engine = writing(address(url))
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


async def waits(world: World) -> None:
    """Until somebody waits for a row of another's."""
    async with asyncio.timeout(30):
        while not (await world.store.read(lambda connection: sql.ask(connection, WAITS)))[0][0]:
            await asyncio.sleep(0.01)


async def save(world: World, value: str) -> None:
    field = await world.ledger.state(ACME, "phone")
    assert field is not None
    await world.ledger.ingest(world.edit(value, seen=field.heads))


async def meanwhile(world: World, url: str, act: Callable[[Connection], object], value: str) -> object:
    """What `act` made in a transaction of another gateway's, which was open when `value` was saved here."""
    with another(url) as line:
        began = line.begin()
        made = act(line)
        saving = asyncio.create_task(save(world, value))
        await waits(world)
        began.commit()
        await saving
    return made


async def writes(world: World) -> list[str]:
    query = "SELECT state FROM outbox ORDER BY id"
    return [row[0] for row in await world.store.read(lambda connection: sql.ask(connection, query))]


async def begun(world: World) -> None:
    await world.ledger.observe(record(1, {"phone": "138 0013 8000"}), CRM)
    await save(world, "139 0000 0001")
    assert await writes(world) == ["waiting"]


async def test_a_write_that_is_claimed_meanwhile_is_not_queued_again(world: World, postgresql_url: str) -> None:
    await begun(world)

    def claim(line: Connection) -> object:
        return outbox.claim(world.ledger._shared, line, "local", world.clock(), 16)

    await meanwhile(world, postgresql_url, claim, "139 0000 0001")
    assert await writes(world) == ["sent"]


async def test_a_value_put_back_while_the_other_is_claimed_is_queued_behind_it(
    world: World, postgresql_url: str
) -> None:
    await begun(world)

    def claim(line: Connection) -> object:
        return outbox.claim(world.ledger._shared, line, "local", world.clock(), 16)

    await meanwhile(world, postgresql_url, claim, "138 0013 8000")
    assert await writes(world) == ["sent", "waiting"]


async def test_a_write_that_is_handed_back_meanwhile_is_ended_by_a_newer_one(world: World, postgresql_url: str) -> None:
    await begun(world)
    row = (await world.ledger.claim("local", world.clock()))[0]

    def later(line: Connection) -> object:
        outbox.later(line, row, world.clock(), 5.0, "tired")
        return None

    await meanwhile(world, postgresql_url, later, "139 0000 0002")
    assert sorted(await writes(world)) == ["superseded", "waiting"]


async def test_a_new_customers_key_is_made_before_the_heads_are_locked(
    world: World, postgresql: Postgresql, postgresql_url: str
) -> None:
    """Another gateway that made the key already, in a transaction that goes on to edit, is waited for by nobody who
    holds what it needs."""
    shards = world.ledger._shared.shards
    new = "local:account:new"
    known = next(ref for n in range(999) if shard_of(ref := f"local:account:k{n}", shards) == shard_of(new, shards))
    await world.ledger.ingest(world.edit("x", record=known))
    before = postgresql.run("SELECT sum(deadlocks) FROM pg_stat_database")
    with another(postgresql_url) as line:
        began = line.begin()
        world.vault.keys(line, [new])
        ours = asyncio.create_task(world.ledger.ingest(world.edit("1", record=new)))
        await waits(world)

        def rest() -> None:
            Batch(world.ledger._shared, line, world.clock()).lock([(known, "phone")])
            began.commit()

        await asyncio.to_thread(rest)
        await ours
    await asyncio.sleep(0)
    assert postgresql.run("SELECT sum(deadlocks) FROM pg_stat_database") == before


async def planned(world: World, url: str) -> PolicyChange:
    change = await propose(world, ("phone",), {"mode": "last_writer_wins"})
    assert await make_plan(world.store, KEY, change, processes=1) is not None
    return change


def approve(change: PolicyChange, now: int) -> Callable[[Connection], object]:
    return lambda line: policy_changes._approve_one(line, change.id, "p_zhao", "numbers were lost", False, now)


async def ruled(world: World) -> str:
    query = "SELECT policy_hash FROM field_state WHERE field = 'phone'"
    return str((await world.store.read(lambda connection: sql.ask(connection, query)))[0][0])


async def test_an_edit_beside_an_approval_is_decided_by_what_rules_by_then(world: World, postgresql_url: str) -> None:
    await begun(world)
    change = await planned(world, postgresql_url)
    assert await ruled(world) not in change.hashes
    await meanwhile(world, postgresql_url, approve(change, world.clock()), "139 0000 0002")
    assert await ruled(world) in change.hashes


async def test_an_approval_waits_for_what_is_decided_by_the_policy_of_before(world: World, postgresql_url: str) -> None:
    """Else it would be decided by that, and nobody look at it again."""
    await begun(world)
    change = await planned(world, postgresql_url)
    with another(postgresql_url) as line:
        began = line.begin()
        world.ledger._batch(line)
        approving = asyncio.create_task(
            PolicyChanges(world.store).approve(change.id, "p_zhao", "numbers were lost", False, world.clock())
        )
        await waits(world)
        began.commit()
        assert (await approving).state == "applying"


async def test_an_erasing_waits_for_what_is_decided_and_takes_it_along(world: World, postgresql_url: str) -> None:
    """And counts it, however much was counted before."""
    await begun(world)
    with another(postgresql_url) as line:
        began = line.begin()
        world.ledger._ingest(line, [[item(world.edit("139 0000 0002"))]])
        erasing = asyncio.create_task(EraseStore(world.store, world.vault, SystemClock()).erase(ACME, "p_admin"))
        await waits(world)
        began.commit()
        weight = await erasing
    assert weight is not None and (weight.values, weight.edits, weight.conflicts) == (3, 3, 1)
    assert set(await writes(world)) == {"superseded"}


async def test_what_a_crm_said_before_an_erasing_does_not_come_after_it(world: World, postgresql_url: str) -> None:
    mirror = MirrorStore(world.store, world.vault)
    await begun(world)
    with another(postgresql_url) as line:
        began = line.begin()
        mirror._put(line, [(record(2, {"phone": "138 0013 8000"}), world.clock)])
        erasing = asyncio.create_task(EraseStore(world.store, world.vault, SystemClock()).erase(ACME, "p_admin"))
        await waits(world)
        began.commit()
        await erasing
    assert [deleted for _, _, deleted in await mirror.since(0)] == [True]
