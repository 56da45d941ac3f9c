"""The embedded bus's tables: waiting jobs, and the names of those seen."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from gateway.bus.model import Delivery, Job
from gateway.store import upsert
from gateway.store.engine import Store
from gateway.store.tables_app import job, seen

_LONGEST = 400


class JobStore:
    """A lane's or a job's name that a column cannot hold is kept as its digest: equal names stay equal."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, new: Job, at: int) -> int | None:
        """The job's id; None when its `once` was seen before and nothing was added."""
        return await self._store.write(_publish, (replace(new, lane=_name(new.lane), once=_name(new.once)), at))

    async def ready(self) -> list[Delivery]:
        return await self._store.read(_ready)

    async def remove(self, id_: int) -> None:
        await self._store.write(_ack, id_)

    async def tried(self, id_: int, tries: int) -> None:
        await self._store.write(_tried, (id_, tries))

    async def park(self, id_: int, why: str) -> None:
        await self._store.write(_park, (id_, why[:2000]))

    async def unpark(self, id_: int) -> None:
        await self._store.write(_unpark, id_)

    async def parked(self) -> list[tuple[Delivery, str]]:
        return await self._store.read(_parked)

    async def forget(self, before: int) -> int:
        return await self._store.write(_forget, before)


def _name(text: str) -> str:
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) <= _LONGEST and b"\0" not in raw and not any("\ud800" <= each <= "\udfff" for each in text):
        return text
    return f"#{hashlib.blake2b(raw, digest_size=24).hexdigest()}"


def _publish(connection: Connection, items: Sequence[tuple[Job, int]]) -> list[int | None]:
    return [_add(connection, item, at) for item, at in items]


def _add(connection: Connection, item: Job, at: int) -> int | None:
    if not upsert.add(connection, seen, {"once": item.once, "at": at}):
        return None
    row = {"topic": item.topic, "lane": item.lane, "once": item.once, "body": item.body, "at": at}
    key = connection.execute(insert(job).values(tries=1, state="ready", why="", **row)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _delivery(row: Any) -> Delivery:
    return Delivery(row.id, Job(row.topic, row.lane, row.once, row.body), row.tries)


def _ready(connection: Connection) -> list[Delivery]:
    rows = connection.execute(select(job).where(job.c.state == "ready").order_by(job.c.id))
    return [_delivery(row) for row in rows]


def _parked(connection: Connection) -> list[tuple[Delivery, str]]:
    rows = connection.execute(select(job).where(job.c.state == "parked").order_by(job.c.id))
    return [(_delivery(row), row.why) for row in rows]


def _ack(connection: Connection, ids: Sequence[int]) -> list[None]:
    connection.execute(delete(job).where(job.c.id.in_(ids)))
    return [None] * len(ids)


def _tried(connection: Connection, items: Sequence[tuple[int, int]]) -> list[None]:
    for id_, tries in items:
        connection.execute(update(job).where(job.c.id == id_).values(tries=tries))
    return [None] * len(items)


def _park(connection: Connection, items: Sequence[tuple[int, str]]) -> list[None]:
    for id_, why in items:
        connection.execute(update(job).where(job.c.id == id_).values(state="parked", why=why))
    return [None] * len(items)


def _unpark(connection: Connection, ids: Sequence[int]) -> list[None]:
    connection.execute(update(job).where(job.c.id.in_(ids)).values(state="ready", tries=1, why=""))
    return [None] * len(ids)


def _forget(connection: Connection, befores: Sequence[int]) -> list[int]:
    # A name is kept while its job still waits: a redelivery must never become a second job.
    waiting = select(job.c.once)
    return [
        connection.execute(delete(seen).where(seen.c.at < before, seen.c.once.not_in(waiting))).rowcount
        for before in befores
    ]
