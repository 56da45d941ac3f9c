"""The one HTTP server: networks, the API, health, the console and, in a demo, the chat."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from gateway.errors import Misconfigured
from gateway.house import House
from gateway.http.api import Api
from gateway.http.around import around
from gateway.http.console import Console
from gateway.http.entrance import Entrance
from gateway.http.form_page import FormPage
from gateway.http.health import Health
from gateway.http.hooks import HookDoor
from gateway.http.inbound import Door
from gateway.http.scim import Scim
from gateway.store.tokens import TokenStore

log = logging.getLogger("floatcard.http")

BACKLOG = 128
"""Lines that may wait to be taken up, as aiohttp has it."""
DOOR: web.AppKey[Door] = web.AppKey("door")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Server:
    runner: web.AppRunner
    entrance: Entrance
    listening: asyncio.Server
    health: Health
    address: str

    async def stop(self) -> None:
        self.health.ready = False
        self.listening.close()
        await asyncio.gather(self.entrance.close(), self.runner.cleanup())


def routes(house: House) -> list[web.RouteDef]:
    """The API, the console and the form's page."""
    tokens = TokenStore(house.services.store, house.services.clock)
    return [
        *Api(house.services, house.spine, tokens).routes(),
        *Console(house.services, house.spine, tokens).routes(),
        *FormPage(house.services, tokens).routes(),
        *Scim(house.services, tokens).routes(),
    ]


def application(house: House, health: Health, more: Sequence[web.RouteDef] | None = None) -> web.Application:
    """`more` instead of the API and the console: what a test wants to mount."""
    limit = house.services.config.server.body_limit
    app = web.Application(client_max_size=limit, middlewares=[around(house.services.config)])
    door = Door(house.services)
    app[DOOR] = door
    app.add_routes([*door.routes(), *health.routes()])
    app.add_routes(HookDoor(house.services, house.schedule.nudge).routes())
    app.add_routes(routes(house) if more is None else more)
    app.router.add_get("/", _door(house.services.config.demo))
    return app


def _door(demo: bool) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Whoever opens the bare address is taken where there is something to see."""

    async def lead(request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "/demo" if demo else "/console"})

    return lead


async def listen(app: web.Application, health: Health, host: str, port: int) -> Server:
    """Raises `Misconfigured` when the address is taken, or is none of this machine's."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    assert runner.server is not None
    entrance = app[DOOR].entrance(runner.server)
    try:
        listening = await asyncio.get_running_loop().create_server(entrance, host, port, backlog=BACKLOG)
    except OSError as taken:
        await runner.cleanup()
        reason = f"cannot listen on {host}:{port} ({taken.strerror or taken}); choose another port"
        raise Misconfigured([("server", "port", reason)]) from taken
    bound = listening.sockets[0].getsockname()
    return Server(runner, entrance, listening, health, f"http://{host}:{bound[1]}")
