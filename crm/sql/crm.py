"""The connector: the `Crm` protocol on a table."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from sqlalchemy import ColumnElement, Connection, Select, and_, func, make_url, or_, select, types, update

from crm import once as shared
from crm.given import Given
from crm.mapping import vanished
from crm.model import (
    GATEWAY,
    Applied,
    Change,
    Conflict,
    Counts,
    Crm,
    CursorLost,
    Describes,
    FieldInfo,
    Record,
    RecordRef,
)
from crm.sql import rows
from crm.sql.config import DRIVERS, Config
from crm.sql.database import Database
from crm.sql.lenient import lenient
from crm.sql.rows import KIND, Raw, Reader, Shape, digest, key_of
from crm.sql.seen import Seen, Was
from gateway.errors import Refused, Retry

_BY_TIME = re.compile(r"t\.(-?[0-9]{1,18})\.([^.]*)")
_BY_SEEING = re.compile(r"s\.([0-9a-f]{16})\.([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class _Now:
    """A row as it is, and what is held of it."""

    record: Record
    raw: Raw | None


class SqlCrm:
    def __init__(self, name: str, config: Config, *, clock: Callable[[], int] | None = None) -> None:
        self.name = name
        self.config = config
        self.desk = shared.desk("sql", config.database, config.table)
        self.reader = Reader(name, config)
        self.database = Database(name, config.url, config.timeout)
        self.seen = Seen(name)
        self._memory: Database | None = None
        self._token = ""
        self._shape: Shape | None = None
        self._scanned = -1e9
        self._given = Given[str]()
        """Rows within the look back, each with its time."""

    async def close(self) -> None:
        self.database.close()
        if self._memory is not None:
            self._memory.close()

    async def get(self, ref: RecordRef) -> Record:
        return (await self._now(ref, await self._found())).record

    async def count(self) -> int:
        shape = await self._found()
        query = select(func.count()).select_from(shape.read)
        return await self.database.reading(lambda conn: int(conn.execute(query).scalar() or 0))

    async def describe(self, kind: str) -> tuple[FieldInfo, ...]:
        if kind != KIND:
            return ()
        return await self.database.reading(lambda conn: rows.offered(conn, self.config))

    def changes(self, cursor: str) -> AsyncIterator[tuple[Record, str]]:
        return self._by_time(cursor) if self.config.modified else self._by_seeing(cursor)

    async def apply(self, change: Change, *, once: str) -> Applied | Conflict:
        return await shared.apply(self, change, once)

    async def swap(self, change: Change) -> Applied | Conflict:
        shape = await self._found()
        spec, text = self.config.mapping.spell(change.field, change.value)
        column = shape.written.c.get(spec.theirs)
        if column is None:
            raise vanished(spec.theirs)
        value = rows.as_theirs(change.field, column.type, text)
        held = await self._now(change.ref, shape)
        if change.precondition not in (None, held.record.version):
            return Conflict(held.record)
        if held.raw is None or held.record.deleted:
            raise shared.not_live()
        after = await self.database.writing(partial(self._write, change.ref, shape, held.raw, spec.theirs, value))
        if after is None:
            return await self._passed_by(change)
        with shared.taken():
            record = await self._record(after)
        told = record.fields.get(change.field)
        return Applied(record.version, told.value if told else self.config.mapping.rendered(change.field, text))

    async def _passed_by(self, change: Change) -> Applied | Conflict:
        """Somebody wrote between our look and our lock."""
        if change.precondition is None:
            raise Retry(0.5, "the row is being changed there")
        return Conflict(await self.get(change.ref))

    # -- one row

    async def _now(self, ref: RecordRef, shape: Shape) -> _Now:
        key = key_of(ref.id, shape.read.c[self.config.id].type)
        if ref.crm != self.name or ref.kind != KIND or key is None:
            raise shared.absent(ref)
        raw = await self.database.reading(partial(self._one, shape, key))
        if raw is not None:
            return _Now(await self._record(raw), raw)
        return _Now(await self._gone(ref), None)

    async def _record(self, raw: Raw) -> Record:
        (record,) = await self._records([raw])
        return record

    async def _records(self, raws: Sequence[Raw]) -> list[Record]:
        if not self._sees:
            return [self.reader.record(raw, self._version(raw)) for raw in raws]
        hashes = {self.reader.id(raw): digest(raw) for raw in raws}
        memory = await self._remembering()
        was = await memory.writing(lambda conn: self.seen.note(conn, hashes))
        return [self.reader.record(raw, self._version(raw, was[self.reader.id(raw)])) for raw in raws]

    def _version(self, raw: Raw, was: Was | None = None) -> int:
        name = self.config.version or self.config.modified
        return self.reader.at(raw[name]) if name or was is None else was.version

    async def _gone(self, ref: RecordRef) -> Record:
        if not self._sees:
            raise shared.absent(ref)
        memory = await self._remembering()

        def look(conn: Connection) -> list[Was]:
            self.seen.take_out(conn, [ref.id])
            return self.seen.known(conn, [ref.id])

        was = await memory.writing(look)
        if not was:
            raise shared.absent(ref)
        return self.reader.gone(ref.id, was[0].version)

    def _write(
        self, ref: RecordRef, shape: Shape, before: Raw, column: str, value: Any, conn: Connection
    ) -> Raw | None:
        """None when the row is not any more what it was. Locked first, then looked at, then written."""
        key = key_of(ref.id, shape.read.c[self.config.id].type)
        target = shape.written
        conn.execute(select(target.c[self.config.id]).where(target.c[self.config.id] == key).with_for_update())
        current = self._one(shape, key, conn)
        if current is None or digest(current) != digest(before):
            return None
        values = {column: value, **self._marks(current, target)}
        done = conn.execute(update(target).where(target.c[self.config.id] == key).values(values))
        if done.rowcount == 0:  # read from a view, and no row of the table it is written to
            words = f"{self.config.writes_to or self.config.table}: 0"
            raise Refused("The CRM {crm} refused: {words}", crm=self.name, words=words)
        return self._one(shape, key, conn)

    def _marks(self, raw: Raw, target: Any) -> dict[str, Any]:
        """What a write changes besides the value."""
        config, now = self.config, time.time_ns() // 1000
        names = {config.version, config.modified} - {""} if config.raised_by == "us" else set[str]()
        marks = {name: self.reader.raised(raw, name, target.c[name].type, now) for name in names}
        return marks | ({config.modified_by: GATEWAY} if config.modified_by else {})

    def _select(self, shape: Shape) -> Select[Any]:
        own, kind = {self.config.version, self.config.modified}, self.database.engine.dialect.name
        columns = (shape.read.c[name] for name in self.config.columns)
        return select(*(each if each.name in own else lenient(each, kind) for each in columns))

    def _one(self, shape: Shape, key: Any, conn: Connection) -> Raw | None:
        query = self._select(shape).where(shape.read.c[self.config.id] == key).limit(1)
        return next(rows.columns(conn.execute(query)), None)

    # -- the feed of a table that says when a row was written

    async def _by_time(self, cursor: str) -> AsyncIterator[tuple[Record, str]]:
        shape = await self._found()
        at, key = _position(cursor)
        back = self._looking_back(shape, at) if cursor else None
        position, least = back or (at, key), at + 1 if back else at
        run = self._given = self._given.then(cursor, self._oldest(at))
        while page := await self.database.reading(partial(self._page, shape, position)):
            for raw, record in zip(page, await self._records(page), strict=True):
                when, id_ = self._when(raw), record.ref.id
                if back and run.was_taken(id_, when):
                    continue
                # What came late moves the cursor too, by a microsecond, or it would not tell that it was taken.
                at = max(at, when, least)
                told = f"t.{at}.{quote(id_, safe='')}"
                if when >= 0 and self._looks_back(shape):
                    run.give(told, (id_, when))
                yield record, told
            position = (self._when(page[-1]), self.reader.id(page[-1]))
            run.forget(self._oldest(position[0]))

    def _looking_back(self, shape: Shape, at: int) -> tuple[int, str] | None:
        """Where to begin, so that what became visible late is seen; only times tell how late is late."""
        back = round(self.config.look_back * 1_000_000)
        return (at - back, "") if self._looks_back(shape) and at > back else None

    def _looks_back(self, shape: Shape) -> bool:
        is_time = isinstance(shape.read.c[self.config.modified].type, types.DateTime | types.Date)
        return is_time and self.config.look_back > 0

    def _when(self, raw: Raw) -> int:
        value = raw[self.config.modified]
        return -1 if value is None else self.reader.at(value)

    def _oldest(self, at: int) -> int:
        return at - round(self.config.look_back * 2_000_000)

    def _page(self, shape: Shape, look: tuple[int, str], conn: Connection) -> list[Raw]:
        """Rows without a time come first."""
        modified, key = shape.read.c[self.config.modified], shape.read.c[self.config.id]
        at, id_ = look
        after = key_of(id_, key.type)
        query = self._select(shape)
        if at < 0:
            page = query.where(modified.is_(None), *([key > after] if after is not None else []))
            found: list[Raw] = list(rows.columns(conn.execute(page.order_by(key).limit(self.config.page))))
            if found:
                return found
            at, after = 0, None
            query = query.where(modified.is_not(None))
        else:
            query = query.where(_behind(modified, self.reader.bound(at, modified.type), key, after))
        return list(rows.columns(conn.execute(query.order_by(modified, key).limit(self.config.page))))

    # -- the feed of one that does not

    async def _by_seeing(self, cursor: str) -> AsyncIterator[tuple[Record, str]]:
        shape, memory = await self._found(), await self._remembering()
        seq = self._place(cursor)
        top = await memory.reading(self.seen.last)
        if seq > top:
            raise _lost(cursor)
        if time.monotonic() - self._scanned >= self.config.scan_every:
            await self._scan(shape, memory)
            self._scanned = time.monotonic()
            top = await memory.reading(self.seen.last)
        while page := [each for each in await memory.reading(partial(self._next, seq)) if each.seq <= top]:
            for each, record in await self._as_they_are(shape, page):
                yield record, f"s.{self._token}.{each.seq}"
            seq = page[-1].seq

    def _next(self, seq: int, conn: Connection) -> list[Was]:
        return self.seen.after(conn, seq, self.config.page)

    def _place(self, cursor: str) -> int:
        if not cursor:
            return 0
        found = _BY_SEEING.fullmatch(cursor)
        if found is None or found[1] != self._token:
            raise _lost(cursor)
        return int(found[2])

    async def _scan(self, shape: Shape, memory: Database) -> None:
        scan, after = await memory.writing(self.seen.next_scan), ""
        while page := await self.database.reading(partial(self._keys, shape, after)):
            hashes = {self.reader.id(raw): digest(raw) for raw in page}
            await memory.writing(partial(self._note, hashes, scan))
            after = self.reader.id(page[-1])
        await memory.writing(lambda conn: self.seen.finish(conn, scan))

    def _note(self, hashes: dict[str, str], scan: int, conn: Connection) -> None:
        self.seen.note(conn, hashes, scan)

    def _keys(self, shape: Shape, after: str, conn: Connection) -> list[Raw]:
        key = shape.read.c[self.config.id]
        query = self._select(shape).order_by(key).limit(self.config.page)
        if after:
            query = query.where(key > key_of(after, key.type))
        return list(rows.columns(conn.execute(query)))

    async def _as_they_are(self, shape: Shape, page: list[Was]) -> list[tuple[Was, Record]]:
        """Those of the page that are still what was seen; what changed since has its place behind."""
        key = shape.read.c[self.config.id]
        keys = [key_of(each.id, key.type) for each in page]
        query = self._select(shape).where(key.in_(keys))
        raws = await self.database.reading(lambda conn: list(rows.columns(conn.execute(query))))
        there = {self.reader.id(raw): raw for raw in raws}
        found: list[tuple[Was, Record]] = []
        for each in page:
            raw = there.get(each.id)
            if each.gone and raw is None:
                found.append((each, self.reader.gone(each.id, each.version)))
            elif raw is not None and not each.gone and digest(raw) == each.hash:
                found.append((each, self.reader.record(raw, self._version(raw, each))))
        return found

    # -- what is there

    @property
    def _sees(self) -> bool:
        return not self.config.modified

    async def _found(self) -> Shape:
        """Looked up once. A column that goes later is told by the database itself."""
        if self._shape is None:
            self._shape = await self.database.reading(lambda conn: rows.found(conn, self.config))
        return self._shape

    async def _remembering(self) -> Database:
        if self._memory is None:
            url = make_url(self.config.state or f"sqlite:///floatcard-seen-{self.name}.db")
            url = url.set(drivername=DRIVERS.get(url.drivername, url.drivername))
            memory = Database(f"{self.name}-seen", url, self.config.timeout)
            self._token = await memory.writing(self.seen.prepare)
            self._memory = memory
        return self._memory


def _behind(modified: Any, at: Any, key: Any, after: Any) -> ColumnElement[bool]:
    if after is None:
        later: ColumnElement[bool] = modified >= at
        return later
    return or_(modified > at, and_(modified == at, key > after))


def _position(cursor: str) -> tuple[int, str]:
    if not cursor:
        return -1, ""
    found = _BY_TIME.fullmatch(cursor)
    if found is None:
        raise _lost(cursor)
    return int(found[1]), unquote(found[2])


def _lost(cursor: str) -> CursorLost:
    return CursorLost("The CRM cannot continue from {cursor}. Start from the beginning.", cursor=cursor[:40])


if TYPE_CHECKING:

    def _claims(crm: SqlCrm) -> tuple[Crm, Describes, Counts]:
        return crm, crm, crm
