"""The real house with the sample company behind a real server on a free port, and clients of its API."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from crm.local.crm import LocalCrm
from crm.local.sample import load_sample
from gateway.app import open_house
from gateway.clock import ShiftedClock
from gateway.demo.people import settle_in
from gateway.demo.run import prepare
from gateway.house import House
from gateway.http.api import Api
from gateway.http.auth import Rate
from gateway.http.console import Console
from gateway.http.health import Health
from gateway.http.scim import Scim
from gateway.http.server import application, listen
from gateway.store.tokens import Token, TokenStore

HERO = "local:account:hx-medical"
"""Owned by Li Ting and of her team: she may edit it, Chen Wei may not."""

Json = Any


@dataclass(frozen=True, slots=True)
class Told:
    status: int
    body: Json
    headers: Mapping[str, str]


class Client:
    """One bearer of one token."""

    def __init__(self, session: aiohttp.ClientSession, url: str, secret: str) -> None:
        self._session = session
        self._url = url
        self.secret = secret

    async def get(self, path: str, **query: Any) -> Told:
        return await self.call("GET", path, params={name: str(value) for name, value in query.items()})

    async def post(self, path: str, body: Json) -> Told:
        return await self.call("POST", path, json=body)

    async def delete(self, path: str) -> Told:
        return await self.call("DELETE", path)

    async def call(self, method: str, path: str, **more: Any) -> Told:
        headers = {"Authorization": f"Bearer {self.secret}", **more.pop("headers", {})} if self.secret else {}
        url = f"{self._url}{path}" if path.startswith("/") else f"{self._url}/api/v1/{path}"
        async with self._session.request(method, url, headers=headers, **more) as answer:
            told = await answer.json() if "json" in answer.content_type else await answer.text()
            return Told(answer.status, told, dict(answer.headers))


@dataclass(slots=True)
class World:
    house: House
    tokens: TokenStore
    url: str
    session: aiohttp.ClientSession
    clock: ShiftedClock

    async def client(
        self,
        *scopes: str,
        person: str = "",
        system: str = "plugin",
        surface: str = "企微插件",
        actors: tuple[str, ...] = (),
        name: str = "test",
    ) -> Client:
        secret = await self.tokens.make(Token(name, frozenset(scopes), person, system, surface, actors))
        return self.bearing(secret)

    def bearing(self, secret: str) -> Client:
        return Client(self.session, self.url, secret)


async def furnish(folder: Path) -> None:
    """The demo's own folder with the sample company in its CRM, read once by the gateway. To be copied."""
    config, clock = prepare(folder, 8300), ShiftedClock()
    house = await open_house(config, clock)
    crm = house.services.crms["local"]
    assert isinstance(crm, LocalCrm)
    await load_sample(crm, clock.now())
    await settle_in(house.services.people)
    await house.sweeps["local"].once(first=True)
    await house.close()


@contextlib.asynccontextmanager
async def open_world(
    folder: Path, *, rate: Rate | None = None, demo: bool = True, store: str = ""
) -> AsyncIterator[World]:
    """`store`: in the place of the folder's own."""
    clock, config = ShiftedClock(), prepare(folder, 8300)
    config = config.model_copy(update={"demo": demo, "store": store or config.store})
    house = await open_house(config, clock)
    await house.relink()
    tokens = TokenStore(house.services.store, clock)
    health = Health(house.services, house.worker)
    more = [*Api(house.services, house.spine, tokens, rate).routes()]
    more += Console(house.services, house.spine, tokens).routes()
    more += Scim(house.services, tokens, rate).routes()
    server = await listen(application(house, health, more), health, "127.0.0.1", 0)
    await house.start()
    health.ready = True
    async with aiohttp.ClientSession() as session:
        try:
            yield World(house, tokens, server.address, session, clock)
        finally:
            await server.stop()
            await house.close()
