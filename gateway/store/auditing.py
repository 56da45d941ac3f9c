"""What people did to the gateway itself: sign-ins, roles, links, erasures, keys. Only ever added to, and chained."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from gateway.clock import Clock
from gateway.store import sql
from gateway.store.engine import Store
from gateway.store.tables_audit import audit

_FIRST = "0" * 64
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Noted:
    seq: int
    at: int
    by: str
    """A person's id, `token:<name>`, `oidc` or `cli`."""
    what: str
    subject: str
    facts: dict[str, str | int]
    """Ids and counts, never a value."""
    prev_hash: str
    hash: str


class AuditStore:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def note(self, by: str, what: str, subject: str = "", /, **facts: str | int) -> None:
        """Durable when it returns."""
        await self._store.write(add, (self._clock.now(), by, what, subject, facts))

    async def latest(self, limit: int = 200, before: int | None = None) -> list[Noted]:
        """Newest first; `before` is the `seq` of the last row one has."""
        query = select(audit).order_by(audit.c.seq.desc()).limit(limit)
        if before is not None:
            query = query.where(audit.c.seq < before)
        return await self._store.read(lambda connection: [_noted(row) for row in connection.execute(query)])

    async def found(self, limit: int, before: int | None, what: str = "", by: str = "") -> list[Noted]:
        """The same of one kind of deed, or of what one did."""
        query = select(audit).order_by(audit.c.seq.desc()).limit(limit)
        for fits in (audit.c.what == what if what else None, audit.c.by == by if by else None):
            query = query.where(fits) if fits is not None else query
        if before is not None:
            query = query.where(audit.c.seq < before)
        return await self._store.read(lambda connection: [_noted(row) for row in connection.execute(query)])

    async def verify(self) -> int | None:
        """The first row that was altered, is missing or out of order; None when all is sound."""
        return await self._store.read(broken)

    async def head(self) -> tuple[int, str]:
        """(seq, hash) of the newest row; (0, zeros) of an empty chain."""
        return await self._store.read(head)


def add(connection: Connection, items: Sequence[tuple[int, str, str, str, dict[str, str | int]]]) -> list[None]:
    """Also within a transaction of the caller's, so that what was done and that it was noted are one."""
    sql.alone(connection, "audit")
    seq, before = head(connection)
    for at, by, what, subject, facts in items:
        seq += 1
        text = json.dumps(facts, sort_keys=True)
        row = {"seq": seq, "at": at, "by": by[:128], "what": what, "subject": subject[:512], "facts": text}
        before_, before = before, _hash(before, row)
        connection.execute(insert(audit).values(**row, prev_hash=before_, hash=before))
    return [None] * len(items)


def head(connection: Connection) -> tuple[int, str]:
    row = connection.execute(select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)).first()
    return (row.seq, row.hash) if row is not None else (0, _FIRST)


def hash_at(connection: Connection, seq: int) -> str | None:
    if seq == 0:
        return _FIRST
    return connection.execute(select(audit.c.hash).where(audit.c.seq == seq)).scalar()


def broken(connection: Connection) -> int | None:
    before = _FIRST
    for seq, row in enumerate(_rows(connection), 1):
        plain = {name: getattr(row, name) for name in ("seq", "at", "by", "what", "subject", "facts")}
        if row.seq != seq or row.prev_hash != before or row.hash != _hash(before, plain):
            return seq
        before = row.hash
    return None


def _rows(connection: Connection) -> Iterator[Any]:
    after = 0
    while rows := connection.execute(
        select(audit).where(audit.c.seq > after).order_by(audit.c.seq).limit(_BATCH)
    ).all():
        yield from rows
        after = rows[-1].seq


def _hash(before: str, row: dict[str, object]) -> str:
    text = json.dumps([before, *(row[name] for name in ("seq", "at", "by", "what", "subject", "facts"))])
    return hashlib.sha256(text.encode()).hexdigest()


def _noted(row: Any) -> Noted:
    one = row._mapping
    return Noted(**{**one, "facts": json.loads(one["facts"])})
