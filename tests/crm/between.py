"""What stands between a connector and its CRM over HTTP, and spoils what is answered."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

Said = tuple[int, dict[str, str], bytes]
"""Status, headers, body."""
Spoil = Callable[[web.Request, Said], Said]
PAGE = b"<!doctype html><html><body><h1>Sign in</h1></body></html>"
_HOP = frozenset({"connection", "content-encoding", "content-length", "host", "keep-alive", "transfer-encoding"})


@dataclass(slots=True)
class Between:
    """`url` stands for the CRM's. Without `spoil` every answer passes as it is; `asked` is what came by."""

    url: str
    spoil: Spoil | None = None
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)


def saying(status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> Spoil:
    return lambda _request, _said: (status, headers or {}, body)


def a_page(_: web.Request, said: Said) -> Said:
    return 200, {"Content-Type": "text/html"}, PAGE


def half_an_answer(_: web.Request, said: Said) -> Said:
    """Cut in the middle, and the length said to be that: what a landlord's proxy makes of a lost connection."""
    return said[0], said[1], said[2][: max(len(said[2]) // 2, 1)]


def in_json(change: Callable[[Any], Any]) -> Spoil:
    """`change` is given the body of every answer that is JSON, and gives back what is said instead."""

    def spoil(_: web.Request, said: Said) -> Said:
        status, headers, body = said
        try:
            parsed = json.loads(body)
        except ValueError:
            return said
        return status, headers, json.dumps(change(parsed)).encode()

    return spoil


@asynccontextmanager
async def between(upstream: str) -> AsyncIterator[Between]:
    """In front of the server at `upstream`, an address without a path."""
    proxy = Between("")
    async with aiohttp.ClientSession(auto_decompress=True, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def pass_on(request: web.Request) -> web.Response:
            body = await request.read()
            proxy.asked.append((request.method, request.path_qs, body))
            headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
            async with session.request(
                request.method, f"{upstream}{request.path_qs}", data=body, headers=headers, allow_redirects=False
            ) as answer:
                told = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
                said = (answer.status, told, await answer.read())
            status, told, body = said if proxy.spoil is None else proxy.spoil(request, said)
            return web.Response(status=status, headers=told, body=body)

        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", pass_on)
        runner = web.AppRunner(app, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        try:
            await site.start()
            port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
            proxy.url = f"http://127.0.0.1:{port}"
            yield proxy
        finally:
            await runner.cleanup()
