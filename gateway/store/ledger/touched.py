"""What a transaction touches: its rows locked and read at the start, and written once at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection

from gateway.store import sql
from gateway.store.ledger.field import Field, There, Write, field_of
from gateway.store.ledger.model import Ingested
from gateway.store.ledger.rows import EDIT, VALUE, WITH_VALUE, edit_columns, edit_of
from gateway.store.ledger.ruling import Rule, Ruling
from gateway.store.spans import in_order, source, spanned
from gateway.store.tables_app import due
from gateway.store.tables_ledger import (
    OPEN,
    absent,
    ack,
    conflict,
    decision,
    edit,
    field_state,
    inbox,
    outbox,
    policy_used,
    rendering,
    shard_head,
    value,
    watermark,
)
from gateway.store.vault import Erased, Keys, Vault
from reconcile.chain import GENESIS, shard_of
from reconcile.model import Edit, Json, Standing

FIELD = ("record", "field")
_STATE = ", ".join(column.name for column in field_state.columns)


@dataclass(slots=True)
class Shared:
    """What every batch of one ledger works with."""

    vault: Vault
    ruling: Ruling
    targets: Callable[[str, str], Sequence[str]]
    clock: Callable[[], int]
    shards: int
    owner: str

    def rule(self, record: str, name: str) -> Rule:
        return self.ruling.rule(record, name)


@dataclass(slots=True)
class Touched:
    shared: Shared
    connection: Connection
    now: int
    fields: dict[tuple[str, str], Field] = field(default_factory=dict)
    keys: dict[str, Keys | Erased] = field(default_factory=dict)
    heads: dict[int, tuple[int, str]] = field(default_factory=dict)
    answered: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    results: dict[str, Ingested] = field(default_factory=dict)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    policies: dict[str, str] = field(default_factory=dict)
    moved_heads: set[int] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    """Writes whose place a newer decision took."""
    unanswered: set[tuple[str, str]] = field(default_factory=set)
    marks: dict[tuple[str, str, str], int] = field(default_factory=dict)
    heard_at: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """When each of the marks was moved last."""
    rewound: set[tuple[str, str, str]] = field(default_factory=set)

    def add(self, table: str, row: dict[str, Any]) -> None:
        self.rows.setdefault(table, []).append(row)

    def lock(self, keys: Iterable[tuple[str, str]], onces: Iterable[str] = ()) -> None:
        """The fields' rows first, new customers' keys next, the shards' heads last: everybody locks in this order.
        `onces`: as `read_inbox`."""
        wanted = sorted({key for key in keys if key not in self.fields})
        if wanted:
            self._lock_all(wanted, onces)
        else:
            self.read_inbox(onces)

    def _lock_all(self, wanted: list[tuple[str, str]], onces: Iterable[str]) -> None:
        subjects = {record for record, _ in wanted}
        sql.at_once(self.connection, self._lock_fields(wanted), self._read_keys(subjects))
        self._make_fields(wanted)
        if lacking := subjects - self.keys.keys():
            self.keys |= self.shared.vault.keys(self.connection, lacking)
        sql.at_once(
            self.connection,
            self._read_there(wanted),
            self._read_writes(wanted),
            self._lock_heads({shard_of(record, self.shared.shards) for record in subjects}),
            self._read_inbox(onces),
        )

    def _make_fields(self, wanted: list[tuple[str, str]]) -> None:
        missing = [key for key in wanted if key not in self.fields]
        if missing and self.connection.dialect.name == "postgresql":
            # a row that is not there cannot be locked, so it is made; two gateways may make it at once
            sql.store(self.connection, field_state, [Field(*key).row() for key in missing], "keep")
            sql.at_once(self.connection, self._lock_fields(missing))
        for key in missing:
            self.fields.setdefault(key, Field(*key))

    def _lock_fields(self, keys: list[tuple[str, str]]) -> Iterator[None]:
        tail = sql.locked(self.connection)
        query = f"SELECT {_STATE}, {'spans' if spanned(self.connection) else 'NULL'} FROM field_state"  # noqa: S608
        rows = sql.asking_by(self.connection, query, FIELD, keys, tail)
        yield
        for *row, spans in rows():
            it = self.fields[row[0], row[1]] = field_of(row)
            if spans is not None:
                it.spans = orjson.loads(spans)

    def _read_there(self, keys: list[tuple[str, str]]) -> Iterator[None]:
        query = (
            "SELECT record, field, target, position, raw, seen, written, last_edit, acked, fights, fought, "
            "automation, written_at FROM rendering"
        )
        rows = sql.asking_by(self.connection, query, FIELD, keys)
        yield
        for row in rows():
            it = self.fields[(row[0], row[1])]
            it.there[row[2]] = There(
                position=row[3],
                raw=row[4],
                seen=row[5],
                written=row[6],
                last_edit=row[7],
                acked=tuple(orjson.loads(row[8])),
                fights=row[9],
                fought=row[10],
                automation=row[11],
                written_at=row[12],
            )

    def _read_writes(self, keys: list[tuple[str, str]]) -> Iterator[None]:
        """Locked: another gateway's claim of one of them is seen whole, or finds it being decided and leaves it."""
        query, tail = "SELECT id, record, field, target, image, state FROM outbox", sql.locked(self.connection)
        rows = sql.asking_by(self.connection, query, FIELD, keys, tail, OPEN)
        yield
        for row in sorted(rows()):
            self.fields[(row[1], row[2])].writes.append(Write(row[0], *row[3:]))

    def _read_keys(self, subjects: set[str]) -> Iterator[None]:
        if missing := subjects - self.keys.keys():
            found = self.shared.vault.asking(self.connection, missing)
            yield
            self.keys |= found()

    def _lock_heads(self, shards: set[int]) -> Iterator[None]:
        wanted = sorted((shard,) for shard in shards - self.heads.keys())
        if not wanted:
            return
        query, tail = (
            "SELECT shard, seq, hash FROM shard_head WHERE shard",
            f"ORDER BY shard{sql.locked(self.connection)}",
        )
        asked = sql.asking_in(self.connection, query, wanted, tail=tail)
        yield
        rows = asked()
        if len({row[0] for row in rows}) < len(wanted):
            fresh = [{"shard": shard, "seq": 0, "hash": GENESIS} for (shard,) in wanted]
            sql.store(self.connection, shard_head, fresh, "keep")
            rows = sql.ask_in(self.connection, query, wanted, tail=tail)
        self.heads |= {row[0]: (row[1], row[2]) for row in rows}

    def read_inbox(self, onces: Iterable[str]) -> None:
        sql.at_once(self.connection, self._read_inbox(onces))

    def _read_inbox(self, onces: Iterable[str]) -> Iterator[None]:
        wanted = [(once,) for once in sorted(set(onces) - self.answered.keys())]
        if not wanted:
            return
        self.answered |= {once: {} for (once,) in wanted}
        query = "SELECT once, payload_hash, edit, decision FROM inbox WHERE once"
        rows = sql.asking_in(self.connection, query, wanted)
        yield
        for row in rows():
            self.answered[row[0]][row[1]] = (row[2], row[3])

    def read_marks(self, records: Iterable[str]) -> None:
        """How far each target was read, and where a write is unanswered."""
        wanted = [(record,) for record in sorted(set(records))]
        query = "SELECT source, stream, record, high, last_event_at, state FROM watermark WHERE record"
        for *key, high, at, state in sql.ask_in(self.connection, query, wanted):
            source, stream, record = key
            self.marks[(source, stream, record)], self.heard_at[(source, stream, record)] = high, at
            if state == "rewound":
                self.rewound.add((source, stream, record))
        query = "SELECT target, record FROM outbox WHERE record"
        for row in sql.ask_in(self.connection, query, wanted, tail=f"AND state = 'sent' AND {OPEN.said}"):
            self.unanswered.add((row[0], row[1]))

    def mark(self, source: str, stream: str, record: str, high: int) -> None:
        self.marks[(source, stream, record)], self.heard_at[(source, stream, record)] = high, self.now
        self.rewound.discard((source, stream, record))
        self._mark(source, stream, record, high, self.now, "ok")

    def rewind(self, source: str, stream: str, record: str) -> None:
        """It was read to be older than it was known to be: what it says is set aside until it has overtaken that, or
        an operator begins a new epoch."""
        key = (source, stream, record)
        if key not in self.rewound:
            self.rewound.add(key)
            self._mark(*key, self.marks[key], self.heard_at[key], "rewound")

    def _mark(self, source: str, stream: str, record: str, high: int, at: int, state: str) -> None:
        mark = {"source": source, "stream": stream, "record": record, "low": high, "high": high, "gaps": "[]"}
        self.add("watermark", {**mark, "last_event_at": at, "state": state, "lag": None})

    def stream_of(self, target: str, record: str) -> str:
        """The newest epoch of what the target says of the record."""
        streams = (key[1] for key in self.marks if (key[0], key[2]) == (target, record))
        return max(streams, key=epoch_of, default=target)

    def load(self, it: Field, ids: Sequence[str] | None) -> list[Edit]:
        added = [one for one in it.added if ids is None or one.id in ids]
        if ids is not None and len(added) == len(ids):
            return added
        c = self.connection
        if ids is None:
            there, of = source(c, "e", "s")
            query = (
                f"SELECT {EDIT}, {VALUE} FROM {there} {WITH_VALUE} "  # noqa: S608
                f"WHERE {of}.record = ? AND {of}.field = ? ORDER BY {in_order(c, 'e')}"
            )
            rows = sql.ask(c, query, it.key) if it.n > len(added) else []
        else:
            query = f"SELECT {EDIT}, {VALUE} FROM edit e {WITH_VALUE} WHERE e.id"  # noqa: S608
            rows = sql.ask_in(c, query, [(id_,) for id_ in ids])
        return [self._opened(row) for row in rows] + added

    def _opened(self, row: Any) -> Edit:
        columns, sealed = edit_columns(row), row[-5:]
        held = None if sealed[0] is None else self.shared.vault.reveal(sealed)
        return edit_of(columns, None if isinstance(held, Erased) else held)

    def stand(self, it: Field) -> Standing:
        """What stands, with its value."""
        if it.known is None:
            held: Json | Erased = None
            if it.standing_value is not None:
                held = self.shared.vault.get(self.connection, it.standing_value)
            it.known = Standing(it.standing, None if isinstance(held, Erased) else held)
        return it.known

    def read_soon(self, record: str, targets: Iterable[str]) -> None:
        """They hold what stands and do not know it: a read of its own is their acknowledgement, so that what is
        changed there next is no conflict."""
        for target in targets:
            key = f"held:{target}:{record}"[:256]
            about = {"record": record, "tries": 0, "heard": True, "crm": target}
            row = {"key": key, "kind": "held", "at": self.now, "payload": orjson.dumps(about).decode()}
            self.add("reread", {**row, "leased_until": 0})

    def flush(self) -> None:
        with sql.together(self.connection):
            self._flush()

    def _flush(self) -> None:
        c, rows = self.connection, self.rows
        documents = [{"hash": hash_, "document": document} for hash_, document in self.policies.items()]
        sql.store(c, policy_used, documents, "keep")
        sql.store(c, value, rows.get("value", ()))
        sql.store(c, edit, rows.get("edit", ()))
        sql.store(c, decision, rows.get("decision", ()))
        sql.store(c, inbox, rows.get("inbox", ()))
        sql.store(c, field_state, [it.row() for it in self.fields.values() if it.dirty], "replace")
        spread = [(orjson.dumps(it.spans).decode(), *it.key) for it in self.fields.values() if it.spread]
        sql.many(c, "UPDATE field_state SET spans = ? WHERE record = ? AND field = ?", spread)
        heads = [{"shard": s, "seq": self.heads[s][0], "hash": self.heads[s][1]} for s in sorted(self.moved_heads)]
        sql.store(c, shard_head, heads, "replace")
        sql.store(c, conflict, rows.get("conflict", ()))
        reopened = [(one["opened_at"], one["id"]) for one in rows.get("reopened", ())]
        again = "UPDATE conflict SET opened_at = ?, closed_at = NULL, closed_by = NULL WHERE id = ?"
        sql.many(c, again, reopened)
        closed = [(one["closed_at"], one["closed_by"], one["id"]) for one in rows.get("closed", ())]
        sql.many(c, "UPDATE conflict SET closed_at = ?, closed_by = ? WHERE id = ?", closed)
        sql.store(c, outbox, rows.get("outbox", ()))
        sql.change_in(c, "UPDATE outbox SET state = 'superseded' WHERE id", [(id_,) for id_ in sorted(self.ended)])
        sql.store(c, ack, rows.get("ack", ()), "replace")
        sql.store(
            c, rendering, [_there_row(it, *each) for it in self.fields.values() for each in _dirty(it)], "replace"
        )
        sql.store(c, due, rows.get("due", ()), "keep")
        sql.store(c, due, rows.get("reread", ()), "replace")
        sql.store(c, watermark, rows.get("watermark", ()), "replace")
        sql.store(c, absent, rows.get("absent", ()), "replace")


def epoch_of(stream: str) -> int:
    """1 of `crm`, 2 of `crm#2`."""
    number = stream.rpartition("#")[2]
    return int(number) if "#" in stream and number.isascii() and number.isdigit() else 1


def _dirty(it: Field) -> list[tuple[str, There]]:
    return [(target, there) for target, there in it.there.items() if there.dirty]


def _there_row(it: Field, target: str, there: There) -> dict[str, Any]:
    return {
        "record": it.record,
        "field": it.name,
        "target": target,
        "position": there.position,
        "raw": there.raw,
        "seen": there.seen,
        "written": there.written,
        "last_edit": there.last_edit,
        "acked": orjson.dumps(there.acked).decode(),
        "fights": there.fights,
        "fought": there.fought,
        "automation": there.automation,
        "written_at": there.written_at,
    }
