"""Which records of which CRMs are one customer. Small, so that each gateway has all of it in memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from gateway.errors import Refused
from gateway.store import auditing, sql, upsert
from gateway.store.counters import count
from gateway.store.engine import Store
from gateway.store.tables_app import due
from gateway.store.tables_ledger import joined

COUNTER = "joined"
_NTH = "SELECT n FROM counter WHERE name = ?"


@dataclass(frozen=True, slots=True)
class Join:
    """`ref` is the customer `record` in another CRM; a record that is its own customer again is joined to itself."""

    ref: str
    record: str


@dataclass(frozen=True, slots=True)
class _Asked:
    joins: Sequence[Join]
    by: str
    at: int


class JoinedStore:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def all(self) -> list[Join]:
        query = select(joined.c.ref, joined.c.record)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return [Join(row.ref, row.record) for row in rows]

    async def version(self) -> int:
        found = await self._store.look(lambda connection: sql.first(connection, _NTH, (COUNTER,)))
        return found[0] if found is not None else 0

    async def join(self, joins: Sequence[Join], by: str, at: int) -> None:
        """All or none; a running gateway reads the records anew within seconds. Raises `Refused`."""
        await self._store.write(_join, _Asked(tuple(joins), by, at))


def _join(connection: Connection, items: Sequence[_Asked]) -> list[None]:
    for asked in items:
        sql.alone(connection, COUNTER)
        count(connection, COUNTER)
        nth = sql.first(connection, _NTH, (COUNTER,))[0]
        for each in asked.joins:
            _one(connection, each, asked, nth)
        told = "joined" if any(each.ref != each.record for each in asked.joins) else "parted"
        subject = asked.joins[0].ref if len(asked.joins) == 1 else ""
        auditing.add(connection, [(asked.at, asked.by, told, subject, {"many": len(asked.joins)})])
    return [None] * len(items)


def _one(connection: Connection, each: Join, asked: _Asked, nth: int) -> None:
    crm = each.ref.partition(":")[0]
    if each.ref != each.record:
        _fit(connection, each, crm)
    row = {"ref": each.ref, "crm": crm, "record": each.record, "made_by": asked.by, "at": asked.at}
    upsert.put(connection, joined, [row])
    # due at once, whatever the clock of a command says; by another number than before, as one may be followed just now
    for record in (each.ref, each.record):
        payload = json.dumps({"record": record, "tries": 0, "heard": False})
        told = {"key": f"held:{record}"[:256], "kind": "held", "at": nth, "payload": payload, "leased_until": 0}
        upsert.put(connection, due, [told])


def _fit(connection: Connection, each: Join, crm: str) -> None:
    known = sql.ask_in(connection, "SELECT ref FROM mirror WHERE ref", [(each.ref,), (each.record,)])
    missing = {each.ref, each.record} - {row[0] for row in known}
    if missing:
        raise Refused("{record} is not known here.", record=min(missing))
    if crm == each.record.partition(":")[0]:
        raise Refused("Both are records of {crm}: one customer has one record in a CRM. Merge them there.", crm=crm)
    other = "ref = ? OR ref = ? OR record = ? OR (record = ? AND crm = ?)"
    query = f"SELECT ref, record FROM joined WHERE record <> ref AND ({other})"  # noqa: S608
    for ref, record in sql.ask(connection, query, (each.ref, each.record, each.ref, each.record, crm)):
        if (ref, record) != (each.ref, each.record):
            raise Refused("{ref} is joined to {record} already. Part them first.", ref=ref, record=record)
