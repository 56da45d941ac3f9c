"""What a room knows and what use taught, as rows. A lesson told again is the same row; one taken back is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, delete, select, text, update

from channels.model import MessageRef
from gateway.mentioning.weights import KINDS, wrongs
from gateway.store import sql, upsert
from gateway.store.engine import Store
from gateway.store.tables_app import choice, slot
from gateway.store.tables_mentioning import TAUGHT, common_name, lesson, named, room_mentioning
from gateway.store.writer import unhurried

SAID = ("wrong", "none", "picked", "missed")
"""Lessons that somebody gave with a press or a command; the others are counted along the way."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one message's use taught about one name. `name` is folded."""

    name: str
    room: str
    message: str
    kind: str
    at: int
    record: str = ""
    by: str = ""

    @property
    def id(self) -> str:
        text = "\x1f".join((self.room, self.message, self.name, self.kind))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class RoomKnows:
    """`recent`: customers with when they were last named here. `names`, `room`: how many lessons of each kind."""

    bound: str = ""
    budget: int | None = None
    recent: Mapping[str, int] = field(default_factory=dict)
    answered: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    common: Mapping[str, str] = field(default_factory=dict)
    room: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Learned:
    """A name with how often each kind of lesson was told, and what an admin said of it."""

    name: str
    counts: Mapping[str, int]
    common: str = ""


@dataclass(frozen=True, slots=True)
class Reported:
    """What one person said of one name. `ended_at`: when it was taken back, 0 while it counts."""

    id: str
    lesson: Lesson
    ended_at: int = 0
    ended_by: str = ""


class MentioningStore:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def known(self, room: str, names: Sequence[str], *, since: int, taught_since: int) -> RoomKnows:
        """All that a decision about these names in this room needs, in one look."""
        asked = (room, tuple(dict.fromkeys(names)), since, taught_since)
        return await self._store.look(lambda connection: _known(connection, *asked))

    async def binding(self, room: str) -> RoomKnows:
        return await self._store.look(lambda connection: _setting(sql.ask(connection, _SETTING, (room,))))

    async def bind(self, room: str, record: str, by: str, at: int) -> None:
        await self._store.write(_set, (room, {"record": record, "by": by, "at": at}))

    async def budget(self, room: str, cards: int | None) -> None:
        await self._store.write(_set, (room, {"budget": cards}))

    async def name(self, room: str, records: Sequence[str], at: int) -> None:
        await self._store.write(_name, (room, tuple(records), at))

    async def teach(self, lessons: Sequence[Lesson]) -> int:
        """How many of them are new."""
        return await self._store.write(_teach, tuple(lessons))

    async def floated(self, room: str, since: int, but: str) -> int:
        """Of how many messages, other than `but`, a card floated in that room."""
        asked = (room, since, but)
        return int((await self._store.look(lambda connection: sql.first(connection, _FLOATED, asked)))[0])

    async def card_of(self, room: str, message: MessageRef) -> tuple[str, dict[str, str]] | None:
        """The message that a card stands under, and by which name each of its customers was named."""
        posted = json.dumps([message.place.key, message.id])
        matches = (slot.c.room == room, slot.c.purpose == "card", slot.c.message == posted)
        query = select(slot.c.subject, slot.c.state).where(*matches)
        row = await self._store.read(lambda connection: connection.execute(query).first())
        names = json.loads(row.state).get("names") if row is not None else None
        return (row.subject, names) if row is not None and isinstance(names, dict) else None

    async def unname(self, room: str, record: str) -> None:
        """It was another customer that was named."""
        await self._store.write(_unname, (room, record))

    async def learned(self, taught_since: int, limit: int = 500) -> list[Learned]:
        """Names about which use said anything but that they were shown, most often wrong first."""
        return await self._store.read(lambda connection: _learned(connection, taught_since, limit))

    async def reported(self, limit: int = 50) -> list[Reported]:
        """What people said of cards, the latest first, taken back or not."""
        return await self._store.read(lambda connection: _reported(connection, limit))

    async def end(self, id_: str, by: str, at: int) -> bool:
        """One lesson counts no more, and its room hears that name as before; whether it counted until now."""
        return await self._store.write(_end, (id_, by, at))

    async def decide(self, name: str, state: str, by: str, at: int) -> None:
        """An admin's word on a name: `accepted` or `refused` as a common word; empty takes the word back."""
        await self._store.write(_decide, (name, state, by, at))

    async def take_back(self, name: str, by: str, at: int) -> int:
        """Every lesson about a name counts no more, and rooms that were told it is nobody hear it again; how many."""
        return await self._store.write(_take_back, (name, by, at))


_FLOATED = "SELECT count(DISTINCT message) FROM lesson WHERE room = ? AND kind = 'shown' AND at > ? AND message <> ?"
_SETTING = "SELECT record, budget FROM room_mentioning WHERE room = ?"
_LATELY = "SELECT record, at FROM named WHERE room = ? AND at > ?"
_CHOSEN = "SELECT name, record FROM choice WHERE name"
_COMMON = "SELECT name, state FROM common_name WHERE name"
MOST_COUNTED = 100
"""Of one kind about one name: more of them weigh no more (`gateway.mentioning.weights`), and those of a customer who is
spoken of all day would be counted anew at each message."""
_KINDS = " UNION ALL ".join(f"SELECT '{kind}' AS kind" for kind in KINDS)
_TAUGHT = (
    "SELECT (SELECT count(*) FROM (SELECT 1 FROM lesson WHERE name = ? AND kind = taught.kind AND at > ? "  # noqa: S608
    f"AND ended_at IS NULL LIMIT {MOST_COUNTED}) AS counted), taught.kind FROM ({_KINDS}) AS taught"
)
# by the name as it is SQLite would group in the order of an index, and read all that was ever shown
_TOLD = (
    f"SELECT name || '', kind, count(*) FROM lesson WHERE {TAUGHT} AND at > ? AND ended_at IS NULL "  # noqa: S608
    "GROUP BY 1, 2"
)
_OF_ROOM = (
    "SELECT kind, count(*) FROM lesson WHERE room = ? AND kind IN (?, ?, ?, ?) AND at > ? AND ended_at IS NULL "
    "GROUP BY kind"
)


def _known(connection: Connection, room: str, names: tuple[str, ...], since: int, taught_since: int) -> RoomKnows:
    keys = [(name,) for name in names]
    with sql.together(connection):
        setting = sql.asking(connection, _SETTING, (room,))
        recent = sql.asking(connection, _LATELY, (room, since))
        told = sql.asking(connection, _OF_ROOM, (room, *SAID, taught_since))
        taught = _taught(connection, names, taught_since)
        answered = sql.asking_in(connection, _CHOSEN, keys, (room,), "AND room = ?") if keys else list
        common = sql.asking_in(connection, _COMMON, keys) if keys else list
    here = _setting(setting())
    return RoomKnows(
        bound=here.bound,
        budget=here.budget,
        recent=dict(recent()),
        answered=dict(answered()),
        names={name: kinds for name, kinds in taught().items() if kinds},
        common=dict(common()),
        room=dict(told()),
    )


def _setting(rows: Sequence[Any]) -> RoomKnows:
    return RoomKnows(*rows[0]) if rows else RoomKnows()


def _taught(connection: Connection, names: Sequence[str], since: int) -> Callable[[], dict[str, dict[str, int]]]:
    """How many lessons of each kind count about each name, no more than `MOST_COUNTED`."""
    with sql.together(connection):
        asked = [sql.asking(connection, _TAUGHT, (name, since)) for name in names]
    return lambda: {
        name: {kind: many for many, kind in rows() if many} for name, rows in zip(names, asked, strict=True)
    }


def _set(connection: Connection, items: Sequence[tuple[str, Mapping[str, object]]]) -> list[None]:
    for room, values in items:
        upsert.add(connection, room_mentioning, {"room": room, "record": "", "by": "", "at": 0})
        connection.execute(update(room_mentioning).where(room_mentioning.c.room == room).values(**values))
    return [None] * len(items)


@unhurried
def _name(connection: Connection, items: Sequence[tuple[str, tuple[str, ...], int]]) -> list[None]:
    rows = [{"room": room, "record": record, "at": at} for room, records, at in items for record in records]
    upsert.put(connection, named, rows)
    return [None] * len(items)


def _unname(connection: Connection, items: Sequence[tuple[str, str]]) -> list[None]:
    for room, record in items:
        connection.execute(delete(named).where(named.c.room == room, named.c.record == record))
    return [None] * len(items)


@unhurried
def _teach(connection: Connection, items: Sequence[tuple[Lesson, ...]]) -> list[int]:
    return [sum(upsert.add(connection, lesson, _row(each)) for each in lessons) for lessons in items]


def _row(each: Lesson) -> dict[str, object]:
    return {
        "id": each.id,
        "name": each.name,
        "room": each.room,
        "message": each.message,
        "record": each.record,
        "kind": each.kind,
        "by": each.by,
        "at": each.at,
        "ended_by": "",
    }


def _learned(connection: Connection, taught_since: int, limit: int) -> list[Learned]:
    common: dict[str, str] = {row.name: row.state for row in connection.execute(select(common_name))}
    names: dict[str, dict[str, int]] = {name: {} for name in common}
    for name, kind, many in sql.ask(connection, _TOLD, (taught_since,)):
        names.setdefault(name, {})[kind] = many
    first = sorted(names, key=lambda name: (-wrongs(names[name]), name))[:limit]
    for name, kinds in _taught(connection, first, taught_since)().items():
        names[name] |= {kind: many for kind, many in kinds.items() if kind == "shown"}
    return [
        Learned(name, {kind: many for kind, many in names[name].items() if many}, common.get(name, ""))
        for name in first
    ]


def _reported(connection: Connection, limit: int) -> list[Reported]:
    query = select(lesson).where(text(TAUGHT), lesson.c.kind.in_(SAID))
    query = query.order_by(lesson.c.at.desc(), lesson.c.id).limit(limit)
    return [_report(row) for row in connection.execute(query)]


def _report(row: Row[Any]) -> Reported:
    told = Lesson(row.name, row.room, row.message, row.kind, row.at, row.record, row.by)
    return Reported(row.id, told, row.ended_at or 0, row.ended_by)


def _end(connection: Connection, items: Sequence[tuple[str, str, int]]) -> list[bool]:
    return [_ended(connection, *item) for item in items]


def _ended(connection: Connection, id_: str, by: str, at: int) -> bool:
    here = (lesson.c.id == id_, lesson.c.ended_at.is_(None), lesson.c.kind.in_(SAID))
    row = connection.execute(select(lesson).where(*here)).first()
    if row is None:
        return False
    meant = row.record if row.kind == "picked" else ""
    chosen = (choice.c.room == row.room, choice.c.name == row.name, choice.c.record == meant)
    connection.execute(delete(choice).where(*chosen))
    return connection.execute(update(lesson).where(*here).values(ended_at=at, ended_by=by)).rowcount == 1


def _decide(connection: Connection, items: Sequence[tuple[str, str, str, int]]) -> list[None]:
    for name, state, by, at in items:
        if state:
            upsert.put(connection, common_name, [{"name": name, "state": state, "by": by, "at": at}])
        else:
            connection.execute(delete(common_name).where(common_name.c.name == name))
    return [None] * len(items)


def _take_back(connection: Connection, items: Sequence[tuple[str, str, int]]) -> list[int]:
    return [_taken_back(connection, *item) for item in items]


def _taken_back(connection: Connection, name: str, by: str, at: int) -> int:
    live = (lesson.c.name == name, lesson.c.ended_at.is_(None), lesson.c.kind != "shown")
    connection.execute(delete(choice).where(choice.c.name == name, choice.c.record == ""))
    return connection.execute(update(lesson).where(*live).values(ended_at=at, ended_by=by)).rowcount
