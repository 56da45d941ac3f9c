"""What channels keep: sealed, each its own, gone when its time is over."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from gateway.clock import ShiftedClock
from gateway.store.aging import AgingStore
from gateway.store.engine import Store
from gateway.store.kept import Kept
from gateway.store.tables_shared import kept
from gateway.store.vault import Vault

KEY = b"k" * 32


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    opened = Store.open(store_url)
    yield opened
    await opened.close()


async def test_what_is_kept_is_found_by_its_channel_alone_and_stands_nowhere_in_the_clear(store: Store) -> None:
    clock = ShiftedClock()
    vault = Vault(KEY)
    one, other = Kept(store, vault, clock, "one"), Kept(store, vault, clock, "other")
    await one.put("token/T1", "xoxb-秘密")
    await one.put("token/T2", "second")
    await one.put("token/T1", "xoxb-秘密 again")
    assert await one.get("token/T1") == "xoxb-秘密 again"
    assert await one.keys("token/") == ("token/T1", "token/T2")
    assert await other.get("token/T1") is None and await other.keys() == ()
    sealed = await store.read(lambda connection: connection.execute(select(kept.c.sealed)).scalars().all())
    assert all(b"xoxb" not in each and b"second" not in each for each in map(bytes, sealed))
    await one.drop("token/T1")
    assert await one.get("token/T1") is None
    assert await Kept(store, Vault(b"o" * 32), clock, "one").get("token/T2") is None


async def test_what_is_over_is_not_found_and_goes(store: Store) -> None:
    clock = ShiftedClock()
    here = Kept(store, Vault(KEY), clock, "one")
    await here.put("state/a", "x", until=clock.now() + 5_000)
    await here.put("state/b", "y")
    assert await here.get("state/a") == "x"
    clock.advance(6)
    assert await here.get("state/a") is None and await here.keys() == ("state/b",)
    assert await AgingStore(store).kept(clock.now() + 1) == 1
    assert await here.get("state/b") == "y"
