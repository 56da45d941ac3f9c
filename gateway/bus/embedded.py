"""The embedded bus: a real queue in the store. What it holds survives a crash; one process works on it."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Container, Iterable, Iterator
from dataclasses import replace

from gateway.bus.model import Bus, Deliver, Delivery, Job
from gateway.clock import Clock
from gateway.errors import Retry
from gateway.store.alone import LOST, Alone
from gateway.store.jobs import JobStore


class EmbeddedBus:
    """Jobs are handed over from memory once committed; the table is what a restart reads them from."""

    shared = False

    def __init__(self, jobs: JobStore, clock: Clock, alone: Alone | None = None) -> None:
        self._alone = alone
        self.emptied: Callable[[], Awaitable[None]] | None = None
        self._jobs = jobs
        self._clock = clock
        self._deliver: Deliver | None = None
        self._epoch = 0
        self._held: set[int] = set()
        """Jobs that are not done with."""
        self._unsure = False
        """Whether something may have been added, or taken up again, that nobody here was told of."""
        self._begun: dict[int, Delivery] = {}

    @property
    def waiting(self) -> int:
        return len(self._held)

    async def publish(self, job: Job, local: object = None) -> bool:
        if self._alone is not None and self._alone.lost:
            raise Retry(5.0, LOST)
        now = self._clock.now()
        try:
            id_ = await self._jobs.add(job, now)
        except BaseException:
            self._unsure = True  # who is cancelled cancels no write, and a commit may outlive the line to it
            raise
        if id_ is None:
            return False
        if id_ not in self._held:  # else it was read from the table just now, as the queue was started
            self._hand_over(Delivery(id_, job, 1, local, at=now))
        return True

    def _hand_over(self, delivery: Delivery) -> None:
        self._held.add(delivery.id)
        if self._deliver is not None:
            self._deliver(delivery)

    async def start(self, deliver: Deliver) -> None:
        """What is published while the table is read is handed over after it, and once."""
        meanwhile: list[Delivery] = []
        self._deliver = meanwhile.append
        await self._jobs.take_again()
        waiting = await self._jobs.ready()
        self._deliver = deliver
        known = {delivery.id for delivery in waiting}
        self._held = set(known)
        # A job of this very moment may be in both: what came with it in this process is worth keeping.
        fresh = {delivery.id: delivery for delivery in meanwhile}
        for delivery in _suspected(waiting, fresh):
            deliver(fresh.get(delivery.id, delivery))
        for delivery in meanwhile:
            if delivery.id not in known:
                self._hand_over(delivery)

    async def close(self) -> None:
        """What was cut off in good order did not kill anybody."""
        self._deliver = None
        for delivery in list(self._begun.values()) if self._alone is None or not self._alone.lost else ():
            with contextlib.suppress(Retry):
                await self._jobs.begun(delivery.id, delivery.starts)
        if self._alone is not None:
            await self._alone.release()

    def holds(self, delivery: Delivery) -> bool:
        return self._alone is None or not self._alone.lost

    async def begin(self, delivery: Delivery) -> None:
        self._begun[delivery.id] = delivery
        await self._jobs.begun(delivery.id, delivery.starts + 1)

    async def spare(self, delivery: Delivery) -> None:
        await self._jobs.begun(delivery.id, delivery.starts)

    async def ack(self, delivery: Delivery) -> None:
        await self._jobs.remove(delivery.id)
        self._done_with(delivery)

    async def retry(self, delivery: Delivery, after: float) -> Delivery:
        await self._jobs.tried(delivery.id, delivery.tries + 1)
        self._begun.pop(delivery.id, None)
        return replace(delivery, tries=delivery.tries + 1, starts=0)

    async def park(self, delivery: Delivery, why: str) -> None:
        await self._jobs.park(delivery.id, why, self._clock.now())
        self._done_with(delivery)

    def _done_with(self, delivery: Delivery) -> None:
        self._begun.pop(delivery.id, None)
        self._held.discard(delivery.id)

    async def parked(self, after: int = 0, limit: int | None = None) -> list[tuple[Delivery, str]]:
        return await self._jobs.parked(after, limit)

    async def aside(self) -> tuple[int, int | None]:
        return await self._jobs.aside()

    async def replay(self, ids: list[int] | None = None) -> int:
        wanted = await self._jobs.again(ids)
        await self.look()
        return len(wanted)

    async def look(self) -> int:
        if self._deliver is None:
            return 0
        unsure, self._unsure = self._unsure, False
        try:
            taken = await self._jobs.take_again()
            if unsure:
                taken = await self._jobs.written()
        except BaseException:
            self._unsure = True
            raise
        missed = [delivery for delivery in taken if delivery.id not in self._held]
        for delivery in missed:
            self._hand_over(delivery)
        return len(missed)

    async def discard(self, before: int) -> int:
        return await self._jobs.discard(before)

    async def forget(self, before: int) -> int:
        return await self._jobs.forget(before)

    async def epoch(self) -> int:
        return self._epoch

    async def bump(self) -> None:
        self._epoch += 1


def _suspected(waiting: Iterable[Delivery], fresh: Container[int]) -> Iterator[Delivery]:
    """Only the first of a lane can have been running when a process before this one ended."""
    lanes: set[str] = set()
    for each in waiting:
        first = each.job.lane not in lanes
        lanes.add(each.job.lane)
        yield replace(each, suspect=first and each.id not in fresh)


_: type[Bus] = EmbeddedBus
