"""Everything of one customer goes at once: the key that every value of theirs is sealed with, and what is kept of their
names in plain. The decisions stay, and their chain verifies: they never held a value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass
from itertools import chain

from sqlalchemy import Connection, delete, func, insert, select, text, update

from gateway.clock import Clock
from gateway.store import auditing, sql
from gateway.store.engine import Store
from gateway.store.slots import unname
from gateway.store.spans import source
from gateway.store.tables_app import alert, choice, due, mirror, slot_record
from gateway.store.tables_ledger import DECIDING, OPEN, field_state, outbox, subject_key
from gateway.store.tables_mentioning import customer_name, lesson, named
from gateway.store.vault import Vault, overwriting


@dataclass(frozen=True, slots=True)
class Weight:
    """What an erasure takes, in numbers."""

    values: int
    edits: int
    """Those stay as rows without a value: who changed which field, and when."""
    cards: int
    conflicts: int
    waiting: int
    """Writes to CRMs that are not done yet, and are not done any more."""
    names: int
    alerts: int


class EraseStore:
    def __init__(self, store: Store, vault: Vault, clock: Clock) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock

    async def weigh(self, record: str) -> Weight | None:
        """None for a customer that is not known here, or was erased before."""
        return await self._store.read(
            lambda connection: _sum(
                _weigh(connection, each, _merged(connection, each)) for each in _whole(connection, record)
            )
        )

    async def erase(self, record: str, by: str) -> Weight | None:
        """All of it or nothing, in one transaction; a running gateway takes the cards away within seconds."""
        return await self._store.write(self._erase, (record, by))

    def _erase(self, connection: Connection, items: Sequence[tuple[str, str]]) -> list[Weight | None]:
        overwriting(connection)
        wholes = [_whole(connection, record) for record, _ in items]
        merged = {record: _unheard(connection, record) for record in chain.from_iterable(wholes)}
        sql.alone(connection, DECIDING)  # from here on nobody decides: what is said now is found by an index
        return [
            _sum([self._one(connection, each, merged[each], by) for each in whole])
            for whole, (_, by) in zip(wholes, items, strict=True)
        ]

    def _one(self, connection: Connection, record: str, merged: int, by: str) -> Weight | None:
        weight, now = _weigh(connection, record, merged), self._clock.now()
        if weight is None or not self._vault.erase(connection, record, now):
            return None
        # one that was sent is not sent again either: without its value it would clear the field there; and why one was
        # refused may be told with the value
        open_ = f"UPDATE outbox SET state = 'superseded', why = '' WHERE {OPEN.said} AND record = ?"  # noqa: S608
        sql.change(connection, open_, (record,))
        connection.execute(delete(customer_name).where(customer_name.c.record == record))
        # a version of its own, so that every gateway that has it in memory sees that it moved
        gone = {"deleted": True, "sealed": b"", "owner": None, "at": now, "version": mirror.c.version + 1}
        connection.execute(update(mirror).where(mirror.c.ref == record).values(**gone))
        connection.execute(delete(due).where(due.c.key == _key(record)))
        told = {"key": _key(record), "kind": "erased", "at": now, "payload": json.dumps({"record": record})}
        connection.execute(insert(due).values(**told, leased_until=0))
        auditing.add(connection, [(now, by, "erased", record, dict(asdict(weight)))])
        return weight


def _whole(connection: Connection, record: str) -> list[str]:
    """The customer's records in every CRM, whichever of them is named."""
    row = sql.first(connection, "SELECT record FROM joined WHERE ref = ?", (record,))
    home = row[0] if row is not None else record
    parts = sql.ask(connection, "SELECT ref FROM joined WHERE record = ? AND ref <> record ORDER BY ref", (home,))
    return [home, *(part for (part,) in parts)]


def _unheard(connection: Connection, record: str) -> int:
    """What takes a look through whole tables. How a customer was named goes, known here or not; what `_merged` says."""
    unname(connection, record)
    for table in (named, lesson, choice):
        connection.execute(delete(table).where(table.c.record == record))
    return _merged(connection, record)


def _sum(weights: Iterable[Weight | None]) -> Weight | None:
    found = [astuple(each) for each in weights if each is not None]
    return Weight(*map(sum, zip(*found, strict=True))) if found else None


def _key(record: str) -> str:
    return f"erased:{record}"[:256]


def _edits(connection: Connection, record: str) -> tuple[int, int]:
    """How many, and how many of them with a value."""
    there, of = source(connection, "e", "s")
    query = f"SELECT count(*), count(e.value) FROM {there} WHERE {of}.record = ?"  # noqa: S608
    every, valued = sql.first(connection, query, (record,))
    return int(every), int(valued)


def _merged(connection: Connection, record: str) -> int:
    """How many values are of decisions, not of edits. No index finds a customer's values: all of the table is read.
    In one statement, so that what comes meanwhile is in both counts or in none."""
    there, of = source(connection, "e", "s")
    theirs = f"SELECT count(e.value) FROM {there} WHERE {of}.record = ?"  # noqa: S608
    query = f"SELECT (SELECT count(*) FROM value WHERE subject = ?) - ({theirs})"  # noqa: S608
    return int(sql.first(connection, query, (record, record))[0])


def _weigh(connection: Connection, record: str, merged: int) -> Weight | None:
    there = select(subject_key.c.wrapped).where(subject_key.c.subject == record)
    if connection.execute(there).scalar() is None:
        return None

    def count(query: object) -> int:
        return int(connection.execute(select(func.count()).select_from(query.subquery())).scalar_one())  # type: ignore[attr-defined]

    still, (edits, valued) = text(OPEN.said), _edits(connection, record)
    fields = select(field_state.c.conflict).where(field_state.c.record == record)
    return Weight(
        values=merged + valued,
        edits=edits,
        cards=count(select(slot_record.c.slot).where(slot_record.c.record == record)),
        conflicts=count(fields.where(field_state.c.conflict.is_not(None))),
        waiting=count(select(outbox.c.id).where(outbox.c.record == record, outbox.c.state == "waiting", still)),
        names=count(select(customer_name.c.name).where(customer_name.c.record == record)),
        alerts=count(select(alert.c.id).where(alert.c.record == record, alert.c.state == "open")),
    )
