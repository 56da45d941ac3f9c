"""A process of its own that takes jobs and never ends them: `python -m tests.gateway.bus.holder URL`."""

from __future__ import annotations

import asyncio
import sys

from gateway.bus.redis import RedisBus
from gateway.clock import SystemClock
from tests.gateway.bus.benches import Running, job


async def main(url: str) -> None:
    one = await Running(await RedisBus.open(url, "test", SystemClock())).start()
    for n in range(20):
        await one.bus.publish(job(f"{n}", f"room:{n % 4}"))
    await one.bus.publish(job("press", "press:1", here=True))
    await one.arrived(21)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
