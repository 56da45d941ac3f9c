"""Writes to the targets: claimed under a lease, answered, and never sent again on a guess.

waiting -> sent -> done | moved | refused | lost, or back to waiting; waiting -> superseded.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import Connection

from gateway.store import sql
from gateway.store.ledger.batch import Batch, item
from gateway.store.ledger.field import Field
from gateway.store.ledger.model import Answer, Incoming, Observed, OutboxRow, Snapshot
from gateway.store.ledger.observe import image_of, keys_of, observed
from gateway.store.ledger.touched import Shared, epoch_of
from gateway.store.ledger.writeback import acknowledged, backoff, sync, written
from gateway.store.tables_ledger import OPEN
from gateway.store.vault import Erased, Keys, Vault
from reconcile.canonical import canonical
from reconcile.model import Json
from reconcile.plan import snapshot_id

LEASE_MS = 40_000
"""A write that its gateway did not live to answer for is read by another after this: longer than a claim's last write,
a read and a change of 15 s each, can take."""
_ROW = "o.id, o.target, o.record, o.field, o.value, o.precondition, o.label, o.decision, o.tries, "
_ROW += "(SELECT e.trace FROM decision d JOIN edit e ON e.id = d.cause_edit WHERE d.id = o.decision)"
_FREE = (
    f"SELECT {_ROW} FROM outbox o WHERE o.state = 'waiting' AND o.target = ? AND o.due_at <= ? AND NOT EXISTS ("  # noqa: S608
    f"SELECT 1 FROM outbox s WHERE s.record = o.record AND s.state = 'sent' AND s.target = o.target AND s.{OPEN.said}) "
    "AND NOT EXISTS (SELECT 1 FROM absent a WHERE a.record = o.record AND a.target = o.target) "
    "ORDER BY o.due_at, o.id LIMIT ?"
)
_SENT = (
    f"SELECT {_ROW} FROM outbox o WHERE o.state = 'sent' AND (o.lease <= ? OR (? AND o.owner <> ?)) "  # noqa: S608
    "AND (o.due_at NOT BETWEEN ? AND ? OR o.owner = ?) ORDER BY o.id"
)
_UNSURE_MS = 60_000
"""The longest that is waited before it is asked what came of a write; what is due later was put off by a clock that
was set back."""
UNSURE = "\x1d"
"""What `why` begins with where a refused write may have been taken."""
_SEALED = "\x1c"
_END = "UPDATE outbox SET state = ?, why = ? WHERE id = ? AND state = 'sent'"
# What came back from a tired target while it was replaced here is not sent after its successor was refused.
_OLD = (
    "UPDATE outbox SET state = 'superseded', why = '' WHERE record = ? AND field = ? AND target = ? "  # noqa: S608
    f"AND state = 'waiting' AND {OPEN.said} AND image <> (SELECT standing_image FROM field_state f "
    "WHERE f.record = outbox.record AND f.field = outbox.field)"
)


def claim(shared: Shared, connection: Connection, target: str, now: int, limit: int) -> list[OutboxRow]:
    """At most one row a record: the next needs the version this one will make."""
    sql.alone(connection, f"claim {target}")  # another gateway's claim is seen whole, or not begun
    skip = " FOR UPDATE SKIP LOCKED" if connection.dialect.name == "postgresql" else ""
    rows = sql.ask(connection, _FREE + skip, (target, now, limit * 4))
    one_each = list({row[2]: row for row in reversed(rows)}.values())[::-1][:limit]
    known = _versions(connection, target, [row[2] for row in one_each])
    claimed = [(now + LEASE_MS, shared.owner, known.get(row[2]), row[0]) for row in one_each]
    update = "UPDATE outbox SET state = 'sent', tries = tries + 1, lease = ?, owner = ?, precondition = ? WHERE id = ?"
    sql.many(connection, update, claimed)
    values = shared.vault.get_many(connection, [row[4] for row in one_each if row[4] is not None])
    return [_row((*row[:5], known.get(row[2]), *row[6:8], row[8] + 1, row[9]), values) for row in one_each]


def _versions(connection: Connection, target: str, records: Sequence[str]) -> dict[str, int]:
    """What was last read of each, in the newest epoch."""
    query = "SELECT stream, high FROM watermark WHERE source = ? AND record = ?"
    found = {record: sql.ask(connection, query, (target, record)) for record in records}
    return {record: max(rows, key=lambda row: epoch_of(row[0]))[1] for record, rows in found.items() if rows}


def _row(row: Any, values: dict[str, Json | Erased]) -> OutboxRow:
    id_, target, record, field, value_id, precondition, label, decision, tries, trace = row
    value = values[value_id] if value_id is not None else None
    erased = isinstance(value, Erased)
    shown = None if isinstance(value, Erased) else value
    return OutboxRow(id_, target, record, field, shown, precondition, label, decision, tries, erased, trace or "")


def in_doubt(connection: Connection, vault: Vault, owner: str, now: int) -> list[OutboxRow]:
    """Sent and never answered: by a former process of this database, or longer than the lease ago. Its owner, who knows
    that it broke off, may look before it is due."""
    alone = connection.dialect.name == "sqlite"
    rows = sql.ask(connection, _SENT, (now, alone, owner, now + 1, now + _UNSURE_MS, owner))
    values = vault.get_many(connection, [row[4] for row in rows if row[4] is not None])
    return [_row(row, values) for row in rows]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one row: `version` and `rendered` when taken, `snapshot` when the record had to be read."""

    row: OutboxRow
    version: int = 0
    rendered: Json = None
    snapshot: Snapshot | None = None
    ours: bool = False
    """In doubt: the record's last change is known to be our own."""
    state: str = "moved"
    unseen: tuple[Incoming, ...] = ()
    """What the target's history says it was set to between our look and our write."""
    overwrote: bool | None = None
    """Whether it overwrote what nobody here had seen; None where the CRM does not tell, and a jump stands for it."""


@dataclass(frozen=True, slots=True)
class _Sent:
    image: str
    heads: tuple[str, ...]
    precondition: int | None
    tries: int
    at: int


def prepare(batch: Batch, replies: Iterable[Reply]) -> None:
    replies = list(replies)
    fields = {(reply.row.record, reply.row.field) for reply in replies}
    read = keys_of(batch, [reply.snapshot for reply in replies if reply.snapshot is not None])
    batch.lock(fields.union(read))
    batch.read_marks(reply.row.record for reply in replies)


def _sent(batch: Batch, row: OutboxRow) -> _Sent | None:
    query = "SELECT image, heads, precondition, tries, at FROM outbox WHERE id = ? AND state = 'sent'"
    found = sql.first(batch.connection, query, (row.id,))
    return _Sent(found[0], tuple(orjson.loads(found[1])), *found[2:]) if found is not None else None


def _closed(batch: Batch, row: OutboxRow) -> Field:
    it = batch.fields[(row.record, row.field)]
    it.writes = [write for write in it.writes if write.id != row.id]
    batch.unanswered.discard((row.target, row.record))
    return it


def answered(batch: Batch, reply: Reply) -> Answer:
    """The target took it: its version covers the heads of the decision, and its spelling is no edit."""
    row, sent = reply.row, _sent(batch, reply.row)
    if sent is None:
        return "gone"
    jumped = sent.precondition is not None and reply.version > sent.precondition + 1
    jumped = jumped if reply.overwrote is None else reply.overwrote
    update = "UPDATE outbox SET state = 'done', version = ?, overwrote_unseen = ?, why = '' WHERE id = ?"
    sql.change(batch.connection, update, (reply.version, jumped, row.id))
    for past in reply.unseen:  # before the write is closed: until then what we wrote counts as what is there
        _restored(batch, row, past, reply.version)
    it = _closed(batch, row)
    acknowledged(batch, it, row.target, reply.version, sent.heads)
    written(batch, it, row.target, reply.version, sent.image, _spelling(batch, it, reply, sent))
    _mark(batch, row, reply.version)
    _in_line(batch, it, row.target)
    return "done" if it.standing_image == sent.image else "superseded"


def _restored(batch: Batch, row: OutboxRow, past: Incoming, version: int) -> None:
    """A value we wrote over is an edit of the target's own, at its place: nobody's work is lost for having been slow to
    be read. What was known of it already is not known twice."""
    position = past.watermark
    if position is None or position >= version:
        return
    stream = batch.stream_of(row.target, row.record)
    id_ = snapshot_id(stream, row.record, row.field, position)
    batch.read_inbox([id_])
    batch.ingest(item(replace(past, stream=stream, once=id_), id_))


def _spelling(batch: Batch, it: Field, reply: Reply, sent: _Sent) -> tuple[str, str]:
    keys = batch.alive(it.record)
    if reply.rendered is None:
        return keys.mac(canonical(reply.row.value), b"raw"), sent.image
    return keys.mac(canonical(reply.rendered), b"raw"), image_of(batch, it, keys, reply.rendered)


def _mark(batch: Batch, row: OutboxRow, version: int) -> None:
    stream = batch.stream_of(row.target, row.record)
    high = batch.marks.get((row.target, stream, row.record), -1)
    batch.mark(row.target, stream, row.record, max(high, version))


def moved(batch: Batch, reply: Reply) -> Observed:
    """Nothing was written: what the target holds now is read, and the field resolved again."""
    assert reply.snapshot is not None
    row, sent = reply.row, _sent(batch, reply.row)
    if sent is None:
        return observed(batch, reply.snapshot)
    sql.change(batch.connection, _END, (reply.state, "", row.id))
    it = _closed(batch, row)
    seen = observed(batch, reply.snapshot)
    # a target that refuses the very version it shows is waited for, longer each time
    stuck = sent.precondition is not None and reply.snapshot.record.version <= sent.precondition
    since = sent.at if it.standing_image == sent.image else 0
    _in_line(batch, it, row.target, label=row.label, tries=sent.tries if stuck else 0, since=since)
    return seen


def _in_line(batch: Batch, it: Field, target: str, label: str = "", tries: int = 0, since: int = 0) -> None:
    """What waits is what stands, once or not at all: a write that came back from a tired target may wait beside a
    newer one, and must neither go after it nor be taken for it."""
    waiting = [write.image for write in it.writes if write.target == target and write.state == "waiting"]
    if waiting != [it.standing_image]:
        sync(batch, it, target, label=label, tries=tries, since=since)


def settle(batch: Batch, reply: Reply) -> Observed:
    """After doubt: our own value under our own name is the answer; else the write did not happen."""
    assert reply.snapshot is not None
    sent, value = _sent(batch, reply.row), reply.snapshot.record.fields.get(reply.row.field)
    if sent is not None and value is not None and reply.ours:
        version = reply.snapshot.record.version
        it = batch.fields[(reply.row.record, reply.row.field)]
        same = image_of(batch, it, batch.alive(it.record), value.value) == sent.image
        if same and (sent.precondition is None or version > sent.precondition):
            answered(batch, Reply(reply.row, version, value.value))
            return observed(batch, reply.snapshot)
    return moved(batch, Reply(reply.row, snapshot=reply.snapshot, state="lost"))


def refused(connection: Connection, vault: Vault, row: OutboxRow, why: str, *, unsure: bool = False) -> None:
    """A person must mend it: the value stays here, shown as refused, and is not sent again by itself."""
    sealed = f"{UNSURE if unsure else ''}{_sealed(connection, vault, row.record, why[:300])}"
    sql.change(connection, _END, ("refused", sealed, row.id))
    sql.change(connection, _OLD, (row.record, row.field, row.target))


def _sealed(connection: Connection, vault: Vault, record: str, why: str) -> str:
    """A CRM says why with the value itself in it: as personal as that, and unreadable with it."""
    keys = vault.keys(connection, [record], create=False).get(record)
    if not isinstance(keys, Keys):
        return ""
    return _SEALED + b64encode(keys.seal(why.encode("utf-8", "replace"), f"why {record}")).decode()


def why_refused(connection: Connection, vault: Vault, record: str, kept: str) -> str:
    """What `refused` was told; "" after an erasure. Raises `Tampered`."""
    kept = kept.removeprefix(UNSURE)
    if not kept.startswith(_SEALED):  # of a version before
        return kept
    keys = vault.keys(connection, [record], create=False).get(record)
    return keys.unseal(b64decode(kept[1:]), f"why {record}").decode() if isinstance(keys, Keys) else ""


def later(connection: Connection, row: OutboxRow, now: int, after: float, why: str) -> None:
    """The target is down or tired, and surely took nothing: again in `after` seconds, or longer the more tries."""
    due = now + max(int(after * 1000), backoff(row.tries))
    update = "UPDATE outbox SET state = 'waiting', due_at = ?, lease = 0, why = ? WHERE id = ? AND state = 'sent'"
    sql.change(connection, update, (due, why[:300], row.id))


def unsure(connection: Connection, row: OutboxRow, now: int, after: float, owner: str) -> None:
    """It may have been taken: from now on it is in doubt, and read when the target is surely through with it, or before
    by its `owner`; nobody's where that is empty."""
    due = now + min(int(after * 1000), _UNSURE_MS)
    update = "UPDATE outbox SET lease = 0, due_at = ?, owner = ? WHERE id = ? AND state = 'sent'"
    sql.change(connection, update, (due, owner, row.id))


def erased(connection: Connection, row: OutboxRow) -> None:
    """The customer went while it was on its way: nothing is sent of them, and nothing asked."""
    sql.change(connection, _END, ("superseded", "", row.id))
