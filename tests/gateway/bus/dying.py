"""A process that works until the queue is empty and dies of one job: `python -m tests.gateway.bus.dying URL [fill]`.

It prints the names of what it ended, and `parked NAME WHY`; -9 is what became of it when it met the job `poison`.
"""

from __future__ import annotations

import asyncio
import os
import sys

from gateway.bus import redis as redis_bus
from gateway.bus import redis_lanes
from gateway.bus.embedded import EmbeddedBus
from gateway.bus.model import Bus, Delivery
from gateway.bus.redis import RedisBus
from gateway.clock import SystemClock
from gateway.store.engine import Store
from gateway.store.jobs import JobStore
from gateway.worker import Worker
from tests.gateway.bus.benches import job

TRIES = 4
ROOMS = 12
FILLED = asyncio.Event()


def tell(line: str) -> None:
    os.write(1, f"{line}\n".encode())


async def handle(delivery: Delivery) -> None:
    await FILLED.wait()
    await asyncio.sleep(0.01)  # all rooms have begun by now, and none has ended
    if delivery.job.once == "poison":
        os._exit(9)
    await asyncio.sleep(0.03)
    tell(delivery.job.once)


async def opened(url: str) -> tuple[Bus, Store | None]:
    if not url.startswith("redis"):
        store = Store.open(url)
        return EmbeddedBus(JobStore(store), SystemClock()), store
    redis_lanes.TTL_MS = 600
    vars(redis_bus).update(TICK_S=0.1, BLOCK_MS=50)
    return await RedisBus.open(url, "test", SystemClock()), None


async def fill(bus: Bus) -> None:
    for room in range(ROOMS):
        for n in range(3):
            name = "poison" if (room, n) == (5, 0) else f"{room}-{n}"
            await bus.publish(job(name, f"room:{room}"))


async def main(url: str, filling: bool) -> None:
    bus, store = await opened(url)
    worker = Worker(bus, handle, at_a_time=64, tries=TRIES)
    await worker.start()
    if filling:
        await fill(bus)
    FILLED.set()
    calm = 0
    while calm < 3:
        await asyncio.sleep(0.1)
        calm = 0 if worker.busy or bus.waiting else calm + 1
    for parked, why in await bus.parked():
        tell(f"parked {parked.job.once} {why}")
    await worker.stop(1)
    await bus.close()
    if store is not None:
        await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:] == ["fill"]))
