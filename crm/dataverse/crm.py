"""The connector: every row carries an ETag, and is written under it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from crm import once as keys
from crm.dataverse.api import Api, is_id, prefer, text, words
from crm.dataverse.columns import Columns, spelled
from crm.dataverse.config import KIND, Config
from crm.dataverse.feed import Around, Changes
from crm.dataverse.reading import Reader
from crm.http import Answer, id_at
from crm.late import Paced
from crm.mapping import vanished
from crm.markup import marked_up, plain
from crm.model import (
    Addresses,
    AddsNote,
    Applied,
    Change,
    Conflict,
    Counts,
    Crm,
    CrmUser,
    Describes,
    FieldInfo,
    Item,
    Past,
    Record,
    RecordRef,
    Remembers,
    Users,
)
from reconcile.model import Json

NOTE_LIMIT = 60_000
TAG_LIMIT = 100
COUNTED = 5000
"""Dataverse counts no further at once."""


class DataverseCrm:
    def __init__(self, name: str, config: Config, *, clock: Callable[[], int]) -> None:
        self.name = name
        self.desk = keys.desk("dataverse", config.url)
        self._config = config
        self._api = Api(name, config)
        columns = Columns(self._api, config.table.name)
        self._reader = Reader(name, config, self._api, columns, self.desk.versions)
        self._feed = Paced(Changes(self._reader, Around(self._reader, config.page)), config.every)

    async def close(self) -> None:
        await self._api.close()

    async def get(self, ref: RecordRef) -> Record:
        return (await self._whole(ref))[0]

    async def _whole(self, ref: RecordRef) -> tuple[Record, str]:
        """The record and its ETag. A row that is gone leaves nothing behind: it is told as deleted."""
        if ref.kind != KIND or not is_id(ref.id):
            raise keys.absent(ref)
        row = await self._reader.row(ref.id)
        if row is None:
            return self._reader.gone(ref), ""
        self._reader.back(ref.id)
        related = (await self._reader.related([ref.id]))[ref.id]
        return await self._reader.record(row, related), text(row.get("@odata.etag"))

    def changes(self, cursor: str) -> AsyncIterator[tuple[Record, str]]:
        return self._feed.changes(cursor)

    def addressed(self, url: str) -> RecordRef | None:
        """The address of a form in any app, and those of `link`."""
        form = url.startswith(f"{self._config.url}/main.aspx?")
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url[:2000]).query).items()} if form else {}
        id_ = asked.get("id") if asked.get("etn") == self._config.kind else id_at(url, self._config.link)
        plain_id = (id_ or "").strip("{}").lower()
        return RecordRef(self.name, KIND, plain_id) if is_id(plain_id) else None

    async def count(self) -> int:
        """Beyond 5,000 as of some time within the last day."""
        table = self._config.table
        asked = ("$select", table.key), ("$count", "true"), ("$top", "1")
        total = (await self._api.get(f"/{table.set}", *asked)).table.get("@odata.count")
        found = total if isinstance(total, int) else 0
        return found if found < COUNTED else max(found, await self._snapshot())

    async def _snapshot(self) -> int:
        path = f"/RetrieveTotalRecordCount(EntityNames=['{self._config.table.name}'])"
        told = (await self._api.get(path)).table.get("EntityRecordCountCollection")
        values = told.get("Values") if isinstance(told, dict) else None
        return values[0] if isinstance(values, list) and values and isinstance(values[0], int) else 0

    async def apply(self, change: Change, *, once: str) -> Applied | Conflict:
        return await keys.apply(self, change, once)

    async def swap(self, change: Change) -> Applied | Conflict:
        before, tag = await self._whole(change.ref)
        if self.desk.moved(before, change):
            return Conflict(before)
        if before.deleted:
            raise keys.not_live()
        done = await self._patch(change, tag)
        if done.status in (404, 412):
            return Conflict(await self._moved(change.ref, before, done))
        whole = isinstance(done.body, dict) and "@odata.etag" in done.body
        with keys.taken():
            after = await self._reader.record(done.table, before.related) if whole else await self.get(change.ref)
        it = after.fields.get(change.field)
        return Applied(after.version, it.value if it is not None else change.value, overwrote=False)

    async def _patch(self, change: Change, tag: str) -> Answer:
        """Never without If-Match: without it a row that is gone would be made anew."""
        headers = {"If-Match": tag, **prefer("return=representation")}
        if self._config.duplicates == "refuse":
            headers["MSCRM.SuppressDuplicateDetection"] = "false"
        label = change.label.strip("[]")[:TAG_LIMIT]
        params = [("$select", ",".join(self._reader.asked)), *([("tag", f"Floatcard/{label}")] if label else [])]
        path, body = self._reader.path(change.ref.id), await self._values(change)
        return await self._api.call("PATCH", path, params=params, body=body, headers=headers, take=(404, 412))

    async def _moved(self, ref: RecordRef, before: Record, done: Answer) -> Record:
        """412 is also what a duplicate is answered with, and then nobody has moved the record."""
        after = await self.get(ref)
        if self.desk.versions.stands(after, before.version) and not after.deleted:
            raise self._api.refusal(words(done.body) or str(done.status))
        return after

    async def _values(self, change: Change) -> Json:
        spec, value = self._config.mapping.spell(change.field, change.value)
        column = (await self._reader.columns.known()).get(spec.theirs)
        if column is None:
            raise vanished(spec.theirs)
        return {spec.theirs: spelled(change.field, value, column)}

    async def history(self, ref: RecordRef, *, since: int = 0) -> tuple[Past, ...]:
        if ref.kind != KIND or not is_id(ref.id):
            raise keys.absent(ref)
        return await self._reader.past(ref, since)

    async def add_note(self, ref: RecordRef, text: str, who: str, *, once: str) -> Item:
        """On the record's timeline, which shows HTML; it stands there as the app's, so that `who` is its beginning."""
        return await keys.add_note(self, ref, text, who, limit=NOTE_LIMIT, once=once)

    async def post(self, ref: RecordRef, body: str, who: str) -> Item:
        table = self._config.table
        note: Json = {"notetext": marked_up(body), f"objectid_{table.name}@odata.bind": f"/{table.set}({ref.id})"}
        headers = prefer("return=representation")
        answer = await self._api.call(
            "POST", "/annotations", params=(("$select", "annotationid"),), body=note, headers=headers
        )
        id_ = text(answer.table.get("annotationid")) if answer.body is not None else ""
        return Item(id_, "note", plain(marked_up(body)), self._api.now(), who)

    async def posted(self, ref: RecordRef, body: str) -> Item | None:
        """The note of an earlier try whose answer was lost."""
        notes = (await self.get(ref)).related.get("note", ())
        return next((note for note in notes if note.text.split() == plain(marked_up(body)).split()), None)

    async def describe(self, kind: str) -> tuple[FieldInfo, ...]:
        return tuple(column.info for column in (await self._reader.columns.known()).values()) if kind == KIND else ()

    async def users(self) -> tuple[CrmUser, ...]:
        return await self._reader.users()


if TYPE_CHECKING:

    def _claims(
        crm: DataverseCrm,
    ) -> tuple[
        Crm,
        Counts,
        Users,
        Addresses,
        AddsNote,
        Describes,
        Remembers,
        keys.Writer,
        keys.Notes,
    ]:
        return crm, crm, crm, crm, crm, crm, crm, crm, crm
