"""From us to a CRM: the outbox, each row under its precondition. What is in doubt is read, never resent blindly."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace

from crm.model import GATEWAY, Absent, Applied, Change, Conflict, Crm, Past, Record, RecordRef
from gateway.errors import Refused, Retry, Unsure
from gateway.metrics import WRITTEN
from gateway.refusal import kept
from gateway.services import Services
from gateway.spine import Spine
from gateway.store.ledger import Incoming, OutboxRow, Snapshot
from gateway.sweep import Sweep, heard, native_of, take
from gateway.telemetry import calling, carried, span
from gateway.turn import Trail, new_trail
from gateway.wearily import Wearily
from reconcile.model import Actor

log = logging.getLogger("floatcard.writeback")

IDLE_S = 0.5
IN_ONE_GO_S = 10.0
"""So long after a claim its writes are begun: each has ended, one way or the other, before the claim runs out."""
DOUBT_S = 5.0
"""What broke off here may go on there: a record that is as it was is looked at again before the write is given up."""


class Writeback:
    """One CRM's outbox."""

    def __init__(self, services: Services, spine: Spine, crm: Crm, sweep: Sweep) -> None:
        self._s = services
        self._spine = spine
        self._crm = crm
        self._sweep = sweep
        self._look = asyncio.Event()
        self._breaker = services.gate.breakers[crm.name]
        self._wearily = Wearily(log)
        self._doubted: set[str] = set()
        """Rows in doubt whose cards say so."""
        self._fresh: set[str] = set()
        """Rows in doubt that were not looked at yet since they broke off here."""

    def nudge(self) -> None:
        self._look.set()

    async def run(self) -> None:
        while True:
            try:
                busy = await self.once()
            except Retry as tired:
                self._wearily.warning("the outbox of %s waits: %s", self._crm.name, tired)
                busy = 0
            except Exception:
                log.exception("the outbox of %s broke", self._crm.name)
                busy = 0
            if busy:
                continue
            try:
                await asyncio.wait_for(self._look.wait(), IDLE_S)
            except TimeoutError:
                continue
            finally:
                self._look.clear()

    async def once(self) -> int:
        """Everything due now, and what is in doubt; how many rows came to something."""
        state = self._breaker.state
        if state == "open":
            return 0  # nothing is claimed: the rows wait as they are, and are due when the CRM answers again
        rows = await self._s.ledger.claim(self._crm.name, self._s.clock.now(), 32 if state == "closed" else 1)
        ends = time.monotonic() + IN_ONE_GO_S
        for row in rows:
            if time.monotonic() >= ends:
                await self._s.ledger.later(replace(row, tries=row.tries - 1), 0, "the target was slow with others")
                continue
            with carried(row.trace):
                await self._one(row)
        return len(rows) + await self._doubts()

    async def _one(self, row: OutboxRow) -> None:
        trail = new_trail("")
        try:
            with span("outbox", crm=self._crm.name, tries=row.tries):
                await self._row(row, trail)
        except Retry as tired:
            self._sweep.unsure()
            log.warning("what came of a write to %s is not noted yet: %s", self._crm.name, tired)
        except Exception:
            self._sweep.unsure()
            log.exception("a write to %s broke", self._crm.name)
        finally:
            await self._s.trail.write(trail)

    async def _row(self, row: OutboxRow, trail: Trail) -> None:
        now = self._s.clock.now()
        state = await self._s.ledger.state(row.record, row.field)
        if row.erased or (state is not None and state.erased_at is not None):
            await self._s.ledger.erased(row)
            return
        if state is not None and state.conflict is not None:
            # Queued before the conflict was known: what stands there now may be the other side of it.
            await self._s.ledger.later(row, IDLE_S, "a person has to decide first")
            return
        try:
            answer = await self._write(row)
        except Unsure as tired:
            WRITTEN.labels(self._crm.name, "unsure").inc()
            await self._unsure(row)
            log.warning("a write to %s is in doubt: %s", self._crm.name, tired)
        except Retry as tired:
            WRITTEN.labels(self._crm.name, "retry").inc()
            await self._s.ledger.later(row, tired.after, str(tired))
            if row.tries <= 1:
                trail.note("waits", now, record=row.record, field=row.field)
        except Refused as refused:
            WRITTEN.labels(self._crm.name, "refused").inc()
            await self._s.ledger.refused(row, kept(refused))
            trail.note("crm_refused", now, record=row.record, field=row.field)
            await self._look_for(row, refused)
        except Exception:
            # It may have been taken: whoever claims next reads before anything is sent again.
            WRITTEN.labels(self._crm.name, "unsure").inc()
            await self._unsure(row)
            raise
        else:
            await self._answered(row, answer, trail)
        await self._spine.refresh(row.record)

    async def _write(self, row: OutboxRow) -> Applied | Conflict:
        """Without a known version the record is read first: nothing is ever written unconditionally."""
        ref = RecordRef.parse(self._there(row))
        if row.precondition is None:
            with calling("crm", self._crm.name, "get"):
                return Conflict(await self._breaker.run(lambda: self._crm.get(ref)))
        change = Change(ref, row.field, row.value, row.precondition, row.label)
        with calling("crm", self._crm.name, "apply"):
            return await self._breaker.run(lambda: self._crm.apply(change, once=row.id))

    async def _answered(self, row: OutboxRow, answer: Applied | Conflict, trail: Trail) -> None:
        now = self._s.clock.now()
        if isinstance(answer, Applied):
            WRITTEN.labels(self._crm.name, "applied").inc()
            unseen = [self._unseen(row, past, trail) for past in answer.unseen]
            await self._s.ledger.answered(row, answer.version, answer.rendered, answer.overwrote, unseen)
            if unseen:
                trail.note("overwrote_unseen", now, record=row.record, field=row.field, many=len(unseen))
                await self._spine.show_conflicts()
            trail.note("wrote", now, record=row.record, field=row.field, version=answer.version, decision=row.decision)
            self._sweep.nudge()
            return
        WRITTEN.labels(self._crm.name, "moved").inc()
        trail.note("moved", now, record=row.record, field=row.field)
        before = await self._s.records.mirrored(answer.current.ref.key)
        told = await self._s.ledger.moved(row, self._snapshot(row, answer.current, 0, trail))
        if not told.held:
            await take(self._s, self._spine, before, answer.current, told, trail)

    async def _look_for(self, row: OutboxRow, refused: Refused) -> None:
        """A record that was erased there is read by itself: its cards say so from then on."""
        if isinstance(refused, Absent):
            await heard(self._s, [RecordRef.parse(self._there(row))])

    def _there(self, row: OutboxRow) -> str:
        """The customer's record in this CRM. Raises `Refused` when it was parted from it since."""
        found = self._s.records.joined.there(row.record, self._crm.name)
        if found is None:
            raise Refused("The customer has no record in {crm} any more.", crm=self._crm.name)
        return found

    def _unseen(self, row: OutboxRow, past: Past, trail: Trail) -> Incoming:
        """What we wrote over without having seen it, as the CRM's history has it: an edit like any other."""
        return Incoming(
            record=row.record,
            field=row.field,
            kind="snapshot",
            value=past.value,
            source=native_of(self._s, self._crm.name),
            actor=Actor("crm", past.who or self._crm.name),
            once="",
            watermark=past.version or past.at,
            source_time=past.at,
            online=False,
            trace=trail.turn,
        )

    def _snapshot(self, row: OutboxRow, current: Record, began: int, trail: Trail) -> Snapshot:
        source = native_of(self._s, self._crm.name)
        return Snapshot(current, source, began=began, key=row.record, trace=trail.turn)

    async def _unsure(self, row: OutboxRow) -> None:
        """We look at once; another gateway not before it may be given up."""
        self._fresh.add(row.id)
        await self._s.ledger.unsure(row, DOUBT_S, here=True)

    async def _doubts(self) -> int:
        """Rows that were sent and never answered; how many came to an end."""
        settled, rows = 0, await self._s.ledger.doubt()
        self._fresh.intersection_update(row.id for row in rows)
        for row in rows:
            if row.target != self._crm.name:
                continue
            trail = new_trail("")
            try:
                with carried(row.trace), span("doubt", crm=self._crm.name, tries=row.tries):
                    came = await self._doubt(row, trail)
                    settled += came
                    await self._tell(row, came)
            except Retry as tired:
                self._sweep.unsure()
                log.warning("a write to %s stays in doubt: %s", self._crm.name, tired)
            except Exception:
                self._sweep.unsure()
                log.exception("a write to %s could not be settled", self._crm.name)
            finally:
                await self._s.trail.write(trail)
        return settled

    async def _tell(self, row: OutboxRow, came: bool) -> None:
        """Once: a card painted before says that it is not in the CRM yet, and nobody knows that any more."""
        if came:
            self._doubted.discard(row.id)
        elif row.id not in self._doubted:
            self._doubted.add(row.id)
            await self._spine.refresh(row.record)

    async def _doubt(self, row: OutboxRow, trail: Trail) -> bool:
        """The record is read: an equal value under our own name is the ack. False: it stays in doubt for now."""
        if row.erased:
            await self._s.ledger.erased(row)
            return True
        began = self._s.clock.now()
        try:
            with calling("crm", self._crm.name, "get"):
                current = await self._breaker.run(lambda: self._crm.get(RecordRef.parse(self._there(row))))
        except Retry:
            return False
        except Refused as refused:
            # Nobody can say what came of it: a person has to look, and it is not sent again.
            WRITTEN.labels(self._crm.name, "refused").inc()
            await self._s.ledger.refused(row, kept(refused), unsure=True)
            trail.note("crm_refused", began, record=row.record, field=row.field, unsure=True)
            await self._look_for(row, refused)
            await self._spine.refresh(row.record)
            return True
        before = await self._s.records.mirrored(current.ref.key)
        if row.id in self._fresh and _as_it_was(row, current, before):
            await self._s.ledger.unsure(row, DOUBT_S)
            self._fresh.discard(row.id)  # not before: until then it is listed here, and would be given up
            return False
        snapshot = self._snapshot(row, current, began, trail)
        told = await self._s.ledger.settle(row, snapshot, ours=current.modified_by == GATEWAY)
        if not told.held:
            await take(self._s, self._spine, before, current, told, trail)
        await self._spine.refresh(row.record)
        return True


def _as_it_was(row: OutboxRow, current: Record, before: Record | None) -> bool:
    """Nobody has changed it since the write was decided on: nor have we, yet. Where versions are counted by
    whoever reads, the record may be the same under another."""
    known = row.precondition if row.precondition is not None else before.version if before is not None else None
    same = before is not None and (before.modified, before.fields) == (current.modified, current.fields)
    return known is not None and (current.version <= known or same)
