"""The demo chat's memory: one SQLite file of its own, one thread that touches it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row, and_, create_engine, delete, event, func, insert, or_, select, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import StaticPool

from gateway.chat.company import MEMBERS, PERSONS, ROOMS, direct_room, directs
from gateway.chat.model import ChatPerson, ChatRoom, Entry, FeedRow, Json, Waiting
from gateway.errors import Misconfigured
from gateway.store.chat_tables import chat_metadata, entries, feed, members, persons, rooms, waiting

T = TypeVar("T")
_APPLICATION = 0x464C4348  # "FLCH": tells our file from another program's


class ChatTx:
    """One transaction. Every method is synchronous: it runs on the store's own thread."""

    def __init__(self, connection: Connection) -> None:
        self._c = connection

    # who and where
    def persons(self) -> tuple[ChatPerson, ...]:
        return tuple(_person(row) for row in self._c.execute(select(persons).order_by(persons.c.position)))

    def person(self, id: str) -> ChatPerson | None:
        row = self._c.execute(select(persons).where(persons.c.id == id)).first()
        return _person(row) if row else None

    def room(self, id: str) -> ChatRoom | None:
        row = self._c.execute(select(rooms).where(rooms.c.id == id)).first()
        return _room(row) if row else None

    def rooms_of(self, person: str) -> tuple[ChatRoom, ...]:
        joined = rooms.join(members, members.c.room == rooms.c.id)
        query = select(rooms).select_from(joined).where(members.c.person == person).order_by(rooms.c.position)
        return tuple(_room(row) for row in self._c.execute(query))

    def members(self, room: str) -> tuple[str, ...]:
        query = select(members.c.person).where(members.c.room == room).order_by(members.c.position)
        return tuple(self._c.scalars(query))

    def came(self, person: str) -> dict[str, int]:
        """By room when they were last invited to it; who was there from the beginning is not among them."""
        last = func.max(entries.c.at).label("at")
        query = select(entries.c.room, last).where(entries.c.author == person, entries.c.kind == "joined")
        return {row.room: row.at for row in self._c.execute(query.group_by(entries.c.room))}

    def add_member(self, room: str, person: str) -> None:
        position = self._c.scalar(select(func.count()).select_from(members).where(members.c.room == room)) or 0
        self._c.execute(insert(members).values(room=room, person=person, position=position))

    def drop_member(self, room: str, person: str) -> None:
        self._c.execute(delete(members).where(members.c.room == room, members.c.person == person))

    # what is said
    def add(self, entry: Entry, once: str | None = None) -> Entry:
        result = self._c.execute(insert(entries).values(**_values(entry), once=once))
        key = result.inserted_primary_key
        assert key is not None
        return replace(entry, seq=key[0])

    def entry(self, id: str) -> Entry | None:
        row = self._c.execute(select(entries).where(entries.c.id == id)).first()
        return _entry(row) if row else None

    def by_once(self, once: str) -> Entry | None:
        row = self._c.execute(select(entries).where(entries.c.once == once)).first()
        return _entry(row) if row else None

    def save(self, entry: Entry) -> None:
        self._c.execute(update(entries).where(entries.c.id == entry.id).values(**_values(entry)))

    def entries(self, room: str, viewer: str, before: int | None, limit: int) -> list[Entry]:
        """The newest of the room that `viewer` may read, oldest first; removed cards are not there."""
        query = select(entries).where(entries.c.room == room, _readable(viewer))
        query = query.where(~and_(entries.c.deleted, entries.c.kind == "card"))
        if before is not None:
            query = query.where(entries.c.seq < before)
        rows = self._c.execute(query.order_by(entries.c.seq.desc()).limit(limit)).all()
        return [_entry(row) for row in reversed(rows)]

    # what changed
    def changed(self, kind: str, room: str = "", ref: str = "", only: str = "") -> None:
        self._c.execute(insert(feed).values(kind=kind, room=room, ref=ref, only=only))

    def latest(self) -> int:
        return self._c.scalar(select(func.max(feed.c.id))) or 0

    def feed(self, viewer: str, after: int, limit: int) -> list[FeedRow]:
        mine = select(members.c.room).where(members.c.person == viewer)
        query = select(feed).where(feed.c.id > after, or_(feed.c.only == "", feed.c.only == viewer))
        query = query.where(or_(feed.c.room == "", feed.c.room.in_(mine))).order_by(feed.c.id).limit(limit)
        return [FeedRow(row.id, row.kind, row.room, row.ref) for row in self._c.execute(query)]

    # what the gateway has still to hear
    def enqueue(self, room: str, body: str, message: str = "") -> None:
        self._c.execute(insert(waiting).values(room=room, body=body, message=message, tries=0, refused=""))

    def next_waiting(self, room: str) -> Waiting | None:
        query = select(waiting).where(waiting.c.room == room, waiting.c.refused == "").order_by(waiting.c.id).limit(1)
        row = self._c.execute(query).first()
        return Waiting(row.id, row.room, row.body, row.message, row.tries) if row else None

    def waiting_rooms(self) -> list[str]:
        return list(self._c.scalars(select(waiting.c.room).where(waiting.c.refused == "").distinct()))

    def heard(self, id: int) -> None:
        self._c.execute(delete(waiting).where(waiting.c.id == id))

    def tried(self, id: int, refused: str = "") -> None:
        values = {"tries": waiting.c.tries + 1, "refused": refused}
        self._c.execute(update(waiting).where(waiting.c.id == id).values(values))


class ChatStore:
    """Opens the file, seeds it once. Raises `Misconfigured` when the file is another program's."""

    def __init__(self, path: Path | str) -> None:
        self._path = str(path)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chat-store")
        self._engine: Engine | None = None

    async def start(self) -> None:
        await self._on_thread(self._open)

    async def close(self) -> None:
        if self._engine is not None:
            await self._on_thread(self._engine.dispose)
            self._engine = None
        self._thread.shutdown(wait=True)

    async def run(self, work: Callable[[ChatTx], T]) -> T:
        """Runs `work` in one transaction; it is durable when this returns."""
        return await self._on_thread(lambda: self._within(work))

    def _within(self, work: Callable[[ChatTx], T]) -> T:
        assert self._engine is not None, "start() first"
        with self._engine.begin() as connection:
            return work(ChatTx(connection))

    async def _on_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _open(self) -> None:
        engine = create_engine(f"sqlite:///{self._path}", poolclass=StaticPool, hide_parameters=True)
        event.listen(engine, "connect", _pragmas)
        try:
            with engine.connect() as connection:
                _claim(connection, self._path)
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            with engine.begin() as connection:
                chat_metadata.create_all(connection)
                _seed(connection)
        except (DatabaseError, sqlite3.DatabaseError) as broke:
            engine.dispose()
            raise Misconfigured([(self._path, "chat", f"cannot be opened as the chat's database: {broke}")]) from broke
        except BaseException:
            engine.dispose()
            raise
        self._engine = engine


def _pragmas(connection: Any, _record: Any) -> None:
    connection.executescript("PRAGMA busy_timeout=5000; PRAGMA foreign_keys=ON; PRAGMA synchronous=FULL;")


def _claim(connection: Connection, path: str) -> None:
    mark = connection.exec_driver_sql("PRAGMA application_id").scalar()
    tables = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar()
    if mark != _APPLICATION and (mark or tables):
        raise Misconfigured([(path, "chat", "this file is a database of another program; name another file")])
    connection.exec_driver_sql(f"PRAGMA application_id={_APPLICATION}")


def _seed(connection: Connection) -> None:
    if connection.scalar(select(func.count()).select_from(persons)):
        return
    everyone = [{**_fields(person), "position": i} for i, person in enumerate(PERSONS)]
    everywhere = [{**_fields(room), "position": i} for i, room in enumerate((*ROOMS, *directs()))]
    memberships = [(room, person) for room, there in MEMBERS.items() for person in there]
    memberships += [(direct_room(person.id), person.id) for person in PERSONS]
    connection.execute(insert(persons), everyone)
    connection.execute(insert(rooms), everywhere)
    connection.execute(
        insert(members), [{"room": r, "person": p, "position": i} for i, (r, p) in enumerate(memberships)]
    )


def _fields(value: ChatPerson | ChatRoom) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def _person(row: Row[Any]) -> ChatPerson:
    return ChatPerson(row.id, row.name, row.latin, row.kind, row.role, row.locale)


def _room(row: Row[Any]) -> ChatRoom:
    return ChatRoom(row.id, row.title, row.title_en, row.kind, row.external)


def _readable(viewer: str) -> Any:
    return or_(entries.c.only == "", entries.c.only == viewer)


_PLAIN = ("id", "room", "thread", "author", "kind", "at", "text", "only", "by", "edited_at", "deleted", "pending")


def _values(entry: Entry) -> dict[str, Any]:
    card = None if entry.card is None else json.dumps(entry.card)  # ASCII: surrogates stay escaped
    quotes = json.dumps([list(span) for span in entry.quotes])
    return {name: getattr(entry, name) for name in _PLAIN} | {"card": card, "quotes": quotes}


def _entry(row: Row[Any]) -> Entry:
    card: Json | None = None if row.card is None else json.loads(row.card)
    quotes = tuple((start, stop) for start, stop in json.loads(row.quotes))
    return Entry(**{name: getattr(row, name) for name in _PLAIN}, card=card, quotes=quotes, seq=row.seq)
