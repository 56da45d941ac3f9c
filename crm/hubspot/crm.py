"""The connector: HubSpot has no precondition, but remembers who set which value when, and is asked."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

from crm import once as keys
from crm.http import GARBLED, id_at
from crm.hubspot.api import OBJECTS, Api
from crm.hubspot.config import KIND, Config
from crm.hubspot.feed import Changes
from crm.hubspot.hooks import TYPES, spoken_of, verify
from crm.hubspot.reading import Reader, table, when
from crm.late import Feed, Paced
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
    Hook,
    Hooks,
    Item,
    Past,
    Record,
    RecordRef,
    Remembers,
    Users,
)
from gateway.errors import Unsure
from reconcile.model import Json

NOTE_LIMIT = 60_000
LABEL_LIMIT = 200
NOTE_TO = {"company": 190, "contact": 202}
"""HubSpot's own kinds of association, from a note."""
_CENTRE = re.compile(r"^https://app-[a-z]{2}[0-9]\.hubspot\.com/")


class HubSpotCrm:
    def __init__(
        self, name: str, config: Config, *, clock: Callable[[], int], wall: Callable[[], int] | None = None
    ) -> None:
        self.name = name
        self.desk = keys.desk("hubspot", config.base_url, str(config.portal))
        self._config = config
        self._wall = wall or (lambda: time.time_ns() // 1_000_000)
        self._api = Api(name, config)
        self._reader = Reader(name, config, self._api)
        self._changes = Changes(self._reader, config.page)
        self._feed = Paced(Feed(self._changes, lasting=self._changes.lasting), config.every)

    async def close(self) -> None:
        await self._api.close()

    async def get(self, ref: RecordRef) -> Record:
        self._know(ref)
        return await self._reader.one(ref)

    def _know(self, ref: RecordRef) -> None:
        if ref.kind != KIND or not (ref.id.isascii() and ref.id.isdigit()) or len(ref.id) > 20:
            raise keys.absent(ref)

    def changes(self, cursor: str) -> AsyncIterator[tuple[Record, str]]:
        return self._feed.changes(cursor)

    def addressed(self, url: str) -> RecordRef | None:
        """HubSpot's addresses, old and new, in any of its data centres; and those of `link`."""
        kind, portal = self._config.kind, self._config.portal
        plain = _CENTRE.sub("https://app.hubspot.com/", url)
        base = f"https://app.hubspot.com/contacts/{portal}" if portal else ""
        pages = (f"{base}/{kind}/{{id}}", f"{base}/record/{TYPES[kind][1]}/{{id}}") if base else ()
        id_ = id_at(plain, *pages) or id_at(url, self._config.link)
        return RecordRef(self.name, KIND, id_) if id_ and id_.isdigit() else None

    async def count(self) -> int:
        return await self._changes.count()

    async def apply(self, change: Change, *, once: str) -> Applied | Conflict:
        return await keys.apply(self, change, once)

    async def swap(self, change: Change) -> Applied | Conflict:
        """A record whose other fields moved is no conflict: HubSpot tells when this one was set last."""
        before = await self.get(change.ref)
        seen = before.fields[change.field].as_of if change.field in before.fields else before.version
        moved = change.precondition is not None and max(change.precondition, seen) != change.precondition
        if change.precondition is not None and (before.deleted or moved):
            return Conflict(before)
        if before.deleted:
            raise keys.not_live()
        return await self._write(change, before)

    async def _write(self, change: Change, before: Record) -> Applied:
        spec, value = self._config.mapping.spell(change.field, change.value)
        properties: dict[str, Json] = {spec.theirs: value or ""}
        if self._config.label and change.label:
            properties[self._config.label] = change.label[:LABEL_LIMIT]
        path = f"{self._reader.path}/{quote(change.ref.id, safe='')}"
        answer = (await self._api.write("PATCH", path, {"properties": properties})).table
        version = when(answer.get("updatedAt"))
        if not version:
            raise Unsure(GARBLED, "answered a write without a time")
        said = table(answer.get("properties")).get(spec.theirs, value)
        rendered = self._config.mapping.rendered(change.field, said)
        with keys.taken():
            overwrote, unseen = await self._overwrote(change, before, version)
        return Applied(version, rendered, overwrote, unseen)

    async def _overwrote(self, change: Change, before: Record, version: int) -> tuple[bool | None, tuple[Past, ...]]:
        """Whether somebody else set the field after our reading and before our writing, and to what."""
        known = before.fields[change.field].as_of if change.field in before.fields else 0
        told = [past for past in await self.history(change.ref, since=known + 1) if past.field == change.field]
        others = tuple(past for past in told[:-1] if past.at < version and not self._reader.ours(past))
        return (bool(others) if told else None), others

    async def history(self, ref: RecordRef, *, since: int = 0) -> tuple[Past, ...]:
        self._know(ref)
        return tuple(past for past in self._reader.past(await self._reader.row(ref.id)) if past.at >= since)

    async def add_note(self, ref: RecordRef, text: str, who: str, *, once: str) -> Item:
        """It stands there as the app's, so that `who` is its beginning."""
        return await keys.add_note(self, ref, text, who, limit=NOTE_LIMIT, once=once)

    async def post(self, ref: RecordRef, body: str, who: str) -> Item:
        now = await self._changes.now()
        type_: Json = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": NOTE_TO[self._config.kind]}
        properties: Json = {"hs_note_body": marked_up(body), "hs_timestamp": str(now)}
        asked: Json = {"properties": properties, "associations": [{"to": {"id": ref.id}, "types": [type_]}]}
        answer = (await self._api.write("POST", f"{OBJECTS}/notes", asked)).table
        return Item(str(answer.get("id") or ""), "note", plain(marked_up(body)), now, who)

    async def posted(self, ref: RecordRef, body: str) -> Item | None:
        """The note of an earlier try whose answer was lost."""
        notes = (await self.get(ref)).related.get("note", ())
        return next((note for note in notes if note.text.split() == plain(marked_up(body)).split()), None)

    async def describe(self, kind: str) -> tuple[FieldInfo, ...]:
        return tuple((await self._reader.offered()).values()) if kind == KIND else ()

    async def users(self) -> tuple[CrmUser, ...]:
        """HubSpot's owners: by these ids records name whose they are."""
        return await self._reader.owners()

    async def hear(self, hook: Hook) -> tuple[RecordRef, ...]:
        verify(hook, self._config.client_secret.get_secret_value(), self._wall())
        ids = dict.fromkeys(spoken_of(hook.body, self._config.kind, self._config.portal))
        self._feed.hurry()
        return tuple(RecordRef(self.name, KIND, id_) for id_ in ids)


if TYPE_CHECKING:

    def _claims(
        crm: HubSpotCrm,
    ) -> tuple[
        Crm,
        Counts,
        Users,
        Addresses,
        AddsNote,
        Describes,
        Remembers,
        Hooks,
        keys.Writer,
        keys.Notes,
    ]:
        return crm, crm, crm, crm, crm, crm, crm, crm, crm, crm
