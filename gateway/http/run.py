"""`floatcard run`: the house behind its server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gateway.app import open_house
from gateway.config import Config
from gateway.http.health import Health
from gateway.http.server import application, listen


async def open_server(config: Config) -> tuple[str, Callable[[], Awaitable[None]]]:
    """The address it listens on, and what ends it. Raises `Misconfigured`."""
    house = await open_house(config)
    health = Health(house.services, house.worker)
    try:
        server = await listen(application(house, health), health, config.server.host, config.server.port)
    except BaseException:
        await house.close()
        raise
    await house.start()
    health.ready = True

    async def close() -> None:
        await server.stop()
        await house.close()

    return server.address, close
