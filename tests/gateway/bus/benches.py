"""A bus that can be opened again, beside itself, and struck down: what every engine's tests stand on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.bus.embedded import EmbeddedBus
from gateway.bus.model import Bus, Delivery, Job
from gateway.bus.redis import RedisBus
from gateway.store.engine import Store
from gateway.store.jobs import JobStore


@dataclass
class Clock:
    at: int = 1_800_000_000_000

    def now(self) -> int:
        return self.at


async def until(true: Callable[[], bool], within: float = 60.0) -> None:
    """Waits for it; what comes in time is not measured."""
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.005)


@dataclass
class Running:
    """One process' bus, and what it handed over."""

    bus: Bus
    got: list[Delivery] = field(default_factory=list)

    @property
    def onces(self) -> list[str]:
        return [each.job.once for each in self.got]

    async def start(self) -> Running:
        await self.bus.start(self.got.append)
        return self

    async def arrived(self, count: int) -> list[Delivery]:
        await until(lambda: len(self.got) >= count)
        return self.got

    async def ack_all(self) -> None:
        for each in self.got:
            await self.bus.ack(each)


@dataclass
class Bench:
    """`open()` is a process on this queue; `crash` ends one without a word."""

    url: str
    store: Store | None = None
    clock: Clock = field(default_factory=Clock)
    opened: list[Bus] = field(default_factory=list)

    async def open(self) -> Running:
        bus: Bus
        if self.store is not None:
            bus = EmbeddedBus(JobStore(self.store), self.clock)
        else:
            bus = await RedisBus.open(self.url, "test", self.clock)
        self.opened.append(bus)
        return Running(bus)

    async def crash(self, running: Running) -> None:
        bus = running.bus
        self.opened.remove(bus)
        if isinstance(bus, RedisBus):
            stand_still(bus)
            await asyncio.gather(*bus._tasks, return_exceptions=True)
            await bus._redis.aclose()
        else:
            assert isinstance(bus, EmbeddedBus)
            bus._deliver = None

    async def close(self) -> None:
        for bus in self.opened:
            await bus.close()
        if self.store is not None:
            await self.store.close()


def stand_still(bus: Bus) -> None:
    """Its process does nothing any more, and what it says when it wakes is its own to say."""
    assert isinstance(bus, RedisBus)
    bus._closing = True
    for task in bus._tasks:
        task.cancel()


def job(once: str, lane: str = "room:a", body: bytes = b"b", *, here: bool = False) -> Job:
    return Job("event", lane, once, body, here)
