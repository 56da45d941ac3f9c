"""From Salesforce's rows to records, and where its changes are found."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crm.each import first_of_each
from crm.http import GARBLED
from crm.late import Merged
from crm.model import GATEWAY, FieldInfo, Item, Kind, Past, Record, RecordRef
from crm.once import Versions, absent, digest
from crm.salesforce.api import Api, instant, is_id, quoted, select
from crm.salesforce.config import KIND, Config
from gateway.errors import Retry
from reconcile.model import Json

ITEMS = 40
WINDOW = 20_000
"""Changes looked at in one go."""
KNOWN_S = 600.0
SETTLED_MS = 2_000
_OWN = ("Id", "Name", "SystemModstamp", "LastModifiedById", "OwnerId", "IsDeleted", "MasterRecordId")
_TASK = ("Id", "WhatId", "WhoId", "Subject", "Description", "IsClosed", "ActivityDate", "CreatedDate", "Owner.Name")
_PERSON = ("Id", "AccountId", "Name", "Title", "Phone", "Email", "CreatedDate")
_HISTORY = ("Field", "NewValue", "CreatedDate", "CreatedById")
_TYPES = {
    "double": "decimal",
    "currency": "decimal",
    "percent": "decimal",
    "int": "decimal",
    "date": "date",
    "datetime": "date",
    "phone": "phone",
    "email": "email",
    "picklist": "choice",
    "boolean": "choice",
    "string": "text",
    "textarea": "text",
    "url": "text",
    "combobox": "text",
}

Row = dict[str, Json]
Related = dict[Kind, tuple[Item, ...]]


def when(text: Json) -> int:
    """Milliseconds of `2026-11-20T10:00:00.000+0000`; 0 for what is none."""
    try:
        return round(datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%S.%f%z").timestamp() * 1000)
    except ValueError:
        return 0


def day(text: Json) -> int | None:
    return when(f"{text}T00:00:00.000+0000") or None


def text(value: Json) -> str:
    return "" if value is None else str(value)


@dataclass(slots=True)
class Reader:
    crm: str
    config: Config
    api: Api
    versions: Versions
    page: int
    late_ms: int = 60_000
    _offered: dict[str, FieldInfo] = field(default_factory=dict)
    _at: float = float("-inf")

    # -- a source of changes (crm.late)

    async def now(self) -> int:
        await self.api.user()  # the first answer tells what time it is there
        return self.api.now()

    async def after(self, last: str) -> list[str]:
        beyond = [f"Id > {quoted(last)}"] if last else []
        found = await self.api.query(select(["Id"], self.config.object, *beyond, order="Id", limit=self.page))
        return [str(row.get("Id")) for row in found]

    async def read(self, ids: Sequence[str], *, customers: bool) -> Mapping[str, Record]:
        wanted = [id_ for id_ in ids if is_id(id_)]
        if not wanted:
            return {}
        names = list(dict.fromkeys([*_OWN, *self.config.mapping.asked]))
        soql = select(names, self.config.object, f"Id IN ({quoted(*wanted)})")
        found = await self.api.query(soql, deleted=True)
        related, user = await self.related(wanted), await self.api.user()
        records = (self.record(row, related.get(str(row.get("Id")), {}), user) for row in found)
        return {record.ref.id: record for record in records}

    async def touched(self, floor: int, since: int) -> Mapping[str, int]:
        merged = Merged()
        for object_, column in self._streams():
            merged.add(*await self._newest(object_, column, floor, since))
        return merged.touched()

    async def _newest(
        self, object_: str, column: str, floor: int, since: int
    ) -> tuple[list[tuple[str, int]], int | None]:
        """And the time of the last of them, when there may be more; beyond `since`, so that the next look goes on."""
        names, order = [column, "SystemModstamp"], "SystemModstamp, Id"

        async def ask(limit: int, *times: str) -> list[Row]:
            return await self.api.query(select(names, object_, *times, order=order, limit=limit), deleted=True)

        found = last = await ask(WINDOW, f"SystemModstamp >= {instant(floor)}")
        if len(found) == WINDOW and when(found[-1].get("SystemModstamp")) <= since:  # a great change in a short time
            beyond = instant(since + 1000)
            found = await ask(0, f"SystemModstamp >= {instant(floor)}", f"SystemModstamp < {beyond}")
            last = await ask(WINDOW, f"SystemModstamp >= {beyond}")
            found += last
        pairs = [(text(row.get(column)), when(row.get("SystemModstamp"))) for row in found]
        cut = when(last[-1].get("SystemModstamp")) if len(last) == WINDOW else None
        return [(id_, at) for id_, at in pairs if is_id(id_)], cut

    def _streams(self) -> Sequence[tuple[str, str]]:
        if self.config.kind == "account":
            return ("Task", "WhatId"), ("Contact", "AccountId"), ("Account", "Id")
        return ("Task", "WhoId"), (self.config.object, "Id")

    # -- records

    def record(self, row: Row, related: Related, user: str) -> Record:
        ref, at = RecordRef(self.crm, KIND, text(row.get("Id"))), when(row.get("SystemModstamp"))
        if not is_id(ref.id) or not at:
            raise Retry(GARBLED, "answered a record without an id or a time")
        fields = self.config.mapping.hear(row, as_of=at).fields
        deleted, by = row.get("IsDeleted") is True, text(row.get("LastModifiedById"))
        content = digest({name: it.value for name, it in fields.items()}, text(row.get("Name")), deleted)
        owner = text(row.get("OwnerId"))
        return Record(
            ref=ref,
            title=text(row.get("Name")) or ref.id,
            url=self.config.page_at.replace("{id}", ref.id),
            version=self.versions.of(ref.key, at // 1000, content, over=self.api.now() - at >= SETTLED_MS),
            fields=fields,
            related=related,
            owners=(owner,) if owner else (),
            modified=at,
            modified_by=GATEWAY if by[:15] == user else by,
            deleted=deleted,
            merged_into=text(row.get("MasterRecordId")) if deleted else "",
        )

    async def gone(self, ref: RecordRef) -> Record:
        """One that is in the bin, merged ones too. Raises `Refused` when it is not even there."""
        found = await self.read([ref.id], customers=False)
        if ref.id not in found:
            raise absent(ref)
        return found[ref.id]

    async def related(self, ids: Sequence[str]) -> dict[str, Related]:
        found: dict[str, Related] = {id_: {"note": (), "open_item": (), "contact": ()} for id_ in ids}
        column = "WhatId" if self.config.kind == "account" else "WhoId"
        for kind, closed in (("note", "TRUE"), ("open_item", "FALSE")):
            tasks = await self._of_each(ids, _TASK, "Task", column, f"IsClosed = {closed}")
            self._put(found, kind, [(text(row.get(column)), _task(row)) for row in tasks])  # type: ignore[arg-type]
        if self.config.kind == "account":
            people = await self._of_each(ids, _PERSON, "Contact", "AccountId")
            self._put(found, "contact", [(text(row.get("AccountId")), _contact(row)) for row in people])
        return found

    async def _of_each(
        self, ids: Sequence[str], names: Sequence[str], object_: str, column: str, *where: str
    ) -> list[Row]:
        async def ask(some: Sequence[str], most: int) -> list[Row]:
            about = (f"{column} IN ({quoted(*some)})", *where)
            return await self.api.query(select(names, object_, *about, order="CreatedDate DESC, Id", limit=most))

        return await first_of_each(ids, ITEMS, lambda row: text(row.get(column)), ask)

    def _put(self, found: dict[str, Related], kind: Kind, pairs: Sequence[tuple[str, Item]]) -> None:
        of: dict[str, list[Item]] = defaultdict(list)
        for id_, item in pairs:
            of[id_].append(item)
        for id_ in of.keys() & found.keys():
            found[id_][kind] = tuple(of[id_][:ITEMS])

    # -- what Salesforce knows besides

    async def offered(self) -> Mapping[str, FieldInfo]:
        """Asked for anew every ten minutes."""
        if time.monotonic() - self._at > KNOWN_S:
            answer = (await self.api.call("GET", f"{self.api.base}/sobjects/{self.config.object}/describe")).table
            found = answer.get("fields")
            known = [info(each) for each in found if isinstance(each, dict)] if isinstance(found, list) else []
            self._offered, self._at = {each.name: each for each in known}, time.monotonic()
        return self._offered

    async def past(self, ref: RecordRef, since: int) -> tuple[Past, ...]:
        """Of the fields whose history the company tracks; Salesforce keeps it for 18 months by default."""
        object_, ours = self.config.object, {spec.theirs: name for name, spec in self.config.mapping if spec.reads}
        about = f"{object_}Id = {quoted(ref.id)}", f"CreatedDate >= {instant(since)}"
        found = await self.api.query(select(_HISTORY, f"{object_}History", *about, order="CreatedDate, Id"))
        return tuple(self._past(ours[str(row.get("Field"))], row) for row in found if str(row.get("Field")) in ours)

    def _past(self, ours: str, row: Row) -> Past:
        value = self.config.mapping.rendered(ours, row.get("NewValue"))
        return Past(ours, value, when(row.get("CreatedDate")), text(row.get("CreatedById")), "salesforce")


def _task(row: Row) -> Item:
    said = ": ".join(filter(None, [text(row.get("Subject")), text(row.get("Description"))]))
    owner: Any = row.get("Owner")
    who = text(owner.get("Name")) if isinstance(owner, dict) else ""
    closed = row.get("IsClosed") is True
    due = None if closed else day(row.get("ActivityDate"))
    return Item(text(row.get("Id")), "note" if closed else "open_item", said, when(row.get("CreatedDate")), who, due)


def _contact(row: Row) -> Item:
    told = {"title": row.get("Title"), "phone": row.get("Phone"), "email": row.get("Email")}
    detail = {name: text(value) for name, value in told.items() if value}
    return Item(text(row.get("Id")), "contact", text(row.get("Name")), when(row.get("CreatedDate")), detail=detail)


def info(row: Row) -> FieldInfo:
    found, type_ = row.get("picklistValues"), text(row.get("type"))
    values = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    options = ("true", "false") if type_ == "boolean" else tuple(text(each.get("value")) for each in values)
    return FieldInfo(
        name=text(row.get("name")),
        label=text(row.get("label")) or text(row.get("name")),
        type=_TYPES.get(type_, "other"),  # type: ignore[arg-type]
        options=options,
        writable=row.get("updateable") is True and type_ in _TYPES,
        native=type_,
    )
