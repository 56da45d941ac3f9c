"""The ledger as the laboratory reads it: fields one after another with all their edits, values only where asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from gateway.lab.study import Field, Now, Then
from gateway.store import sql
from gateway.store.connect import address, reading
from gateway.store.ledger.rows import VALUE, WITH_VALUE
from gateway.store.spans import edits_of, in_order, source
from gateway.store.vault import Erased, Vault
from reconcile.model import Actor, Edit, Json, Source, Standing

RANGE: Final = 2_000
"""Fields that are read at a time."""
_NOBODY: Final = Actor("unknown", "")
_ROW = (
    "s.record, s.field, s.standing, s.standing_value, s.conflict, s.decision, s.decided_at, s.heads, s.proposals, "
    "e.id, e.kind, e.system, e.parents, e.stream, e.watermark, e.effective_time, e.ingest_time, e.binding, "
    "e.quarantined, d.id, d.conflict, d.winner, d.reason"
)
_ERASED = "NOT EXISTS (SELECT 1 FROM subject_key k WHERE k.subject = s.record AND k.wrapped IS NULL)"


@dataclass(frozen=True, slots=True)
class Scope:
    """`records` empty: every customer. `since`: fields decided before are left out (ms)."""

    fields: tuple[str, ...]
    records: tuple[str, ...]
    since: int


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` on and before `high` ("": to the end), or these records alone."""

    low: str = ""
    high: str = ""
    records: tuple[str, ...] = ()


class Pasts:
    """A reader of its own, in whatever process: to be closed."""

    def __init__(self, url: str) -> None:
        self._engine = reading(address(url))

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """One snapshot."""
        with self._engine.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        self._engine.dispose()


def _where(scope: Scope) -> tuple[str, list[Any]]:
    marks = ", ".join("?" * len(scope.fields))
    return f"s.field IN ({marks}) AND s.n > 0 AND s.decided_at >= ? AND {_ERASED}", [*scope.fields, scope.since]


def total(connection: Connection, scope: Scope) -> int:
    """How many fields there are to look at."""
    where, asked = _where(scope)
    if not scope.records:
        return int(sql.first(connection, f"SELECT count(*) FROM field_state s WHERE {where}", asked)[0])  # noqa: S608
    rows = sql.ask_in(
        connection,
        "SELECT s.record FROM field_state s WHERE s.record",
        [(one,) for one in scope.records],
        asked,
        f"AND {where}",
    )
    return len(rows)


def ranges(connection: Connection, scope: Scope) -> Iterator[Range]:
    """Together every customer of the scope, each once; about `RANGE` fields in each."""
    if scope.records:
        for start in range(0, len(scope.records), 200):
            yield Range(records=scope.records[start : start + 200])
        return
    low, step = "", f"SELECT record FROM field_state WHERE record >= ? ORDER BY record, field LIMIT 1 OFFSET {RANGE}"  # noqa: S608
    while (row := sql.first(connection, step, (low,))) is not None:
        high = row[0]
        if high == low:  # one customer with more fields than that: up to whoever comes next
            after = sql.first(connection, "SELECT min(record) FROM field_state WHERE record > ?", (low,))
            if after is None or after[0] is None:
                break
            high = after[0]
        yield Range(low, high)
        low = high
    yield Range(low)


def fields(connection: Connection, vault: Vault, scope: Scope, part: Range) -> Iterator[Field]:
    where, asked = _where(scope)
    order = f"ORDER BY s.record, s.field, {in_order(connection, 'e')}"
    joined = f"{edits_of(connection, 'e', 's')} JOIN decision d ON d.id = e.decision"
    if part.records:
        query = f"SELECT {_ROW} FROM field_state s {joined} WHERE s.record"  # noqa: S608
        rows = sql.ask_in(
            connection, query, [(one,) for one in sorted(set(part.records))], asked, f"AND {where} {order}"
        )
    else:
        upto, more = ("AND s.record < ? ", [part.high]) if part.high else ("", [])
        query = f"SELECT {_ROW} FROM field_state s {joined} WHERE s.record >= ? {upto}AND {where} {order}"  # noqa: S608
        rows = sql.ask(connection, query, [part.low, *more, *asked])
    for key, group in groupby(rows, key=lambda row: (row[0], row[1])):
        yield _field(connection, vault, key, list(group))


def _field(connection: Connection, vault: Vault, key: tuple[str, str], rows: Sequence[Any]) -> Field:
    _, _, standing, standing_value, conflict, decision, decided_at, heads, proposals, *_ = rows[0]
    edits = [_edit(key, row) for row in rows]

    def values() -> list[Edit]:
        return _opened(connection, vault, key, rows)

    held: Json = None
    if standing_value is not None:
        known = vault.get(connection, standing_value)
        held = None if isinstance(known, Erased) else known
    return Field(
        record=key[0],
        field=key[1],
        edits=edits,
        then=[Then(row[19], bool(row[20]), row[21] == row[9] or row[22] == "merged", row[16]) for row in rows],
        now=Now(
            Standing(standing, held),
            conflict is not None,
            decision,
            decided_at,
            tuple(orjson.loads(heads)),
            tuple(orjson.loads(proposals)),
        ),
        values=values,
    )


def _edit(key: tuple[str, str], row: Any, value: Json = None) -> Edit:
    parents = row[12]
    return Edit(
        id=row[9],
        record=key[0],
        field=key[1],
        kind=row[10],
        value=value,
        source=_source(row[11]),
        actor=_NOBODY,
        parents=frozenset(orjson.loads(parents)) if parents != "[]" else frozenset(),
        stream=row[13],
        watermark=row[14],
        effective_time=row[15],
        ingest_time=row[16],
        binding=bool(row[17]),
        quarantined=bool(row[18]),
    )


_SOURCES: dict[str, Source] = {}


def _source(system: str) -> Source:
    """Policies name the system alone, and there are few of them."""
    found = _SOURCES.get(system)
    if found is None:
        if len(_SOURCES) > 1_000:
            _SOURCES.clear()
        found = _SOURCES[system] = Source(system)
    return found


def _opened(connection: Connection, vault: Vault, key: tuple[str, str], rows: Sequence[Any]) -> list[Edit]:
    there, of = source(connection, "e", "s")
    query = (
        f"SELECT {VALUE} FROM {there} {WITH_VALUE} "  # noqa: S608
        f"WHERE {of}.record = ? AND {of}.field = ? ORDER BY {in_order(connection, 'e')}"
    )
    out = []
    for row, sealed in zip(rows, sql.ask(connection, query, key), strict=True):
        held = None if sealed[0] is None else vault.reveal(sealed)
        out.append(_edit(key, row, None if isinstance(held, Erased) else held))
    return out
