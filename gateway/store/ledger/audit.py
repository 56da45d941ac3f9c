"""Is the ledger still what was written? Reads it all once, row by row, in little memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from gateway.store import sql
from gateway.store.faults import unavailable
from gateway.store.ledger.rows import (
    DECISION,
    EDIT,
    VALUE,
    WITH_VALUE,
    decision_of,
    edit_columns,
    edit_digest,
    inputs_digest,
    joined,
)
from gateway.store.spans import edits_of, in_order, spanned
from gateway.store.tables_ledger import daily_root, edit
from gateway.store.vault import Erased, Tampered, Vault
from reconcile.canonical import canonical
from reconcile.chain import Fault, Heads, Root
from reconcile.chain import verify as verify_chain
from reconcile.model import Decision

_MALFORMED = (ValueError, TypeError, KeyError, AttributeError)
_WIDTH = len(edit.columns)
_CHAIN = f"SELECT {DECISION} FROM decision d ORDER BY d.shard, d.seq"  # noqa: S608
_WITH = f"{WITH_VALUE} LEFT JOIN decision d ON d.id = e.decision AND d.record = e.record"
_EDITS = f"SELECT {EDIT}, {VALUE}, d.shard, d.seq, d.inputs_digest, d.cause_edit FROM"
_ASTRAY = (
    "SELECT d.shard, d.seq FROM edit e LEFT JOIN decision d ON d.id = e.decision WHERE NOT EXISTS (SELECT 1 "
    "FROM field_state s WHERE s.record = e.record AND s.field = e.field AND "
    "e.span IN (SELECT value FROM json_each(s.spans))) ORDER BY d.shard, d.seq LIMIT 1"
)
_GARBLED = (
    "SELECT d.shard, d.seq FROM field_state s LEFT JOIN decision d ON d.id = s.decision WHERE CASE "
    "WHEN json_valid(s.spans) THEN json_type(s.spans) <> 'array' "
    "OR EXISTS (SELECT 1 FROM json_each(s.spans) WHERE type <> 'integer') ELSE 1 END LIMIT 1"
)
"""On SQLite: a field whose list of spans is none."""
_ORPHANS = (
    "SELECT d.shard, d.seq FROM decision d LEFT JOIN edit e ON e.id = d.cause_edit AND e.record = d.record "
    "WHERE d.cause = 'edit' AND e.id IS NULL ORDER BY d.shard, d.seq LIMIT 1"
)


class _Broken(Exception):
    """A row that cannot even be read."""

    def __init__(self, shard: int, seq: int) -> None:
        super().__init__()
        self.fault = Fault(shard, seq, "it, or its edit, is not what any Floatcard writes")


def verify(vault: Vault, connection: Connection, root: Root | None) -> Fault | None:
    try:
        fault = verify_chain(_decisions(connection), root.heads if root is not None else None)
        return fault or _tails(connection) or _missing_edits(connection) or _edits(vault, connection)
    except _Broken as broken:
        return broken.fault


def heads(connection: Connection, at: int) -> Root:
    return Root(at, _heads(connection))


def publish(connection: Connection, day: str, at: int) -> Root:
    row = sql.first(connection, "SELECT document FROM daily_root WHERE day = ?", (day,))
    if row is not None:
        return Root.read(row[0])
    root = heads(connection, at)
    sql.store(connection, daily_root, [{"day": day, "at": at, "document": root.document()}])
    return root


def _heads(connection: Connection) -> Heads:
    return {
        row[0]: (row[1], row[2]) for row in sql.ask(connection, "SELECT shard, seq, hash FROM shard_head") if row[1]
    }


def _decisions(connection: Connection) -> Iterator[Decision]:
    for row in _stream(connection, _CHAIN, slice(0, 2)):
        try:
            made = decision_of(row)
        except _MALFORMED:
            raise _Broken(row[0], row[1]) from None
        yield made


def _stream(connection: Connection, query: str, place: slice) -> Iterator[Any]:
    """`place`: where in a row its shard and seq stand, so that one that cannot be read is found after the last."""
    streaming = connection.execution_options(stream_results=True, max_row_buffer=500)
    shard, seq = 0, 0
    with streaming.exec_driver_sql(query) as rows:
        while True:
            try:
                row = rows.fetchone()
            except DBAPIError as broke:
                if unavailable(broke):
                    raise
                raise _Broken(shard, seq + 1) from None
            if row is None:
                return
            shard, seq = row[place]
            yield row


def _tails(connection: Connection) -> Fault | None:
    """A cut tail whose head row was left as it was."""
    newest = sql.ask(
        connection,
        "SELECT d.shard, d.seq, d.hash FROM decision d "
        "JOIN (SELECT shard, max(seq) AS seq FROM decision GROUP BY shard) m ON m.shard = d.shard AND m.seq = d.seq",
    )
    there = {row[0]: (row[1], row[2]) for row in newest}
    for shard, (seq, hash_) in sorted(_heads(connection).items()):
        have = there.pop(shard, (0, ""))
        if have != (seq, hash_):
            return Fault(shard, min(have[0], seq) + (have[0] != seq), "the shard's head says otherwise")
    return Fault(min(there), 1, "the shard's head is missing") if there else None


def _missing_edits(connection: Connection) -> Fault | None:
    row = sql.first(connection, _ORPHANS)
    return Fault(row[0], row[1], "its edit is missing") if row is not None else None


def _edits(vault: Vault, connection: Connection) -> Fault | None:
    """Every edit against the decision made when it came; the first fault in the order of the chain."""
    query, by_span = f"{_EDITS} edit e {_WITH} ORDER BY e.record, e.field, e.n", spanned(connection)
    if by_span:  # as they are found by their fields, and not all there are sorted at once
        if (row := sql.first(connection, _GARBLED)) is not None:
            return _at(row, "its field does not say in which spans it has edits")
        its = edits_of(connection, "e", "s")
        query = f"{_EDITS} field_state s {its} {_WITH} ORDER BY s.record, s.field, {in_order(connection, 'e')}"
    met = 0

    def read() -> Iterator[Any]:
        nonlocal met
        for row in _stream(connection, query, slice(-4, -2)):
            met += 1
            yield row

    faults = [
        fault
        for _, rows in groupby(read(), key=lambda row: (row[1], row[2]))
        if (fault := _field(vault, rows)) is not None
    ]
    if by_span and not faults and met != sql.first(connection, "SELECT count(*) FROM edit")[0]:
        faults.append(_at(sql.first(connection, _ASTRAY), "its edit is in a span its field knows nothing of"))
    return min(faults, default=None)


def _at(row: Any, what: str) -> Fault:
    shard, seq = row or (0, 0)
    return Fault(shard or 0, seq or 0, what)


def _field(vault: Vault, rows: Iterator[Any]) -> Fault | None:
    inputs, last = b"", (0, 0)
    for at, row in enumerate(rows, 1):
        shard, seq, digest, cause = row[-4:]
        if seq is None:
            return Fault(last[0], last[1], f"edit {row[0]} names a decision that is not there")
        try:
            columns = edit_columns(row)
            inputs = joined(inputs, edit_digest(columns))
        except _MALFORMED:
            raise _Broken(shard, seq) from None
        what = None
        if columns["n"] != at or cause != columns["id"] or inputs_digest(inputs) != digest:
            what = "its edit, or one before it, was altered or is missing"
        what = what or _value(vault, columns, row[_WIDTH : _WIDTH + 5])
        if what is not None:
            return Fault(shard, seq, what)
        last = (shard, seq)
    return None


def _value(vault: Vault, columns: dict[str, Any], sealed: Any) -> str | None:
    if columns["value"] is not None and sealed[0] is None:
        return "its value is missing"
    if sealed[0] is None:
        return None
    try:
        plain = vault.reveal(sealed)
        if isinstance(plain, Erased):
            return None
        keys = vault.opened(sealed[1], sealed[3], sealed[4])
        assert not isinstance(keys, Erased)
        return None if keys.mac(canonical(plain)) == columns["value_mac"] else "its value is another"
    except (Tampered, *_MALFORMED):
        return "its value was altered"
