"""Slack's Web API as the gateway sees it: `python -m benchmarks.wire.fake_slack PORT`.

`/seen` answers when each message was posted ({ts of its thread: seconds}) and forgets it; `/card` answers the
last one posted.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from typing import Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from benchmarks.wire.bodies import TEAM
from benchmarks.wire.serving import listen


class FakeSlack:
    def __init__(self) -> None:
        self.serial = itertools.count(1)
        self.posted: dict[str, float] = {}
        self.last: dict[str, Any] = {}

    async def call(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        body: dict[str, Any] = {}
        if request.method == "POST":
            raw = await request.read()
            form = request.content_type == "application/x-www-form-urlencoded"
            body = dict(parse_qsl(raw.decode())) if form else orjson.loads(raw) if raw else {}
        answer = getattr(self, method.replace(".", "_").lower(), self.other)(request, body)
        return web.Response(body=orjson.dumps({"ok": True, **answer}), content_type="application/json")

    def other(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        return {}

    def chat_postmessage(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        self.posted.setdefault(str(body.get("thread_ts", "")), time.time())
        self.last = body
        return {"channel": body.get("channel", ""), "ts": f"9{next(self.serial):09d}.000100"}

    def chat_postephemeral(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        return {"message_ts": f"9{next(self.serial):09d}.000200"}

    def conversations_info(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        return {"channel": {"id": body.get("channel"), "name": "sales", "is_channel": True, "is_private": True}}

    def conversations_members(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        return {"members": [f"U0USER{n:04d}" for n in range(50)], "response_metadata": {"next_cursor": ""}}

    def users_info(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        id_ = body.get("user")
        return {"user": {"id": id_, "team_id": TEAM, "name": id_, "real_name": f"Person {id_}", "profile": {}}}

    def users_list(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        people = [{"id": f"U0USER{n:04d}", "team_id": TEAM, "name": f"u{n}", "profile": {}} for n in range(50)]
        return {"members": people, "response_metadata": {"next_cursor": ""}}

    async def seen(self, request: web.Request) -> web.Response:
        told, self.posted = self.posted, {}
        return web.Response(body=orjson.dumps(told), content_type="application/json")

    async def card(self, request: web.Request) -> web.Response:
        return web.Response(body=orjson.dumps(self.last), content_type="application/json")


async def main(port: int) -> None:
    fake = FakeSlack()
    app = web.Application(client_max_size=1 << 26)
    app.router.add_get("/seen", fake.seen)
    app.router.add_get("/card", fake.card)
    app.router.add_route("*", "/api/{method}", fake.call)
    await listen(app, port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
