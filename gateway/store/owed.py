"""What was put off under pressure and has to be made good: a repaint, an alert. One row, however often it came."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from gateway.bus.model import Job
from gateway.store import upsert
from gateway.store.engine import Store
from gateway.store.tables_app import owed


@dataclass(frozen=True, slots=True)
class Owed:
    key: str
    topic: str
    lane: str
    body: bytes
    at: int

    @property
    def job(self) -> Job:
        """The same name each time it is published for this one debt."""
        return Job(self.topic, self.lane, f"{self.topic}:owed:{self.key}:{self.at}", self.body)


def debt(job: Job, at: int) -> Owed:
    key = hashlib.blake2b(job.topic.encode() + b"\0" + job.body, digest_size=16).hexdigest()
    return Owed(key, job.topic, job.lane, job.body, at)


class OwedStore:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(self, one: Owed) -> None:
        await self._store.write(_put, one)

    async def oldest(self, topics: Collection[str], limit: int) -> list[Owed]:
        query = select(owed).where(owed.c.topic.in_(topics)).order_by(owed.c.at, owed.c.key).limit(limit)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return [Owed(row.key, row.topic, row.lane, row.body, row.at) for row in rows]

    async def paid(self, one: Owed) -> None:
        """Removes it, unless it was put off anew meanwhile."""
        await self._store.write(_paid, one)


def _put(connection: Connection, items: Sequence[Owed]) -> list[None]:
    rows = [
        {"key": each.key, "topic": each.topic, "lane": each.lane, "body": each.body, "at": each.at} for each in items
    ]
    upsert.put(connection, owed, rows)
    return [None] * len(items)


def _paid(connection: Connection, items: Sequence[Owed]) -> list[None]:
    for each in items:
        connection.execute(delete(owed).where(owed.c.key == each.key, owed.c.at == each.at))
    return [None] * len(items)
