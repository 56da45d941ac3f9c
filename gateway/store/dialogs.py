"""Dialogues as stored: one a person and room, sealed with the key of the record they are about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, delete, insert, select, update

from cards.facts import FormField
from gateway.store.engine import Store
from gateway.store.tables_dialog import dialog
from gateway.store.vault import Erased, Tampered, Vault


@dataclass(frozen=True, slots=True)
class Dialog:
    """A form half filled in. `version` grows with each question; `asks` are the fields still to be asked, in order."""

    id: str
    im: str
    """Whose it is: an `ImId.key`."""
    place: str
    """Where it is asked: a `Place.key`."""
    room: str
    """That place's `room_key`."""
    home: str
    """Where the button stands that began it."""
    message: str
    """The message of that button; empty when it is not known."""
    record: str
    title: str
    data: str
    """The form's own signed token, which comes back with the values."""
    fields: tuple[FormField, ...]
    locale: str = ""
    asks: tuple[str, ...] = ()
    answers: dict[str, str] = field(default_factory=dict)
    error: str = ""
    """What was wrong with the last answer."""
    tries: int = 0
    """How often it was handed in."""
    last: str = ""
    """The `once` of the event that brought the present question about."""
    version: int = 0
    until: int = 0

    @property
    def asked(self) -> FormField:
        return next(each for each in self.fields if each.name == self.asks[0])


_ADAPTER: TypeAdapter[Dialog] = TypeAdapter(Dialog)


class DialogStore:
    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    async def begin(self, new: Dialog) -> list[Dialog]:
        """In place of whatever that person was being asked in that room; what that was. Again: nothing changes."""
        return await self._store.write(self._begin, new)

    async def get(self, id_: str) -> Dialog | None:
        return await self._store.read(lambda connection: self._one(connection, dialog.c.id == id_))

    async def open(self, im: str, room: str) -> Dialog | None:
        """What this person is being asked in this room."""
        return await self._store.read(
            lambda connection: self._one(connection, dialog.c.im == im, dialog.c.room == room)
        )

    async def move(self, to: Dialog) -> bool:
        """One step on; False when it made that step before, or is over."""
        return await self._store.write(self._move, to)

    async def end(self, id_: str) -> bool:
        return await self._store.write(_end, id_)

    def _one(self, connection: Connection, *where: Any) -> Dialog | None:
        found = self._all(connection, *where)
        return found[0] if found else None

    def _all(self, connection: Connection, *where: Any) -> list[Dialog]:
        rows = connection.execute(select(dialog).where(*where).order_by(dialog.c.id)).all()
        return [found for found in (self._opened(connection, row) for row in rows) if found is not None]

    def _opened(self, connection: Connection, row: Any) -> Dialog | None:
        """None for one about a record that was erased meanwhile."""
        try:
            plain = self._vault.unseal(connection, row.subject, bytes(row.sealed))
        except (KeyError, Tampered):
            return None
        return None if isinstance(plain, Erased) else _ADAPTER.validate_json(plain)

    def _begin(self, connection: Connection, items: Sequence[Dialog]) -> list[list[Dialog]]:
        return [self._begin_one(connection, new) for new in items]

    def _begin_one(self, connection: Connection, new: Dialog) -> list[Dialog]:
        theirs = (dialog.c.im == new.im, dialog.c.room == new.room)
        before = self._all(connection, *theirs)
        if any(each.id == new.id for each in before):
            return []
        connection.execute(delete(dialog).where(*theirs))
        connection.execute(insert(dialog).values(**self._row(connection, new)))
        return before

    def _move(self, connection: Connection, items: Sequence[Dialog]) -> list[bool]:
        return [self._move_one(connection, to) for to in items]

    def _move_one(self, connection: Connection, to: Dialog) -> bool:
        before = (dialog.c.id == to.id, dialog.c.version == to.version - 1)
        moved = connection.execute(update(dialog).where(*before).values(**self._row(connection, to)))
        return moved.rowcount == 1

    def _row(self, connection: Connection, each: Dialog) -> dict[str, Any]:
        sealed = self._vault.seal(connection, each.record, _ADAPTER.dump_json(each))
        columns = {"id": each.id, "im": each.im, "room": each.room, "subject": each.record}
        return {**columns, "version": each.version, "until": each.until, "sealed": sealed}


def step(before: Dialog, once: str, until: int, **changed: Any) -> Dialog:
    """The dialogue after one more event."""
    return replace(before, **{"error": "", **changed}, last=once, until=until, version=before.version + 1)


def _end(connection: Connection, items: Sequence[str]) -> list[bool]:
    return [connection.execute(delete(dialog).where(dialog.c.id == id_)).rowcount == 1 for id_ in items]
