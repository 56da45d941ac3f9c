"""What the CRMs last said of each record, sealed with the record's own key: erasing the key erases this too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import cast

import orjson
from sqlalchemy import Connection, func, select

from crm.model import FieldValue, Item, Kind, Record, RecordRef
from gateway.store import sql, upsert
from gateway.store.engine import Store
from gateway.store.leases import Fenced, Held, guard
from gateway.store.tables_app import feed, mirror
from gateway.store.tables_ledger import DECIDING, joined
from gateway.store.vault import Vault

_OWN = ~select(joined.c.ref).where(joined.c.ref == mirror.c.ref, joined.c.record != joined.c.ref).exists()
"""Customers of their own; what is joined to another is that other."""


@dataclass(frozen=True, slots=True)
class _Row:
    ref: str
    crm: str
    version: int
    sealed: bytes
    deleted: bool
    at: int
    owner: str | None


@dataclass(frozen=True, slots=True)
class _Step:
    crm: str
    cursor: str
    at: int
    seen: str | None
    held: Held | None
    lag: int | None


class MirrorStore:
    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    async def put(self, records: Sequence[Record], now: Callable[[], int]) -> None:
        """`now` (ms) is asked when it is written: others look for what was put by its time, and it may wait long."""
        for record in records:
            await self._store.write(self._put, (record, now))

    async def get(self, key: str) -> Record | None:
        return await self._store.look(lambda connection: self._get(connection, key))

    async def pages(self, crms: Collection[str], size: int = 500) -> AsyncIterator[list[Record]]:
        """Every live record of these CRMs, in the order of their keys; those whose key was erased are left out."""
        after: str | None = ""
        while after is not None:
            page, after = await self._store.read(partial(self._page, crms, after, size))
            yield page

    async def all(self, crm: str) -> list[Record]:
        """As `pages` of one CRM, at once."""
        return [record async for page in self.pages((crm,)) for record in page]

    async def keys(self, after: str, limit: int) -> list[str]:
        """The live records of every CRM in the order of their keys, from behind `after` on."""
        query = select(mirror.c.ref).where(mirror.c.ref > after, mirror.c.deleted.is_(False), _OWN)
        ordered = query.order_by(mirror.c.ref).limit(limit)
        return await self._store.read(lambda connection: list(connection.execute(ordered).scalars()))

    async def lives(self, crm: str, after: str, limit: int) -> list[tuple[str, bool]]:
        """(key, whether it is deleted) of this CRM's records, joined ones too, in the order of their keys."""
        query = select(mirror.c.ref, mirror.c.deleted).where(mirror.c.crm == crm, mirror.c.ref > after)
        ordered = query.order_by(mirror.c.ref).limit(limit)
        rows = await self._store.read(lambda connection: connection.execute(ordered).all())
        return [(row.ref, bool(row.deleted)) for row in rows]

    async def owned(self, owners: Sequence[str], limit: int) -> list[str]:
        """Keys of live records whose first owner is one of these (`crm:user`), the latest changed first."""
        query = select(mirror.c.ref).where(mirror.c.owner.in_(owners), mirror.c.deleted.is_(False), _OWN)
        ordered = query.order_by(mirror.c.at.desc(), mirror.c.ref).limit(limit)
        return await self._store.read(lambda connection: list(connection.execute(ordered).scalars()))

    async def count(self, crm: str) -> int:
        query = select(func.count()).where(mirror.c.crm == crm, mirror.c.deleted.is_(False))
        return await self._store.read(lambda connection: connection.execute(query).scalar()) or 0

    async def since(self, at: int) -> list[tuple[str, int, bool]]:
        """(key, version, whether it is deleted) of what was put at `at` (ms) or later."""
        query = select(mirror.c.ref, mirror.c.version, mirror.c.deleted).where(mirror.c.at >= at)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return [(row.ref, row.version, bool(row.deleted)) for row in rows]

    async def cursor(self, crm: str) -> str:
        query = select(feed.c.cursor).where(feed.c.crm == crm)
        return await self._store.read(lambda connection: connection.execute(query).scalar()) or ""

    async def advance(
        self,
        crm: str,
        cursor: str,
        at: int,
        *,
        seen: str | None = None,
        held: Held | None = None,
        lag: int | None = None,
    ) -> None:
        """`lag`: how late the page was, in ms, where it had news. Raises `Fenced`, and moves nothing, when another
        gateway has the lease or has moved it on from `seen`."""
        await self._store.write(_advance, _Step(crm, cursor, at, seen, held, lag))

    def _put(self, connection: Connection, items: Sequence[tuple[Record, Callable[[], int]]]) -> list[None]:
        sql.beside(connection, DECIDING)
        for record, now in items:
            key = record.ref.key
            sealed = self._vault.seal(connection, key, dump(record))
            owner = f"{record.ref.crm}:{record.owners[0]}"[:256] if record.owners else None
            row = _Row(key, record.ref.crm, record.version, sealed, record.deleted, now(), owner)
            upsert.put(connection, mirror, [asdict(row)])
        return [None] * len(items)

    def _get(self, connection: Connection, key: str) -> Record | None:
        row = sql.first(connection, "SELECT sealed FROM mirror WHERE ref = ?", (key,))
        return self._open(connection, key, row[0]) if row is not None else None

    def _page(
        self, crms: Collection[str], after: str, size: int, connection: Connection
    ) -> tuple[list[Record], str | None]:
        """And behind which key the next one begins; None when this is the last."""
        query = select(mirror.c.ref, mirror.c.sealed).where(mirror.c.ref > after, mirror.c.deleted.is_(False))
        rows = connection.execute(query.where(mirror.c.crm.in_(crms)).order_by(mirror.c.ref).limit(size)).all()
        opened = self._vault.unsealed(connection, {row.ref: row.sealed for row in rows})
        records = [load(plain) for _, plain in opened if isinstance(plain, bytes)]
        return records, rows[-1].ref if len(rows) == size else None

    def _open(self, connection: Connection, key: str, sealed: bytes) -> Record | None:
        plain = self._vault.unseal(connection, key, sealed)
        return load(plain) if isinstance(plain, bytes) else None


def _advance(connection: Connection, items: Sequence[_Step]) -> list[None]:
    for step in items:
        if step.held is not None:
            guard(connection, step.held.name, step.held.fence)
        if step.seen is not None and not _moves(connection, step):
            raise Fenced(f"the feed of {step.crm}")
        late = {} if step.lag is None else {"lag": step.lag}
        upsert.put(connection, feed, [{"crm": step.crm, "cursor": step.cursor, "at": step.at, **late}])
    return [None] * len(items)


def _moves(connection: Connection, step: _Step) -> bool:
    """Whether the cursor stands where this step began; from then on nobody else moves it before the commit."""
    upsert.add(connection, feed, {"crm": step.crm, "cursor": "", "at": step.at})
    query = select(feed.c.cursor).where(feed.c.crm == step.crm).with_for_update()
    return bool(connection.execute(query).scalar_one() == step.seen)


def dump(record: Record) -> bytes:
    return orjson.dumps(asdict(record))


def load(plain: bytes) -> Record:
    raw = orjson.loads(plain)
    related = {cast("Kind", kind): tuple(Item(**item) for item in items) for kind, items in raw["related"].items()}
    return Record(
        **{
            **raw,
            "ref": RecordRef(**raw["ref"]),
            "fields": {name: FieldValue(**value) for name, value in raw["fields"].items()},
            "related": related,
            "names": tuple(raw["names"]),
            "owners": tuple(raw["owners"]),
        }
    )
