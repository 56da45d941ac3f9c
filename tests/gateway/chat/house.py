"""The chat and its pretended gateway on one loopback port, for tests and for looking at it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web

from gateway.chat.courier import Pause
from gateway.chat.messenger import Messenger
from gateway.http.chat import chat_app
from gateway.store.chat import ChatStore
from tests.gateway.chat.fake_gateway import FakeClock, FakeDesk, FakeGateway

SECRET = b"only for tests"


@dataclass
class House:
    url: str
    chat: Messenger
    gateway: FakeGateway
    desk: FakeDesk
    clock: FakeClock
    session: ClientSession

    async def drained(self) -> None:
        """Every event so far was delivered."""
        await until(lambda: not self.chat._courier._lanes)


class Pauses:
    """Retries wait here until the test lets them go on."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self._on = asyncio.Semaphore(0)
        self.waiting = asyncio.Event()

    async def __call__(self, seconds: float, /) -> None:
        self.asked.append(seconds)
        self.waiting.set()
        await self._on.acquire()

    def go_on(self) -> None:
        self.waiting.clear()
        self._on.release()


@contextlib.asynccontextmanager
async def open_house(path: Path, port: int = 0, pause: Pause = asyncio.sleep) -> AsyncIterator[House]:
    gateway, desk, clock = FakeGateway(SECRET), FakeDesk(), FakeClock()
    app = gateway.app()
    async with ClientSession() as session:
        runner = web.AppRunner(app, shutdown_timeout=2)
        store = ChatStore(path)
        # the port is only known once the site stands, and routes must be there before
        site_port = port or _free_port()
        base = f"http://127.0.0.1:{site_port}"
        chat = Messenger(
            store, secret=SECRET, inbound_url=f"{base}/in/web", session=session, now=clock.now, pause=pause
        )
        app.add_subapp("/demo", chat_app(chat, desk, gateway.trail, clock))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", site_port).start()
        gateway.chat, gateway.session = base, session
        await chat.start()
        try:
            yield House(base, chat, gateway, desk, clock, session)
        finally:
            await runner.cleanup()
            await chat.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Person:
    """One person's hands on the page's API."""

    def __init__(self, house: House, id: str) -> None:
        self.house = house
        self.id = id

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict[str, Any]]:
        separator = "&" if "?" in path else "?"
        url = f"{self.house.url}/demo/api/page/{path}{separator}as={self.id}"
        async with self.house.session.request(method, url, json=body, headers=headers) as response:
            return response.status, await response.json()

    async def say(self, room: str, text: str, quote: str = "") -> dict[str, Any]:
        status, entry = await self.ask("POST", "entries", {"room": room, "text": text, "quote": quote})
        assert status == 201, entry
        return entry

    async def read(self, room: str) -> list[dict[str, Any]]:
        status, page = await self.ask("GET", f"rooms/{room}/entries")
        assert status == 200, page
        entries: list[dict[str, Any]] = page["entries"]
        return entries

    async def rooms(self) -> list[str]:
        _, snapshot = await self.ask("GET", "state")
        return [room["id"] for room in snapshot["rooms"]]


async def until(true: Callable[[], bool]) -> None:
    """Waits for what the event loop is about to make true; fails loudly after ten seconds."""
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.005)
