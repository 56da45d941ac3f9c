"""aiohttp alone: the signature, orjson, a queue in memory. `python -m benchmarks.wire.yardstick PORT [uvloop]`"""

from __future__ import annotations

import asyncio
import hmac
import sys
import time
from typing import Any

import orjson
from aiohttp import web

from benchmarks.wire.bodies import SECRET
from benchmarks.wire.serving import listen, serve

KEY = SECRET.encode()


def application(queue: asyncio.Queue[Any]) -> web.Application:
    async def receive(request: web.Request) -> web.Response:
        body = await request.read()
        at = request.headers.get("X-Slack-Request-Timestamp", "0")
        mac = "v0=" + hmac.digest(KEY, b"v0:" + at.encode() + b":" + body, "sha256").hex()
        given = request.headers.get("X-Slack-Signature", "")
        if abs(time.time() - int(at)) > 300 or not hmac.compare_digest(mac, given):
            return web.Response(status=401)
        queue.put_nowait(orjson.loads(body))
        return web.Response()

    app = web.Application()
    app.router.add_post("/slack/events", receive)
    return app


async def main(port: int) -> None:
    queue: asyncio.Queue[Any] = asyncio.Queue()
    await listen(application(queue), port)
    while True:
        await queue.get()


if __name__ == "__main__":
    serve(main(int(sys.argv[1])), *sys.argv[2:])
