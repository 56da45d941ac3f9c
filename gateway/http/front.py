"""The short way in for what networks post: past aiohttp's router and middlewares, twice what a signature costs.

Whatever takes it could as well go through the application, and would get the same answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web

from gateway.config import Config
from gateway.http.around import DOOR, around_door
from gateway.http.inbound import Door

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Front: TypeAlias = Callable[[Handler], Handler]
"""Given what answers every request, what is to answer them instead."""

FRONT: web.AppKey[Front] = web.AppKey("front")


def front(config: Config, door: Door) -> Front:
    """A POST to a configured channel, spelt as networks spell it, is taken; all else is left to the application."""
    around, length = around_door(config), len(DOOR)

    def before(others: Handler) -> Handler:
        def taken(request: web.Request) -> Awaitable[web.StreamResponse]:
            path = request.raw_path
            name = path[length:] if path.startswith(DOOR) else ""
            take = door.takes.get(name)
            if take is None or request.method != "POST" or "Expect" in request.headers:
                return others(request)
            return around(request, name, take)

        return taken

    return before
