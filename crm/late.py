"""A feed made of times, for CRMs that have nothing better: times come late, may be equal, and say little.

The first walk goes by id, so that what changes meanwhile moves nothing. After it the changes of the last `late_ms`
before the newest one are looked at each time: what shows up late is found, and what was given already is known by its
contents, since two changes may carry one time.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from crm.model import Item, Record
from crm.once import digest
from gateway.errors import Refused
from reconcile.model import Json

OVER = "-"
MANY = 500
"""Marks that are written anew for every record."""
_ID = "[0-9A-Za-z-]{1,40}"
_CURSOR = re.compile(rf"([0-9]{{1,15}});(-|(?:{_ID})?);((?:{_ID}\.[0-9]{{1,15}}\.[0-9a-f]{{8}},)*)")


@dataclass(slots=True)
class Cursor:
    """As text: `since;last;id.at.content,…`, times in milliseconds.

    `last`: up to which id the first walk has come; `-` once changes are followed. The marks say in which state each
    record was given that changed shortly before `since`.
    """

    since: int
    last: str = ""
    marks: dict[str, tuple[int, str]] = field(default_factory=dict)

    @staticmethod
    def parse(text: str) -> Cursor:
        found = _CURSOR.fullmatch(text)
        if found is None:
            raise Refused("The CRM cannot continue from {cursor}. Start from the beginning.", cursor=text[:40])
        entries = (entry.split(".") for entry in found[3].split(",") if entry)
        return Cursor(int(found[1]), found[2], {id_: (int(at), content) for id_, at, content in entries})

    def text(self) -> str:
        return f"{self.since};{self.last};" + "".join(f"{id_}.{at}.{it}," for id_, (at, it) in self.marks.items())

    def mark(self, id_: str, at: int, content: str, floor: int) -> None:
        self.marks.pop(id_, None)
        if at >= floor:
            self.marks[id_] = (at, content)


class Source(Protocol):
    """What a connector brings. Ids are letters, digits and hyphens; times are milliseconds by the CRM's clock."""

    late_ms: int
    """A change may show up so much later than the time it carries."""
    page: int

    async def now(self) -> int: ...

    async def after(self, last: str) -> list[str]:
        """Some ids beyond `last` ("" from the first), in the order that makes `last` the highest; none at the end."""
        ...

    async def touched(self, floor: int, since: int) -> Mapping[str, int]:
        """Record -> when it was changed last, from `floor` on, in the order of the changes; `Feed.lasting` ones too."""
        ...

    async def read(self, ids: Sequence[str], *, customers: bool) -> Mapping[str, Record]:
        """Those that exist, deleted ones too. `customers`: leaves out what the first walk would not give."""
        ...


@dataclass(slots=True)
class Merged:
    """What several streams tell, each in the order of its changes, some of them cut before their end.

    The time comes no further than the first cut: once the cursor is past it nobody would look for what that stream
    still holds. Whoever changed behind it is told as of the cut, so that every look comes further.
    """

    newest: dict[str, int] = field(default_factory=dict)
    until: int | None = None

    def add(self, told: Iterable[tuple[str, int]], cut: int | None) -> None:
        """`cut`: the time of the last change that was told, where there may be more behind it."""
        for id_, at in told:
            self.newest[id_] = max(at, self.newest.get(id_, 0))
        if cut is not None:
            self.until = cut if self.until is None else min(cut, self.until)

    def touched(self) -> dict[str, int]:
        until = self.until
        return self.newest if until is None else {id_: min(at, until) for id_, at in self.newest.items()}


def content(record: Record) -> str:
    """Short, of all a card could show of the record."""
    related: list[Json] = [_told(item) for kind in sorted(record.related) for item in record.related[kind]]
    fields: dict[str, Json] = {name: it.value for name, it in record.fields.items()}
    return digest(record.title, fields, record.deleted, list(record.owners), record.modified, related)[:8]


def _told(item: Item) -> Json:
    return [item.kind, item.id, item.text, item.due, item.done, dict(item.detail)]


@dataclass(slots=True)
class Feed:
    source: Source
    calm_ms: int = 5_000
    """So long after its time a record that was read again is not read once more for the same time."""
    lasting: Callable[[str], bool] = lambda _: False
    """Whether the source still tells of a record that changed before `floor`. Its mark stays as long, since nothing but
    the cursor says what was taken."""
    _calm: dict[str, tuple[int, str]] = field(default_factory=dict)

    async def changes(self, text: str) -> AsyncIterator[tuple[Record, str]]:
        cursor = Cursor.parse(text) if text else Cursor(await self.source.now())
        walked = False
        if cursor.last != OVER:
            async for told in self._walk(cursor):
                walked = True
                yield told
        if not walked:
            async for told in self._follow(cursor):
                yield told

    def _floor(self, cursor: Cursor) -> int:
        return max(0, cursor.since - self.source.late_ms)

    async def _walk(self, cursor: Cursor) -> AsyncIterator[tuple[Record, str]]:
        while ids := list(dict.fromkeys(await self.source.after(cursor.last))):
            found = await self.source.read(ids, customers=True)
            for told in self._given(cursor, [(found[id_], id_, found[id_].modified) for id_ in ids if id_ in found]):
                yield told
            cursor.last = ids[-1]

    def _given(
        self, cursor: Cursor, batch: Sequence[tuple[Record, str, int]], *, follows: bool = False
    ) -> Iterator[tuple[Record, str]]:
        """Very many marks are written once for a batch: up to its last record the cursor from before it holds."""
        before = cursor.text() if len(cursor.marks) > MANY else None
        for record, id_, at in batch:
            cursor.last = OVER if follows else id_
            cursor.since = max(cursor.since, at) if follows else cursor.since
            cursor.mark(id_, at, content(record), 0 if self.lasting(id_) else self._floor(cursor))
            yield record, cursor.text() if before is None or id_ == batch[-1][1] else before

    async def _follow(self, cursor: Cursor) -> AsyncIterator[tuple[Record, str]]:
        floor = self._floor(cursor)
        touched = await self.source.touched(floor, cursor.since)
        cursor.marks = {id_: it for id_, it in cursor.marks.items() if it[0] >= floor or self.lasting(id_)}
        self._calm = {id_: calm for id_, calm in self._calm.items() if id_ in touched}
        todo = [id_ for id_ in sorted(touched, key=lambda id_: touched[id_]) if not self._is_calm(id_, touched, cursor)]
        for start in range(0, len(todo), self.source.page):
            ids = todo[start : start + self.source.page]
            found, now = await self.source.read(ids, customers=True), await self.source.now()
            news = [
                (found[id_], id_, touched[id_])
                for id_ in ids
                if id_ in found and self._is_news(found[id_], id_, touched[id_], cursor, now)
            ]
            for told in self._given(cursor, news, follows=True):
                yield told

    def _is_calm(self, id_: str, touched: Mapping[str, int], cursor: Cursor) -> bool:
        mark = cursor.marks.get(id_)
        return mark is not None and self._calm.get(id_) == (touched[id_], mark[1])

    def _is_news(self, record: Record, id_: str, at: int, cursor: Cursor, now: int) -> bool:
        held = content(record)
        if now - at > self.calm_ms:
            self._calm[id_] = (at, held)
        mark = cursor.marks.get(id_)
        return mark is None or mark[1] != held


class Told(Protocol):
    def changes(self, text: str, /) -> AsyncIterator[tuple[Record, str]]: ...


@dataclass(slots=True)
class Paced:
    """Looks once in `every` seconds, however often it is asked; where it left off nothing is missed."""

    feed: Told
    every: float
    _left: str = ""
    _until: float = 0.0

    async def changes(self, cursor: str) -> AsyncIterator[tuple[Record, str]]:
        if cursor == self._left and time.monotonic() < self._until:
            return
        async for told in self.feed.changes(cursor):
            cursor = told[1]
            yield told
        self._left, self._until = cursor, time.monotonic() + self.every

    def hurry(self) -> None:
        """The next look is at once."""
        self._until = 0.0
