"""What each row was when it was last looked at, for tables that do not say when a row was written.

A table's feed and, without a version column, the versions themselves are made here: a counter that only grows, one step
for each change that was seen. Two gateways with a file each disagree, and the feed then says so: `CursorLost`.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.types import BigInteger

from gateway.errors import Refused

metadata = MetaData()
Big = BigInteger().with_variant(Integer, "sqlite")
seen = Table(
    "floatcard_seen",
    metadata,
    Column("crm", String(64), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("version", Big, nullable=False),
    Column("seq", Big, nullable=False, index=True),
    Column("gone", Boolean, nullable=False),
    Column("scan", Big, nullable=False),
)
state = Table(
    "floatcard_scan",
    metadata,
    Column("crm", String(64), primary_key=True),
    Column("token", String(16), nullable=False),
    Column("seq", Big, nullable=False),
    Column("scan", Big, nullable=False),
)
FEW = 20
"""So many rows may vanish at once, however small the table."""
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Was:
    id: str
    hash: str
    version: int
    seq: int
    gone: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """One table's memory. Every method is given the connection it works in."""

    crm: str

    def prepare(self, conn: Connection) -> str:
        """This memory's name; another file bears another."""
        metadata.create_all(conn)
        token = conn.execute(select(state.c.token).where(state.c.crm == self.crm)).scalar()
        if token is None:
            token = secrets.token_hex(8)
            conn.execute(insert(state).values(crm=self.crm, token=token, seq=0, scan=0))
        return str(token)

    def next_scan(self, conn: Connection) -> int:
        return self._raise(conn, "scan", 1)

    def note(self, conn: Connection, hashes: Mapping[str, str], scan: int | None = None) -> dict[str, Was]:
        """Rows as they are now; what was not like that before gets a version of its own and a place at the end."""
        was = {each.id: each for each in self.known(conn, hashes)}
        moved = [id_ for id_ in hashes if id_ not in was or was[id_].gone or was[id_].hash != hashes[id_]]
        seq = self._raise(conn, "seq", len(moved)) - len(moved) if moved else 0
        now = time.time_ns() // 1000
        for place, id_ in enumerate(moved, 1):
            version = max(now, was[id_].version + 1) if id_ in was else now
            fresh = Was(id_, hashes[id_], version, seq + place, False)
            self._put(conn, fresh, id_ in was, scan)
            was[id_] = fresh
        if scan is not None:
            self._looked(conn, set(hashes) - set(moved), scan)
        return was

    def finish(self, conn: Connection, scan: int) -> int:
        """Who was not met in a whole look is gone. Raises `Refused` when that is too many to be believed."""
        mine = (seen.c.crm == self.crm, seen.c.gone.is_(False))
        lost = list(conn.execute(select(seen.c.id).where(*mine, seen.c.scan < scan)).scalars())
        known = conn.execute(select(func.count()).select_from(seen).where(*mine)).scalar() or 0
        if len(lost) > max(FEW, known // 2):
            raise Refused(
                "{count} of {known} customers were not in the table any more when it was read. Nothing was taken out: "
                "look whether its rows may still be seen, or give the CRM another name to begin anew.",
                count=len(lost),
                known=known,
            )
        return self.take_out(conn, lost)

    def take_out(self, conn: Connection, ids: Iterable[str]) -> int:
        was = [each for each in self.known(conn, list(ids)) if not each.gone]
        seq = self._raise(conn, "seq", len(was)) - len(was) if was else 0
        now = time.time_ns() // 1000
        for place, each in enumerate(was, 1):
            self._put(conn, Was(each.id, each.hash, max(now, each.version + 1), seq + place, True), True, None)
        return len(was)

    def known(self, conn: Connection, ids: Iterable[str]) -> list[Was]:
        listed = list(ids)
        columns = (seen.c.id, seen.c.hash, seen.c.version, seen.c.seq, seen.c.gone)
        found: list[Was] = []
        for start in range(0, len(listed), CHUNK):
            part = listed[start : start + CHUNK]
            query = select(*columns).where(seen.c.crm == self.crm, seen.c.id.in_(part))
            found += [Was(*row) for row in conn.execute(query)]
        return found

    def after(self, conn: Connection, seq: int, limit: int) -> list[Was]:
        columns = (seen.c.id, seen.c.hash, seen.c.version, seen.c.seq, seen.c.gone)
        query = select(*columns).where(seen.c.crm == self.crm, seen.c.seq > seq).order_by(seen.c.seq).limit(limit)
        return [Was(*row) for row in conn.execute(query)]

    def last(self, conn: Connection) -> int:
        return int(conn.execute(select(state.c.seq).where(state.c.crm == self.crm)).scalar() or 0)

    def _put(self, conn: Connection, row: Was, known: bool, scan: int | None) -> None:
        values = {"hash": row.hash, "version": row.version, "seq": row.seq, "gone": row.gone}
        more = {} if scan is None else {"scan": scan}
        if known:
            conn.execute(update(seen).where(seen.c.crm == self.crm, seen.c.id == row.id).values(**values, **more))
        else:
            # Met outside of a look: not missed by the one that is under way.
            met = self._value(conn, "scan") if scan is None else scan
            conn.execute(insert(seen).values(crm=self.crm, id=row.id, **values, scan=met))

    def _looked(self, conn: Connection, ids: set[str], scan: int) -> None:
        listed = sorted(ids)
        for start in range(0, len(listed), CHUNK):
            part = listed[start : start + CHUNK]
            conn.execute(update(seen).where(seen.c.crm == self.crm, seen.c.id.in_(part)).values(scan=scan))

    def _raise(self, conn: Connection, name: str, by: int) -> int:
        conn.execute(update(state).where(state.c.crm == self.crm).values({name: state.c[name] + by}))
        return self._value(conn, name)

    def _value(self, conn: Connection, name: str) -> int:
        return int(conn.execute(select(state.c[name]).where(state.c.crm == self.crm)).scalar() or 0)
