"""The worker: one lane per room, order inside a lane, lanes side by side; one bad job never ends a lane."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field

from gateway.bus.model import Bus, Delivery, Handle
from gateway.errors import Refused, Rejected, Retry, Unreadable
from gateway.metrics import JOBS, PARKED
from gateway.telemetry import carried, unpacked

log = logging.getLogger("floatcard.worker")

PRESS = "press:"
"""What the lane of a press begins with: a person waits for it, so it waits for no room's work."""
_LONGEST_WAIT = 60.0
SURVIVED_S = 0.5
"""What ends a process does so at once, or keeps the loop from turning until it does."""
_STILL_COUNTED = 0.25
"""For so many of those that went on beyond it their start still counts: what kills slowly is found out too, later."""
_PATIENCE = 2_000
"""So many times as many tries for one who is down or tired, with about half a minute between them: days."""


def pause(tries: int, asked: float) -> float:
    """Seconds before the next try: what was asked for (`Retry-After`), and on top anything up to a step that doubles
    with every try (full jitter: those that failed together do not come back together)."""
    step = min((asked or 0.2) * 2.0 ** min(tries - 1, 20), _LONGEST_WAIT)
    return asked + random.uniform(0.0, step)  # noqa: S311 -- jitter, not a secret


@dataclass(slots=True)
class _Lane:
    waiting: deque[Delivery] = field(default_factory=deque)
    busy: bool = False


class Worker:
    """At most `at_a_time` jobs run at once, and as many presses beside them; one that waits to be tried again holds
    no place."""

    def __init__(
        self, bus: Bus, handle: Handle, *, at_a_time: int, tries: int, chance: random.Random | None = None
    ) -> None:
        self._bus = bus
        self._handle = handle
        self._places = {True: asyncio.Semaphore(at_a_time), False: asyncio.Semaphore(at_a_time)}
        self._tries = tries
        self._chance = chance or random.Random()  # noqa: S311 -- a count, not a secret
        self._one_by_one = asyncio.Lock()
        self._lanes: dict[str, _Lane] = {}
        self._put_off_now: dict[str, Delivery] = {}
        """By lane, what was tried and waits for its next try: what stands behind it waits as long."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._end = asyncio.Event()

    async def start(self) -> None:
        await self._bus.start(self.deliver)

    def deliver(self, delivery: Delivery) -> None:
        """Puts a delivery at the end of its lane."""
        if self._end.is_set():
            return  # it stays in the bus, and is delivered at the next start
        lane = self._lanes.setdefault(delivery.job.lane, _Lane())
        lane.waiting.append(delivery)
        if not lane.busy:
            lane.busy = True
            self._spawn(self._drain(delivery.job.lane, lane))

    async def stop(self, within: float) -> None:
        """Takes nothing new, lets what runs finish; what still runs after `within` seconds is left to the bus."""
        self._end.set()
        for lane in self._lanes.values():
            lane.waiting.clear()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=within)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    @property
    def waiting(self) -> int:
        return sum(len(lane.waiting) for lane in self._lanes.values())

    @property
    def busy(self) -> bool:
        return bool(self._tasks)

    async def idle(self) -> None:
        """Returns when some lane has come to its end."""
        if self._tasks:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self, name: str, lane: _Lane) -> None:
        try:
            while lane.waiting:
                try:
                    await self._in_turn(lane.waiting.popleft())
                except Exception:
                    log.exception("a job could not be ended: it is taken up again at the next start")
        finally:
            lane.busy = False
            if not lane.waiting:
                self._lanes.pop(name, None)

    def backlog(self) -> Iterator[Delivery]:
        """What waits in this process, also for its next try."""
        yield from list(self._put_off_now.values())
        for lane in list(self._lanes.values()):
            yield from list(lane.waiting)

    async def _in_turn(self, delivery: Delivery) -> None:
        """Under the turn and the trace that it was published in."""
        with carried(unpacked(delivery.job.body)[0]):
            await self._run(delivery)

    async def _run(self, delivery: Delivery) -> None:
        """To its end: acknowledged or parked. A retry keeps its turn, so that the lane keeps its order."""
        while True:
            async with self._place(delivery):
                if not self._bus.holds(delivery):
                    return  # another process has it now
                wait = await (self._watched(delivery) if delivery.suspect else self._try(delivery))
            if wait is None or await self._put_off(delivery, wait) or not self._bus.holds(delivery):
                return
            try:
                delivery = await self._bus.retry(delivery, wait)
            except Retry:
                continue

    async def _watched(self, delivery: Delivery) -> float | None:
        """What may have ended an earlier process is noted before it runs; at last it is parked without running."""
        if delivery.starts >= max(self._tries - 1, 2):
            await self._park(delivery, f"the process ended at least {delivery.starts} times while it ran")
            return None
        await self._surely(delivery, lambda: self._bus.begin(delivery))
        return await self._try(delivery)

    def _place(self, delivery: Delivery) -> contextlib.AbstractAsyncContextManager[None]:
        """Was it noted before, then it runs beside no other of its like, so that the next end says which one it is;
        the one place that is kept for these is nobody else's, or all of them would wait as often as there are."""
        if delivery.suspect and delivery.starts:
            return self._one_by_one
        return self._places[delivery.job.lane.startswith(PRESS)]

    async def _try(self, delivery: Delivery) -> float | None:
        """None when done with; else the seconds to wait before the next try."""
        try:
            await (self._surviving(delivery) if delivery.suspect else self._handle(delivery))
        except Retry as tired:
            # Who is down comes back: only after days is that given up.
            return await self._again(delivery, tired, self._tries * _PATIENCE, tired.after)
        except (Refused, Rejected, Unreadable) as final:
            await self._surely(delivery, lambda: self._bus.ack(delivery))
            JOBS.labels(delivery.job.topic, type(final).__name__.lower()).inc()
            return None
        except Exception as bug:
            log.exception("a job failed", extra={"job": delivery.id, "tries": delivery.tries})
            return await self._again(delivery, bug, self._tries, 0.0)
        await self._surely(delivery, lambda: self._bus.ack(delivery))
        JOBS.labels(delivery.job.topic, "done").inc()
        return None

    async def _surviving(self, delivery: Delivery) -> None:
        """A suspect that goes on beside others, as one that waits for its turn at a network, is hardly what ended the
        process before: should another kill come while it runs, that is mostly not held against it."""
        ended = asyncio.Event()
        sparing = None
        if self._chance.random() >= _STILL_COUNTED:
            sparing = asyncio.get_running_loop().create_task(self._spared(delivery, ended))
        try:
            await self._handle(delivery)
        except asyncio.CancelledError:
            if sparing is not None:
                sparing.cancel()  # who stops cannot wait for a bus that does not answer; its close tells it the same
            raise
        finally:
            ended.set()
            if sparing is not None:
                await asyncio.wait((sparing,))

    async def _spared(self, delivery: Delivery, ended: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), SURVIVED_S)
        turned = loop.time() - began < 2 * SURVIVED_S  # who comes so late was kept from it, by this job for all we know
        if ended.is_set() or not turned or not self._bus.holds(delivery):
            return
        try:
            await self._bus.spare(delivery)
        except Retry as tired:
            log.warning("the bus takes nothing just now: %s", tired)
        except Exception:
            log.exception("a job could not be spared")

    async def _again(self, delivery: Delivery, why: Exception, patience: int, asked: float) -> float | None:
        if delivery.tries < patience:
            return pause(delivery.tries, asked)
        await self._park(delivery, f"{type(why).__name__}: tried {delivery.tries} times")
        return None

    async def _park(self, delivery: Delivery, why: str) -> None:
        await self._surely(delivery, lambda: self._bus.park(delivery, why))
        PARKED.inc()

    async def _surely(self, delivery: Delivery, tell: Callable[[], Awaitable[None]]) -> None:
        """The bus is told how a job ended, even if it cannot listen just now: the lane must not end over that."""
        while True:
            try:
                return await tell()
            except Retry as tired:
                log.warning("the bus takes nothing just now: %s", tired)
                if await self._ended(tired.after):
                    raise
                if not self._bus.holds(delivery):
                    return None  # whoever has it now comes to the same end

    async def _put_off(self, delivery: Delivery, wait: float) -> bool:
        """Whether it was ended meanwhile."""
        self._put_off_now[delivery.job.lane] = delivery
        try:
            return await self._ended(wait)
        finally:
            del self._put_off_now[delivery.job.lane]

    async def _ended(self, within: float) -> bool:
        """Waits, but not for one who stops."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._end.wait(), within)
        return self._end.is_set()
