"""The embedded bus's tables: waiting jobs, and the names of those seen."""

from __future__ import annotations

import hashlib
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, delete, func, select, update

from gateway.bus.model import Delivery, Job
from gateway.store import enqueue
from gateway.store.engine import Store
from gateway.store.tables_app import job, seen

_LONGEST = 400
BATCH = 500
"""Rows removed in one transaction: nobody waits long behind it."""


class JobStore:
    """A lane's or a job's name that a column cannot hold is kept as its digest: equal names stay equal."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, new: Job, at: int) -> Coroutine[Any, Any, int | None]:
        """The job's id; None when its `once` was seen before and nothing was added."""
        return self._store.write(enqueue.publish, (_named(new), at))

    async def ready(self) -> list[Delivery]:
        return await self._store.read(_ready)

    async def written(self) -> list[Delivery]:
        """As `ready`, once everything is written that was given to the writer before."""
        return await self._store.write(_written, None)

    def remove(self, id_: int) -> Coroutine[Any, Any, None]:
        return self._store.write(enqueue.remove, id_)

    async def begun(self, id_: int, starts: int) -> None:
        await self._store.write(_begun, (id_, starts))

    async def tried(self, id_: int, tries: int) -> None:
        await self._store.write(_tried, (id_, tries))

    async def park(self, id_: int, why: str, at: int) -> None:
        await self._store.write(_park, (id_, why[:2000], at))

    async def again(self, ids: Sequence[int] | None) -> list[Delivery]:
        """Marks parked jobs (all of them without `ids`) to be taken up by whoever works on the queue."""
        return await self._store.write(_again, None if ids is None else tuple(ids))

    async def take_again(self) -> list[Delivery]:
        """Those that were marked, in order; they are ready now."""
        if not await self._store.read(lambda connection: connection.execute(_MARKED.limit(1)).first()):
            return []
        return await self._store.write(_take_again, None)

    async def parked(self, after: int = 0, limit: int | None = None) -> list[tuple[Delivery, str]]:
        return await self._store.read(lambda connection: _parked(connection, job.c.id > after, limit=limit))

    async def aside(self) -> tuple[int, int | None]:
        query = select(func.count(), func.min(job.c.at)).where(job.c.state == "parked")
        count, oldest = await self._store.read(lambda connection: connection.execute(query).one())
        return int(count), oldest

    async def discard(self, before: int) -> int:
        """Some of the parked ones; 0 when there is none left."""
        return await self._store.write(_discard, before)

    async def forget(self, before: int) -> int:
        """Some of the names; 0 when there is none left."""
        return await self._store.write(_forget, before)


def _named(job_: Job) -> Job:
    lane, once = _name(job_.lane), _name(job_.once)
    return job_ if (lane, once) == (job_.lane, job_.once) else replace(job_, lane=lane, once=once)


def _name(text: str) -> str:
    if text.isascii() and len(text) <= _LONGEST and "\0" not in text:
        return text
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) <= _LONGEST and b"\0" not in raw and not any("\ud800" <= each <= "\udfff" for each in text):
        return text
    return f"#{hashlib.blake2b(raw, digest_size=24).hexdigest()}"


def _delivery(row: Any) -> Delivery:
    return Delivery(row.id, Job(row.topic, row.lane, row.once, row.body), row.tries, starts=row.starts, at=row.at)


def _ready(connection: Connection) -> list[Delivery]:
    rows = connection.execute(select(job).where(job.c.state == "ready").order_by(job.c.id))
    return [_delivery(row) for row in rows]


def _written(connection: Connection, items: Sequence[None]) -> list[list[Delivery]]:
    return [_ready(connection)] * len(items)


def _parked(
    connection: Connection, *those: ColumnElement[bool], limit: int | None = None
) -> list[tuple[Delivery, str]]:
    rows = connection.execute(select(job).where(job.c.state == "parked", *those).order_by(job.c.id).limit(limit))
    return [(_delivery(row), row.why) for row in rows]


def _begun(connection: Connection, items: Sequence[tuple[int, int]]) -> list[None]:
    for id_, starts in items:
        connection.execute(update(job).where(job.c.id == id_).values(starts=starts))
    return [None] * len(items)


def _tried(connection: Connection, items: Sequence[tuple[int, int]]) -> list[None]:
    for id_, tries in items:
        connection.execute(update(job).where(job.c.id == id_).values(tries=tries, starts=0))
    return [None] * len(items)


def _park(connection: Connection, items: Sequence[tuple[int, str, int]]) -> list[None]:
    for id_, why, at in items:
        connection.execute(update(job).where(job.c.id == id_).values(state="parked", why=why, at=at))
    return [None] * len(items)


_MARKED = select(job).where(job.c.state == "again").order_by(job.c.id)


def _again(connection: Connection, items: Sequence[tuple[int, ...] | None]) -> list[list[Delivery]]:
    return [_mark(connection, ids) for ids in items]


def _mark(connection: Connection, ids: tuple[int, ...] | None) -> list[Delivery]:
    those = () if ids is None else (job.c.id.in_(ids),)
    wanted = [each for each, _ in _parked(connection, *those)]
    for each in wanted:
        row = update(job).where(job.c.id == each.id, job.c.state == "parked")
        connection.execute(row.values(state="again", tries=1, starts=0, why=""))
    return [replace(each, tries=1, starts=0) for each in wanted]


def _take_again(connection: Connection, items: Sequence[None]) -> list[list[Delivery]]:
    taken = [_delivery(row) for row in connection.execute(_MARKED.with_for_update())]
    connection.execute(update(job).where(job.c.id.in_([each.id for each in taken])).values(state="ready"))
    return [taken, *([] for _ in items[1:])]


def _discard(connection: Connection, befores: Sequence[int]) -> list[int]:
    return [_removed(connection, job.c.id, job.c.state == "parked", job.c.at < before) for before in befores]


def _forget(connection: Connection, befores: Sequence[int]) -> list[int]:
    # A name is kept while its job still waits: a redelivery must never become a second job.
    waiting = select(job.c.once)
    return [_removed(connection, seen.c.once, seen.c.at < before, seen.c.once.not_in(waiting)) for before in befores]


def _removed(connection: Connection, key: Column[Any], *old: ColumnElement[bool]) -> int:
    some = connection.execute(select(key).where(*old).limit(BATCH)).scalars().all()
    connection.execute(delete(key.table).where(key.in_(some)))
    return len(some)
