"""Networks that a gateway connects to by itself, and that see which one does: long polling, Socket Mode.

Each gateway calls them by a path of its own, with its port in it.
"""

from __future__ import annotations

import asyncio
import json
import time
from abc import abstractmethod
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from tests.channels.telegram.fake_api import FakeApi, Json, Refusal
from tests.cluster.talking import OnSlack, OnTelegram, Talk

ACKNOWLEDGED_WITHIN_S = 3.0
"""So long Slack waits before it brings a delivery again."""
POLL_S = 1.0
"""So long Telegram keeps a question open, if nothing is said; it may be less than it was asked for."""
APP_TOKEN = "xapp-not-a-real-token"
CALLER: ContextVar[int] = ContextVar("caller")
"""The port of the gateway whose request this is."""


@dataclass
class Hold:
    """A connection as the network sees it: whose it is, from when to when (monotonic seconds)."""

    port: int
    since: float = field(default_factory=time.monotonic)
    until: float | None = None


@dataclass
class Seen(Talk):
    @property
    @abstractmethod
    def holds(self) -> list[Hold]:
        """All there ever were, as they came."""

    def by(self, port: int, after: float = 0.0) -> list[Hold]:
        """Those a gateway began."""
        return [each for each in self.holds if each.port == port and each.since > after]


class Polls(FakeApi):
    """As Telegram: who asks for updates ends whatever question is open, and that one is told so (409)."""

    def __init__(self) -> None:
        super().__init__()
        self.holds: list[Hold] = []

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/at/{port}/bot{token}/{method}", self._take)
        return app

    async def _take(self, request: web.Request) -> web.Response:
        CALLER.set(int(request.match_info["port"]))
        return await super()._take(request)

    async def _getUpdates(self, body: Json) -> list[Json]:  # noqa: N802
        mine = Hold(CALLER.get())
        self.holds.append(mine)
        self.came.set()
        try:
            await self._something(mine, body)
        finally:
            mine.until = time.monotonic()
        return self.updates[: body["limit"]]

    async def _something(self, mine: Hold, body: Json) -> None:
        offset, ends = body.get("offset") or 0, time.monotonic() + min(body["timeout"], POLL_S)
        self.updates = [each for each in self.updates if each["update_id"] >= offset]
        while not self.updates and (left := ends - time.monotonic()) > 0:
            self.came.clear()
            await asyncio.wait({asyncio.ensure_future(self.came.wait())}, timeout=left)
            if mine is not self.holds[-1]:
                raise Refusal(409, "Conflict: terminated by other getUpdates request")


@dataclass
class ByPolling(OnTelegram, Seen):
    there: Polls = field(default_factory=Polls)

    @property
    def holds(self) -> list[Hold]:
        return self.there.holds

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        async with super().listening():
            self.at += "/at/{port}"
            yield


@dataclass
class BySocket(OnSlack, Seen):
    """Slack brings a message on one of the connections that are open, and again until it is acknowledged."""

    open: list[tuple[Hold, web.WebSocketResponse]] = field(default_factory=list)
    told: defaultdict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    """Which deliveries were acknowledged."""
    every: list[Hold] = field(default_factory=list)

    @property
    def holds(self) -> list[Hold]:
        return self.every

    def channel(self, folder: Path) -> str:
        (folder / "app.slack").write_text(APP_TOKEN)
        return super().channel(folder) + f'\napp_token = "file:{folder}/app.slack"'

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        self.there.tokens.add(APP_TOKEN)
        app = web.Application()
        app.router.add_post("/at/{port}/api/apps.connections.open", self._address)
        app.router.add_get("/at/{port}/link", self._linked)
        app.router.add_route("*", "/at/{port}/api/{method}", self.there.handle)
        async with TestServer(app) as server:
            self.there.url = str(server.make_url("")).rstrip("/") + "/at/{port}"
            yield

    async def _address(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == f"Bearer {APP_TOKEN}"
        return web.json_response({"ok": True, "url": f"ws://{request.host}/at/{request.match_info['port']}/link"})

    async def _linked(self, request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        mine = Hold(int(request.match_info["port"]))
        self.every.append(mine)
        self.open.append((mine, response))
        await response.send_json({"type": "hello", "num_connections": len(self.open)})
        try:
            async for each in response:
                if each.type is WSMsgType.TEXT:
                    self.told[json.loads(each.data)["envelope_id"]].set()
        finally:
            mine.until = time.monotonic()
            self.open.remove((mine, response))
        return response

    async def _taken(self, raw: bytes) -> bool:
        if not self.open:
            return False
        envelope, (_, link) = f"e{next(self.serial)}", self.chance.choice(self.open)
        sent = {"type": "events_api", "envelope_id": envelope, "payload": json.loads(raw)}
        try:
            await link.send_json({**sent, "accepts_response_payload": False})
        except ConnectionError:
            return False
        with suppress(TimeoutError):
            await asyncio.wait_for(self.told[envelope].wait(), ACKNOWLEDGED_WITHIN_S)
        return self.told[envelope].is_set()


HELD: dict[str, type[Seen]] = {"telegram": ByPolling, "slack": BySocket}
