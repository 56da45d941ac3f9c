"""From a CRM to us: its change feed, read again and again, so that a lost webhook heals by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from crm.model import Crm, Record
from gateway.errors import Refused, Retry
from gateway.handlers import alerts, conflicts
from gateway.services import Services
from gateway.spine import Spine
from gateway.store.ledger import Observed
from gateway.turn import Trail, new_trail
from reconcile.model import Json, Source

log = logging.getLogger("floatcard.sweep")

EVERY_S = 1.0
PAGE = 200


class Sweep:
    """One CRM's feed. `nudge` looks at once: after our own write, or a webhook."""

    def __init__(self, services: Services, spine: Spine, crm: Crm) -> None:
        self._s = services
        self._spine = spine
        self._crm = crm
        self._look = asyncio.Event()

    def nudge(self) -> None:
        self._look.set()

    async def run(self) -> None:
        wait = EVERY_S
        while True:
            try:
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
        cursor = await self._s.mirror.cursor(self._crm.name)
        seen, page = 0, []
        async for record, cursor in self._crm.changes(cursor):  # noqa: B020 -- the cursor moves with the feed
            page.append(record)
            if len(page) >= PAGE:
                if not await self._page(page, cursor, first):
                    return seen
                seen, page = seen + len(page), []
        if page and await self._page(page, cursor, first):
            seen += len(page)
        return seen

    async def _page(self, page: Sequence[Record], cursor: str, first: bool) -> bool:
        """False when one of its records is held: then the cursor stays, and nothing behind it is read yet."""
        trail = new_trail("")
        try:
            # A record stands once in a run, so they may be decided side by side, in shared commits.
            read = await asyncio.gather(*(self._observe(record, trail, first) for record in page))
        finally:
            await self._s.trail.write(trail)
        if not all(read):
            return False
        await self._s.mirror.advance(self._crm.name, cursor, self._s.clock.now())
        return True

    async def _observe(self, record: Record, trail: Trail, first: bool) -> bool:
        """False while the record is held: a write of ours to it is unanswered, and its echo must not be read first."""
        before = await self._s.records.mirrored(record.ref.key)
        told = await self._s.ledger.observe(record, native(self._crm.name), trace=trail.turn)
        if told.held:
            return False
        if told.stale:
            return True
        # The alert comes before what it is judged by is replaced: after a crash in between it is judged again.
        await alerts.risk_turned_high(self._s, before, record, trail)
        try:
            await self._s.records.put([record])
        except Refused:
            return True  # erased here: what the CRM still says of it is not taken in again
        if first and before is None:
            return True
        self._note(record, before, told, trail)
        for each in told.ingested:
            await conflicts.opened(self._s, each)
        if before != record:
            await self._spine.refresh(record.ref.key)
        return True

    def _note(self, record: Record, before: Record | None, told: Observed, trail: Trail) -> None:
        fields: list[Json] = [each.decision.field for each in told.ingested]
        if fields and before is not None:
            trail.note("observed", self._s.clock.now(), record=record.ref.key, fields=fields)


def native(crm: str) -> Source:
    """What a CRM says of itself: policies name the CRM as configured, people read `[CRM]`."""
    return Source(crm, "CRM", "", crm)
