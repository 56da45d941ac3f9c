"""`floatcard replay`, as its own process, beside a gateway at work and without one."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

from gateway.bus.model import Delivery
from gateway.bus.redis import RedisBus
from gateway.clock import SystemClock
from tests.engines.redis import Redis
from tests.gateway.bus.benches import Running, job
from tests.gateway.bus.conftest import hurried
from tests.gateway.house import HERO, LI, NAME, Live, opened

__all__ = ["hurried"]


async def command(config: Path, *words: str) -> tuple[int, str]:
    line = [sys.executable, "-m", "gateway.cli", "replay", *words, "--config", str(config)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*line, stdout=pipe, stderr=pipe)
    out, err = await process.communicate()
    return process.returncode or 0, (out + err).decode()


async def poisoned(live: Live) -> None:
    """A message whose turn fails to the end."""
    worker: Any = live.house.worker
    real = worker._handle

    async def broken(delivery: Delivery) -> None:
        raise KeyError(NAME)

    worker._handle, worker._tries = broken, 1
    await live.say(LI, "deal", NAME)
    await live.settle()
    worker._handle = real


async def test_a_gateway_at_work_takes_up_what_the_command_names(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await poisoned(live)
        await poisoned(live)
        config = tmp_path / "floatcard.toml"
        code, told = await command(config, "--list")
        heading, first, second = told.splitlines()
        assert (code, heading.split()) == (0, ["id", "topic", "lane", "tries", "parked", "why"])
        found = re.fullmatch(r"(\d+) +event +([0-9a-f]{8}) +1 +(\S+Z) +KeyError: tried 1 times", first)
        assert found is not None, first
        assert found[2] in second, "one room, one digest"
        for private in (NAME, HERO, LI, "deal", "web/"):
            assert private not in told
        assert live.cards("deal") == []
        assert await command(config, found[1], "999999") == (1, "1 taken up again.\nnot parked: 999999\n")
        await live.settle()
        assert len(live.cards("deal")) == 1
        assert (await command(config, "--all"))[1] == "1 taken up again.\n"
        await live.settle()
        assert await live.s.bus.parked() == []
        assert await command(config, "--list") == (0, "Nothing is parked.\n")


async def test_without_a_gateway_it_waits_for_the_next_start(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await poisoned(live)
        chat = live.chat
    assert (await command(tmp_path / "floatcard.toml", "--all"))[0] == 0
    async with opened(tmp_path, chat=chat) as live:
        await live.settle()
        assert len(live.cards("deal")) == 1


async def test_the_command_is_told_what_to_do(tmp_path: Path) -> None:
    async with opened(tmp_path):
        config = tmp_path / "floatcard.toml"
        for words in ((), ("--all", "--list"), ("1", "--all")):
            code, told = await command(config, *words)
            assert code == 2, words
            assert "give the ids, --all, or --list" in told
    assert (await command(tmp_path / "none.toml", "--list"))[0] == 2


async def test_on_redis_a_gateway_at_work_has_it_at_once(redis_server: Redis, hurried: None, tmp_path: Path) -> None:
    url = redis_server.url()
    config = tmp_path / "floatcard.toml"
    lines = ['deployment = "test"', 'store = "postgresql://nobody@nowhere.invalid/none"', f'bus = "{url}"']
    (tmp_path / "master.key").write_text("11" * 32)
    config.write_text("\n".join([*lines, 'master_key = "file:master.key"']))
    one = await Running(await RedisBus.open(url, "test", SystemClock())).start()
    try:
        for once in ("bad", "worse"):
            await one.bus.publish(job(once, "room:secret"))
        for each in (await one.arrived(2))[:]:
            await one.bus.park(each, "KeyError: tried 5 times")
        code, told = await command(config, "--list")
        assert code == 0, told
        assert "secret" not in told
        first = told.splitlines()[1].split()[0]
        assert await command(config, first) == (0, "1 taken up again.\n")
        assert (await one.arrived(3))[2].job.once == "bad"
        assert await command(config, "--all") == (0, "1 taken up again.\n")
        assert (await one.arrived(4))[3].job.once == "worse"
    finally:
        await one.bus.close()
