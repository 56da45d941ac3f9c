"""Systems that number their edits, and how far each source was read."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from crm.model import RecordRef
from gateway.clock import Clock
from gateway.config import Config
from gateway.config.model import seconds
from gateway.errors import Refused, Retry
from gateway.handlers import conflicts, setback
from gateway.metrics import GAPS
from gateway.services import Services
from gateway.spine import Spine
from gateway.store.auditing import AuditStore
from gateway.store.due import Due, DueStore
from gateway.store.engine import Store
from gateway.store.ledger import Incoming, Ingested, Ledger, Taken
from gateway.store.ledger.linear import KIND, Numbered
from gateway.store.sources import SourceRow, SourceStore
from gateway.sweep import native_of, take
from gateway.turn import Trail, new_trail

log = logging.getLogger("floatcard.sources")

READ_AGAIN = 10_000
"""So many records of a CRM that were set back are read anew for one word of an operator."""


def hold_ms(config: Config, source: str) -> int:
    return seconds(config.sources[source].hold) * 1000


async def numbered(s: Services, spine: Spine, incoming: Incoming, stream: str, position: int) -> Taken:
    """One edit of a linear source; those that had waited for it are followed up here, itself by its caller."""
    source = incoming.source.system
    taken = await s.ledger.take(Numbered(incoming, stream, position, hold_ms(s.config, source)))
    if taken.state == "rewound":
        log.warning("the source %s was set back: what it says is set aside until it has a new epoch", source)
        trail = new_trail("")
        await setback.told(s, source, stream, trail)
        await s.trail.write(trail)
    await followed(s, spine, taken.freed)
    return taken


async def followed(s: Services, spine: Spine, made: Iterable[Ingested]) -> None:
    records = set()
    for each in made:
        await conflicts.opened(s, each)
        records.add(each.decision.record)
    for record in sorted(records):
        await spine.refresh(record)
    for nudge in spine.edited if records else ():
        nudge()


async def gap_due(s: Services, spine: Spine, item: Due, trail: Trail) -> None:
    """What was missing did not come in time: the records are read where they can be, and the gap is closed."""
    source, stream = str(item.payload["source"]), str(item.payload["stream"])
    spec = s.config.sources.get(source)
    hold = hold_ms(s.config, source) if spec is not None else 0
    before = s.clock.now() - hold
    records, ripe = await s.ledger.behind_gap(source, stream, before)
    if not records:
        return
    if ripe:
        read = spec is not None and spec.crm is not None and await _read(s, spine, spec.crm, records, trail)
        how = "read" if read else "lost"
        made, since = await s.ledger.close_gap(source, stream, before, how)
        GAPS.labels(source, how).inc()
        log.warning("numbers of the source %s are missing: %s", source, how)
        trail.note("gap", s.clock.now(), source=source, stream=stream, how=how)
        await followed(s, spine, made)
    else:
        since = before + hold
    if since is not None:
        at = max(since + hold, s.clock.now() + 1)
        await s.due.put(Due(item.key, KIND, at, item.payload))


async def _read(s: Services, spine: Spine, crm: str, records: list[str], trail: Trail) -> bool:
    """Whether there was something to read. Raises `Retry` while the CRM does not answer: the gap stays open."""
    found = False
    for key in records:
        there = s.records.joined.there(key, crm)
        if there is None or crm not in s.crms:
            continue
        ref = RecordRef.parse(there)
        began = s.clock.now()
        try:
            record = await s.gate.breakers[crm].run(lambda ref=ref: s.crms[crm].get(ref))  # type: ignore[misc]
        except Refused:
            continue
        before = await s.records.mirrored(there)
        told = await s.ledger.observe(record, native_of(s, crm), began=began, key=key, trace=trail.turn)
        if told.held:
            raise Retry(1.0)
        await take(s, spine, before, record, told, trail)
        found = True
    return found


@dataclass(frozen=True, slots=True)
class Begun:
    """A new epoch: of how many streams, and of how many records of a CRM, which are read anew."""

    streams: tuple[str, ...]
    records: int

    @property
    def any(self) -> bool:
        return bool(self.streams or self.records)


class Works(Protocol):
    """What both a running gateway and a command have."""

    @property
    def config(self) -> Config: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def store(self) -> Store: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def due(self) -> DueStore: ...


async def listed(s: Works) -> list[SourceRow]:
    linear = {name: spec.streams for name, spec in s.config.sources.items()}
    return await SourceStore(s.store).rows(tuple(s.config.crms), linear)


async def new_epoch(s: Works, source: str, by: str) -> Begun:
    """What the source says from now on is news, on top of what is known. Raises `Refused`."""
    spec = s.config.sources.get(source)
    if spec is None and source not in s.config.crms:
        raise Refused("There is no source called {source}.", source=source[:64])
    if spec is not None:
        streams, made = await s.ledger.begin_stream(source, spec.streams)
        await _read_soon(s, {each.decision.record for each in made})
        begun = Begun(tuple(streams), 0)
    else:
        records = await s.ledger.new_epoch(source, READ_AGAIN)
        await _read_soon(s, records, source)
        begun = Begun((), len(records))
    if not begun.any:
        raise Refused("Nothing of {source} was set back: there is no need of a new epoch.", source=source)
    await setback.begun(s.due, source, begun.streams, s.clock.now())
    said = ", ".join(begun.streams)
    await AuditStore(s.store, s.clock).note(by, "new_epoch", source, streams=said, many=begun.records)
    return begun


async def _read_soon(s: Works, records: Iterable[str], crm: str = "") -> None:
    """By whichever gateway runs; their cards are drawn again with it."""
    now = s.clock.now()
    for key in records:
        await s.due.put(
            Due(f"anew:{crm}:{key}"[:256], "held", now, {"record": key, "tries": 0, "heard": False, "crm": crm})
        )
