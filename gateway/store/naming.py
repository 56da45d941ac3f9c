"""What an admin said a customer is called, or is never called. What was taken back stays on record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, select

from gateway.store import upsert
from gateway.store.engine import Store
from gateway.store.tables_mentioning import customer_name


@dataclass(frozen=True, slots=True)
class Called:
    """`name` is folded, `text` as it was written. `kind`: alias, never, or nothing once it was taken back."""

    record: str
    name: str
    text: str
    kind: str
    by: str
    at: int


class NamingStore:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def all(self) -> list[Called]:
        """Those that hold now."""
        return await self._store.read(lambda connection: _read(connection, customer_name.c.kind != ""))

    async def since(self, at: int) -> list[Called]:
        """Those said or taken back from then on (ms)."""
        return await self._store.read(lambda connection: _read(connection, customer_name.c.at >= at))

    async def put(self, said: Called, now: Callable[[], int]) -> Called:
        """As it was written; `now` (ms) is asked by then, since others look for it by its time."""
        return await self._store.write(_put, (said, now))


def _read(connection: Connection, where: ColumnElement[bool]) -> list[Called]:
    # sorted here: to have them in order SQLite would read all of them, every second
    rows = connection.execute(select(customer_name).where(where)).all()
    found = [Called(row.record, row.name, row.text, row.kind, row.by, row.at) for row in rows]
    return sorted(found, key=lambda each: (each.record, each.name))


def _put(connection: Connection, items: Sequence[tuple[Called, Callable[[], int]]]) -> list[Called]:
    put = [replace(said, at=now()) for said, now in items]
    for each in put:
        row = {name: getattr(each, name) for name in ("record", "name", "text", "kind", "by", "at")}
        upsert.put(connection, customer_name, [row])
    return put
