"""The embedded bus: a real queue in the store. What it holds survives a crash; one process works on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gateway.bus.model import Bus, Deliver, Delivery, Job
from gateway.clock import Clock
from gateway.store.alone import Alone
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

    async def publish(self, job: Job, local: object = None) -> bool:
        id_ = await self._jobs.add(job, self._clock.now())
        if id_ is None:
            return False
        if self._deliver is not None:
            self._deliver(Delivery(id_, job, 1, local))
        return True

    async def start(self, deliver: Deliver) -> None:
        """What is published while the table is read is handed over after it, and once."""
        meanwhile: list[Delivery] = []
        self._deliver = meanwhile.append
        waiting = await self._jobs.ready()
        self._deliver = deliver
        known = {delivery.id for delivery in waiting}
        # A job of this very moment may be in both: what came with it in this process is worth keeping.
        fresh = {delivery.id: delivery for delivery in meanwhile}
        for delivery in waiting:
            deliver(fresh.get(delivery.id, delivery))
        for delivery in meanwhile:
            if delivery.id not in known:
                deliver(delivery)

    async def close(self) -> None:
        self._deliver = None
        if self._alone is not None:
            await self._alone.release()

    def holds(self, delivery: Delivery) -> bool:
        return True

    async def ack(self, delivery: Delivery) -> None:
        await self._jobs.remove(delivery.id)

    async def retry(self, delivery: Delivery, after: float) -> Delivery:
        await self._jobs.tried(delivery.id, delivery.tries + 1)
        return Delivery(delivery.id, delivery.job, delivery.tries + 1, delivery.local)

    async def park(self, delivery: Delivery, why: str) -> None:
        await self._jobs.park(delivery.id, why)

    async def parked(self) -> list[tuple[Delivery, str]]:
        return await self._jobs.parked()

    async def replay(self, ids: list[int] | None = None) -> int:
        wanted = [delivery for delivery, _ in await self.parked() if ids is None or delivery.id in ids]
        for delivery in wanted:
            await self._jobs.unpark(delivery.id)
            if self._deliver is not None:
                self._deliver(Delivery(delivery.id, delivery.job, 1))
        return len(wanted)

    async def forget(self, before: int) -> int:
        return await self._jobs.forget(before)

    async def epoch(self) -> int:
        return self._epoch

    async def bump(self) -> None:
        self._epoch += 1


_: type[Bus] = EmbeddedBus
