"""What grows without end and is not the ledger goes by age: hourly, in one gateway at a time, some rows at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial

from channels.model import Deletes
from gateway.config.model import seconds
from gateway.errors import Retry
from gateway.mentioning.weights import WINDOW_MS
from gateway.metrics import REMOVED
from gateway.services import Services
from gateway.store.aging import AgingStore

log = logging.getLogger("floatcard.retention")

EVERY_S = 3_600.0
AGAIN_S = 60.0
"""After a store that was away."""
BREATH_S = 0.005
"""Between two batches, for whoever else writes."""
_DAY_MS = 86_400_000
TRIED_MS = 30 * _DAY_MS
"""Longer than a job is tried before it is parked."""

Some = Callable[[], Awaitable[int]]


class Retention:
    def __init__(self, services: Services) -> None:
        self._s = services
        self._old = AgingStore(services.store)

    async def run(self) -> None:
        while True:
            try:
                await self.once()
                wait = EVERY_S
            except Retry as tired:
                log.warning("what is old could not be removed just now: %s", tired)
                wait = AGAIN_S
            except Exception:
                log.exception("what is old could not be removed")
                wait = EVERY_S
            await asyncio.sleep(wait)

    async def once(self) -> dict[str, int]:
        """Everything that is old now; how many of each."""
        gone: dict[str, int] = {}
        now = self._s.clock.now()
        for what, some in self._steps(now, await self._answered(now), await self._old.crms()):
            gone[what] = gone.get(what, 0) + await self._all(what, some)
        told = {what: count for what, count in gone.items() if count}
        if told:
            log.info("removed by age: %s", ", ".join(f"{count} of {what}" for what, count in told.items()))
        return gone

    async def _all(self, what: str, some: Some) -> int:
        gone = 0
        while count := await some():
            gone += count
            REMOVED.labels(what).inc(count)
            await asyncio.sleep(BREATH_S)
        return gone

    async def _answered(self, now: int) -> int:
        """Up to when the first answers to edits are of no use: a parked job may bring its edit again."""
        _, parked = await self._s.bus.aside()
        return min(now - seconds(self._s.config.retention.inbox) * 1000, (now if parked is None else parked) - TRIED_MS)

    def _steps(self, now: int, answered: int, crms: Iterable[str]) -> Iterator[tuple[str, Some]]:
        keep, old, bus = self._s.config.retention, self._old, self._s.bus
        once, slots = now - seconds(keep.once) * 1000, now - seconds(keep.slots) * 1000
        yield "names", partial(bus.forget, once)
        yield "parked", partial(bus.discard, now - seconds(keep.parked) * 1000)
        yield "trail", partial(old.trail, now - seconds(keep.trail) * 1000)
        yield "inbox", partial(old.inbox, answered)
        for crm in crms:
            yield "outbox", partial(old.outbox, crm, now - seconds(keep.outbox) * 1000)
        yield "slots", partial(old.empty_slots, once)
        yield "slots", partial(old.slots, slots)
        yield from self._fixed(now)
        yield "floated", partial(old.floated, slots)
        yield "named", partial(old.named, now - _DAY_MS)  # of what was said longer ago nothing is asked
        yield "lessons", partial(old.lessons, now - WINDOW_MS)
        yield "codes", partial(old.codes, once)
        yield "kept", partial(old.kept, now)
        yield "counts", partial(self._s.stages.store.forget, now - seconds(keep.counts) * 1000)

    def _fixed(self, now: int) -> Iterator[tuple[str, Some]]:
        """Messages that can be neither changed nor taken away any more: nothing we know of them is of use."""
        for name, channel in self._s.channels.items():
            within = channel.limits.editable_for
            if within is not None and not isinstance(channel, Deletes):
                yield "slots", partial(self._old.slots, now - int(within * 1000) - _DAY_MS, name)
