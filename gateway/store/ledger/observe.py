"""A CRM's record as it was read becomes edits of the fields it changed by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from gateway.store.ledger import life
from gateway.store.ledger.batch import Batch, item
from gateway.store.ledger.field import Field
from gateway.store.ledger.model import Incoming, Ingested, Observed, Snapshot
from gateway.store.ledger.touched import epoch_of
from gateway.store.ledger.writeback import changed_there, echo, settled
from gateway.store.vault import Erased, Keys
from reconcile.canonical import canonical, image, sound
from reconcile.model import Actor, Json
from reconcile.plan import snapshot_id


def keys_of(batch: Batch, snapshots: Sequence[Snapshot]) -> list[tuple[str, str]]:
    own = [(snapshot.about, name) for snapshot in snapshots for name in snapshot.record.fields]
    return own + life.fields(batch, snapshots)


def observe(batch: Batch, snapshots: Sequence[Snapshot]) -> list[Observed]:
    batch.lock(keys_of(batch, snapshots))
    batch.read_marks(snapshot.about for snapshot in snapshots)
    return [observed(batch, snapshot) for snapshot in snapshots]


def observed(batch: Batch, snapshot: Snapshot) -> Observed:
    """One snapshot; its fields are locked and its record's marks are read."""
    target, record, version = snapshot.target, snapshot.about, snapshot.record.version
    held = (target, record) in batch.unanswered
    if held and not snapshot.record.deleted:
        return Observed(held=True)
    if isinstance(batch.keys.get(record), Erased | None):
        return Observed(held=held)
    stream = snapshot.stream or batch.stream_of(target, record)
    high = batch.marks.get((target, stream, record), -1)
    if snapshot.record.deleted:
        return replace(_gone(batch, snapshot, stream, high), held=held)
    if version < high:
        return _behind(batch, snapshot, (target, stream, record))
    lives = _life(batch, snapshot, stream)
    if lives == "late":
        return Observed(stale=True)
    made = [_field(batch, snapshot, stream, name, it.value) for name, it in sorted(snapshot.record.fields.items())]
    if version > high or (target, stream, record) in batch.rewound:
        batch.mark(target, stream, record, version)
    moved = snapshot.record.modified if high >= 0 and version > high else 0
    lag = max(0, batch.now - moved) if moved else None
    return Observed(ingested=tuple(each for each in made if each is not None), lag=lag, life=lives)


def _gone(batch: Batch, snapshot: Snapshot, stream: str, high: int) -> Observed:
    """Of a record nobody knew before nothing is kept. One told at an older version than was known may have been
    restored since: a read of its own tells."""
    if high < 0:
        return Observed()
    heard = batch.heard_at[(snapshot.target, stream, snapshot.about)]
    if snapshot.record.version < high and snapshot.began <= heard:
        return Observed(stale=True)
    made = _life(batch, snapshot, stream)
    return Observed(stale=True) if made == "late" else Observed(life=made)


def _life(batch: Batch, snapshot: Snapshot, stream: str) -> Ingested | Literal["late"] | None:
    if (snapshot.about, life.named(snapshot.about, snapshot.target)) not in batch.fields:
        return None  # it lives, and always did
    return life.observed(batch, snapshot, stream)


def _behind(batch: Batch, snapshot: Snapshot, key: tuple[str, str, str]) -> Observed:
    """Late, when it was on its way while a later version was told; rewound, when it was read after that."""
    if key not in batch.rewound and snapshot.began <= batch.heard_at[key]:
        return Observed(stale=True)
    batch.rewind(*key)
    return Observed(stale=True, rewound=True)


def _field(batch: Batch, snapshot: Snapshot, stream: str, name: str, value: Json) -> Ingested | None:
    it, target, version = batch.fields[(snapshot.about, name)], snapshot.target, snapshot.record.version
    value = value if sound(value) else _mended(value)
    if value is None and target not in it.there and not it.heads:
        return None  # empty there, and nobody has ever said anything of it
    raw, normal = hashes(batch, it, target, value)
    if echo(it, target, version, raw, normal):
        settled(batch, it, target, snapshot.began, version, normal)
        return None
    id_ = snapshot_id(stream, it.record, name, version)
    changed_there(it, target, version, raw, normal, id_, snapshot.by)
    batch.read_inbox([id_])
    # a new epoch begins on top of what was known: its positions say nothing of those before
    begins = epoch_of(stream) > 1 and stream not in it.streams
    seen = frozenset(it.heads) if begins else frozenset[str]()
    return batch.ingest(item(_incoming(snapshot, stream, name, value, id_, seen), id_))


def hashes(batch: Batch, it: Field, target: str, value: Json) -> tuple[str, str]:
    """The keyed hashes of a value as the target spells it and normalised. Normalising is dear: not twice the same."""
    keys = batch.alive(it.record)
    raw = keys.mac(canonical(value), b"raw")
    there = it.there.get(target)
    if there is not None and there.raw == raw:
        return raw, there.seen
    return raw, image_of(batch, it, keys, value)


def image_of(batch: Batch, it: Field, keys: Keys, value: Json) -> str:
    normaliser = batch.shared.rule(it.record, it.name).policy.normaliser
    return keys.mac(image(normaliser, value), b"image")


def _incoming(
    snapshot: Snapshot, stream: str, name: str, value: Json, id_: str, parents: frozenset[str] = frozenset()
) -> Incoming:
    record = snapshot.record
    return Incoming(
        record=snapshot.about,
        field=name,
        kind="snapshot",
        value=value,
        source=snapshot.source,
        actor=Actor("crm", snapshot.by or snapshot.source.system),
        once=id_,
        stream=stream,
        watermark=record.version,
        source_time=record.modified or None,
        online=False,
        trace=snapshot.trace,
        parents=parents,
    )


def _mended(value: Json) -> Json:
    """What no database can hold is a CRM's fault nobody here can mend: shown with replacement characters."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else None
