"""Socket Mode whose host is away for longer than a ticket to it is good for."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_sdk.web.async_client import AsyncWebClient

from channels.slack import listen
from channels.slack.listen import Listener
from gateway import going

TICKET_S, AWAY_S = 0.5, 1.5


class Slack:
    """It gives tickets out all the while; where the connections go is away at first, and refuses old tickets."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.issued: list[float] = []
        self.joined = asyncio.Event()
        self.here = ""

    async def open(self, request: web.Request) -> web.Response:
        self.issued.append(time.monotonic())
        return web.json_response({"ok": True, "url": f"{self.here.replace('http', 'ws')}ws/{len(self.issued) - 1}"})

    async def ws(self, request: web.Request) -> web.StreamResponse:
        now, ticket = time.monotonic(), self.issued[int(request.match_info["ticket"])]
        if now - self.began < AWAY_S:
            return web.Response(status=503)
        if now - ticket > TICKET_S:
            return web.Response(status=404)
        line = web.WebSocketResponse()
        await line.prepare(request)
        self.joined.set()
        async for _ in line:
            pass
        return line


async def test_another_ticket_is_asked_for_once_the_first_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "CUT_OFF_S", 0.4)
    monkeypatch.setattr(listen, "LOOK_S", 0.05)
    monkeypatch.setattr(going, "FIRST_S", 0.1)
    slack, app = Slack(), web.Application()
    app.router.add_post("/api/apps.connections.open", slack.open)
    app.router.add_get("/ws/{ticket}", slack.ws)

    async def nothing(*_: object, **__: object) -> tuple[()]:
        return ()

    async with TestServer(app) as server:
        slack.here = str(server.make_url("/"))
        listener = Listener(AsyncWebClient("unused", base_url=f"{slack.here}api/"), "xapp-1-unused", nothing)
        work = going.going_on("listen", lambda: listener.run(nothing))  # type: ignore[arg-type]
        running = asyncio.create_task(work)
        await asyncio.wait_for(slack.joined.wait(), 30)
        asked = len(slack.issued)
        assert asked > 1
        await asyncio.sleep(1.0)
        assert len(slack.issued) == asked, "one that is connected is left alone"
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
