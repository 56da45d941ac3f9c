"""`floatcard replay`: jobs that were set aside, listed and taken up again, while a gateway runs or not."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from gateway.bus.embedded import EmbeddedBus
from gateway.bus.model import Bus
from gateway.clock import SystemClock
from gateway.config import load
from gateway.parked import Parked, listed
from gateway.store.engine import Store
from gateway.store.jobs import JobStore


@contextlib.asynccontextmanager
async def _queue(config: Path) -> AsyncIterator[Bus]:
    """Not started: nothing is handed to us. Raises `Misconfigured`."""
    loaded = load(config)
    if loaded.bus != "store:":
        from gateway.bus.redis import RedisBus  # its client is loaded only where it is used

        bus = await RedisBus.open(loaded.bus, loaded.deployment, SystemClock())
        try:
            yield bus
        finally:
            await bus.close()
        return
    store = Store.open(loaded.store)
    try:
        yield EmbeddedBus(JobStore(store), SystemClock())
    finally:
        await store.close()


async def list_parked(config: Path) -> list[str]:
    """A line for each, under a line of headings; empty when there is none."""
    async with _queue(config) as bus:
        rows = await listed(bus)
    return list(_lines(rows)) if rows else []


def _lines(rows: Sequence[Parked]) -> Iterable[str]:
    wide = max(len(str(each.id)) for each in rows)
    yield f"{'id':<{wide}}  {'topic':<10}  {'lane':<8}  tries  {'parked':<20}  why"
    for each in rows:
        at = datetime.fromtimestamp(each.at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        yield f"{each.id:<{wide}}  {each.topic:<10}  {each.lane:<8}  {each.tries:>5}  {at:<20}  {each.why}"


async def replay(config: Path, ids: Sequence[int] | None) -> tuple[int, list[int]]:
    """How many are taken up again, and which of `ids` are not parked. None: all of them."""
    async with _queue(config) as bus:
        there = {each.id for each in await listed(bus)}
        return await bus.replay(None if ids is None else list(ids)), [each for each in ids or () if each not in there]
