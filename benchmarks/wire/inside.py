"""What lies between an event and its handler in our own process, the commit left out: microseconds of CPU."""

from __future__ import annotations

import asyncio
import itertools
import time
from types import SimpleNamespace
from typing import Any, cast

from channels.model import ImId, MessageRef, Place, Said, Sender
from gateway.bus.embedded import EmbeddedBus
from gateway.bus.model import Delivery, Job
from gateway.clock import SystemClock
from gateway.intake import accept
from gateway.pressure import Pressure
from gateway.store.jobs import JobStore
from gateway.worker import Worker


class Kept:
    """Stands where the store's queue stands, and forgets."""

    def __init__(self) -> None:
        self.serial = itertools.count(1)

    async def add(self, new: Job, at: int) -> int:
        return next(self.serial)

    async def ready(self) -> list[Delivery]:
        return []

    async def take_again(self) -> list[Delivery]:
        return []

    async def remove(self, id_: int) -> None:
        return None


def said(n: int) -> Said:
    where = Place("slack", f"C{n % 200}", "1.0")
    who = Sender(ImId("slack", "T0", "user", f"U{n % 50}"), "", "unknown")
    return Said(f"slack:T0:message:{n}", where, who, MessageRef(where, f"{n}.0"), "Morning all, the slides are in", n)


async def _overhead(count: int) -> float:
    done = 0

    async def handle(delivery: Delivery) -> None:
        nonlocal done
        done += 1

    bus = EmbeddedBus(cast("JobStore", Kept()), SystemClock())
    services: Any = SimpleNamespace(bus=bus, pressure=Pressure(lambda: bus.waiting, {"card": count * 2}))
    worker = Worker(bus, handle, at_a_time=64, tries=5)
    await worker.start()
    events = [said(n) for n in range(count)]
    start = time.process_time()
    for at in range(0, count, 32):
        for event in events[at : at + 32]:
            await accept(services, event)
        while worker.busy:
            await worker.idle()
    spent = time.process_time() - start
    assert done == count
    return spent / count * 1e6


def overhead(count: int = 20_000, rounds: int = 5) -> float:
    return min(asyncio.run(_overhead(count)) for _ in range(rounds))


if __name__ == "__main__":
    print(f"{overhead():.1f} µs")
