"""A room that its network gave another id: everything known of it is known of the new one, its slots too."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Column, Connection, Table, delete, select, update

from channels.model import Place
from gateway.store.engine import Store
from gateway.store.slots import slot_id
from gateway.store.tables_app import account, choice, due, floated, member, room, slot, slot_record, trail
from gateway.store.tables_mentioning import lesson, named, room_mentioning
from gateway.turn import Purpose, Slot

_ONE: tuple[tuple[Table, Column[Any]], ...] = ((room, room.c.key), (room_mentioning, room_mentioning.c.room))
"""One row a room: what was set in the old one stands."""
_MANY: tuple[tuple[Table, Column[Any]], ...] = (
    (member, member.c.im),
    (floated, floated.c.record),
    (choice, choice.c.name),
    (named, named.c.record),
)
"""Rows of a room and of something else: what the new one has already stands."""
_NOTED: tuple[Table, ...] = (account, trail, lesson)


async def move_room(store: Store, old: Place, new: Place) -> int:
    """How many slots went along. Again: nothing is left to move."""
    return await store.write(_move, (old, new))


def _move(connection: Connection, items: Sequence[tuple[Place, Place]]) -> list[int]:
    return [_move_one(connection, old, new) for old, new in items]


def _move_one(connection: Connection, old: Place, new: Place) -> int:
    rows = connection.execute(select(slot).where(slot.c.room == old.room_key)).all()
    for row in rows:
        _move_slot(connection, row, new)
    here, there = old.room_key, new.room_key
    for table, key in _ONE:
        if connection.execute(select(key).where(key == here)).first() is not None:
            connection.execute(delete(table).where(key == there))
            connection.execute(update(table).where(key == here).values({key.name: there}))
    for table, other in _MANY:
        known = select(other).where(table.c.room == there).scalar_subquery()
        connection.execute(delete(table).where(table.c.room == here, other.in_(known)))
        connection.execute(update(table).where(table.c.room == here).values(room=there))
    for table in _NOTED:
        connection.execute(update(table).where(table.c.room == here).values(room=there))
    return len(rows)


def _move_slot(connection: Connection, row: Any, new: Place) -> None:
    """A slot's id is a digest of where it is. The message stays what it is: it is known by the old room for ever."""
    place = Place(new.channel, new.room, Place.parse(row.place).thread)
    key = Slot(place, cast("Purpose", row.purpose), row.subject, json.loads(row.state).get("to", ""))
    id_ = slot_id(key)
    if connection.execute(select(slot.c.id).where(slot.c.id == id_)).first() is not None:
        connection.execute(delete(slot).where(slot.c.id == row.id))
        connection.execute(delete(slot_record).where(slot_record.c.slot == row.id))
        return
    connection.execute(update(slot).where(slot.c.id == row.id).values(id=id_, place=place.key, room=place.room_key))
    connection.execute(update(slot_record).where(slot_record.c.slot == row.id).values(slot=id_))
    connection.execute(update(floated).where(floated.c.slot == row.id).values(slot=id_))
    for kind in ("slot", "stale"):
        renamed = {"key": f"{kind}:{id_}", "payload": json.dumps({"slot": id_})}
        connection.execute(update(due).where(due.c.key == f"{kind}:{row.id}").values(renamed))
