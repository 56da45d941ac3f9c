"""A record's life in its CRM: deleted, merged into another, restored. Edits of a field that no CRM and no card has.

While it is not live its waiting writes are not claimed (`outbox.claim`): they go out when it is restored.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import orjson

from crm.model import Record, RecordRef
from gateway.store import sql
from gateway.store.ledger.batch import Batch, item
from gateway.store.ledger.model import Incoming, Ingested, Snapshot
from reconcile.model import Actor
from reconcile.plan import snapshot_id
from reconcile.policy import LIFE

LIVE, DELETED, MERGED = "live", "deleted", "merged_into "


def named(record: str, target: str) -> str:
    """The pseudo-field: one for each CRM in which the customer has a record."""
    return LIFE if record.partition(":")[0] == target else f"{LIFE} {target}"


def told(record: Record) -> str:
    if not record.deleted:
        return LIVE
    return f"{MERGED}{heir(record)}" if record.merged_into else DELETED


def heir(record: Record) -> str:
    """The record of the same CRM that this one was merged into; empty where it was not, or nobody knows."""
    into = record.merged_into
    return RecordRef(record.ref.crm, record.ref.kind, into).key if into and into != record.ref.id else ""


def fields(batch: Batch, snapshots: Iterable[Snapshot]) -> list[tuple[str, str]]:
    """Those that there is something to say of: a record that lives, and always did, has none."""
    all_ = [(each.about, each.target, each.record.deleted) for each in snapshots]
    query, wanted = "SELECT record, target FROM absent WHERE record", sorted({(about,) for about, *_ in all_})
    gone = {(row[0], row[1]) for row in sql.ask_in(batch.connection, query, wanted)} if wanted else set()
    return [(about, named(about, target)) for about, target, dead in all_ if dead or (about, target) in gone]


def observed(batch: Batch, snapshot: Snapshot, stream: str) -> Ingested | Literal["late"] | None:
    """What was read of its life, as an edit; None when that is no news, `late` when it was read too late to be any.
    Its field is locked."""
    name, value = named(snapshot.about, snapshot.target), told(snapshot.record)
    it = batch.fields[(snapshot.about, name)]
    stood = batch.stand(it).value if it.n else LIVE
    if value == stood:
        return None
    position = _position(snapshot, it.streams.get(stream, -1), it.decided_at)
    if position is None:
        return "late"
    id_ = snapshot_id(stream, snapshot.about, name, position)
    batch.read_inbox([id_])
    made = batch.ingest(item(_incoming(snapshot, stream, name, value, id_, position), id_))
    if made.first and made.changed:
        _note(batch, snapshot, value, position)
    return made


def _position(snapshot: Snapshot, last: int, decided: int) -> int | None:
    """A CRM may delete and restore under one version, or tell none of a record that is gone: what was read after the
    last word comes after it. None: it may be older than that."""
    version = snapshot.record.version
    if version > last:
        return version
    return last + 1 if version == last or snapshot.began > decided else None


def _incoming(snapshot: Snapshot, stream: str, name: str, value: str, id_: str, position: int) -> Incoming:
    return Incoming(
        record=snapshot.about,
        field=name,
        kind="snapshot",
        value=value,
        source=snapshot.source,
        actor=Actor("crm", snapshot.by or snapshot.source.system),
        once=id_,
        stream=stream,
        watermark=position,
        source_time=snapshot.record.modified or None,
        online=False,
        trace=snapshot.trace,
    )


def _note(batch: Batch, snapshot: Snapshot, value: str, position: int) -> None:
    key = (snapshot.about, snapshot.target)
    if value == LIVE:
        sql.change(batch.connection, "DELETE FROM absent WHERE record = ? AND target = ?", key)
        return
    into = value.removeprefix(MERGED) if value.startswith(MERGED) else ""
    row = {"record": key[0], "target": key[1], "merged_into": into, "at": batch.now}
    batch.add("absent", row)
    if into:
        about = {"record": key[0], "into": into, "tries": 0}
        due = {"key": f"merged:{position}:{key[0]}"[:256], "kind": "held", "at": batch.now}
        batch.add("due", {**due, "payload": orjson.dumps(about).decode(), "leased_until": 0})
