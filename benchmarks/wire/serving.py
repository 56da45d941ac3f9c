"""A server of aiohttp that says when it listens. Nothing else is imported here: who imports this is weighed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from aiohttp import web


async def listen(app: web.Application, port: int) -> None:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("ready", flush=True)


def serve(work: Coroutine[object, object, None], loop: str = "") -> None:
    """On asyncio's own loop, or on `uvloop`."""
    if loop == "uvloop":
        from gateway.loop import run  # weighs a millisecond, of those alone who ask for it

        return run(work)
    return asyncio.run(work)
