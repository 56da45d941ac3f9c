"""A server of aiohttp that says when it listens. Nothing else is imported here: who imports this is weighed."""

from __future__ import annotations

from aiohttp import web


async def listen(app: web.Application, port: int) -> None:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("ready", flush=True)
