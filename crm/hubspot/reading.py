"""From HubSpot's objects to records."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import quote

from crm.http import GARBLED, rows
from crm.hubspot.api import OBJECTS, Api
from crm.hubspot.config import KIND, Config
from crm.hubspot.hooks import TYPES
from crm.mapping import vanished
from crm.markup import plain
from crm.model import GATEWAY, CrmUser, FieldInfo, FieldValue, Item, Kind, Past, Record, RecordRef
from crm.once import absent
from gateway.errors import Retry
from reconcile.model import Json

ITEMS = 40
"""Notes, tasks and contacts of one record, the newest."""
KNOWN_S = 600.0
PLURAL = {"company": "companies", "contact": "contacts"}
MODIFIED = {"company": "hs_lastmodifieddate", "contact": "lastmodifieddate"}
TITLE = {"company": ("name",), "contact": ("firstname", "lastname")}
_NOTE = ("hs_note_body", "hs_timestamp", "hubspot_owner_id")
_TASK = ("hs_task_subject", "hs_task_body", "hs_timestamp", "hs_task_status", "hubspot_owner_id")
_CONTACT = ("firstname", "lastname", "email", "phone", "jobtitle")
_TYPES = {
    "string": "text",
    "phone_number": "phone",
    "number": "decimal",
    "date": "date",
    "datetime": "date",
    "enumeration": "choice",
    "bool": "choice",
}

Row = dict[str, Json]


def when(text: Json) -> int:
    """Milliseconds of `2026-11-20T10:00:00.123Z`; also of the digits HubSpot writes in places. 0 for what is none."""
    said = str(text or "")
    if said.isascii() and said.isdigit() and len(said) <= 15:
        return int(said)
    try:
        told = datetime.fromisoformat(said.replace("Z", "+00:00"))
    except ValueError:
        return 0
    return round((told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp() * 1000)


def table(value: Json) -> Row:
    return value if isinstance(value, dict) else {}


def _properties(row: Row) -> Row:
    return table(row.get("properties"))


@dataclass(slots=True)
class Reader:
    crm: str
    config: Config
    api: Api
    _offered: dict[str, FieldInfo] = field(default_factory=dict)
    _at: float = float("-inf")
    _owners: tuple[CrmUser, ...] = ()
    _owners_at: float = float("-inf")

    @property
    def objects(self) -> str:
        return PLURAL[self.config.kind]

    @property
    def path(self) -> str:
        return f"{OBJECTS}/{self.objects}"

    async def offered(self) -> Mapping[str, FieldInfo]:
        """Asked for anew every ten minutes."""
        if time.monotonic() - self._at > KNOWN_S:
            answer = (await self.api.get(f"/crm/v3/properties/{self.objects}")).table
            found = answer.get("results")
            known = [info(each) for each in found if isinstance(each, dict)] if isinstance(found, list) else []
            if not known:
                raise Retry(GARBLED, "answered no properties")
            self._offered, self._at = {each.name: each for each in known}, time.monotonic()
        return self._offered

    async def owners(self) -> tuple[CrmUser, ...]:
        if time.monotonic() - self._owners_at > KNOWN_S:
            self._owners, self._owners_at = tuple([owner async for owner in self._all_owners()]), time.monotonic()
        return self._owners

    async def _all_owners(self) -> AsyncIterator[CrmUser]:
        after = ""
        while True:
            page = (("limit", "100"), *([("after", after)] if after else []))
            answer = (await self.api.get("/crm/v3/owners", *page)).table
            for row in rows(answer.get("results")):
                yield _owner(row)
            last, after = after, str(table(table(answer.get("paging")).get("next")).get("after") or "")
            if after in ("", last):
                return

    async def asked(self) -> list[str]:
        """All that is read of a record. A mapped property that is gone is told, never taken for empty."""
        offered = await self.offered()
        mapped = self.config.mapping.asked
        gone = next((name for name in mapped if name not in offered), None)
        if gone is not None:
            raise vanished(gone)
        own = (*TITLE[self.config.kind], MODIFIED[self.config.kind], "hubspot_owner_id", "hs_updated_by_user_id")
        return list(dict.fromkeys([*own, *mapped]))

    async def one(self, ref: RecordRef) -> Record:
        """With who set each field and when. One that was merged away is deleted here."""
        row = await self.row(ref.id)
        record = self._record(row)
        if record.ref.id != ref.id:
            return replace(record, ref=ref, deleted=True, merged_into=record.ref.id)
        related = (await self._related([ref.id]))[ref.id] if not record.deleted else {}
        return replace(self._told_by(record, row), related=related)

    async def row(self, id_: str) -> Row:
        names = await self.asked()
        # The published description splits these at commas.
        asked = ("properties", ",".join(names)), ("propertiesWithHistory", ",".join(self.config.mapping.asked))
        for archived in ("false", "true"):
            answer = await self.api.get(
                f"{self.path}/{quote(id_, safe='')}", *asked, ("archived", archived), missing=True
            )
            if answer.status != 404:
                return answer.table
        raise absent(RecordRef(self.crm, KIND, id_))

    async def many(self, ids: Sequence[str]) -> dict[str, Record]:
        found = [self._record(row) for row in await self.api.read(self.objects, ids, await self.asked())]
        there = {record.ref.id: record for record in found}
        related = await self._related(list(there))
        return {id_: replace(record, related=related[id_]) for id_, record in there.items()}

    def archived(self, row: Row) -> Record:
        return replace(self._record(row), deleted=True)

    def _record(self, row: Row) -> Record:
        said, id_ = _properties(row), str(row.get("id") or "")
        at = when(row.get("updatedAt")) or when(said.get(MODIFIED[self.config.kind]))
        if not id_ or not at:
            raise Retry(GARBLED, "answered an object without an id or a time")
        heard = self.config.mapping.hear(said, sparse=True, as_of=at)
        owner = str(said.get("hubspot_owner_id") or "")
        return Record(
            ref=RecordRef(self.crm, KIND, id_),
            title=" ".join(str(said[name]) for name in TITLE[self.config.kind] if said.get(name)) or id_,
            url=self._url(id_),
            version=at,
            fields=heard.fields,
            related={},
            owners=(owner,) if owner else (),
            modified=at,
            modified_by=str(said.get("hs_updated_by_user_id") or ""),
            deleted=row.get("archived") is True,
        )

    def _url(self, id_: str) -> str:
        usual = f"https://app.hubspot.com/contacts/{self.config.portal}/record/{TYPES[self.config.kind][1]}/{{id}}"
        return (self.config.link or (usual if self.config.portal else "")).replace("{id}", quote(id_, safe=""))

    def _told_by(self, record: Record, row: Row) -> Record:
        """Each field with its own time; the newest of them says who made this version."""
        newest = {past.field: past for past in self.past(row)}
        fields = {name: self._dated(it, newest.get(name)) for name, it in record.fields.items()}
        last = max(newest.values(), key=lambda past: past.at, default=None)
        by = record.modified_by if last is None else (GATEWAY if self.ours(last) else last.who or record.modified_by)
        return replace(record, fields=fields, modified_by=by)

    def _dated(self, it: FieldValue, past: Past | None) -> FieldValue:
        """One that was never set has no time."""
        return replace(it, as_of=past.at if past is not None else it.as_of if it.value is not None else 0)

    def past(self, row: Row) -> list[Past]:
        """Oldest first. `source`: `TYPE/id/label` as HubSpot tells them."""
        told = table(row.get("propertiesWithHistory"))
        found = [
            self._past(ours, entry)
            for ours, spec in self.config.mapping
            for entry in _entries(told.get(spec.theirs))
            if spec.reads
        ]
        return sorted(found, key=lambda past: past.at)

    def _past(self, ours: str, entry: Row) -> Past:
        source = "/".join(str(entry.get(key) or "") for key in ("sourceType", "sourceId", "sourceLabel")).rstrip("/")
        value = self.config.mapping.rendered(ours, entry.get("value"))
        return Past(ours, value, when(entry.get("timestamp")), str(entry.get("updatedByUserId") or ""), source)

    def ours(self, past: Past) -> bool:
        kind, _, rest = past.source.partition("/")
        return bool(self.config.app) and kind == "INTEGRATION" and rest.partition("/")[0] == self.config.app

    async def _related(self, ids: Sequence[str]) -> dict[str, dict[Kind, tuple[Item, ...]]]:
        found: dict[str, dict[Kind, tuple[Item, ...]]] = {id_: {"note": (), "open_item": ()} for id_ in ids}
        if not ids:
            return found
        wanted: list[tuple[Kind, str, Sequence[str]]] = [("note", "notes", _NOTE), ("open_item", "tasks", _TASK)]
        if self.config.kind == "company":
            wanted.append(("contact", "contacts", _CONTACT))
        for (kind, *_), of in zip(
            wanted, await asyncio.gather(*(self._items(ids, *each) for each in wanted)), strict=True
        ):
            for id_, items in of.items():
                found.setdefault(id_, {})[kind] = items
        return found

    async def _items(
        self, ids: Sequence[str], kind: Kind, objects: str, properties: Sequence[str]
    ) -> dict[str, tuple[Item, ...]]:
        ends = {id_: of[-ITEMS:] for id_, of in (await self.api.associated(self.objects, objects, ids)).items()}
        wanted = list(dict.fromkeys(end for of in ends.values() for end in of))
        names = {owner.id: owner.name for owner in await self.owners()}
        known = {str(row.get("id")): item(kind, row, names) for row in await self.api.read(objects, wanted, properties)}
        return {id_: _ordered(kind, [known[end] for end in of if end in known]) for id_, of in ends.items()}


def _owner(row: Row) -> CrmUser:
    name = " ".join(str(row[key]) for key in ("firstName", "lastName") if row.get(key))
    email, found = str(row.get("email") or ""), row.get("teams")
    teams = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    team = next((str(each.get("name") or "") for each in teams if each.get("primary")), "")
    return CrmUser(str(row.get("id")), name or email, email, row.get("archived") is not True, team=team)


def _entries(value: Json) -> list[Row]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _ordered(kind: Kind, items: list[Item]) -> tuple[Item, ...]:
    if kind == "note":
        return tuple(sorted(items, key=lambda it: (-it.at, it.id)))
    if kind == "open_item":
        return tuple(sorted(items, key=lambda it: (it.done, it.due is None, it.due or 0, it.id)))
    return tuple(items)


def item(kind: Kind, row: Row, names: Mapping[str, str]) -> Item:
    said, id_ = _properties(row), str(row.get("id"))
    made, told = when(row.get("createdAt")), when(said.get("hs_timestamp"))
    owner = str(said.get("hubspot_owner_id") or "")
    match kind:
        case "note":
            return Item(id_, kind, plain(str(said.get("hs_note_body") or "")), told or made, names.get(owner, owner))
        case "open_item":
            what, more = str(said.get("hs_task_subject") or ""), plain(str(said.get("hs_task_body") or ""))
            text = f"{what}: {more}" if what and more else what or more
            done = said.get("hs_task_status") == "COMPLETED"
            return Item(id_, kind, text, made, names.get(owner, owner), told or None, done)
        case _:
            name = " ".join(str(said[key]) for key in ("firstname", "lastname") if said.get(key))
            known = {"title": said.get("jobtitle"), "phone": said.get("phone"), "email": said.get("email")}
            detail = {key: str(value) for key, value in known.items() if value}
            return Item(id_, kind, name or detail.get("email", id_), made, detail=detail)


def info(row: Row) -> FieldInfo:
    found = row.get("options")
    options = found if isinstance(found, list) else []
    about = table(row.get("modificationMetadata"))
    return FieldInfo(
        name=str(row.get("name") or ""),
        label=str(row.get("label") or row.get("name") or ""),
        type=_TYPES.get(str(row.get("type")), "other"),  # type: ignore[arg-type]
        options=tuple(str(each.get("value")) for each in options if isinstance(each, dict)),
        writable=not row.get("calculated") and not about.get("readOnlyValue"),
        native=str(row.get("type") or ""),
    )
