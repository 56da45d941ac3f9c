"""From a CRM to us: its change feed, read again and again, so that a lost webhook heals by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from crm.model import Absent, Crm, CursorLost, Record, RecordRef
from gateway.errors import Refused, Retry
from gateway.handlers import alerts, conflicts, merged, setback
from gateway.loading import Loading
from gateway.metrics import SWEPT
from gateway.missing import Missing
from gateway.only import HELD
from gateway.services import Services
from gateway.spine import Spine
from gateway.store.due import Due
from gateway.store.ledger import Observed
from gateway.telemetry import begun, calling, span
from gateway.turn import Trail, new_trail
from reconcile.model import Json, Source

log = logging.getLogger("floatcard.sweep")

EVERY_S = 1.0
PAGE = 200
PATIENCE_MS = 30_000
"""For so long a record whose write is unanswered keeps the feed; then it is read apart, and the feed goes on."""
_HELD_MS = 5_000
_HELD_LONGEST_MS = 3_600_000
_HOOK_TRIES = 5
"""So often a CRM may refuse what its webhook named: some five minutes."""


class Sweep:
    """One CRM's feed. `nudge` looks at once: after our own write, or a webhook."""

    def __init__(self, services: Services, spine: Spine, crm: Crm) -> None:
        self._s = services
        self._spine = spine
        self._crm = crm
        self._look = asyncio.Event()
        self._held_since: int | None = None
        self._broke = False
        self._cursor = ""
        """Where the feed was read from, as it was stored."""
        self._lag: int | None = None
        """Of the page's news the longest."""
        self._loading, self._first = Loading(crm), True
        self._breaker = services.gate.breakers[f"{crm.name} feed"]  # it may be well while writes are not
        self._missing = Missing(services, crm, self._breaker)

    def nudge(self) -> None:
        self._look.set()

    def unsure(self) -> None:
        """What followed from a decision may have been lost: the next look makes it good."""
        self._broke = True

    async def run(self) -> None:
        wait = EVERY_S
        while True:
            try:
                with calling("crm", self._crm.name, "sweep", traced=False):
                    await self.once()
                wait = EVERY_S
            except Retry as tired:
                wait = min(max(tired.after, wait * 2), 60.0)
            except Refused as refused:
                log.warning("the CRM %s refuses to be read: %s", self._crm.name, refused.say)
                wait = 60.0
            except Exception:
                log.exception("the sweep of %s broke", self._crm.name)
                wait = min(wait * 2, 60.0)
            try:
                await asyncio.wait_for(self._look.wait(), wait)
            except TimeoutError:
                continue
            finally:
                self._look.clear()

    async def once(self, *, first: bool = False) -> int:
        """Everything new since the stored cursor; how many records. The cursor moves only after a page is decided."""
        try:
            return await self._once(first)
        except CursorLost:
            # What is read again decides nothing anew: a CRM's edit is named by its version.
            log.warning("the CRM %s has forgotten where its feed was left: it is read anew", self._crm.name)
            now = self._s.clock.now()
            await self._s.mirror.advance(self._crm.name, "", now, seen=self._cursor, held=HELD.get())
            return 0

    async def _once(self, first: bool) -> int:
        if self._broke:
            await self._spine.show_conflicts()  # a page read again decides nothing anew: what it opened is looked up
            self._broke = False
        cursor = self._cursor = await self._s.mirror.cursor(self._crm.name)
        await self._loading.begin(await self._s.mirror.count(self._crm.name) if self._first else 0)
        self._first = False
        seen, page = 0, []
        feed = aiter(self._crm.changes(cursor))
        while (told := await self._breaker.run(partial(anext, feed, None))) is not None:
            record, cursor = told
            page.append(record)
            if len(page) >= PAGE:
                if not await self._page(page, cursor, first):
                    return seen
                self._loading.read(len(page))
                seen, page = seen + len(page), []
        if page and await self._page(page, cursor, first):
            seen += len(page)
        self._loading.end()
        await heard(self._s, await self._missing.look())
        SWEPT.labels(self._crm.name).set(self._s.clock.now() / 1000)
        return seen

    async def _page(self, page: Sequence[Record], cursor: str, first: bool) -> bool:
        """False while one of its records keeps it: then the cursor stays, and nothing behind it is read yet."""
        trail = new_trail("")
        self._lag = None
        try:
            # A record stands once in a run, so they may be decided side by side, in shared commits.
            with begun(trail.turn), span("sweep", crm=self._crm.name, count=len(page)):
                read = await asyncio.gather(*(self._observe(record, trail, first) for record in page))
        except BaseException:
            self._broke = True
            raise
        finally:
            await self._s.trail.write(trail)
        held = [record.ref.key for record, done in zip(page, read, strict=True) if not done]
        if held and not await self._set_apart(held):
            return False
        self._held_since = None
        now = self._s.clock.now()
        # Whoever stood still while another took over must not put it back.
        await self._s.mirror.advance(self._crm.name, cursor, now, seen=self._cursor, held=HELD.get(), lag=self._lag)
        self._cursor = cursor
        return True

    async def _set_apart(self, held: Sequence[str]) -> bool:
        """False while patience lasts: a write is mostly answered at once, and the page then read again."""
        now = self._s.clock.now()
        self._held_since = now if self._held_since is None else self._held_since
        if now - self._held_since < PATIENCE_MS:
            return False
        for record in held:
            await _later(self._s, record, 0)
        return True

    async def _observe(self, record: Record, trail: Trail, first: bool) -> bool:
        """False while the record is held: a write of ours to it is unanswered, and its echo must not be read first."""
        before, key = await self._s.records.mirrored(record.ref.key), self._s.records.joined.of(record.ref.key)
        told = await self._s.ledger.observe(record, native_of(self._s, self._crm.name), key=key, trace=trail.turn)
        if told.held and not record.deleted:
            return False
        if told.lag is not None and before is not None:
            self._lag = max(told.lag, self._lag or 0)
        self._loading.look(record, before)
        if told.stale and not told.rewound:
            await heard(self._s, [record.ref])  # late, or set back there: a read of its own tells which
        if first and before is None:
            await _put(self._s, record)
        else:
            await take(self._s, self._spine, before, record, told, trail)
        return True


async def take(s: Services, spine: Spine, before: Record | None, record: Record, told: Observed, trail: Trail) -> None:
    """What the ledger has read is what we know from now on; whoever read it, the same follows from it."""
    if told.stale:
        return
    # The alert comes before what it is judged by is replaced: after a crash in between it is judged again.
    await alerts.risk_turned_high(s, before, record, trail, s.records.joined.of(record.ref.key))
    if not await _put(s, _left(before, record)):
        return
    if told.life is not None:
        trail.note("life", s.clock.now(), record=record.ref.key, value=str(told.life.value).partition(" ")[0])
        if not record.deleted:
            await alerts.remind_again(s, s.records.joined.of(record.ref.key))
    fields: list[Json] = [each.decision.field for each in told.ingested]
    if fields and before is not None:
        trail.note("observed", s.clock.now(), record=record.ref.key, fields=fields)
    for each in told.ingested:
        await conflicts.opened(s, each)
    # Also when it is known already: an earlier try may have come to its end before this.
    await spine.refresh(s.records.joined.of(record.ref.key))


def _left(before: Record | None, record: Record) -> Record:
    """Of a record that is gone most CRMs tell nothing any more, some the one it became: what it was last is kept."""
    if before is None or not record.deleted:
        return record
    return replace(
        before,
        deleted=True,
        merged_into=record.merged_into,
        version=max(before.version, record.version),
        modified=record.modified,
        modified_by=record.modified_by,
    )


async def _put(s: Services, record: Record) -> bool:
    try:
        await s.records.put([record])
    except Refused:
        return False  # erased here: what the CRM still says of it is not taken in again
    return True


async def reread(s: Services, spine: Spine, item: Due, trail: Trail) -> None:
    """A record the feed went on without is read by itself, until the write that held it is answered."""
    await s.records.follow_joined(spine.refresh)
    if item.payload.get("into"):
        await inherit(s, spine, item, trail)
        return
    key, tries = _where(s, item), int(str(item.payload["tries"]))
    of_hook = item.payload.get("heard") is True
    crm = s.crms.get(RecordRef.parse(key).crm)
    if crm is None:
        return
    began = s.clock.now()
    try:
        record = await s.gate.breakers[crm.name].run(lambda: crm.get(RecordRef.parse(key)))
    except Absent:
        if (known := await s.records.mirrored(key)) is None:
            return
        record = replace(known, deleted=True, modified=began, modified_by="")
    except Refused:
        if not of_hook or tries < _HOOK_TRIES:  # of a webhook's record nothing is owed
            await _later(s, key, tries + 1, of_hook)
        return
    except Retry:
        await _later(s, key, tries + 1, of_hook)
        return
    before = await s.records.mirrored(key)
    whose = s.records.joined.of(key)
    told = await s.ledger.observe(record, native_of(s, crm.name), began=began, key=whose, trace=trail.turn)
    if told.rewound:
        log.warning("the CRM %s has set a record back: what it says of it is set aside", crm.name)
        await setback.told(s, crm.name, "", trail)
    if told.held:
        await _later(s, key, tries + 1)
    else:
        await take(s, spine, before, record, told, trail)


async def inherit(s: Services, spine: Spine, item: Due, trail: Trail) -> None:
    """What a merged record held, and the one it became does not, are proposals there; that one is read first."""
    into = str(item.payload["into"])
    heir = await s.records.heir(into)
    known = await s.records.mirrored(s.records.joined.of(heir))
    if known is None:
        await heard(s, [RecordRef.parse(into)])
        tries = int(str(item.payload["tries"])) + 1
        at = s.clock.now() + min(_HELD_MS * 2 ** min(tries, 20), _HELD_LONGEST_MS)
        await s.due.put(replace(item, at=at, payload={**item.payload, "tries": tries}))
        return
    await merged.propose(s, str(item.payload["record"]), s.records.joined.of(heir), trail)
    await spine.refresh(str(item.payload["record"]))
    await spine.refresh(s.records.joined.of(heir))


async def heard(s: Services, refs: Sequence[RecordRef]) -> None:
    """Records a CRM's webhook spoke of are read at once, each once however often it was named."""
    now = s.clock.now()
    for key in dict.fromkeys(ref.key for ref in refs):
        await _read_at(s, key, now, 0, of_hook=True)


async def _later(s: Services, record: str, tries: int, of_hook: bool = False) -> None:
    at = s.clock.now() + min(_HELD_MS * 2 ** min(tries, 20), _HELD_LONGEST_MS)
    await _read_at(s, record, at, tries, of_hook)


async def _read_at(s: Services, record: str, at: int, tries: int, of_hook: bool) -> None:
    # each has its key: what a webhook asked for is dropped in the end, and must not stand in for what is owed
    key = f"{'hook' if of_hook else 'held'}:{record}"[:256]
    await s.due.put(Due(key, "held", at, {"record": record, "tries": tries, "heard": of_hook}))


def _where(s: Services, item: Due) -> str:
    """The record to read: where a CRM is named, the customer's record there."""
    key, crm = str(item.payload["record"]), str(item.payload.get("crm") or "")
    return (s.records.joined.there(key, crm) or key) if crm else key


def native_of(s: Services, crm: str) -> Source:
    """Beside another CRM it is told which."""
    return Source(crm, f"CRM {crm}", "", crm) if s.records.joined.several else native(crm)


def native(crm: str) -> Source:
    """What a CRM says of itself: policies name the CRM as configured, people read `[CRM]`."""
    return Source(crm, "CRM", "", crm)
