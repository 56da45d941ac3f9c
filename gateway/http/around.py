"""What is around every request: a turn with a span, a line of the log where it is wanted, and an answer even to a bug.

One wrapping and not one for each: every event of a network passes here.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web
from aiohttp.typedefs import Middleware

from channels.model import Inbound, Reply
from gateway.config import Config
from gateway.http.hosts import own_name
from gateway.telemetry import begun, span

log = logging.getLogger("floatcard.http")
lines = logging.getLogger("floatcard.access")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines."""
DOOR = "/in/"
"""What the networks' addresses begin with."""
TAKEN = f"{DOOR}{{channel}}"
"""As that is registered."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


JSON = {"Content-Type": "application/json; charset=utf-8"}
BROKE = {"error": "Something broke here. The log has the details."}
BROKEN = Reply(status=500, headers=JSON, body=json.dumps(BROKE).encode())

Take: TypeAlias = Callable[[Inbound], Awaitable[Reply]]
"""Answers what is posted to one channel."""
Foreign = Callable[[web.Request], web.StreamResponse | None]


def around(config: Config) -> Middleware:
    foreign, answer = own_name(config), _timed if config.logs.access else _within

    @web.middleware
    async def entered(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in QUIET:
            return await _within(foreign, request, handler)
        channel = request.match_info.get("channel", "") if request.path.startswith(DOOR) else ""
        with begun(), span("receive", method=request.method, channel=channel):
            return await answer(foreign, request, handler)

    return entered


def around_door(config: Config, channel: str, take: Take) -> Take:
    """The same around what is posted to a channel and is no request of aiohttp's. Whoever signs may use any name of
    ours."""
    timed = config.logs.access

    async def entered(inbound: Inbound) -> Reply:
        began = time.perf_counter() if timed else 0.0
        with begun(), span("receive", method=inbound.method, channel=channel):
            try:
                reply = await take(inbound)
            except Exception:
                log.exception("what was posted to a channel broke")
                reply = BROKEN
            if timed:
                _line(inbound.method, TAKEN, reply.status, time.perf_counter() - began)
        return reply

    return entered


async def _timed(foreign: Foreign, request: web.Request, handler: Handler) -> web.StreamResponse:
    """With a line of the log."""
    began, status = time.perf_counter(), 500
    try:
        response = await _within(foreign, request, handler)
        status = response.status
        return response
    except web.HTTPException as known:
        status = known.status
        raise
    finally:
        _line(request.method, _route(request), status, time.perf_counter() - began)


async def _within(foreign: Foreign, request: web.Request, handler: Handler) -> web.StreamResponse:
    """A bug answers 500 with nothing of its insides."""
    try:
        response = foreign(request)
        return _marked(await handler(request) if response is None else response)
    except web.HTTPException as known:
        known.headers.update(HEADERS)
        raise
    except (ConnectionResetError, TimeoutError):
        raise
    except Exception:
        log.exception("a request broke: %s", _route(request))
        return _marked(web.json_response(BROKE, status=500))


def _marked(response: web.StreamResponse) -> web.StreamResponse:
    """Every answer says what a browser must not do with it."""
    if not response.prepared:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
    return response


def _line(method: str, route: str, status: int, took: float) -> None:
    facts = {"method": method, "route": route, "status": status, "ms": round(took * 1000, 1)}
    lines.info("answered", extra=facts)


def _route(request: web.Request) -> str:
    """As it is registered: what stands in its places is somebody's."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "none"
