"""Due times are rows, taken under a lease: a snooze, a card's lease, a conflict's reminder survive a restart."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, or_, select, update

from gateway.store import upsert
from gateway.store.engine import Store
from gateway.store.tables_app import due
from reconcile.model import Json

LEASE_MS = 60_000
HELD = "held"
"""A record that is read by itself."""
REDRAW = "redraw"
"""The one kind that takes longer than a lease."""
LONGEST_MS = 2 * LEASE_MS
"""A lease that would last longer was written before the clock was set back: it holds no more."""


@dataclass(frozen=True, slots=True)
class Due:
    key: str
    kind: str
    at: int
    payload: dict[str, Json]


class DueStore:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(self, item: Due) -> None:
        """Sets the one due time of this key; an earlier one is replaced."""
        await self._store.write(_put, item)

    async def add(self, item: Due) -> bool:
        """Unless this key has a due time; whether it was set."""
        return await self._store.write(_add, item)

    async def cancel(self, key: str) -> None:
        await self._store.write(_cancel, key)

    async def take(self, now: int, limit: int = 100, *, slow: bool = False) -> list[Due]:
        """What is due and nobody holds, leased for a minute. `slow`: of what a CRM is asked for, which is taken by
        itself, so that no burst of it is before the rest."""
        return await self._store.write(_take, (now, limit, slow))

    async def done(self, item: Due) -> None:
        """Removes it, unless it was set anew meanwhile."""
        await self._store.write(_done, item)

    async def next_at(self) -> int | None:
        return await self._store.read(lambda connection: connection.execute(select(func.min(due.c.at))).scalar())


def _put(connection: Connection, items: Sequence[Due]) -> list[None]:
    upsert.put(connection, due, [_row(each) for each in items])
    return [None] * len(items)


def _add(connection: Connection, items: Sequence[Due]) -> list[bool]:
    return [upsert.add(connection, due, _row(each)) for each in items]


def _row(each: Due) -> dict[str, Any]:
    return {"key": each.key, "kind": each.kind, "at": each.at, "payload": json.dumps(each.payload), "leased_until": 0}


def _cancel(connection: Connection, keys: Sequence[str]) -> list[None]:
    connection.execute(delete(due).where(due.c.key.in_(keys)))
    return [None] * len(keys)


def _take(connection: Connection, items: Sequence[tuple[int, int, bool]]) -> list[list[Due]]:
    return [_take_one(connection, *each) for each in items]


def _take_one(connection: Connection, now: int, limit: int, slow: bool) -> list[Due]:
    free = or_(due.c.leased_until <= now, due.c.leased_until > now + LONGEST_MS)
    kind = due.c.kind == HELD if slow else due.c.kind != HELD
    ripe = select(due).where(due.c.at <= now, free, kind).order_by(due.c.at, due.c.key).limit(limit)
    rows = connection.execute(ripe.with_for_update(skip_locked=True)).all()
    keys = [row.key for row in rows]
    connection.execute(update(due).where(due.c.key.in_(keys)).values(leased_until=now + LEASE_MS))
    return [Due(row.key, row.kind, row.at, json.loads(row.payload)) for row in rows]


def _done(connection: Connection, items: Sequence[Due]) -> list[None]:
    for each in items:
        # what was set anew meanwhile, were it for the same time, is held by nobody
        same = (due.c.key == each.key, due.c.at == each.at, due.c.leased_until > 0)
        connection.execute(delete(due).where(*same))
    return [None] * len(items)
