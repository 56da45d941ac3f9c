"""What is old goes, some rows at a time. Edits, decisions and their values never do: they are the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, delete, select, tuple_

from gateway.store.engine import Store
from gateway.store.tables_app import feed, floated, link_code, login, slot, slot_record, trail
from gateway.store.tables_ledger import inbox, outbox
from gateway.store.tables_mentioning import lesson, named
from gateway.store.tables_people import device_code
from gateway.store.tables_shared import kept

BATCH = 500
"""Rows in one transaction: nobody waits long behind it."""
_ENDED = ("done", "moved", "superseded", "lost")


class AgingStore:
    """Each call removes at most `BATCH` rows older than `before` (ms); how many. Call again until it says 0."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def trail(self, before: int) -> int:
        return await self._store.write(_trail, before)

    async def inbox(self, before: int) -> int:
        """What an edit was answered the first time: its sender is past sending it again."""
        return await self._store.write(_inbox, before)

    async def crms(self) -> list[str]:
        """Every CRM that was ever read, also one that is configured no more."""
        return await self._store.read(lambda connection: sorted(connection.execute(select(feed.c.crm)).scalars()))

    async def outbox(self, target: str, before: int) -> int:
        """Writes that came to an end; what waits, is in doubt or was refused stays."""
        return await self._store.write(_outbox, (target, before))

    async def slots(self, before: int, channel: str = "") -> int:
        """Cards first posted then, with `channel` only its own: they are repainted and taken away no more."""
        return await self._store.write(_slots, (channel, before))

    async def empty_slots(self, before: int) -> int:
        """Of cards that were taken away, or never came."""
        return await self._store.write(_empty_slots, before)

    async def floated(self, before: int) -> int:
        return await self._store.write(_floated, before)

    async def named(self, before: int) -> int:
        """Which customers rooms spoke of."""
        return await self._store.write(_named, before)

    async def lessons(self, before: int) -> int:
        """What use taught about names."""
        return await self._store.write(_lessons, before)

    async def codes(self, before: int) -> int:
        """One-time links and codes that had ended by then."""
        return await self._store.write(_codes, before)

    async def kept(self, before: int) -> int:
        """What channels kept until then and no longer."""
        return await self._store.write(_kept, before)


def _trail(connection: Connection, befores: Sequence[int]) -> list[int]:
    return [_remove(connection, trail, trail.c.at < before) for before in befores]


def _inbox(connection: Connection, befores: Sequence[int]) -> list[int]:
    return [_remove(connection, inbox, inbox.c.at < before) for before in befores]


def _outbox(connection: Connection, items: Sequence[tuple[str, int]]) -> list[int]:
    return [sum(_ended(connection, state, *each) for state in _ENDED) for each in items]


def _ended(connection: Connection, state: str, target: str, before: int) -> int:
    # the columns of the index `outbox_due`, and in the end the row's own age
    old = (outbox.c.state == state, outbox.c.target == target, outbox.c.due_at < before, outbox.c.at < before)
    return _remove(connection, outbox, *old)


def _slots(connection: Connection, items: Sequence[tuple[str, int]]) -> list[int]:
    return [_cards(connection, before, *_of(channel)) for channel, before in items]


def _of(channel: str) -> tuple[ColumnElement[bool], ...]:
    return (slot.c.room.startswith(f"{channel}/", autoescape=True),) if channel else ()


def _empty_slots(connection: Connection, befores: Sequence[int]) -> list[int]:
    return [_cards(connection, before, slot.c.message.is_(None)) for before in befores]


def _cards(connection: Connection, before: int, *more: ColumnElement[bool]) -> int:
    # zero: of a version that did not note it; a card that is repainted over and over grows old all the same
    old = (slot.c.posted_at < before, slot.c.posted_at > 0, *more)
    ids = connection.execute(select(slot.c.id).where(*old).limit(BATCH)).scalars().all()
    connection.execute(delete(slot_record).where(slot_record.c.slot.in_(ids)))
    connection.execute(delete(slot).where(slot.c.id.in_(ids)))
    return len(ids)


def _floated(connection: Connection, befores: Sequence[int]) -> list[int]:
    return [_remove(connection, floated, floated.c.at < before) for before in befores]


def _named(connection: Connection, befores: Sequence[int]) -> list[int]:
    return [_remove(connection, named, named.c.at < before) for before in befores]


def _lessons(connection: Connection, befores: Sequence[int]) -> list[int]:
    return [_remove(connection, lesson, lesson.c.at < before) for before in befores]


def _codes(connection: Connection, befores: Sequence[int]) -> list[int]:
    tables = (link_code, login, device_code)
    return [sum(_remove(connection, each, each.c.expires < before) for each in tables) for before in befores]


def _kept(connection: Connection, befores: Sequence[int]) -> list[int]:
    return [_remove(connection, kept, kept.c.until < before) for before in befores]


def _remove(connection: Connection, table: Table, *old: ColumnElement[bool]) -> int:
    key: Any = tuple(table.primary_key)
    one: Column[Any] | Any = key[0] if len(key) == 1 else tuple_(*key)
    rows = connection.execute(select(*key).where(*old).limit(BATCH)).all()
    if rows:
        connection.execute(delete(table).where(one.in_([row[0] if len(key) == 1 else tuple(row) for row in rows])))
    return len(rows)
