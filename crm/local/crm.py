"""The connector: the `Crm` protocol and its optional abilities on the embedded database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from crm.local import reading, writing
from crm.local.fields import FIELDS
from crm.local.native import NativeEdits, not_live, put, spelling
from crm.local.schema import note
from crm.model import (
    GATEWAY,
    Addresses,
    AddsNote,
    Applied,
    Change,
    Conflict,
    Crm,
    CrmUser,
    Describes,
    FieldInfo,
    Item,
    Record,
    RecordRef,
    Users,
)
from gateway.errors import Refused
from reconcile.model import Json

"""`modified_by` of what the gateway wrote: our own identity, by which an echo is known."""
PAGE = 200


class LocalCrm(NativeEdits):
    """Safe to open from several processes. Raises `Misconfigured` when the file belongs to another program."""

    async def close(self) -> None:
        self.database.close()

    async def get(self, ref: RecordRef) -> Record:
        return await self._reading(lambda conn: self._present(conn, ref))

    async def changes(self, cursor: str) -> AsyncIterator[tuple[Record, str]]:
        """Each record changed since, once, at its newest version; what changes meanwhile is for the next run."""
        after, top = await self._reading(partial(_span, cursor))
        while after < top:
            found = await self._reading(partial(self._page, after, top))
            for record, position in found:
                yield record, str(position)
            after = found[-1][1] if found else top

    async def apply(self, change: Change, *, once: str) -> Applied | Conflict:
        """A repeated `once` that first met a conflict answers it again, with the record as it is by then."""
        return await self._writing(partial(self._apply, change, once))

    async def describe(self, kind: str) -> tuple[FieldInfo, ...]:
        """`name`, the record's title, is no field but may be written like one."""
        return FIELDS if kind == reading.KIND else ()

    def addressed(self, url: str) -> RecordRef | None:
        return self.shape.addressed(url)

    async def users(self) -> tuple[CrmUser, ...]:
        return await self._reading(reading.all_users)

    async def add_note(self, ref: RecordRef, text: str, who: str, *, once: str) -> Item:
        """`who`: a CRM user's id, or a display name."""
        return await self._writing(partial(self._add_note, ref, text, who, once))

    def _page(self, after: int, top: int, conn: Connection) -> list[tuple[Record, int]]:
        return reading.page(conn, self.shape, after, top, PAGE)

    def _apply(self, change: Change, once: str, conn: Connection) -> Applied | Conflict:
        asked = writing.digest("apply", change.ref.key, change.field, change.value)
        answered = _answered(conn, once, asked)
        if answered is None:
            answered = self._write(change, conn)
            writing.remember(conn, once, asked, answered, self.clock())
        version = answered["version"]
        if not isinstance(version, int):
            return Conflict(self._present(conn, change.ref))
        return Applied(version, answered["rendered"])

    def _write(self, change: Change, conn: Connection) -> dict[str, Json]:
        record = self._present(conn, change.ref)
        value = spelling(change.field, change.value)
        stamp = self.stamp(GATEWAY, change.label)
        version = writing.swap(conn, change.ref.id, stamp, precondition=change.precondition)
        if version is not None:
            put(conn, change.ref.id, change.field, value, stamp)
        elif change.precondition in (None, record.version):
            raise not_live()
        return {"version": version, "rendered": value}

    def _add_note(self, ref: RecordRef, text: str, who: str, once: str, conn: Connection) -> Item:
        asked = writing.digest("note", ref.key, text, who)
        answered = _answered(conn, once, asked)
        if answered is not None:
            return self._item(conn, note, ref, str(answered["item"]))
        item = self._add_item(conn, note, ref, text, who, GATEWAY, {})
        writing.remember(conn, once, asked, {"item": item.id}, self.clock())
        return item


def _answered(conn: Connection, once: str, asked: str) -> dict[str, Json] | None:
    first = writing.remembered(conn, once)
    if first is not None and first[0] != asked:
        raise Refused("This key was used for another change before. Send the change again under a key of its own.")
    return None if first is None else first[1]


def _span(cursor: str, conn: Connection) -> tuple[int, int]:
    top = reading.last_position(conn)
    if not cursor.isascii() or not (cursor == "" or cursor.isdigit()) or len(cursor) > 18:
        raise Refused("The CRM cannot continue from {cursor}. Start from the beginning.", cursor=cursor[:40])
    after = int(cursor or 0)
    if after > top:
        raise Refused("The CRM's change feed went back, as after a restored backup. Start from the beginning.")
    return after, top


if TYPE_CHECKING:

    def _claims(crm: LocalCrm) -> tuple[Crm, Users, AddsNote, Describes, Addresses]:
        return crm, crm, crm, crm, crm
