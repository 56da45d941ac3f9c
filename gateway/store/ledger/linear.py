"""Streams that number their edits: taken in their order, what is missing waited for, what is set back set aside.

Edits themselves may come in any order, and the field's own rules say what stands. What is decided here is when an edit
is handed on to them, so that nobody is asked about a conflict which the next message would have settled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson
from sqlalchemy import Connection

from gateway.store import sql
from gateway.store.ledger.batch import Batch, Item, item
from gateway.store.ledger.model import Incoming, Ingested, Taken
from gateway.store.ledger.touched import epoch_of
from gateway.store.tables_app import due
from gateway.store.tables_ledger import held_edit, watermark
from gateway.store.vault import Erased
from reconcile.model import Actor, Source
from reconcile.plan import snapshot_id
from reconcile.token import Seen

KIND = "gap"
KEPT_GAPS = 100
BEGINNING = -1
"""Where the gap before the first number begins: nobody knows whether there ever was anything."""
_ROW = "SELECT stream, low, high, gaps, last_event_at, state, lag FROM watermark WHERE source = ? AND record = ''"
_HELD = "SELECT position, once, record, field, sealed, at FROM held_edit WHERE source = ? AND stream = ? "


@dataclass(frozen=True, slots=True)
class Gap:
    first: int
    last: int
    at: int
    how: str = ""
    """`read`: the records that waited were read in the CRM instead; `lost`: there was nothing to read; `begun`."""


@dataclass(slots=True)
class Stream:
    """How far one numbered stream was taken. Nothing is known of it while `high` is below 0."""

    source: str
    name: str
    epoch: str
    low: int = -1
    high: int = -1
    gaps: tuple[Gap, ...] = ()
    at: int = 0
    state: str = "ok"
    lag: int | None = None

    @property
    def edits(self) -> str:
        """What its edits call it: no CRM's stream can have this name."""
        return f"{self.source}/{self.epoch}"

    def gap_of(self, position: int) -> Gap | None:
        return next((gap for gap in self.gaps if gap.first <= position <= gap.last), None)

    def row(self) -> dict[str, Any]:
        gaps = orjson.dumps([[gap.first, gap.last, gap.at, gap.how] for gap in self.gaps[-KEPT_GAPS:]]).decode()
        head = {"source": self.source, "stream": self.epoch, "record": "", "low": self.low, "high": self.high}
        return {**head, "gaps": gaps, "last_event_at": self.at, "state": self.state, "lag": self.lag}


@dataclass(frozen=True, slots=True)
class Numbered:
    """An edit with its stream and position, as its source sends it. `hold`: for how long one waits, in ms."""

    incoming: Incoming
    stream: str
    position: int
    hold: int

    @property
    def source(self) -> str:
        return self.incoming.source.system


@dataclass(frozen=True, slots=True)
class _Held:
    position: int
    once: str
    key: tuple[str, str]
    sealed: bytes
    at: int


def current(connection: Connection, source: str, name: str) -> Stream:
    """The stream's newest epoch, for this transaction alone."""
    sql.alone(connection, f"stream {source}/{name}")
    rows = [row for row in sql.ask(connection, _ROW, (source,)) if row[0].partition("#")[0] == name]
    if not rows:
        return Stream(source, name, name)
    epoch, low, high, gaps, at, state, lag = max(rows, key=lambda row: epoch_of(row[0]))
    return Stream(source, name, epoch, low, high, tuple(Gap(*gap) for gap in orjson.loads(gaps)), at, state, lag)


def take(batch: Batch, given: Numbered) -> Taken:
    """One edit, and whatever had waited for it. Raises `Refused`."""
    one, c = given.incoming, batch.connection
    item(one)  # what cannot be taken later on must not wait: nothing would get past it
    stream = current(c, given.source, given.stream)
    held = _held(c, stream)
    batch.lock({(one.record, one.field), *(each.key for each in held)})
    batch.read_inbox([one.once, *(each.once for each in held)])
    if batch.answered[one.once]:  # sent again, or another edit under the same name
        return Taken("taken", batch.ingest(_item(batch, _first_taken(batch, stream, one), one, given.position)))
    if stream.high < 0:
        stream.low, stream.high = given.position - 1, given.position - 1
        stream.gaps = (Gap(BEGINNING, given.position - 1, batch.now, "begun"),)
    if given.position <= stream.low:
        return _behind(batch, stream, given)
    stream.high = max(stream.high, given.position)
    if given.position > stream.low + 1:
        return _hold(batch, stream, given, alone=not held)
    ingested = _taken(batch, stream, one, given.position)
    freed = _drain(batch, stream, held)
    _keep(batch, stream)
    return Taken("taken", ingested, freed)


def _first_taken(batch: Batch, stream: Stream, one: Incoming) -> Stream:
    """The epoch in which an edit was taken that is sent again."""
    id_, _ = next(iter(batch.answered[one.once].values()))
    row = sql.first(batch.connection, "SELECT stream FROM edit WHERE id = ?", (id_,))
    made = (row[0] if row is not None else None) or stream.edits
    return replace(stream, epoch=made.partition("/")[2])


def _behind(batch: Batch, stream: Stream, given: Numbered) -> Taken:
    """A number that was passed: of a gap it is late; of a row that changed several fields it is the next of them;
    else the source begins again, and what it says is set aside."""
    one, gap = given.incoming, stream.gap_of(given.position)
    beginning = gap is not None and gap.first == BEGINNING
    if gap is not None and not (beginning and batch.now - gap.at > given.hold):
        taken = Taken("late", batch.ingest(_item(batch, stream, one, given.position)))
    elif given.position == stream.low:
        taken = Taken("taken", batch.ingest(_item(batch, stream, one, given.position)))
    else:
        taken = _set_back(batch, stream, given)
    _keep(batch, stream)
    return taken


def _set_back(batch: Batch, stream: Stream, given: Numbered) -> Taken:
    made = _item(batch, stream, given.incoming, given.position)
    if sql.first(batch.connection, "SELECT 1 FROM edit WHERE id = ?", (made.id,)) is not None:
        ingested = batch.ingest(made)  # the same once more, under another name, is no second edit
        if not ingested.quarantined:
            return Taken("taken", ingested)
    else:
        other = replace(given.incoming, quarantined=True)
        ingested = batch.ingest(_item(batch, stream, other, given.position))
    stream.state = "rewound"
    return Taken("rewound", ingested)


def _hold(batch: Batch, stream: Stream, given: Numbered, *, alone: bool) -> Taken:
    one = given.incoming
    keys = batch.alive(one.record)
    row = {
        "source": stream.source,
        "stream": stream.epoch,
        "position": given.position,
        "once": one.once,
        "record": one.record,
        "field": one.field,
        "sealed": keys.seal(orjson.dumps(_packed(one)), f"blob {one.record}"),
        "at": batch.now,
    }
    sql.store(batch.connection, held_edit, [row], "keep")
    stream.state = "gap" if stream.state == "ok" else stream.state
    _keep(batch, stream)
    if alone:
        row = due_of(stream.source, stream.name, batch.now + given.hold)
        sql.store(batch.connection, due, [row], "replace")
    return Taken("held")


def due_of(source: str, name: str, at: int) -> dict[str, Any]:
    payload = orjson.dumps({"source": source, "stream": name}).decode()
    return {"key": f"{KIND}:{source}/{name}"[:256], "kind": KIND, "at": at, "payload": payload, "leased_until": 0}


def _drain(batch: Batch, stream: Stream, held: Sequence[_Held]) -> tuple[Ingested, ...]:
    """Those whose turn it is now; several of one number belong together."""
    made: list[Ingested] = []
    left = list(held)
    while left and left[0].position <= stream.low + 1:
        each = left.pop(0)
        if (one := _opened(batch, each)) is not None:
            made.append(_taken(batch, stream, one, each.position))
        stream.low = max(stream.low, each.position)
        where = (stream.source, stream.epoch, each.position, each.once)
        drop = "DELETE FROM held_edit WHERE source = ? AND stream = ? AND position = ? AND once = ?"
        sql.change(batch.connection, drop, where)
    if stream.state != "rewound" or made:
        stream.state = "gap" if left else "ok"
    return tuple(made)


def close(batch: Batch, source: str, name: str, before: int, how: str) -> tuple[tuple[Ingested, ...], int | None]:
    """Gives up on the numbers before every edit that waits since `before` (ms) or longer; what was taken then, and
    since when the next one waits."""
    stream = current(batch.connection, source, name)
    held = _held(batch.connection, stream)
    batch.lock({each.key for each in held})
    batch.read_inbox([each.once for each in held])
    made: tuple[Ingested, ...] = ()
    while any(each.at <= before for each in held):
        first = held[0]
        if first.position > stream.low + 1:
            stream.gaps = (*stream.gaps, Gap(stream.low + 1, first.position - 1, batch.now, how))
            stream.low = first.position - 1
        made += _drain(batch, stream, held)
        held = [each for each in held if each.position > stream.low]
    _keep(batch, stream)
    return made, min((each.at for each in held), default=None)


def waiting(connection: Connection, source: str, name: str, before: int) -> tuple[list[str], bool]:
    """The records of which something waits behind a gap, and whether that is since `before` (ms) or longer."""
    stream = current(connection, source, name)
    held = _held(connection, stream)
    return sorted({each.key[0] for each in held}), any(each.at <= before for each in held)


def begin(batch: Batch, source: str, names: Sequence[str]) -> tuple[list[str], tuple[Ingested, ...]]:
    """A new epoch of each stream that was set back; what waited in the old one is taken first. Which streams."""
    begun: list[str] = []
    made: tuple[Ingested, ...] = ()
    for name in names:
        stream = current(batch.connection, source, name)
        if stream.state != "rewound":
            continue
        made += close(batch, source, name, batch.now, "lost")[0]
        old = current(batch.connection, source, name)
        old.state = "closed"
        fresh = Stream(source, name, f"{name}#{epoch_of(old.epoch) + 1}", at=batch.now)
        sql.store(batch.connection, watermark, [old.row(), fresh.row()], "replace")
        begun.append(name)
    return begun, made


def _taken(batch: Batch, stream: Stream, one: Incoming, position: int) -> Ingested:
    stream.low, stream.high = max(stream.low, position), max(stream.high, position)
    stream.at, stream.state = batch.now, "gap" if stream.high > stream.low else "ok"
    stream.lag = max(0, batch.now - one.source_time) if one.source_time is not None else None
    return batch.ingest(_item(batch, stream, one, position))


def _item(batch: Batch, stream: Stream, one: Incoming, position: int) -> Item:
    """Its place in the stream. What a later number of the same field has overtaken binds nobody; a new epoch begins on
    top of what was known."""
    it = batch.fields[(one.record, one.field)]
    overtaken = position < it.streams.get(stream.edits, -1)
    begins = epoch_of(stream.epoch) > 1 and stream.edits not in it.streams and not one.quarantined
    seen = one.parents | (frozenset(it.heads) if begins else frozenset())
    binding = one.binding and not overtaken
    made = replace(one, stream=stream.edits, watermark=position, parents=seen, binding=binding)
    return item(made, snapshot_id(stream.edits, one.record, one.field, position))


def _held(connection: Connection, stream: Stream) -> list[_Held]:
    rows = sql.ask(connection, _HELD + "ORDER BY position, at, once", (stream.source, stream.epoch))
    return [_Held(row[0], row[1], (row[2], row[3]), bytes(row[4]), row[5]) for row in rows]


def _opened(batch: Batch, held: _Held) -> Incoming | None:
    """None of a customer that was erased meanwhile."""
    keys = batch.keys.get(held.key[0])
    if keys is None or isinstance(keys, Erased):
        return None
    return _unpacked(orjson.loads(keys.unseal(held.sealed, f"blob {held.key[0]}")))


def _keep(batch: Batch, stream: Stream) -> None:
    sql.store(batch.connection, watermark, [stream.row()], "replace")


def _packed(one: Incoming) -> dict[str, Any]:
    """Without roles: what is numbered neither settles nor undoes, and a gateway of a version before knows none."""
    kept = {name: value for name, value in asdict(one).items() if name != "roles"}
    return {**kept, "parents": sorted(one.parents)}


def _unpacked(raw: dict[str, Any]) -> Incoming:
    seen = raw["seen"]
    return Incoming(
        **{
            **raw,
            "source": Source(**raw["source"]),
            "actor": Actor(**raw["actor"]),
            "parents": frozenset(raw["parents"]),
            "seen": Seen(seen["status"], tuple(seen["heads"]), tuple(seen["proposals"])) if seen is not None else None,
        }
    )
