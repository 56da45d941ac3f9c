"""A real process told to stop under load: what it accepted is done or still queued, and it ends in time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout, web

from gateway.chat.wire import signed
from tests.browser.demo import DemoProcess, free_port
from tests.gateway.house import LI, SECRET, configured
from tests.gateway.test_kill import ROOMS, World, count, drained, each_message_has_one_card, names

pytestmark = [pytest.mark.alone, pytest.mark.timeout(180)]

MARGIN_S = 6.0
"""For a loaded machine, on which a process ends late; it says itself within how many seconds it had stopped."""
STOPPED = re.compile(r"stopped within (\d+\.\d) s")


async def test_told_to_stop_under_load_it_loses_nothing(tmp_path: Path) -> None:
    demo = DemoProcess(tmp_path / "data")
    async with ClientSession(timeout=ClientTimeout(total=20)) as session:
        world = World(demo, session, random.Random(7))
        try:
            await asyncio.to_thread(demo.start)
            named = random.Random(7).sample(names(), 24)
            talking = [
                asyncio.create_task(world.talk(room, person, named[at * 6 : at * 6 + 6]))
                for at, (room, person) in enumerate((room, who) for room in ROOMS for who in ("u_liting", "u_chenwei"))
            ]
            while len(world.said) < 6:
                await asyncio.sleep(0.01)
            began = time.monotonic()
            assert await asyncio.to_thread(demo.stop) == 0
            assert time.monotonic() - began < 10 + MARGIN_S
            for ended in await asyncio.gather(*talking, return_exceptions=True):
                assert ended is None or isinstance(ended, ClientError | OSError), ended
            await asyncio.to_thread(demo.start)
            await drained(world)
            assert await asyncio.to_thread(demo.stop) == 0
        finally:
            demo.kill()
    each_message_has_one_card(world)


class Running:
    """`floatcard run` in a folder, beside a chat that takes connections and never answers."""

    def __init__(self, folder: Path, chat: str) -> None:
        self.port = free_port()
        self.folder = folder
        server = f"[server]\nport = {self.port}\n"
        config = configured(folder, chat, server)
        with (folder / "log").open("ab") as log:
            line = [sys.executable, "-m", "gateway.cli", "run", "--config", str(config)]
            self.process = subprocess.Popen(line, stdout=log, stderr=log)

    async def ready(self, session: ClientSession) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            with contextlib.suppress(ClientError):
                async with session.get(f"http://127.0.0.1:{self.port}/readyz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.1)
        raise AssertionError((self.folder / "log").read_text())

    async def say(self, session: ClientSession, id_: str, room: str) -> None:
        who = {"id": LI, "name": "Li", "kind": "member"}
        body: dict[str, Any] = {"type": "message", "id": id_, "scope": "demo", "room": room, "thread": "", "at": 1}
        raw = json.dumps(
            {**body, "who": who, "locale": "en", "message": id_, "text": "/help", "addressed": True}
        ).encode()
        headers = {"Content-Type": "application/json", **signed(SECRET.encode(), "POST", "/in/web", raw)}
        async with session.post(f"http://127.0.0.1:{self.port}/in/web", data=raw, headers=headers) as answer:
            assert answer.status == 200, await answer.text()

    async def ended(self, within: float) -> int:
        return await asyncio.to_thread(self.process.wait, within)


@contextlib.asynccontextmanager
async def stuck(folder: Path, messages: int) -> AsyncIterator[Running]:
    """At work on messages that cannot come to an end."""
    asked = asyncio.Event()

    async def never(request: web.Request) -> web.Response:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", never)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    running = Running(folder, f"http://127.0.0.1:{runner.addresses[0][1]}")
    try:
        async with ClientSession() as session:
            await running.ready(session)
            for n in range(messages):
                await running.say(session, f"m{n}", f"r{n % 3}")
            await asyncio.wait_for(asked.wait(), 20)
        yield running
    finally:
        running.process.kill()
        running.process.wait()
        await runner.cleanup()


async def test_what_cannot_end_in_time_is_left_in_the_queue(tmp_path: Path) -> None:
    async with stuck(tmp_path, 9) as running:
        running.process.send_signal(signal.SIGTERM)
        assert await running.ended(10 + MARGIN_S) == 0, (tmp_path / "log").read_text()
        (took,) = STOPPED.findall((tmp_path / "log").read_text())
        assert 3 < float(took) < 10.5, "it was given time, and no more than that"
    assert count(tmp_path / "floatcard.db", "SELECT count(*) FROM job WHERE topic = 'event' AND state = 'ready'") == 9
    assert count(tmp_path / "floatcard.db", "SELECT count(*) FROM job WHERE starts > 0") == 0


async def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    async with stuck(tmp_path, 3) as running:
        running.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.5)
        assert running.process.poll() is None
        began = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        assert await running.ended(5) == 128 + signal.SIGTERM
        assert time.monotonic() - began < 2
    assert count(tmp_path / "floatcard.db", "SELECT count(*) FROM job WHERE topic = 'event'") == 3
