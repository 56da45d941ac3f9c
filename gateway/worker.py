"""The worker: one lane per room, order inside a lane, lanes side by side; one bad job never ends a lane."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field

from gateway.bus.model import Bus, Delivery, Handle
from gateway.errors import Refused, Rejected, Retry, Unreadable
from gateway.metrics import JOBS, PARKED

log = logging.getLogger("floatcard.worker")

_LONGEST_WAIT = 300.0


@dataclass(slots=True)
class _Lane:
    waiting: deque[Delivery] = field(default_factory=deque)
    busy: bool = False


class Worker:
    """`handle` runs a delivery; what it returns answers whoever waits for that job's `once`."""

    def __init__(self, bus: Bus, handle: Handle, *, at_a_time: int, tries: int) -> None:
        self._bus = bus
        self._handle = handle
        self._slots = asyncio.Semaphore(at_a_time)
        self._tries = tries
        self._lanes: dict[str, _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._answers: dict[str, asyncio.Future[object]] = {}
        self._stopping = False

    async def start(self) -> None:
        await self._bus.start(self.deliver)

    def deliver(self, delivery: Delivery) -> None:
        """Puts a delivery at the end of its lane."""
        if self._stopping:
            return  # it stays in the bus, and is delivered at the next start
        lane = self._lanes.setdefault(delivery.job.lane, _Lane())
        lane.waiting.append(delivery)
        if not lane.busy:
            lane.busy = True
            self._spawn(self._drain(delivery.job.lane, lane))

    def expect(self, once: str) -> asyncio.Future[object]:
        """What the job named `once` will return; ask before it is published."""
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._answers[once] = future
        future.add_done_callback(lambda _: self._answers.pop(once, None))
        return future

    async def stop(self, within: float) -> None:
        """Takes nothing new, lets what runs finish; what still runs after `within` seconds is left to the bus."""
        self._stopping = True
        for lane in self._lanes.values():
            lane.waiting.clear()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=within)
            for task in late:
                task.cancel()

    @property
    def waiting(self) -> int:
        return sum(len(lane.waiting) for lane in self._lanes.values())

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self, name: str, lane: _Lane) -> None:
        try:
            while lane.waiting:
                async with self._slots:
                    delivery = lane.waiting.popleft()
                    await self._run(delivery)
        finally:
            lane.busy = False
            if not lane.waiting:
                self._lanes.pop(name, None)

    async def _run(self, delivery: Delivery) -> None:
        """To its end: acknowledged or parked. A retry keeps its place, so that the lane keeps its order."""
        while True:
            wait = await self._try(delivery)
            if wait is None or self._stopping:
                return
            await asyncio.sleep(wait)
            try:
                delivery = await self._bus.retry(delivery, wait)
            except Retry:
                continue

    async def _try(self, delivery: Delivery) -> float | None:
        """None when done with; else the seconds to wait before the next try."""
        try:
            result = await self._handle(delivery)
        except Retry as tired:
            return await self._again(delivery, tired, tired.after)
        except (Refused, Rejected, Unreadable) as final:
            await self._over(delivery, final)
            return None
        except Exception as bug:
            log.exception("a job failed", extra={"job": delivery.id, "tries": delivery.tries})
            return await self._again(delivery, bug, min(2.0 ** (delivery.tries - 1) * 0.2, 30.0))
        await self._bus.ack(delivery)
        self._answer(delivery, result)
        JOBS.labels(delivery.job.topic, "done").inc()
        return None

    async def _again(self, delivery: Delivery, why: Exception, after: float) -> float | None:
        self._fail(delivery, why)
        if delivery.tries < self._tries or (isinstance(why, Retry) and delivery.tries < self._tries * 20):
            return min(after * random.uniform(0.8, 1.2), _LONGEST_WAIT)  # noqa: S311 -- jitter, not a secret
        await self._bus.park(delivery, f"{type(why).__name__}: tried {delivery.tries} times")
        PARKED.inc()
        return None

    async def _over(self, delivery: Delivery, why: Exception) -> None:
        await self._bus.ack(delivery)
        self._fail(delivery, why)
        JOBS.labels(delivery.job.topic, type(why).__name__.lower()).inc()

    def _answer(self, delivery: Delivery, result: object) -> None:
        future = self._answers.get(delivery.job.once)
        if future is not None and not future.done():
            future.set_result(result)

    def _fail(self, delivery: Delivery, why: Exception) -> None:
        future = self._answers.get(delivery.job.once)
        if future is not None and not future.done():
            future.set_exception(why)
