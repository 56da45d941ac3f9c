"""What is shown where. A slot outlives a restart: showing twice is editing."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, and_, delete, or_, select, update

from channels.model import MessageRef, Place
from gateway.store import sql, upsert
from gateway.store.engine import Store
from gateway.store.tables_app import slot, slot_record
from gateway.store.writer import unhurried
from gateway.turn import Purpose, Slot
from reconcile.model import Json


@dataclass(frozen=True, slots=True)
class Shown:
    """A slot as stored: the message it became, and what redrawing it needs."""

    id: str
    slot: Slot
    message: MessageRef | None
    records: tuple[str, ...]
    digest: str = ""
    audience: str = ""
    valid_until: int | None = None
    painted_at: int = 0
    state: dict[str, Json] = field(default_factory=dict)


def slot_id(key: Slot) -> str:
    text = "\x1f".join((key.place.key, key.purpose, key.subject, key.to))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class SlotStore:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._asked: set[str] = set()
        self._reading: asyncio.Task[dict[str, Shown]] | None = None

    async def unname(self, record: str) -> None:
        """No card keeps by which name an erased customer was named."""
        await self._store.write(_unname, record)

    async def get(self, key: Slot) -> Shown | None:
        return await self.by_id(slot_id(key))

    async def by_id(self, id_: str) -> Shown | None:
        """As it is now. Those that are asked for at once are read at once."""
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._together())
        reading = self._reading
        self._asked.add(id_)
        return (await asyncio.shield(reading)).get(id_)

    async def _together(self) -> dict[str, Shown]:
        await asyncio.sleep(0)  # whoever asks within this step of the loop is in
        ids, self._asked, self._reading = list(self._asked), set(), None
        found = await self._store.look(lambda connection: _by_ids(connection, ids))
        return {shown.id: shown for shown in found}

    async def about(self, record: str, room_key: str = "") -> list[Shown]:
        """Every slot that shows a record, there or anywhere."""
        ids = select(slot_record.c.slot).where(slot_record.c.record == record)
        where = (slot.c.id.in_(ids), *((slot.c.room == room_key,) if room_key else ()))
        return await self._store.read(lambda connection: _read(connection, *where))

    async def in_room(self, room_key: str) -> list[Shown]:
        return await self._store.read(lambda connection: _read(connection, slot.c.room == room_key))

    async def whispered_in(self, room_key: str) -> list[Shown]:
        """What was meant for one person and stands in this room, wherever it was about."""
        start = json.dumps([f"{room_key}/"])[:-2]
        return await self._store.read(
            lambda connection: _read(
                connection, slot.c.purpose == "whisper", sql.begins(connection, slot.c.message, start)
            )
        )

    async def of_subject(self, subject: str) -> list[Shown]:
        """In every room."""
        return await self._store.read(lambda connection: _read(connection, slot.c.subject == subject))

    async def for_message(self, room_key: str, message: str) -> list[Shown]:
        """What a message brought about in its room: its card, and what was whispered to its author."""
        near = await self._store.look(
            lambda connection: _read(
                connection, slot.c.room == room_key, sql.begins(connection, slot.c.subject, message)
            )
        )
        return [shown for shown in near if _of_message(shown, message)]

    async def shows(self, purpose: Purpose, subject: str) -> bool:
        """Whether this is up anywhere."""
        matches = (slot.c.subject == subject, slot.c.purpose == purpose, slot.c.message.is_not(None))
        query = select(slot.c.id).where(*matches).limit(1)
        return await self._store.read(lambda connection: connection.execute(query).first() is not None)

    async def rooms(self, *, person: str = "") -> list[str]:
        """Rooms in which something is up; with `person` those where an alert for that person is."""
        query = select(slot.c.room).where(slot.c.message.is_not(None)).distinct()
        if person:
            before = and_(slot.c.reader.is_(None), slot.c.subject.endswith(f":{person}", autoescape=True))
            query = query.where(slot.c.purpose == "alert", or_(slot.c.reader == person, before))
        return await self._store.read(lambda connection: list(connection.execute(query).scalars()))

    async def keep(self, shown: Shown, *, seen: int | None = None) -> bool:
        """With `seen` only if the slot was painted then last: False when another gateway painted it since."""
        return await self._store.write(_keep, (shown, seen))

    async def claim(self, shown: Shown, mark: str, *, seen: int | None) -> bool:
        """Says who paints it next: moves `painted_at` on and puts `mark` for a digest, nothing else. False when the
        slot was painted or claimed since `seen` (None: there was none yet)."""
        return await self._store.write(_claim, (shown, mark, seen))

    async def let_go(self, id_: str, mark: str, *, seen: int) -> None:
        """Of a claim that came to nothing."""
        await self._store.write(_let_go, (id_, mark, seen))

    async def drop(self, id_: str, *, seen: int | None = None) -> bool:
        """Nothing is up there any more; with `seen` as in `keep`."""
        return await self._store.write(_drop, (id_, seen))


def _of_message(shown: Shown, message: str) -> bool:
    """A whisper's subject begins with the message and names its reader; an id may begin with another one."""
    if shown.slot.subject == message:
        return True
    return shown.slot.subject.startswith(f"{message}:") and shown.state.get("message", message) == message


def _read(connection: Connection, *where: Any) -> list[Shown]:
    rows = connection.execute(select(slot).where(*where).order_by(slot.c.painted_at, slot.c.id)).all()
    records: dict[str, list[str]] = {row.id: [] for row in rows}
    ids = list(records)
    for start in range(0, len(ids), 500):
        part = select(slot_record).where(slot_record.c.slot.in_(ids[start : start + 500]))
        for each in connection.execute(part.order_by(slot_record.c.record)):
            records[each.slot].append(each.record)
    return [_shown(row, records[row.id]) for row in rows]


def _by_ids(connection: Connection, ids: Sequence[str]) -> list[Shown]:
    keys = [(id_,) for id_ in ids]
    records: dict[str, list[str]] = {}
    for id_, record in sql.ask_in(connection, "SELECT slot, record FROM slot_record WHERE slot", keys):
        records.setdefault(id_, []).append(record)
    rows = map(_Row._make, sql.ask_in(connection, f"SELECT {', '.join(_Row._fields)} FROM slot WHERE id", keys))  # noqa: S608
    return [_shown(row, sorted(records.get(row.id, ()))) for row in {row.id: row for row in rows}.values()]


class _Row(NamedTuple):
    id: str
    place: str
    purpose: str
    subject: str
    message: str | None
    digest: str
    audience: str
    valid_until: int | None
    painted_at: int
    state: str


def _shown(row: Any, records: list[str]) -> Shown:
    state = json.loads(row.state)
    place = Place.parse(row.place)
    message = json.loads(row.message) if row.message else None
    return Shown(
        id=row.id,
        slot=Slot(place, cast("Purpose", row.purpose), row.subject, state.get("to", "")),
        message=MessageRef(Place.parse(message[0]), message[1]) if message else None,
        records=tuple(records),
        digest=row.digest,
        audience=row.audience,
        valid_until=row.valid_until,
        painted_at=row.painted_at,
        state={key: value for key, value in state.items() if key != "to"},
    )


def _columns(shown: Shown) -> dict[str, Any]:
    key = shown.slot
    return {
        "id": shown.id,
        "place": key.place.key,
        "room": key.place.room_key,
        "purpose": key.purpose,
        "subject": key.subject,
        "message": json.dumps([shown.message.place.key, shown.message.id]) if shown.message else None,
        "digest": shown.digest,
        "audience": shown.audience,
        "valid_until": shown.valid_until,
        "painted_at": shown.painted_at,
        "state": json.dumps({**shown.state, "to": key.to}, ensure_ascii=False),
        "reader": _reader(shown),
    }


def _reader(shown: Shown) -> str:
    """Whose rights it hangs on alone: the account it was whispered to, or the person an alert is for."""
    return shown.slot.to or (shown.slot.subject.rpartition(":")[2] if shown.slot.purpose == "alert" else "")


def _fresh(shown: Shown) -> dict[str, Any]:
    """A row that was not there: repaints do not make it younger."""
    return {**_columns(shown), "posted_at": shown.painted_at}


@unhurried
def _keep(connection: Connection, items: Sequence[tuple[Shown, int | None]]) -> list[bool]:
    free = [shown for shown, seen in items if seen is None]
    upsert.put(connection, slot, [_fresh(shown) for shown in free], first=("posted_at",))
    kept = [seen is None or _set(connection, shown.id, seen, _columns(shown)) for shown, seen in items]
    # Of two of one slot in one batch the later stands, as it would one after another.
    stands = {shown.id: shown for (shown, _), did in zip(items, kept, strict=True) if did}
    _records(connection, list(stands.values()))
    return kept


def _records(connection: Connection, kept: Sequence[Shown]) -> None:
    ids = [shown.id for shown in kept]
    rows = [{"slot": shown.id, "record": record} for shown in kept for record in dict.fromkeys(shown.records)]
    sql.many(connection, "DELETE FROM slot_record WHERE slot = ?", [(id_,) for id_ in ids])
    upsert.insert(connection, slot_record, rows)


def _set(connection: Connection, id_: str, seen: int, values: dict[str, Any]) -> bool:
    query = update(slot).where(slot.c.id == id_, slot.c.painted_at == seen).values(**values)
    return connection.execute(query).rowcount == 1


def _claim(connection: Connection, items: Sequence[tuple[Shown, str, int | None]]) -> list[bool]:
    return [_claim_one(connection, *each) for each in items]


def _claim_one(connection: Connection, shown: Shown, mark: str, seen: int | None) -> bool:
    if seen is None:
        return upsert.add(connection, slot, {**_fresh(shown), "message": None, "digest": mark, "valid_until": None})
    return _set(connection, shown.id, seen, {"painted_at": shown.painted_at, "digest": mark})


def _let_go(connection: Connection, items: Sequence[tuple[str, str, int]]) -> list[None]:
    for id_, mark, seen in items:
        _set(connection, id_, seen, {"digest": mark})
    return [None] * len(items)


def _drop(connection: Connection, items: Sequence[tuple[str, int | None]]) -> list[bool]:
    return [_drop_one(connection, id_, seen) for id_, seen in items]


def _drop_one(connection: Connection, id_: str, seen: int | None) -> bool:
    # The row stays without its message: the same message edited back floats a new card under the same key.
    matches = [slot.c.id == id_] + ([slot.c.painted_at == seen] if seen is not None else [])
    values: dict[str, Any] = {"message": None, "digest": "", "valid_until": None}
    state = json.loads((sql.first(connection, "SELECT state FROM slot WHERE id = ?", (id_,)) or ("{}",))[0])
    if state.pop("names", None):  # what somebody typed: of a card that is gone nobody asks for it
        values["state"] = json.dumps(state, ensure_ascii=False)
    emptied = update(slot).where(*matches).values(**values)
    dropped = connection.execute(emptied).rowcount == 1
    if dropped:
        connection.execute(delete(slot_record).where(slot_record.c.slot == id_))
    return dropped


def unname(connection: Connection, record: str) -> None:
    """Cards keep by which name, as it was typed, each customer was named; also those that the room may not see now, for
    which there is no `slot_record`."""
    said = json.dumps(record, ensure_ascii=False) + ":"
    about = select(slot.c.id, slot.c.state).where(slot.c.state.contains(said, autoescape=True)).order_by(slot.c.id)
    for row in connection.execute(about.with_for_update()).all():
        state = json.loads(row.state)
        if isinstance(names := state.get("names"), dict) and names.pop(record, None) is not None:
            told = json.dumps(state, ensure_ascii=False)
            connection.execute(update(slot).where(slot.c.id == row.id).values(state=told))


def _unname(connection: Connection, records: Sequence[str]) -> list[None]:
    for record in records:
        unname(connection, record)
    return [None] * len(records)
