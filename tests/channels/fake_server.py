"""A server on the loopback that a channel is pointed at by base URL: it records what it hears, says what it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer


@dataclass
class Heard:
    method: str
    target: str
    """Path and query as they stood in the request line."""
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw) if self.raw else None


Say = Callable[[Heard], web.StreamResponse]


@dataclass
class Fake:
    usual: Say
    heard: list[Heard] = field(default_factory=list)
    next: list[Say] = field(default_factory=list)
    """Said instead of the usual, one request each."""
    url: str = ""
    drops: bool = False
    """It hears and hangs up."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {key.lower(): value for key, value in request.headers.items()}
        heard = Heard(request.method, request.raw_path, headers, await request.read())
        self.heard.append(heard)
        if self.drops and request.transport is not None:
            request.transport.close()
        return (self.next.pop(0) if self.next else self.usual)(heard)

    def will_say(self, status: int, body: Any = None, **headers: str) -> None:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        self.next.append(lambda _: web.json_response(body or {}, status=status, headers=named))

    def will_say_raw(self, status: int, text: str, content_type: str = "text/html") -> None:
        self.next.append(lambda _: web.Response(status=status, text=text, content_type=content_type))


@asynccontextmanager
async def serving(fake: Fake) -> AsyncIterator[ClientSession]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", fake.handle)
    async with TestServer(app) as server, ClientSession() as session:
        fake.url = str(server.make_url("")).rstrip("/")
        yield session


@asynccontextmanager
async def mute() -> AsyncIterator[str]:
    """A server that takes a connection and never says anything."""
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        for writer in held:
            writer.close()
        server.close()
        await server.wait_closed()


def nobody() -> str:
    """An address where no server is."""
    return "http://127.0.0.1:9"
