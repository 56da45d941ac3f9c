"""What people do in the CRM itself: its own screens and imports, not part of the `Crm` protocol."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, Table

from crm.local import reading, writing
from crm.local.config import Config
from crm.local.database import Database
from crm.local.fields import NAME_LIMIT, NOTE_LIMIT, clean, required, scrub, short
from crm.local.schema import contact, open_item, risk
from crm.local.writing import Stamp
from crm.model import Absent, CrmUser, Item, Level, Record, RecordRef
from gateway.errors import Refused
from reconcile.model import Json

T = TypeVar("T")
Clock = Callable[[], int]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class NativeEdits:
    """`by` is a CRM user's id everywhere. Raises `Misconfigured` when the file belongs to another program."""

    def __init__(self, name: str, config: Config, *, clock: Clock = now_ms) -> None:
        self.name = name
        self.clock = clock
        self.shape = reading.Shape(name, config.link)
        self.database = Database(name, config)

    async def list(self, query: str = "", limit: int = 50) -> tuple[Record, ...]:
        """Live records whose name or alias contains `query`, by name."""
        most = max(0, min(limit, 500))
        return await self._reading(lambda conn: reading.search(conn, self.shape, scrub(query), most))

    async def create(self, name: str, by: str, *, id_: str = "", team: str = "", region: str = "") -> RecordRef:
        row = {"id": id_ or writing.new_id("a"), "name": required("Name", name, NAME_LIMIT), "team": team}
        await self._writing(lambda conn: writing.create(conn, [{**row, "region": region}], self.stamp(by)))
        return self.shape.ref(row["id"])

    async def set_native(self, ref: RecordRef, field: str, value: Json, by: str) -> int:
        """The new version; the present one when the value is that already. The field `name` renames."""
        return await self._writing(partial(self._set_native, ref, field, value, by))

    async def delete(self, ref: RecordRef, by: str) -> int:
        return await self._writing(lambda conn: self._touch(conn, ref, by, deleted=True))

    async def restore(self, ref: RecordRef, by: str) -> int:
        return await self._writing(lambda conn: self._touch(conn, ref, by, live=False))

    async def add_risk(self, ref: RecordRef, text: str, level: Level, by: str) -> Item:
        return await self._add(risk, ref, text, by, level=level)

    async def add_open_item(self, ref: RecordRef, text: str, due: int | None, by: str) -> Item:
        return await self._add(open_item, ref, text, by, due=due)

    async def add_contact(self, ref: RecordRef, name: str, detail: dict[str, str], by: str) -> Item:
        """`detail`: `title`, `phone`, `email`."""
        return await self._add(contact, ref, name, by, detail={key: scrub(text) for key, text in detail.items()})

    async def set_risk_level(self, ref: RecordRef, risk_id: str, level: Level, by: str) -> int:
        return await self._writing(lambda conn: self._set_item(conn, risk, ref, risk_id, by, level=level))

    async def complete_item(self, ref: RecordRef, item_id: str, by: str, *, done: bool = True) -> int:
        return await self._writing(lambda conn: self._set_item(conn, open_item, ref, item_id, by, done=done))

    async def set_owners(self, ref: RecordRef, owners: Sequence[str], by: str) -> int:
        """`owners`: CRM user ids."""

        def work(conn: Connection) -> int:
            version = self._touch(conn, ref, by)
            writing.set_owners(conn, {ref.id: owners})
            return version

        return await self._writing(work)

    async def add_alias(self, ref: RecordRef, name: str, by: str) -> int:
        def work(conn: Connection) -> int:
            version = self._touch(conn, ref, by)
            writing.put_aliases(conn, [(ref.id, required("Name", name, NAME_LIMIT))])
            return version

        return await self._writing(work)

    async def put_user(self, user: CrmUser) -> None:
        await self._writing(lambda conn: writing.put_users(conn, [user]))

    def stamp(self, by: str, label: str = "") -> Stamp:
        return Stamp(self.clock(), scrub(by), scrub(label))

    # On the worker's thread from here on, each inside the transaction it is given.

    async def _reading(self, work: Callable[[Connection], T]) -> T:
        def inside() -> T:
            with self.database.read() as conn:
                return work(conn)

        return await self.database.run(inside)

    async def _writing(self, work: Callable[[Connection], T]) -> T:
        def inside() -> T:
            with self.database.write() as conn:
                return work(conn)

        return await self.database.run(inside)

    def _present(self, conn: Connection, ref: RecordRef) -> Record:
        ours = ref.crm == self.name and ref.kind == reading.KIND and ref.id == scrub(ref.id)
        record = reading.one(conn, self.shape, ref.id) if ours else None
        if record is None:
            raise Absent("The CRM has no customer {record}. It may have been removed there.", record=short(ref.id))
        return record

    def _touch(self, conn: Connection, ref: RecordRef, by: str, *, live: bool = True, deleted: bool = False) -> int:
        record = self._present(conn, ref)
        version = writing.swap(conn, ref.id, self.stamp(by), live=live, deleted=deleted)
        if version is None:
            raise not_live() if record.deleted else Refused("This customer is not deleted, nothing is to be restored.")
        return version

    def _set_native(self, ref: RecordRef, field: str, value: Json, by: str, conn: Connection) -> int:
        record = self._present(conn, ref)
        spelled = spelling(field, value)
        if not record.deleted and spelled == held(record, field):
            return record.version
        version = self._touch(conn, ref, by)
        put(conn, ref.id, field, spelled, self.stamp(by))
        return version

    async def _add(self, table: Table, ref: RecordRef, text: str, by: str, **values: object) -> Item:
        return await self._writing(lambda conn: self._add_item(conn, table, ref, text, by, by, values))

    def _add_item(
        self, conn: Connection, table: Table, ref: RecordRef, text: str, who: str, by: str, values: dict[str, object]
    ) -> Item:
        id_ = writing.new_id(table.name)
        row = {"id": id_, "account": ref.id, "text": required("Text", text, NOTE_LIMIT), "who": scrub(who), **values}
        self._touch(conn, ref, by)
        writing.add_items(conn, table, [{**row, "at": self.clock()}])
        return self._item(conn, table, ref, id_)

    def _item(self, conn: Connection, table: Table, ref: RecordRef, id_: str) -> Item:
        item = reading.item(conn, table, ref.id, id_)
        if item is None:
            raise _no_item()
        return item

    def _set_item(self, conn: Connection, table: Table, ref: RecordRef, item: str, by: str, **values: object) -> int:
        version = self._touch(conn, ref, by)
        if not writing.set_item(conn, table, ref.id, item, **values):
            raise _no_item()
        return version


def not_live() -> Refused:
    return Refused("This customer was deleted in the CRM. Restore it there before you change it.")


def _no_item() -> Refused:
    return Refused("This customer has no such entry any more. Open the card again.")


def spelling(field: str, value: Json) -> str | None:
    return required("Name", value, NAME_LIMIT) if field == "name" else clean(field, value)


def held(record: Record, field: str) -> Json:
    if field == "name":
        return record.title
    return record.fields[field].value if field in record.fields else None


def put(conn: Connection, id_: str, field: str, value: str | None, stamp: Stamp) -> None:
    if field == "name" and value is not None:
        writing.rename(conn, id_, value)
    else:
        writing.put_fields(conn, [(id_, field, value)], stamp)
