"""The master key is changed, also when it is broken off in between."""

from __future__ import annotations

import pytest

from gateway.errors import Misconfigured, Retry
from gateway.store import rotating
from gateway.store.rotating import Rotation
from gateway.store.vault import Vault
from reconcile.model import MergePolicy
from tests.gateway.store.outside import look
from tests.gateway.store.world import KEY, NOBODY, World

NEW = b"n" * 32


async def test_every_value_opens_with_the_new_key_after_a_break_in_between(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotating, "BATCH", 2)
    world = World.open(store_url, MergePolicy(mode="review"), NOBODY)
    await world.vault.check(world.store)
    for n in range(7):
        await world.ledger.ingest(world.edit(f"v{n}", record=f"local:account:{n}"))
    await world.ledger.erase("local:account:3")
    old, new = Vault(KEY), Vault(NEW)
    broken = Rotation(world.store, old, new, 1)
    assert await world.store.write(broken._begin, None)
    _, after = await world.store.write(broken._some, "")
    assert after == "local:account:1"  # and here it was killed
    for vault in (Vault(KEY), Vault(NEW)):
        with pytest.raises(Misconfigured):
            await vault.check(world.store)
    with pytest.raises(Misconfigured):
        await Rotation(world.store, Vault(b"x" * 32), Vault(b"y" * 32), 1).run()
    assert await Rotation(world.store, Vault(KEY), Vault(NEW), 1).run() == 4, "what was done is not done again"
    assert await Rotation(world.store, Vault(KEY), Vault(NEW), 1).run() == 0
    await Vault(NEW).check(world.store)
    with pytest.raises(Misconfigured):
        await Vault(KEY).check(world.store)
    opened = await world.store.read(
        lambda c: Vault(NEW).keys(c, [f"local:account:{n}" for n in range(7)], create=False)
    )
    assert len(opened) == 7
    world.ledger._vault = world.ledger._shared.vault = Vault(NEW)
    assert await world.ledger.verify() is None
    assert look(store_url, "SELECT count(*) FROM floatcard_meta WHERE key = 'vault_next'")[0] == 0
    await world.store.close()


async def test_a_gateway_that_ran_on_makes_no_key_that_nobody_could_open(store_url: str) -> None:
    world = World.open(store_url, MergePolicy(mode="review"), NOBODY)
    await world.vault.check(world.store)
    await world.ledger.ingest(world.edit("v", record="local:account:a"))
    rotation = Rotation(world.store, Vault(KEY), Vault(NEW), 1)
    assert await world.store.write(rotation._begin, None)
    for _ in range(2):  # while it is under way, and when it is done
        with pytest.raises(Retry, match="another master key"):
            await world.ledger.ingest(world.edit("v", record="local:account:new"))
        assert await rotation.run() in (0, 1)
    assert look(store_url, "SELECT count(*) FROM subject_key")[0] == 1
    await world.store.close()
