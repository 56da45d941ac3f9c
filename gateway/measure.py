"""What is looked up when somebody asks for the metrics, and how late the event loop wakes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from importlib.metadata import PackageNotFoundError, version

from channels.misread import Misreads
from gateway import metrics
from gateway.beginnings import begin
from gateway.bus.model import Delivery
from gateway.errors import Retry
from gateway.services import Services
from gateway.store.measure import OPEN, Measured, measured
from gateway.worker import Worker

log = logging.getLogger("floatcard.measure")

EVERY_S = 10.0
"""The store is asked at most this often, however many ask us."""
PATIENCE_S = 1.0
"""So long the answer to a scrape waits for the store; what was known last is told then."""
LAG_EVERY_S = 0.25

LANES = {"press": "press", "room": "room", "repaint": "repaint"}
"""A lane's class by what its name begins with; whatever else is `other`."""
UP = {"store": metrics.STORE_UP, "queue": metrics.BUS_UP}


class Gauges:
    def __init__(self, services: Services, worker: Worker) -> None:
        self._s = services
        self._worker = worker
        self._asked = -EVERY_S
        self._asks: dict[str, Callable[[], Awaitable[None]]] = {"store": self._ask_store, "queue": self._ask_bus}
        self._asking: dict[str, asyncio.Task[None]] = {}
        """Each by itself: one that hangs says nothing of the other."""
        self._misread = Counter[str]()
        begin(services)
        metrics.BUILD.info({"version": _version(), **_engines(services)})

    async def refresh(self) -> None:
        """Never raises, and never waits long: a store that hangs must not hide everything else."""
        self._queue()
        self._s.pressure.look()
        self._overheard()
        now, before = time.monotonic(), set(self._asking)
        if now - self._asked >= EVERY_S:
            self._asked = now
            for what in self._asks.keys() - self._asking.keys():
                self._asking[what] = asyncio.create_task(self._ask(what))
        if asking := dict(self._asking):
            await asyncio.wait(asking.values(), timeout=PATIENCE_S)
            for what in [what for what, task in asking.items() if not task.done()]:
                if what in before:  # else it may only be slow: what is counted takes a while in a large store
                    UP[what].set(0)
            self._asking = {what: task for what, task in self._asking.items() if not task.done()}

    async def _ask(self, what: str) -> None:
        try:
            await self._asks[what]()
        except Retry:
            UP[what].set(0)
        except Exception:
            log.exception("the store or the queue could not be measured")
        else:
            UP[what].set(1)

    async def _ask_store(self) -> None:
        self._told(await measured(self._s.store, self._s.clock.now()))

    async def _ask_bus(self) -> None:
        parked, _ = await self._s.bus.aside()
        metrics.PARKED_NOW.set(parked)

    def _told(self, found: Measured) -> None:
        for crm in self._s.crms:
            for state in OPEN:
                metrics.OUTBOX.labels(crm, state).set(found.outbox.get((crm, state), 0))
            metrics.OUTBOX_AGE.labels(crm).set(found.oldest.get(crm, 0.0))
        metrics.OVERDUE.set(found.overdue)
        metrics.OVERDUE_AGE.set(max(found.late, 0.0))
        metrics.CONFLICTS.set(found.conflicts)
        metrics.STORE_BYTES.set(found.bytes)
        metrics.BACKED_UP.set(found.backed_up / 1000)

    def _overheard(self) -> None:
        """What the door counts itself, of those who listen on a connection of ours."""
        for name, channel in self._s.channels.items():
            if isinstance(channel, Misreads):
                metrics.RECEIVED.labels(name, "unreadable").inc(channel.misread - self._misread[name])
                self._misread[name] = channel.misread

    def _queue(self) -> None:
        metrics.WAITING.set(self._worker.waiting)
        metrics.WRITES.set(self._s.store.waiting)
        metrics.QUEUE_ALL.set(getattr(self._s.bus, "waiting", self._worker.waiting))
        counts, ages = backlog(self._worker.backlog(), self._s.clock.now())
        for lane in (*LANES.values(), "other"):
            metrics.QUEUE.labels(lane).set(counts.get(lane, 0))
            metrics.QUEUE_AGE.labels(lane).set(ages.get(lane, 0.0))


def backlog(waiting: Iterable[Delivery], now: int) -> tuple[dict[str, int], dict[str, float]]:
    """By class of lane: how many, and how old the oldest is, in seconds."""
    counts, ages = Counter[str](), dict[str, float]()
    for each in waiting:
        lane = LANES.get(each.job.lane.partition(":")[0], "other")
        counts[lane] += 1
        at = getattr(each, "at", 0) or now
        ages[lane] = max(ages.get(lane, 0.0), (now - at) / 1000)
    return dict(counts), ages


async def watch_loop() -> None:
    """Until it is cancelled: how late a sleep ends is how long everybody else waits."""
    loop = asyncio.get_running_loop()
    while True:
        before = loop.time()
        await asyncio.sleep(LAG_EVERY_S)
        metrics.LOOP_LAG.observe(max(loop.time() - before - LAG_EVERY_S, 0.0))


def _engines(services: Services) -> dict[str, str]:
    bus = services.config.bus.partition(":")[0]
    return {"store": services.store.url.get_backend_name(), "bus": "redis" if bus.startswith("redis") else bus}


def _version() -> str:
    try:
        return version("floatcard")
    except PackageNotFoundError:
        return "unknown"
