"""Rooms and who can read them, as the networks last told it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, delete, false, or_, select, union, update

from channels.model import ImId, Roster, Sender
from gateway.store import sql, upsert
from gateway.store.engine import Store
from gateway.store.tables_app import choice, floated, member, room, slot
from gateway.store.writer import unhurried

_READ = ("card", "conflict")
"""What everybody in a room can read."""


@dataclass(frozen=True, slots=True)
class RoomState:
    """What we keep of a room besides its members."""

    key: str
    title: str = ""
    quiet_until: int = 0
    told_at: int = 0
    locale: str = ""


class RoomStore:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def roster(self, room_key: str) -> Roster | None:
        return await self._store.read(lambda connection: _roster(connection, room_key))

    async def keep(self, room_key: str, roster: Roster) -> None:
        await self._store.write(_keep, (room_key, roster))

    async def seen(self, room_key: str, at: int) -> None:
        """The list was asked for again, and is what it was."""
        await self._store.write(_set, (room_key, "rostered_at", at))

    async def aged(self, before: int) -> list[str]:
        """Rooms of several with something up that was drawn by a list as old as that, the oldest first."""
        up = select(slot.c.id).where(slot.c.room == room.c.key, slot.c.purpose.in_(_READ), slot.c.message.is_not(None))
        old = (room.c.rostered_at > 0, room.c.rostered_at <= before, room.c.kind != "direct")
        query = select(room.c.key).where(*old, up.exists()).order_by(room.c.rostered_at, room.c.key)
        return await self._store.read(lambda connection: list(connection.execute(query).scalars()))

    async def join(self, room_key: str, who: Sender) -> None:
        await self._store.write(_join, (room_key, who))

    async def leave(self, room_key: str, im: str) -> None:
        await self._store.write(_leave, (room_key, im))

    async def lists(self, room_key: str, accounts: Sequence[str]) -> bool:
        """Whether any of these accounts (`ImId.key`) is in the room."""
        query = select(member.c.im).where(member.c.room == room_key, member.c.im.in_(accounts)).limit(1)
        return await self._store.read(lambda connection: connection.execute(query).first() is not None)

    async def having(self, accounts: Sequence[str]) -> list[str]:
        """Rooms that list any of these accounts (`ImId.key`), or in which something is up for one of them alone."""
        listed = select(member.c.room).where(member.c.im.in_(accounts))
        before = [slot.c.state.contains(json.dumps(each, ensure_ascii=False), autoescape=True) for each in accounts]
        unsaid = and_(slot.c.reader.is_(None), slot.c.purpose == "whisper", or_(false(), *before))
        whose = or_(slot.c.reader.in_(accounts), unsaid)
        told = select(slot.c.room).where(whose, slot.c.message.is_not(None))
        query = union(listed, told)
        return await self._store.read(lambda connection: list(connection.execute(query).scalars()))

    async def state(self, room_key: str) -> RoomState:
        return await self._store.look(lambda connection: _state(connection, room_key))

    async def rooms(self) -> list[RoomState]:
        return await self._store.read(_states)

    async def quiet(self, room_key: str, until: int) -> None:
        await self._store.write(_set, (room_key, "quiet_until", until))

    async def told(self, room_key: str, at: int) -> None:
        await self._store.write(_set, (room_key, "told_at", at))

    async def floated(self, room_key: str, record: str) -> tuple[int, str] | None:
        """When this customer last floated here, and in which slot."""
        return await self._store.look(lambda connection: _floated(connection, room_key, record))

    async def note_floated(self, room_key: str, record: str, at: int, slot: str) -> None:
        await self._store.write(_note_floated, (room_key, record, at, slot))

    async def choice(self, room_key: str, name: str) -> str | None:
        """The customer a name means in this room; empty: none; None: nobody said."""
        return await self._store.look(lambda connection: _choice(connection, room_key, name))

    async def forget_choice(self, room_key: str, name: str) -> None:
        await self._store.write(_forget_choice, (room_key, name))

    async def choose(self, room_key: str, name: str, record: str, by: str, at: int) -> None:
        await self._store.write(_choose, (room_key, name, record, by, at))


def _roster(connection: Connection, room_key: str) -> Roster | None:
    row = connection.execute(select(room).where(room.c.key == room_key)).first()
    if row is None or not row.rostered_at:
        return None
    members = connection.execute(select(member).where(member.c.room == room_key).order_by(member.c.im))
    senders = tuple(Sender(ImId.parse(each.im), each.name, each.kind) for each in members)
    return Roster(senders, row.complete, row.rostered_at, row.title, row.kind, row.external)


@unhurried
def _keep(connection: Connection, items: Sequence[tuple[str, Roster]]) -> list[None]:
    for room_key, roster in items:
        _ensure(connection, room_key)
        told = {
            "title": roster.title,
            "kind": roster.kind,
            "external": roster.external,
            "complete": roster.complete,
            "rostered_at": roster.at,
        }
        connection.execute(update(room).where(room.c.key == room_key).values(**told))
        connection.execute(delete(member).where(member.c.room == room_key))
        upsert.put(connection, member, [_member(room_key, who) for who in roster.members])
    return [None] * len(items)


def _ensure(connection: Connection, room_key: str) -> None:
    upsert.add(connection, room, {"key": room_key})


def _member(room_key: str, who: Sender) -> dict[str, str]:
    return {"room": room_key, "im": who.id.key, "name": who.name, "kind": who.kind}


def _join(connection: Connection, items: Sequence[tuple[str, Sender]]) -> list[None]:
    for room_key, who in items:
        _ensure(connection, room_key)
        upsert.put(connection, member, [_member(room_key, who)])
    return [None] * len(items)


def _leave(connection: Connection, items: Sequence[tuple[str, str]]) -> list[None]:
    for room_key, im in items:
        connection.execute(delete(member).where(member.c.room == room_key, member.c.im == im))
    return [None] * len(items)


def _state(connection: Connection, room_key: str) -> RoomState:
    query = "SELECT title, quiet_until, told_at, locale FROM room WHERE key = ?"
    return RoomState(room_key, *(sql.first(connection, query, (room_key,)) or ()))


def _states(connection: Connection) -> list[RoomState]:
    rows = connection.execute(select(room).order_by(room.c.key))
    return [RoomState(row.key, row.title, row.quiet_until, row.told_at, row.locale) for row in rows]


def _set(connection: Connection, items: Sequence[tuple[str, str, int]]) -> list[None]:
    for room_key, column, value in items:
        _ensure(connection, room_key)
        connection.execute(update(room).where(room.c.key == room_key).values({column: value}))
    return [None] * len(items)


def _floated(connection: Connection, room_key: str, record: str) -> tuple[int, str] | None:
    query = "SELECT at, slot FROM floated WHERE room = ? AND record = ?"
    row = sql.first(connection, query, (room_key, record))
    return (row[0], row[1]) if row is not None else None


@unhurried
def _note_floated(connection: Connection, items: Sequence[tuple[str, str, int, str]]) -> list[None]:
    rows = [{"room": r, "record": record, "at": at, "slot": slot} for r, record, at, slot in items]
    upsert.put(connection, floated, rows)
    return [None] * len(items)


def _choice(connection: Connection, room_key: str, name: str) -> str | None:
    query = select(choice.c.record).where(choice.c.room == room_key, choice.c.name == name)
    return connection.execute(query).scalar()


def _choose(connection: Connection, items: Sequence[tuple[str, str, str, str, int]]) -> list[None]:
    rows = [{"room": r, "name": name, "record": record, "by": by, "at": at} for r, name, record, by, at in items]
    upsert.put(connection, choice, rows)
    return [None] * len(items)


def _forget_choice(connection: Connection, items: Sequence[tuple[str, str]]) -> list[None]:
    for room_key, name in items:
        connection.execute(delete(choice).where(choice.c.room == room_key, choice.c.name == name))
    return [None] * len(items)
