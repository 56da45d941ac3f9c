"""`floatcard run`: the house behind its server."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import sys
import time
from collections.abc import Awaitable, Callable

from gateway import telemetry
from gateway.app import open_house
from gateway.config import Config
from gateway.house import DRAIN_S
from gateway.http.health import Health
from gateway.http.server import application, listen
from gateway.outgoing.targets import TRACES

log = logging.getLogger("floatcard")

SETTLED_S = 60
"""By then the first messages have loaded what is loaded only when it is needed."""


async def open_server(
    config: Config, instance: str = "", end: Callable[[], None] = lambda: None
) -> tuple[str, Callable[[], Awaitable[None]]]:
    """The address it listens on, and what ends it. Raises `Misconfigured`. `instance`: its name in the traces. `end` is
    called where it may not go on: to be closed then, and not well."""
    house = await open_house(config)
    health = Health(house.services, house.worker)
    try:
        server = await listen(application(house, health), health, config.server.host, config.server.port)
    except BaseException:
        await house.close()
        raise
    guard = house.services.gate.breakers[TRACES].attempt if config.telemetry.otlp else None
    untrace = telemetry.start(config.telemetry.otlp, config.telemetry.ratio, instance, *filter(None, (guard,)))
    try:
        await house.start()
    except BaseException:  # what it holds is another's at once, and not only when its leases end
        await server.stop()
        await house.close()
        untrace()
        raise
    health.ready = True
    at_rest()
    settled = asyncio.get_running_loop().call_later(SETTLED_S, give_back)

    async def watch() -> None:
        await house.taken_over.wait()
        health.ready = False
        end()

    watching = asyncio.create_task(watch())

    async def close() -> None:
        """Who waits for an answer gets it; the rest of the ten seconds is for what runs."""
        settled.cancel()
        watching.cancel()
        began = time.monotonic()
        await server.stop()
        await house.close(DRAIN_S - (time.monotonic() - began))
        took = time.monotonic() - began
        log.info("stopped within %.1f s", took)
        untrace()

    return server.address, close


def at_rest() -> None:
    """What was loaded at the start stays for good: no later collection walks through it, or stops the loop for it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    give_back()


def give_back() -> None:
    """glibc keeps what was freed while loading, in each thread's arena; other C libraries have no such call."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
