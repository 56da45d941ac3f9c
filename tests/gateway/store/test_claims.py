"""A write that one gateway claims while another decides the next edit: it is under way, and stays known to be."""

from __future__ import annotations

import asyncio

import psycopg

from crm.model import GATEWAY
from tests.gateway.store.test_writeback import save
from tests.gateway.store.world import ACME, CRM, World, record


async def test_a_write_claimed_while_the_next_edit_is_decided_is_not_called_off(postgresql_url: str) -> None:
    world = World.open(postgresql_url)
    await world.ledger.observe(record(1, {"tier": "gold"}), CRM)
    await save(world, "silver", "tier")
    with psycopg.connect(postgresql_url) as other, psycopg.connect(postgresql_url, autocommit=True) as looker:
        claim = "UPDATE outbox SET state = 'sent', tries = 1, precondition = 1, lease = %s, owner = 'b'"
        other.execute(claim, (world.clock.at + 60_000,))
        deciding = asyncio.create_task(save(world, "iron", "tier"))
        while not looker.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall():
            assert not deciding.done(), "it waits for the claim to be seen"
            await asyncio.sleep(0.01)
        other.commit()
        await deciding
        assert looker.execute("SELECT state FROM outbox ORDER BY id").fetchall() == [("sent",), ("waiting",)]
    # The other gateway wrote, and died: what the CRM shows now is an echo, and no change of its own.
    seen = await world.ledger.observe(record(2, {"tier": "silver"}, by=GATEWAY), CRM)
    assert seen.held
    state = await world.ledger.state(ACME, "tier")
    assert state is not None and state.value == "iron"
    await world.store.close()
