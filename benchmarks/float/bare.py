"""The least that can be done: aiohttp hears a message and posts a card that is always the same.

`python -m benchmarks.float.bare PORT API CARD`, where CARD is a file.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import orjson
from aiohttp import ClientSession

from benchmarks.wire.serving import listen
from benchmarks.wire.yardstick import application
from gateway.loop import run

HEADERS = {"Authorization": "Bearer xoxb-1", "Content-Type": "application/json; charset=utf-8"}


async def post(session: ClientSession, url: str, card: dict[str, Any], event: dict[str, Any]) -> None:
    body = orjson.dumps({"channel": event["channel"], "thread_ts": event["ts"], **card})
    async with session.post(url, data=body, headers=HEADERS) as answer:
        if not orjson.loads(await answer.read())["ok"]:
            raise RuntimeError("the card was not taken")


async def main(port: int, api: str, card: dict[str, Any]) -> None:
    queue: asyncio.Queue[Any] = asyncio.Queue()
    await listen(application(queue), port)
    async with ClientSession() as session:
        posts: set[asyncio.Task[None]] = set()  # asyncio itself keeps none of them
        while True:
            heard = await queue.get()
            task = asyncio.create_task(post(session, f"{api}/chat.postMessage", card, heard["event"]))
            posts.add(task)
            task.add_done_callback(posts.discard)


if __name__ == "__main__":
    run(main(int(sys.argv[1]), sys.argv[2], orjson.loads(Path(sys.argv[3]).read_bytes())))
