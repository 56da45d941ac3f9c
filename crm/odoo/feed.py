"""Odoo's changes by their times, which are whole seconds, come late from long transactions, and may be equal."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field

from crm.model import Item, Record
from crm.odoo.reading import ALL, MODEL, Reader
from crm.odoo.values import linked, moment, second
from crm.once import digest
from gateway.errors import Refused
from reconcile.model import Json

LATE_S = 60
"""A change may show up so much later than the time it carries: its transaction was that long."""
CALM_S = 5
"""So long after its time a record that was read again is not read once more for the same time."""
WINDOW = 20_000
"""Changes looked at in one go."""

_CURSOR = re.compile(r"([0-9]{1,12});(-1|[0-9]{1,10});((?:[0-9]{1,10}\.[0-9]{1,12}\.[0-9a-f]{8},)*)")


@dataclass(slots=True)
class Cursor:
    """As text: `since;last;id.second.content,…`.

    `last`: up to which id the first walk has come; -1 once changes are followed. The marks say in which state each
    record of the last `LATE_S` was given, since its time alone does not.
    """

    since: int
    last: int = 0
    marks: dict[int, tuple[int, str]] = field(default_factory=dict)

    @staticmethod
    def parse(text: str) -> Cursor:
        found = _CURSOR.fullmatch(text)
        if found is None:
            raise Refused("The CRM cannot continue from {cursor}. Start from the beginning.", cursor=text[:40])
        entries = (entry.split(".") for entry in found[3].split(",") if entry)
        marks = {int(id_): (int(at), content) for id_, at, content in entries}
        return Cursor(int(found[1]), int(found[2]), marks)

    @property
    def floor(self) -> int:
        return self.since - LATE_S

    def text(self) -> str:
        return f"{self.since};{self.last};" + "".join(f"{id_}.{at}.{it}," for id_, (at, it) in self.marks.items())

    def mark(self, id_: int, at: int, content: str) -> None:
        self.marks.pop(id_, None)
        if at >= self.floor:
            self.marks[id_] = (at, content)

    def prune(self) -> None:
        self.marks = {id_: mark for id_, mark in self.marks.items() if mark[0] >= self.floor}


def content(record: Record) -> str:
    """Short, of all a card could show of the record."""
    related: list[Json] = [_told(item) for kind in sorted(record.related) for item in record.related[kind]]
    fields: dict[str, Json] = {name: it.value for name, it in record.fields.items()}
    return digest(record.title, fields, record.deleted, list(record.owners), record.modified, related)[:8]


def _told(item: Item) -> Json:
    return [item.kind, item.id, item.text, item.due, item.done, dict(item.detail)]


@dataclass(slots=True)
class Feed:
    reader: Reader
    _calm: dict[int, tuple[int, str]] = field(default_factory=dict)

    async def changes(self, text: str) -> AsyncIterator[tuple[Record, str]]:
        await self.reader.rpc.uid()  # the first answer tells what time it is there
        cursor = Cursor.parse(text) if text else Cursor(int(self.reader.rpc.now()))
        cursor.prune()
        walked = False
        if cursor.last >= 0:
            async for told in self._walk(cursor):
                walked = True
                yield told
        if not walked:
            async for told in self._follow(cursor):
                yield told

    @property
    def customers(self) -> list[Json]:
        """Whoever is a company, or belongs to none; never a user of Odoo itself."""
        which: list[Json] = [["is_company", "=", True]]
        if self.reader.config.customers == "all":
            which = ["|", ["is_company", "=", True], ["parent_id", "=", False]]
        return [["partner_share", "=", True], *which]

    async def count(self) -> int:
        told = await self.reader.rpc.call(MODEL, "search_count", [[ALL, *self.customers]], reads=True)
        return told if isinstance(told, int) else 0

    async def _walk(self, cursor: Cursor) -> AsyncIterator[tuple[Record, str]]:
        """Everything by id, so that what changes meanwhile moves nothing."""
        while True:
            wanted: Json = [["id", ">", cursor.last], ALL, *self.customers]
            rows = await self.reader.rpc.rows(MODEL, wanted, ["id"], order="id asc", limit=self.reader.config.page)
            ids = list(dict.fromkeys(int(str(row["id"])) for row in rows))
            if not ids:
                return
            found = await self.reader.partners(ids)
            for id_ in ids:
                cursor.last = id_
                if id_ in found:
                    yield self._given(found[id_], cursor, id_, found[id_].modified // 1000)

    def _given(self, record: Record, cursor: Cursor, id_: int, at: int) -> tuple[Record, str]:
        cursor.mark(id_, at, content(record))
        return record, cursor.text()

    async def _follow(self, cursor: Cursor) -> AsyncIterator[tuple[Record, str]]:
        touched = await self._touched(cursor)
        todo = [id_ for id_ in sorted(touched, key=lambda id_: touched[id_]) if not self._is_calm(id_, touched, cursor)]
        page = self.reader.config.page
        for start in range(0, len(todo), page):
            ids = todo[start : start + page]
            found = await self.reader.partners(ids, *self.customers)
            for id_ in ids:
                if id_ in found and self._is_news(found[id_], id_, touched[id_], cursor):
                    cursor.last = -1
                    cursor.since = max(cursor.since, touched[id_])
                    yield self._given(found[id_], cursor, id_, touched[id_])

    def _is_calm(self, id_: int, touched: Mapping[int, int], cursor: Cursor) -> bool:
        mark = cursor.marks.get(id_)
        return mark is not None and self._calm.get(id_) == (touched[id_], mark[1])

    def _is_news(self, record: Record, id_: int, at: int, cursor: Cursor) -> bool:
        now = content(record)
        if self.reader.rpc.now() - at > CALM_S:
            self._calm[id_] = (at, now)
        mark = cursor.marks.get(id_)
        return mark is None or mark[1] != now

    async def _touched(self, cursor: Cursor) -> dict[int, int]:
        """Record -> the newest second in which it, a note, an activity or a contact of it was written. In the order
        of the records' own changes where seconds are equal."""
        newest: dict[int, int] = {}
        since: Json = ["write_date", ">=", moment(cursor.floor)]
        for model, about, column in self._streams():
            if model != MODEL and not await self.reader.offered(model):
                continue
            for id_, at in await self._newest(model, [since, *about], column, cursor.since):
                newest[id_] = max(at, newest.pop(id_, 0))
        self._calm = {id_: calm for id_, calm in self._calm.items() if id_ in newest}
        return newest

    def _streams(self) -> Iterator[tuple[str, list[Json], str]]:
        yield "mail.message", [["model", "=", MODEL]], "res_id"
        yield "mail.activity", [["res_model", "=", MODEL]], "res_id"
        yield MODEL, [["parent_id", "!=", False], ["is_company", "=", False], ALL], "parent_id"
        yield MODEL, [ALL, *self.customers], "id"

    async def _newest(self, model: str, wanted: Json, column: str, since: int) -> list[tuple[int, int]]:
        fields = list(dict.fromkeys(["id", column, "write_date"]))
        rows = await self.reader.rpc.rows(model, wanted, fields, order="write_date asc, id asc", limit=WINDOW)
        if len(rows) == WINDOW and second(rows[-1]["write_date"]) <= since:  # a great change in one second
            rows = await self.reader.rpc.rows(model, wanted, fields, order="write_date asc, id asc")
        pairs = ((linked(row[column])[0] if column == "parent_id" else row[column], row["write_date"]) for row in rows)
        return [(id_, second(at)) for id_, at in pairs if isinstance(id_, int) and id_]
