"""The connector: a real precondition on accounts, one by the second on everything else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from crm import once as keys
from crm.http import Answer, id_at
from crm.late import Feed, Paced
from crm.mapping import LIMIT, vanished
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
from crm.salesforce.api import Api, is_id, select
from crm.salesforce.config import KIND, Config
from crm.salesforce.reading import Reader, text, when
from crm.values import spelled
from gateway.errors import Refused
from reconcile.model import Json

NOTE_LIMIT = 32_000
SUBJECT = 80
PREFIX = {"account": "001", "contact": "003", "lead": "00Q"}
"""How the ids of each begin."""


class SalesforceCrm:
    def __init__(self, name: str, config: Config, *, clock: Callable[[], int]) -> None:
        self.name = name
        self.desk = keys.desk("salesforce", config.url)
        self._config = config
        self._api = Api(name, config)
        self._reader = Reader(name, config, self._api, self.desk.versions, config.page)
        self._feed = Paced(Feed(self._reader), config.every)

    async def close(self) -> None:
        await self._api.close()

    async def get(self, ref: RecordRef) -> Record:
        return (await self._whole(ref))[0]

    async def _whole(self, ref: RecordRef) -> tuple[Record, Answer]:
        """The record with its headers. All of its fields, since an ETag is of all that was answered."""
        if ref.kind != KIND or not is_id(ref.id):
            raise keys.absent(ref)
        answer = await self._api.call("GET", self._path(ref), take=(404,))
        if answer.status == 404:
            return await self._reader.gone(ref), answer
        related = (await self._reader.related([ref.id]))[ref.id]
        return self._reader.record(answer.table, related, await self._api.user()), answer

    def _path(self, ref: RecordRef) -> str:
        return f"{self._api.base}/sobjects/{self._config.object}/{ref.id}"

    def changes(self, cursor: str) -> AsyncIterator[tuple[Record, str]]:
        return self._feed.changes(cursor)

    def addressed(self, url: str) -> RecordRef | None:
        """Lightning's addresses, the bare ones, and those of `link`."""
        id_ = id_at(url, self._config.page_at, f"{self._config.url}/{{id}}")
        ours = id_ is not None and len(id_) == 18 and is_id(id_) and id_.startswith(PREFIX[self._config.kind])
        return RecordRef(self.name, KIND, id_) if id_ and ours else None

    async def count(self) -> int:
        (row, *_) = await self._api.query(select(["COUNT(Id) total"], self._config.object))
        total = row.get("total")
        return total if isinstance(total, int) else 0

    async def apply(self, change: Change, *, once: str) -> Applied | Conflict:
        return await keys.apply(self, change, once)

    async def swap(self, change: Change) -> Applied | Conflict:
        before, answer = await self._whole(change.ref)
        if self.desk.moved(before, change):
            return Conflict(before)
        if before.deleted:
            raise keys.not_live()
        headers = {**self._precondition(before, answer), **_source(change.label)}
        done = await self._api.call(
            "PATCH", self._path(change.ref), body=await self._values(change), headers=headers, take=(412,)
        )
        if done.status == 412:
            return Conflict(await self.get(change.ref))
        with keys.taken():
            after = await self.get(change.ref)
        return Applied(
            after.version, after.fields[change.field].value if change.field in after.fields else change.value
        )

    def _precondition(self, before: Record, answer: Answer) -> dict[str, str]:
        tag = answer.headers.get("ETag")
        if self._config.kind == "account" and tag:
            return {"If-Match": tag}
        modified = when(answer.table.get("LastModifiedDate")) or before.modified
        return {"If-Unmodified-Since": format_datetime(datetime.fromtimestamp(modified / 1000, UTC), usegmt=True)}

    async def _values(self, change: Change) -> Json:
        spec, value = self._config.mapping.spell(change.field, change.value)
        about = (await self._reader.offered()).get(spec.theirs)
        if about is None:
            raise vanished(spec.theirs)
        return {spec.theirs: _spelled(change.field, value, about)}

    async def history(self, ref: RecordRef, *, since: int = 0) -> tuple[Past, ...]:
        if ref.kind != KIND or not is_id(ref.id):
            raise keys.absent(ref)
        try:
            return await self._reader.past(ref, since)
        except Refused:  # no field of this object is tracked: there is no such object as its history
            return ()

    async def add_note(self, ref: RecordRef, text: str, who: str, *, once: str) -> Item:
        """A completed task under the record, as a logged call is one; `who` is its beginning."""
        return await keys.add_note(self, ref, text, who, limit=NOTE_LIMIT, once=once)

    async def post(self, ref: RecordRef, body: str, who: str) -> Item:
        parent = "WhatId" if self._config.kind == "account" else "WhoId"
        task: Json = {parent: ref.id, "Subject": _subject(body), "Description": body, "Status": "Completed"}
        made = (await self._api.call("POST", f"{self._api.base}/sobjects/Task", body=task)).table
        return Item(text(made.get("id")), "note", f"{_subject(body)}: {body}", self._api.now(), who)

    async def posted(self, ref: RecordRef, body: str) -> Item | None:
        """The note of an earlier try whose answer was lost."""
        notes = (await self.get(ref)).related.get("note", ())
        return next((note for note in notes if note.text == f"{_subject(body)}: {body}"), None)

    async def describe(self, kind: str) -> tuple[FieldInfo, ...]:
        return tuple((await self._reader.offered()).values()) if kind == KIND else ()

    async def users(self) -> tuple[CrmUser, ...]:
        found = await self._api.query(
            "SELECT Id, Name, Email, IsActive FROM User WHERE UserType = 'Standard' ORDER BY Id"
        )
        return tuple(
            CrmUser(text(row.get("Id")), text(row.get("Name")), text(row.get("Email")), row.get("IsActive") is True)
            for row in found
        )


def _subject(body: str) -> str:
    first = body.split("\n", 1)[0]
    return first if len(first) <= SUBJECT else f"{first[: SUBJECT - 1]}…"


def _source(label: str) -> dict[str, str]:
    """The watermark's slot: the client's name in Salesforce's event log files. A header holds ASCII alone."""
    return {"Sforce-Call-Options": f"client=Floatcard/{quote(label.strip('[]'), safe=' .-_/()')}"} if label else {}


def _spelled(ours: str, value: str | None, about: FieldInfo) -> Json:
    if value is None:
        return None
    if about.native == "boolean":
        if value.casefold() not in ("true", "false"):
            raise Refused(
                "{field}: {value} is not one of {options}.", field=ours, value=value[:40], options="true, false"
            )
        return value.casefold() == "true"
    if about.native == "datetime":
        return f"{value}T00:00:00Z"
    return float(spelled(ours, "decimal", value, limit=LIMIT) or 0) if about.type == "decimal" else value


if TYPE_CHECKING:

    def _claims(
        crm: SalesforceCrm,
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
