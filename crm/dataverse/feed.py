"""Where Dataverse's changes are found: its own change tracking for the customers, times for what belongs to them.

A cursor is `columns;phase;id.digest;times;link`. The link is Dataverse's: a page of the first walk, or where to ask for
what changed since. `id.digest` is the last record of that page that was given, in which state. The times are those of
`crm.late`, whose marks say in which state a record was given that changed shortly before.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from crm.dataverse.api import Api, Page, Row, instant, is_id, prefer, text, when
from crm.dataverse.config import KIND
from crm.dataverse.reading import Reader, relations
from crm.http import GARBLED
from crm.late import OVER, Feed, Merged, content
from crm.late import Cursor as Times
from crm.model import CursorLost, Record, RecordRef
from crm.once import digest
from gateway.errors import Refused, Retry

WALK, FRESH, FOLLOW = "w", "n", "f"
"""Going through everything; just done with that; following."""
MANY = 5000
"""Rows of a page that is made of ids and times."""
MARKS = 500
"""Marks that are written anew for every record."""
TRACK = "odata.track-changes"
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CURSOR = re.compile(r"([0-9a-f]{8});([wnf]);((?:[0-9a-f-]{36}\.[0-9a-f]{8})?);([^|]*)\|(.*)")


@dataclass(frozen=True, slots=True)
class Cursor:
    columns: str
    phase: str
    given: str
    times: str
    link: str

    @staticmethod
    def parse(said: str, columns: str) -> Cursor:
        found = _CURSOR.fullmatch(said)
        if found is None or (found[5] and not found[5].startswith("/")):
            raise Refused("The CRM cannot continue from {cursor}. Start from the beginning.", cursor=said[:40])
        if found[1] != columns:  # another mapping: the link is of a query for other columns
            raise _lost(said)
        return Cursor(*found.groups())

    def text(self) -> str:
        return f"{self.columns};{self.phase};{self.given};{self.times}|{self.link}"


def _lost(said: str) -> CursorLost:
    return CursorLost("The CRM cannot continue from {cursor}. Start from the beginning.", cursor=said[:40])


@dataclass(slots=True)
class Around:
    """What `crm.late` follows by times: the rows that belong to customers. The customers themselves only right after
    the first walk, since whether its link covers what changed while it went on is the other side's business."""

    reader: Reader
    page: int
    late_ms: int = 60_000
    customers: bool = False
    seen_to: int = 0
    """All up to here was looked at; 0: not known."""
    newest: int = 0
    """What is `seen_to` once all of what `touched` told was given."""

    @property
    def api(self) -> Api:
        return self.reader.api

    async def now(self) -> int:
        await self.api.user()  # the first answer tells what time it is there
        return self.api.now()

    async def after(self, last: str) -> list[str]:
        return []

    async def read(self, ids: Sequence[str], *, customers: bool) -> Mapping[str, Record]:
        return await self.reader.read(ids, customers=customers)

    async def touched(self, floor: int, since: int) -> Mapping[str, int]:
        floor, merged, table = max(floor, self.seen_to - self.late_ms), Merged(), self.reader.table
        streams = [(each.set, each.column, each.ours(table)) for each in relations(table.name)]
        streams += [(table.set, table.key, "")] if self.customers else []
        for told in await asyncio.gather(*(self._newest(*stream, floor) for stream in streams)):
            merged.add(told, None)
        self.newest = max([floor, *merged.newest.values()])
        return merged.touched()

    async def _newest(self, path: str, column: str, where: str, floor: int) -> list[tuple[str, int]]:
        about = " and ".join(filter(None, [f"modifiedon ge {instant(floor)}", where]))
        asked = ("$select", f"{column},modifiedon"), ("$filter", about), ("$orderby", "modifiedon")
        found = await self.api.all(f"/{path}", *asked, page=MANY)
        pairs = [(text(row.get(column)).lower(), when(row.get("modifiedon"))) for row in found]
        return [(id_, at) for id_, at in pairs if is_id(id_)]


@dataclass(frozen=True, slots=True)
class Told:
    record: Record
    state: str


@dataclass(frozen=True, slots=True)
class Done:
    """In this process: up to which cursor everything was looked at, the link that goes on from there, and the time of
    the newest change that was seen."""

    cursor: str = ""
    link: str = ""
    newest: int = 0


@dataclass(slots=True)
class Changes:
    reader: Reader
    around: Around
    _late: Feed = field(init=False)
    _done: Done = field(default_factory=Done)

    def __post_init__(self) -> None:
        self._late = Feed(self.around)

    async def changes(self, said: str) -> AsyncIterator[tuple[Record, str]]:
        columns = digest(list(self.reader.asked))[:8]
        if said:
            cursor = Cursor.parse(said, columns)
        else:
            cursor = Cursor(columns, WALK, "", Times(await self.around.now(), OVER).text(), "")
        follow = self._walk if cursor.phase == WALK else self._follow
        async for record, at in follow(cursor):
            yield record, at.text()

    # -- everything, once

    async def _walk(self, cursor: Cursor) -> AsyncIterator[tuple[Record, Cursor]]:
        while cursor.phase == WALK:
            page = await self._page(cursor, TRACK)
            if not page.further and not page.delta:
                raise self._untracked()
            phase = WALK if page.further else FRESH
            then = replace(cursor, phase=phase, given="", link=page.further or page.delta)
            live = [told for told in await self._left(page, cursor) if not told.record.deleted]
            for record, behind in self._given(live, cursor, then):
                cursor = behind
                yield record, behind
            cursor = replace(then, times=cursor.times)

    def _untracked(self) -> Refused:
        return Refused(
            "The CRM {crm} keeps no track of changes of {table}. Switch on Track changes for it there.",
            crm=self.reader.crm,
            table=self.reader.table.name,
        )

    async def _page(self, cursor: Cursor, *wishes: str) -> Page:
        """A walk's first page, for which a delta link is asked; one further on; or the delta itself."""
        headers = prefer(*wishes, page=self.around.page)
        if cursor.link:
            return await self.reader.api.page(cursor.link, headers=headers, linked=True)
        asked = ("$select", ",".join(self.reader.asked))
        return await self.reader.api.page(f"/{self.reader.table.set}", asked, headers=headers)

    async def _left(self, page: Page, cursor: Cursor) -> list[Told]:
        """What of a page is still to be given. If the record that was given last is no longer in the same state there,
        all of it is: twice is no harm, left out would be."""
        rows = {self._id(row): row for row in page.rows}
        found = {record.ref.id: record for record in await self.reader.records(_live(rows.values()))}
        told = [Told(found.get(id_) or self._gone(id_), _state(id_, row)) for id_, row in rows.items()]
        last = next((n for n, each in enumerate(told) if each.state == cursor.given), -1)
        return told[last + 1 :]

    def _id(self, row: Row) -> str:
        said = (row.get("id") or row.get("@odata.id")) if _deleted(row) else row.get(self.reader.table.key)
        found = _ID.search(text(said).lower())
        if found is None:
            raise Retry(GARBLED, "answered a change without an id")
        return found[0]

    def _gone(self, id_: str) -> Record:
        return self.reader.gone(RecordRef(self.reader.crm, KIND, id_))

    def _given(self, told: Sequence[Told], cursor: Cursor, then: Cursor) -> Iterator[tuple[Record, Cursor]]:
        """Each with the cursor behind it; behind the last is the next page. Very many marks are written once a page."""
        times = Times.parse(cursor.times)
        floor, many = times.since - self.around.late_ms, len(times.marks) > MARKS
        for each in told:
            times.mark(each.record.ref.id, each.record.modified, content(each.record), floor)
            last = each is told[-1]
            at = then if last else replace(cursor, given=each.state)
            yield each.record, replace(at, times=cursor.times if many and not last else times.text())

    # -- what changed since

    async def _follow(self, cursor: Cursor) -> AsyncIterator[tuple[Record, Cursor]]:
        known = cursor.text() == self._done.cursor
        told, at, more = cursor, self._caught_up(cursor) if known else cursor, True
        while more:
            page = await self._page(at)
            if page.rows and not page.further and not page.delta:
                raise Retry(GARBLED, "answered changes without a link to the next ones")
            then = replace(at, given="", link=page.further or page.delta or at.link)
            for record, behind in self._given(await self._left(page, at), at, then):
                told = at = behind
                yield record, behind
            at, more = replace(then, times=at.times), bool(page.further)
        self.around.customers = at.phase == FRESH
        self.around.seen_to = self._done.newest if known and told is cursor else 0
        async for record, times in self._late.changes(at.times):
            told = at = replace(at, times=times)
            yield record, at
        self._done = Done(told.text(), at.link, self.around.newest)

    def _caught_up(self, cursor: Cursor) -> Cursor:
        """Nothing came since: a link that is not renewed would grow old."""
        return replace(cursor, phase=FOLLOW, link=self._done.link)


def _state(id_: str, row: Row) -> str:
    return f"{id_}.{digest(text(row.get('@odata.etag')))[:8]}"


def _deleted(row: Row) -> bool:
    return text(row.get("@odata.context")).endswith("/$deletedEntity") or "@removed" in row


def _live(found: Iterable[Row]) -> list[Row]:
    return [row for row in found if not _deleted(row)]
