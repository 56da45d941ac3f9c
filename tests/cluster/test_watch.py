"""The memory of one gateway under steady load, looked at every few seconds: after its warm-up it must not climb.

Some seconds by default, which shows that the watch works; FLOATCARD_SOAK=1 takes three minutes, and
FLOATCARD_SOAK_MINUTES=60 the hour.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import ClientSession, ClientTimeout, TCPConnector

from tests.cluster.clients import Crowd, Note
from tests.cluster.gateways import Gateway, Ground, cleared, names
from tests.cluster.network import Network, listening
from tests.cluster.outside import Outside
from tests.engines.redis import Redis

SOAK = os.environ.get("FLOATCARD_SOAK") == "1"
MINUTES = float(os.environ.get("FLOATCARD_SOAK_MINUTES") or (3 if SOAK else 0.1))
LONG = MINUTES >= 30
ROOMS, EDITORS = 48, 4
"""A room gets a thousand cards an hour at most: what is said in an hour has to fit."""
CUSTOMERS = 4_000 if LONG else 400 if MINUTES > 1 else 200
"""So many as are spoken of while it warms up: whom nobody spoke of before takes memory, whenever that is."""
MESSAGES_A_SECOND, EDITS_A_SECOND = 10, 2
EVERY_S = 3.0 if MINUTES >= 1 else 1.0
WARM_S = max(60.0, (30.0 if LONG else 20.0) * MINUTES)
"""Half of a long one, a third of a short one, and a minute at least: caches fill, code is loaded."""
ENGINES = ("sqlite", "postgresql and redis") if SOAK else ("sqlite",)
MOST_KB_A_MINUTE = 1_024 if LONG else 2_048
"""At 600 messages and 120 edits a minute: within half an hour what is worked with has been seen once."""
PAGES_KB = 0 if LONG else 65_536
"""The page cache that SQLite's writer may still fill (gateway/store/connect.py): within half an hour it is full."""

pytestmark = [pytest.mark.alone, pytest.mark.timeout(int(MINUTES * 60) + 600)]


@dataclass(frozen=True, slots=True)
class Look:
    """Seconds since the start, kB in memory, messages and edits acknowledged by then."""

    at: float
    rss: int
    said: int
    saved: int


@dataclass
class Watch:
    gateway: Gateway
    crowd: Crowd
    looks: list[Look] = field(default_factory=list)

    async def run(self, seconds: float) -> None:
        began = time.monotonic()
        while (at := time.monotonic() - began) < seconds:
            self.looks.append(Look(at, resident(self.gateway.pid), len(self.crowd.said), self.crowd.edits))
            await asyncio.sleep(EVERY_S)

    @property
    def table(self) -> str:
        step = max(1, len(self.looks) // 24)
        rows = [f"| {x.at / 60:.1f} | {x.rss / 1024:.1f} | {x.said} | {x.saved} |" for x in self.looks[::step]]
        return "\n".join(["| minute | RSS, MB | messages | edits |", "|---|---|---|---|", *rows])


def resident(pid: int) -> int:
    """kB."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])


def slope(looks: Sequence[Look]) -> float:
    """kB a minute, by least squares."""
    n = len(looks)
    middle, mean = sum(each.at for each in looks) / n, sum(each.rss for each in looks) / n
    spread = sum((each.at - middle) ** 2 for each in looks)
    return 60 * sum((each.at - middle) * (each.rss - mean) for each in looks) / spread


def test_a_leak_has_a_slope() -> None:
    assert slope([Look(at, 100_000 + 50 * at, 0, 0) for at in range(0, 60, 3)]) == pytest.approx(3_000)
    assert slope([Look(at, 100_000 + (at % 2), 0, 0) for at in range(60)]) < 10


async def _steady(crowd: Crowd, customers: Sequence[str], seconds: float) -> None:
    """Rooms in turn, customers one after another; whoever edits has customers of their own."""
    talkers = 5
    rate = MESSAGES_A_SECOND / talkers
    total = int(seconds * rate) + 1
    work = []
    for talker in range(talkers):
        turns = range(talker, talker + talkers * total, talkers)
        notes = [Note(f"r{n % ROOMS}", f"m{n}", customers[n % len(customers)]) for n in turns]
        work.append(crowd.talk(notes, 1 / rate))
    work += [crowd.edit(customers[first::EDITORS], 1_000_000, EDITORS / EDITS_A_SECOND) for first in range(EDITORS)]
    await asyncio.gather(*work)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
@pytest.mark.parametrize("engines", ENGINES)
async def test_memory_stays_where_it_is(engines: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    store, bus = f"sqlite:///{tmp_path}/floatcard.db", "store:"
    if engines != "sqlite":
        redis: Redis = request.getfixturevalue("redis_server")
        store, bus = request.getfixturevalue("postgresql_url"), redis.url()
    chance = random.Random(20)
    customers = names(CUSTOMERS, chance)
    network = Network([f"r{room}" for room in range(ROOMS)])
    async with listening(network) as chat:
        ground = Ground(tmp_path, store, bus, chat, cool_down="1s")
        await ground.furnish(customers)
        gateway = Gateway(ground, "gateway")
        try:
            await Outside(ground).known(gateway, customers)
            await gateway.start()
            watch = await _watched(gateway, network, customers, chance)
        finally:
            cleared([gateway])
    assert watch.looks[-1].said > watch.looks[0].said
    if MINUTES >= 3:
        _judge(watch.looks, PAGES_KB if engines == "sqlite" else 0)


def _judge(looks: Sequence[Look], pages: int) -> None:
    """`pages`: what a cache with a bound of its own may still fill, at whatever pace."""
    warm = [each for each in looks if each.at >= WARM_S]
    minutes, found = (warm[-1].at - warm[0].at) / 60, slope(warm)
    print(f"{found:.0f} kB a minute after the first {WARM_S:.0f} seconds")
    assert found < MOST_KB_A_MINUTE + pages / minutes, f"{found:.0f} kB a minute"


async def _watched(gateway: Gateway, network: Network, customers: Sequence[str], chance: random.Random) -> Watch:
    async with ClientSession(connector=TCPConnector(limit=16), timeout=ClientTimeout(total=30)) as session:
        crowd = Crowd(session, gateway.url, network, chance)
        watch = Watch(gateway, crowd)
        load = asyncio.create_task(_steady(crowd, customers, MINUTES * 60))
        await watch.run(MINUTES * 60)
        print(watch.table)
        crowd.gone = True
        await asyncio.wait_for(load, 60)
        await Outside(gateway.ground).drained(crowd)
    assert crowd.odd == []
    return watch
