"""The chat and its pretended gateway on one loopback port, for tests and for looking at it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientSession, web

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


async def no_pause(seconds: float) -> None:
    """A retry without the waiting."""


@contextlib.asynccontextmanager
async def open_house(path: Path, port: int = 0) -> AsyncIterator[House]:
    gateway, desk, clock = FakeGateway(SECRET), FakeDesk(), FakeClock()
    app = gateway.app()
    async with ClientSession() as session:
        runner = web.AppRunner(app, shutdown_timeout=2)
        store = ChatStore(path)
        # the port is only known once the site stands, and routes must be there before
        site_port = port or _free_port()
        base = f"http://127.0.0.1:{site_port}"
        chat = Messenger(store, secret=SECRET, inbound_url=f"{base}/in/web", session=session, now=clock.now)
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
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
