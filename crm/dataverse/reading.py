"""From Dataverse's rows to records, with what belongs to them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from crm.dataverse.api import FORMATTED, Api, Row, code, is_id, one_of, prefer, text, when, words
from crm.dataverse.columns import SPACE, Columns, heard
from crm.dataverse.config import KIND, Config, Table
from crm.each import first_of_each
from crm.http import GARBLED
from crm.markup import plain
from crm.model import GATEWAY, CrmUser, FieldValue, Item, Kind, Past, Record, RecordRef
from crm.once import KEPT, Versions
from gateway.errors import Refused, Retry
from reconcile.model import Json

ITEMS = 40
SETTLED_MS = 2_000
AUDITS = 50
"""Of a record's history the newest, each of which is a call of its own."""
MISSING = "0x80040217"
_OWN = ("modifiedon", "_modifiedby_value", "_ownerid_value", "merged", "_masterid_value")
_NOTE = ("annotationid", "_objectid_value", "subject", "notetext", "filename", "createdon", "_createdby_value")
_TASK = ("activityid", "_regardingobjectid_value", "subject", "description", "scheduledend", "createdon")
_PERSON = ("contactid", "_parentcustomerid_value", "fullname", "jobtitle", "telephone1", "emailaddress1", "createdon")

Related = Mapping[Kind, tuple[Item, ...]]


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows that hang on a customer, by the lookup `column`."""

    kind: Kind
    set: str
    key: str
    column: str
    asked: tuple[str, ...]
    where: str = ""

    def ours(self, table: Table) -> str:
        """A filter: those that hang on a row of this table."""
        navigation = {"annotations": "objectid_{}", "tasks": "regardingobjectid_{}_task"}
        name = navigation.get(self.set, "parentcustomerid_{}").format(table.name)
        return f"{name}/{table.key} ne null"


NOTES = Relation("note", "annotations", "annotationid", "_objectid_value", _NOTE)
TASKS = Relation(
    "open_item", "tasks", "activityid", "_regardingobjectid_value", (*_TASK, "_ownerid_value"), "statecode eq 0"
)
PEOPLE = Relation("contact", "contacts", "contactid", "_parentcustomerid_value", _PERSON, "statecode eq 0")


def relations(kind: str) -> tuple[Relation, ...]:
    return (NOTES, TASKS, PEOPLE) if kind == "account" else (NOTES, TASKS)


@dataclass(slots=True)
class Reader:
    crm: str
    config: Config
    api: Api
    columns: Columns
    versions: Versions
    _gone: dict[str, int] = field(default_factory=dict)

    @property
    def table(self) -> Table:
        return self.config.table

    @property
    def asked(self) -> tuple[str, ...]:
        """The columns of a record."""
        return tuple(dict.fromkeys([self.table.key, self.table.title, *_OWN, *self.config.mapping.asked]))

    def path(self, id_: str) -> str:
        assert is_id(id_)
        return f"/{self.table.set}({id_})"

    # -- rows

    async def row(self, id_: str) -> Row | None:
        """None when it is not there; a table that is not there is told."""
        select = ("$select", ",".join(self.asked))
        answer = await self.api.get(self.path(id_), select, headers=prefer(), take=(404,))
        if answer.status != 404:
            return answer.table
        said = words(answer.body)
        if code(answer.body) != MISSING and "does not exist" not in said.lower():
            raise self.api.refusal(said or "404")
        return None

    async def read(self, ids: Sequence[str], *, customers: bool) -> Mapping[str, Record]:
        wanted = [id_ for id_ in ids if is_id(id_)]
        if not wanted:
            return {}
        asked = ("$select", ",".join(self.asked)), ("$filter", one_of(self.table.key, wanted))
        return {
            record.ref.id: record for record in await self.records(await self.api.all(f"/{self.table.set}", *asked))
        }

    async def records(self, found: Sequence[Row]) -> list[Record]:
        """Of whole rows, each once, with what belongs to them."""
        once = {text(row.get(self.table.key)).lower(): row for row in found}
        related = await self.related([id_ for id_ in once if is_id(id_)])
        return [await self.record(row, related.get(id_, {})) for id_, row in once.items()]

    async def record(self, row: Row, related: Related) -> Record:
        id_, at = text(row.get(self.table.key)).lower(), when(row.get("modifiedon"))
        tag = row.get("@odata.etag")
        if not is_id(id_) or not at or not isinstance(tag, str):
            raise Retry(GARBLED, "answered a record without an id, a time or an ETag")
        ref, owner = RecordRef(self.crm, KIND, id_), text(row.get("_ownerid_value"))
        by, over = text(row.get("_modifiedby_value")), self.api.now() - at >= SETTLED_MS
        return Record(
            ref=ref,
            title=text(row.get(self.table.title)) or id_,
            url=self.config.page_at.replace("{id}", id_),
            version=self.versions.of(ref.key, at // 1000, tag, over=over),
            fields=await self._fields(row, at),
            related=related,
            owners=(owner,) if owner else (),
            modified=at,
            modified_by=GATEWAY if by == await self.api.user() else by,
            deleted=row.get("merged") is True,
            merged_into=text(row.get("_masterid_value")).lower() if row.get("merged") is True else "",
        )

    async def _fields(self, row: Row, at: int) -> dict[str, FieldValue]:
        columns, mapping = await self.columns.known(), self.config.mapping
        raw = {spec.theirs: heard(spec, columns.get(spec.theirs), row) for _, spec in mapping if spec.theirs in row}
        found = mapping.hear(raw, as_of=at).fields
        hidden = {theirs for theirs, column in columns.items() if column.secured and raw.get(theirs) is None}
        return {ours: it for ours, it in found.items() if mapping.by_ours[ours].theirs not in hidden}

    def gone(self, ref: RecordRef) -> Record:
        """One that is not there any more. Dataverse keeps nothing of it, so its version is when we saw that."""
        if len(self._gone) > KEPT:
            self._gone.clear()
        at = self._gone.setdefault(ref.id, self.api.now())
        return Record(ref, ref.id, "", at, {}, {}, modified=at, deleted=True)

    def back(self, id_: str) -> None:
        self._gone.pop(id_, None)

    # -- what belongs to it

    async def related(self, ids: Sequence[str]) -> dict[str, Related]:
        these = relations(self.config.kind)
        found: dict[str, dict[Kind, tuple[Item, ...]]] = {id_: {each.kind: () for each in these} for id_ in ids}
        for each in these if ids else ():
            of: dict[str, list[Item]] = defaultdict(list)
            for row in await self._of_each(ids, each):
                of[text(row.get(each.column)).lower()].append(item(each, row))
            for id_ in of.keys() & found.keys():
                found[id_][each.kind] = tuple(of[id_][:ITEMS])
        return {**found}

    async def _of_each(self, ids: Sequence[str], relation: Relation) -> list[Row]:
        async def ask(some: Sequence[str], most: int) -> list[Row]:
            where = " and ".join(filter(None, [one_of(relation.column, some), relation.where]))
            asked = ("$select", ",".join(relation.asked)), ("$filter", where), ("$orderby", "createdon desc")
            return (await self.api.all(f"/{relation.set}", *asked, ("$top", str(most))))[:most]

        return await first_of_each(ids, ITEMS, lambda row: text(row.get(relation.column)).lower(), ask)

    # -- what Dataverse knows besides

    async def users(self) -> tuple[CrmUser, ...]:
        asked = (
            ("$select", "systemuserid,fullname,internalemailaddress,isdisabled"),
            ("$filter", "applicationid eq null"),
        )
        found = await self.api.all("/systemusers", *asked, ("$orderby", "systemuserid"), page=500)
        return tuple(
            CrmUser(
                text(row.get("systemuserid")),
                text(row.get("fullname")),
                text(row.get("internalemailaddress")),
                row.get("isdisabled") is not True,
            )
            for row in found
        )

    async def past(self, ref: RecordRef, since: int) -> tuple[Past, ...]:
        """Oldest first, of the columns that are audited; () where nothing is, or where we may not read it."""
        about = f"_objectid_value eq {ref.id} and objecttypecode eq '{self.table.name}'"
        asked = ("$select", "auditid,createdon,operation,_userid_value"), ("$filter", about)
        newest = ("$orderby", "createdon desc"), ("$top", str(AUDITS))
        try:
            found = [
                row for row in await self.api.all("/audits", *asked, *newest) if when(row.get("createdon")) >= since
            ]
            told = await asyncio.gather(*(self._changes(row) for row in reversed(found)))
        except Refused:
            return ()
        return tuple(past for changes in told for past in changes)

    async def _changes(self, row: Row) -> list[Past]:
        if not is_id(text(row.get("auditid"))):
            return []
        path = f"/audits({row.get('auditid')})/{SPACE}.RetrieveAuditDetails"
        detail = _table((await self.api.get(path, headers=prefer())).table.get("AuditDetail"))
        new, old = _table(detail.get("NewValue")), _table(detail.get("OldValue"))
        columns, at, who = await self.columns.known(), when(row.get("createdon")), text(row.get("_userid_value"))
        found = []
        for ours, spec in self.config.mapping:
            if spec.reads and (spec.theirs in new or spec.theirs in old):
                raw = heard(spec, columns.get(spec.theirs), {spec.theirs: None, **new})
                found.append(Past(ours, self.config.mapping.rendered(ours, raw), at, who, "dataverse"))
        return found


def _table(value: Json) -> Row:
    return value if isinstance(value, dict) else {}


def item(relation: Relation, row: Row) -> Item:
    id_, made = text(row.get(relation.key)), when(row.get("createdon"))
    match relation.kind:
        case "note":
            said = ": ".join(filter(None, [text(row.get("subject")), plain(text(row.get("notetext")))]))
            return Item(id_, "note", said or text(row.get("filename")), made, _name(row, "_createdby_value"))
        case "open_item":
            said = ": ".join(filter(None, [text(row.get("subject")), plain(text(row.get("description")))]))
            due = when(row.get("scheduledend")) or None
            return Item(id_, "open_item", said, made, _name(row, "_ownerid_value"), due)
        case _:
            told = {"title": row.get("jobtitle"), "phone": row.get("telephone1"), "email": row.get("emailaddress1")}
            detail = {name: text(value) for name, value in told.items() if value}
            return Item(id_, "contact", text(row.get("fullname")), made, detail=detail)


def _name(row: Row, lookup: str) -> str:
    return text(row.get(f"{lookup}@{FORMATTED}"))
