"""Whatever swallows a cancellation, a gateway stops."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from gateway import ending
from gateway.ending import ended
from gateway.only import Only
from gateway.store.engine import Store
from gateway.store.leases import LeaseStore


async def deaf(swallowed: list[int]) -> None:
    """The first cancellation is lost, as in `asyncio.wait_for` of Python 3.11."""
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(3600)
    swallowed.append(1)
    await asyncio.sleep(3600)


async def fails() -> None:
    raise ValueError("broken before")


async def test_a_task_that_lost_its_cancellation_is_cancelled_again() -> None:
    swallowed = list[int]()
    tasks = [asyncio.create_task(work) for work in (deaf(swallowed), fails(), asyncio.sleep(3600))]
    await asyncio.sleep(0.01)
    async with asyncio.timeout(60):
        await ended(tasks, 0.01)
    assert all(task.done() for task in tasks)
    assert swallowed == [1]
    await ended(())


async def test_what_one_gateway_does_at_a_time_ends_and_gives_its_lease_free(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending.ended, "__defaults__", (0.01,))
    store = Store.open(store_url)
    leases, swallowed = LeaseStore(store), list[int]()
    only = Only(leases, "one")
    running = asyncio.create_task(only.run("sweep", lambda: deaf(swallowed)))
    async with asyncio.timeout(60):
        while "sweep" not in only.holding:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
        await ended((running,), 30.0)
    assert swallowed == [1]
    assert await leases.take("sweep", "two", 1000) is not None
    await store.close()
