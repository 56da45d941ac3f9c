"""Every request is a turn with a span and, where it is wanted, a line of the log: its route, never its path."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway.telemetry import begun, span

log = logging.getLogger("floatcard.access")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines."""


def access(lines: bool) -> Middleware:
    """`lines`: whether each request is a line of the log."""

    @web.middleware
    async def entered(request: web.Request, handler: Handler) -> web.StreamResponse:
        route = _route(request)
        if route in QUIET:
            return await handler(request)
        channel = request.match_info.get("channel", "") if route == "/in/{channel}" else ""
        began = time.perf_counter()
        with begun(), span("receive", method=request.method, channel=channel):
            status = 500
            try:
                response = await handler(request)
                status = response.status
                return response
            except web.HTTPException as known:
                status = known.status
                raise
            finally:
                if lines:
                    _line(request, route, status, time.perf_counter() - began)

    return entered


def _line(request: web.Request, route: str, status: int, took: float) -> None:
    facts = {"method": request.method, "route": route, "status": status, "ms": round(took * 1000, 1)}
    log.info("answered", extra=facts)


def _route(request: web.Request) -> str:
    """As it is registered: what stands in its places is somebody's."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "none"
