"""The database's clock, which several gateways follow: what one stamps another compares with its own time."""

from __future__ import annotations

import time

from sqlalchemy import Connection

from gateway.clock import Clock, SystemClock
from gateway.store import sql
from gateway.store.engine import Store

CLOSE_NS = 250_000_000
"""An answer that was on its way for longer tells too little; the next one is awaited."""
_QUERY = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"


async def follow(store: Store, clock: Clock, *, first: bool = False) -> None:
    """PostgreSQL alone is shared and has a clock of its own. `first`: whatever comes is better than the system's.

    Raises `Retry` while the database is away; the clock goes on without it.
    """
    if not isinstance(clock, SystemClock) or store.url.get_backend_name() != "postgresql":
        return
    told, began, ended = await store.read(_asked)
    if first or ended - began <= CLOSE_NS:
        clock.follow(told * 1_000, (began + ended) // 2)


def _asked(connection: Connection) -> tuple[int, int, int]:
    """In the reader's thread, so that waiting for a connection is no part of it."""
    began = time.monotonic_ns()
    told = int(sql.first(connection, _QUERY)[0])
    return told, began, time.monotonic_ns()


async def told_clock(store: Store, bus: str) -> SystemClock:
    """Of a command, beside gateways that may run. `bus`: as configured; with a queue in the store there is one gateway,
    and it goes by the system's time."""
    clock = SystemClock()
    if bus != "store:":
        await follow(store, clock, first=True)
    return clock
