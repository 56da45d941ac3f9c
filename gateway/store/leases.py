"""What may exist once: held by one owner for a time, each new owner with a greater fence than the last."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from gateway.errors import Retry
from gateway.store import sql, upsert
from gateway.store.engine import Store
from gateway.store.tables_shared import lease

LONGEST_MS = 60_000
"""A lease that would last longer was written before the database's clock was set back: it holds no more."""


class Fenced(Retry):
    """Somebody else holds the lease meanwhile: nothing of this was written."""

    def __init__(self, name: str) -> None:
        super().__init__(1.0, f"another gateway has taken over {name}")


@dataclass(frozen=True, slots=True)
class Held:
    """A lease as its holder knows it."""

    name: str
    fence: int


@dataclass(frozen=True, slots=True)
class _Asked:
    name: str
    owner: str
    ttl_ms: int = 0
    fence: int = 0


class LeaseStore:
    """Times are the database's own: the gateways' clocks need not agree."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def take(self, name: str, owner: str, ttl_ms: int) -> int | None:
        """The fence when `owner` holds it now; None while another does. Taking again what one holds renews it."""
        return await self._store.write(_take, _Asked(name, owner, ttl_ms))

    async def renew(self, name: str, owner: str, fence: int, ttl_ms: int) -> bool:
        """False when it is another's: then stop at once. One that ran out and nobody took goes on."""
        return await self._store.write(_renew, _Asked(name, owner, ttl_ms, fence))

    async def release(self, name: str, owner: str, fence: int) -> None:
        """Whoever waits for it takes it at once."""
        await self._store.write(_release, _Asked(name, owner, 0, fence))


def guard(connection: Connection, name: str, fence: int) -> None:
    """Inside a write: raises `Fenced` unless this fence is the newest. Until the commit nobody else can take it."""
    query = f"SELECT fence FROM lease WHERE name = ?{sql.locked(connection)}"  # noqa: S608
    row = sql.first(connection, query, (name,))
    if row is None or row[0] != fence:
        raise Fenced(name)


def _now(connection: Connection) -> int:
    if connection.dialect.name == "postgresql":
        return int(sql.first(connection, "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")[0])
    return time.time_ns() // 1_000_000


def _take(connection: Connection, items: Sequence[_Asked]) -> list[int | None]:
    return [_take_one(connection, each) for each in items]


def _take_one(connection: Connection, asked: _Asked) -> int | None:
    upsert.add(connection, lease, {"name": asked.name, "owner": "", "fence": 0, "until": 0})
    row = connection.execute(select(lease).where(lease.c.name == asked.name).with_for_update()).one()
    now = _now(connection)
    mine = row.owner == asked.owner
    held = now < row.until <= now + LONGEST_MS
    if held and not mine:
        return None
    fence = int(row.fence) if mine and held else int(row.fence) + 1
    values = {"owner": asked.owner, "fence": fence, "until": now + asked.ttl_ms}
    connection.execute(update(lease).where(lease.c.name == asked.name).values(**values))
    return fence


def _renew(connection: Connection, items: Sequence[_Asked]) -> list[bool]:
    return [_set(connection, each, _now(connection) + each.ttl_ms) for each in items]


def _release(connection: Connection, items: Sequence[_Asked]) -> list[None]:
    for each in items:
        _set(connection, each, 0)
    return [None] * len(items)


def _set(connection: Connection, asked: _Asked, until: int) -> bool:
    ours = (lease.c.name == asked.name, lease.c.owner == asked.owner, lease.c.fence == asked.fence)
    return connection.execute(update(lease).where(*ours).values(until=until)).rowcount == 1
