"""Very many edits put into the ledger's ordinary tables and indexes with INSERT … SELECT.

Each has its value, decision, inbox row, state and answered write, in the shapes and lengths the ledger gives them.
Every field is edited once, then every field again: rows of one field lie as far from each other, and the pages of
indexes are as full, as they become with time. Trace codes are spread over all that they can be, as those of many days
are: what the benchmark then makes falls between them, where its moment is; ids begin with their time, as ids do. A
field's state is written once, as it is in the end, and the CRM has said nothing of itself. Hashes and ciphertexts are
filler, so the chain of such a ledger does not verify; the keys of the records that the benchmark then edits are real.
"""

# ruff: noqa: E501 -- tables of columns read better whole
from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Engine

from gateway.store.spans import FIRST, LENGTH
from gateway.store.vault import Vault

PER_FIELD = 10
"""Edits of one field."""
CHUNK = 200_000
SHARDS = 16
AT = 1_790_000_000_000


class Spelling:
    """The few words in which the two databases differ."""

    def __init__(self, dialect: str) -> None:
        self.sqlite = dialect == "sqlite"

    def hex(self, n: str, width: int) -> str:
        return f"printf('%0{width}x', {n})" if self.sqlite else f"lpad(to_hex({n}), {width}, '0')"

    def id(self, n: str) -> str:
        """An edit's id, in its shape."""
        return f"{self.hex(f'{AT} + {n}', 12)} || {self.hex(n, 16)}"

    def code(self, n: str, fields: int) -> str:
        """A trace code's shape, the place of its field among `fields` told by how it begins."""
        whole = f"upper({self.hex(f'({n}) % {fields} * {(1 << 32) // fields}', 8)} || {self.hex(n, 8)})"
        return " || '-' || ".join(f"substr({whole}, {at}, 4)" for at in (1, 5, 9, 13))

    def blob(self, size: int) -> str:
        return f"randomblob({size})" if self.sqlite else f"decode(repeat('a7', {size}), 'hex')"

    def span(self, n: str) -> str:
        """Of the ledger, in which edit `n` comes."""
        return f"1 + ({n} / {SHARDS} + 1) / {LENGTH}" if self.sqlite else str(FIRST)

    def spans(self, ns: Sequence[str]) -> str:
        """On SQLite: those of a field with edits `ns`."""
        each = " UNION ".join(f"SELECT {self.span(n)} AS span" for n in ns)
        return f"(SELECT json_group_array(span) FROM (SELECT {FIRST} AS span UNION {each}))"

    def series(self, first: int, last: int) -> str:
        if self.sqlite:
            rows = f"SELECT {first} AS n UNION ALL SELECT n + 1 FROM s WHERE n < {last}"
            return f"(WITH RECURSIVE s(n) AS ({rows}) SELECT n FROM s) AS s"
        return f"generate_series({first}::bigint, {last}::bigint) AS s(n)"

    @property
    def no(self) -> str:
        return "0" if self.sqlite else "false"

    @property
    def yes(self) -> str:
        return "1" if self.sqlite else "true"


def edits(w: Spelling, fields: int) -> dict[str, dict[str, str]]:
    """For every table what stands in each column of the row of edit `n`, counted from 0."""
    record = f"'local:account:' || {w.hex(f'n % {fields}', 8)}"
    id_, mac, code = w.id("n"), w.hex("n", 64), w.code("n", fields)
    before = w.id(f"(n - {fields})")
    first = f"n < {fields}"
    about = {"record": record, "field": "'phone'"}
    edit = {
        "id": id_, **about, "n": f"n / {fields} + 1", "kind": "'set'", "value": id_, "value_mac": mac,
        "system": "'slack'", "surface": "'Slack card'", "source_version": "'1.0'", "instance": "''",
        "actor_kind": "'person'", "actor": "'p' || n % 50", "parents": f"CASE WHEN {first} THEN '[]' ELSE '[\"' || {before} || '\"]' END",
        "stream": "NULL", "watermark": "NULL", "source_time": "NULL", "ingest_time": f"{AT} + n", "effective_time": f"{AT} + n",
        "skewed": w.no, "once": f"'load-' || {w.hex('n', 10)}", "payload_hash": mac, "trace": "'turn-' || n", "binding": w.yes,
        "quarantined": w.no, "decision": code, "span": w.span("n"),
    }  # fmt: skip
    decision = {
        "shard": f"n % {SHARDS}", "seq": f"n / {SHARDS} + 1", "id": code, **about, "cause": "'edit'", "cause_edit": id_,
        "policy": "'default'", "policy_hash": mac, "engine": "'1'", "inputs_digest": mac, "reason": "'causal'", "winner": id_,
        "heads": f"'[\"' || {id_} || '\"]'", "why": "'{}'", "conflict": w.no, "proposals": "'[]'", "base": "NULL", "value_mac": mac,
        "standing": id_, "at": f"{AT} + n", "prev_hash": mac, "hash": mac,
    }  # fmt: skip
    inbox = {"once": edit["once"], "payload_hash": mac, "edit": id_, "decision": code, "at": f"{AT} + n"}
    value = {"id": id_, "subject": record, "ciphertext": w.blob(43)}
    outbox = {
        "id": id_, "target": "'local'", **about, "value": id_, "image": mac, "decision": code, "heads": decision["heads"],
        "label": "'[Slack card 1.0]'", "state": "'done'", "precondition": "n", "tries": "1", "due_at": f"{AT} + n", "lease": "0",
        "owner": w.hex("n", 32), "version": "n + 1", "overwrote_unseen": w.no, "why": "''", "at": f"{AT} + n",
    }  # fmt: skip
    return {"value": value, "edit": edit, "decision": decision, "inbox": inbox, "outbox": outbox}


def states(w: Spelling, fields: int) -> dict[str, dict[str, str]]:
    """The same for the tables with one row a field; `n` counts fields."""
    last = f"(n + {(PER_FIELD - 1) * fields})"
    record, id_ = f"'local:account:' || {w.hex('n', 8)}", w.id(last)
    state = {
        "record": record, "field": "'phone'", "n": str(PER_FIELD), "inputs": w.blob(256), "policy_hash": "''",
        "heads": f"'[\"' || {id_} || '\"]'", "proposals": "'[]'", "streams": "'{}'", "tidy": w.yes, "decision": w.code(last, fields),
        "decided_at": f"{AT} + {last}", "standing": id_, "standing_value": id_, "standing_image": w.hex(last, 64), "conflict": "NULL",
    }  # fmt: skip
    if w.sqlite:
        state["spans"] = w.spans([f"(n + {k * fields})" for k in range(PER_FIELD)])
    key = {"subject": record, "wrapped": w.blob(60), "erased_at": "NULL"}
    return {"field_state": state, "subject_key": key}


def load(
    engine: Engine, count: int, vault: Vault, hot: int, told: Callable[[int], None] = lambda _: None
) -> dict[str, str]:
    """Loads `count` edits (a multiple of `PER_FIELD`) into an empty ledger; for `hot` records spread over all of them
    the field's head."""
    w = Spelling(engine.dialect.name)
    fields = count // PER_FIELD
    chosen = [f"local:account:{n * max(fields // hot, 1):08x}" for n in range(min(hot, fields))]
    for each, rows in ((edits(w, fields), fields * PER_FIELD), (states(w, fields), fields)):
        for first in range(0, rows, CHUNK):
            last = min(first + CHUNK, rows) - 1
            with engine.begin() as connection:
                _insert(connection, w, each, first, last)
            told(last + 1)
    with engine.begin() as connection:
        _heads(connection, fields * PER_FIELD)
        _keys(connection, vault, chosen)
        return {record: _standing(connection, record) for record in chosen}


def _insert(connection: Connection, w: Spelling, tables: dict[str, dict[str, str]], first: int, last: int) -> None:
    for table, columns in tables.items():
        values = ", ".join(columns.values()).replace("%", "%%") if not w.sqlite else ", ".join(columns.values())
        text = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {w.series(first, last)}"
        connection.exec_driver_sql(text)


def _heads(connection: Connection, count: int) -> None:
    for shard in range(min(SHARDS, count)):
        seq = (count - 1 - shard) // SHARDS + 1
        connection.exec_driver_sql(f"INSERT INTO shard_head (shard, seq, hash) VALUES ({shard}, {seq}, '{'a' * 64}')")


def _standing(connection: Connection, record: str) -> str:
    text = f"SELECT standing FROM field_state WHERE record = {_mark(connection)}"
    return str(connection.exec_driver_sql(text, (record,)).scalar_one())


def _keys(connection: Connection, vault: Vault, records: Sequence[str]) -> None:
    for record in records:
        wrapped = vault._wrap(os.urandom(32), record)
        text = f"UPDATE subject_key SET wrapped = {_mark(connection)} WHERE subject = {_mark(connection)}"
        connection.exec_driver_sql(text, (wrapped, record))


def _mark(connection: Connection) -> str:
    return "?" if connection.dialect.name == "sqlite" else "%s"
