"""The memory of one gateway under steady load, looked at every few seconds: after its warm-up it must not climb.

Some seconds by default, which shows that the watch works; FLOATCARD_SOAK=1 takes three minutes, and
FLOATCARD_SOAK_MINUTES=60 the hour.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sqlite3
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
FILLING_KB = 0 if LONG else 2_048
"""On SQLite as much again: in the second and third minute 2.9 MB a minute were measured, on PostgreSQL 1.6, and after
half an hour 0.7 and 0.3. Some 0.4 are the caches of those that read (2 MB each), as much is what the writer keeps
beside its pages; the rest, in other threads, was not found out."""
PAGES_KB = 65_536
"""What the page cache of SQLite's writer may hold (gateway/store/connect.py), and no more than the file has: as that
grows, so may the memory."""

pytestmark = [pytest.mark.alone, pytest.mark.timeout(int(MINUTES * 60) + 600)]


@dataclass(frozen=True, slots=True)
class Look:
    """Seconds since the start, kB in memory, messages and edits acknowledged by then, kB of SQLite's pages."""

    at: float
    rss: int
    said: int
    saved: int
    file: int = 0

    @property
    def own(self) -> int:
        """kB in memory that are no pages of the file."""
        return self.rss - min(self.file, PAGES_KB)


@dataclass
class Watch:
    gateway: Gateway
    crowd: Crowd
    looks: list[Look] = field(default_factory=list)

    async def run(self, seconds: float) -> None:
        began = time.monotonic()
        while (at := time.monotonic() - began) < seconds:
            said, saved = len(self.crowd.said), self.crowd.edits
            self.looks.append(Look(at, resident(self.gateway.pid), said, saved, stored(self.gateway.ground.store)))
            await asyncio.sleep(EVERY_S)

    @property
    def table(self) -> str:
        step = max(1, len(self.looks) // 24)
        rows = [
            f"| {x.at / 60:.1f} | {x.rss / 1024:.1f} | {x.file / 1024:.1f} | {x.said} | {x.saved} |"
            for x in self.looks[::step]
        ]
        return "\n".join(["| minute | RSS, MB | file, MB | messages | edits |", "|---|---|---|---|---|", *rows])


def resident(pid: int) -> int:
    """kB."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])


def stored(store: str) -> int:
    """kB of the pages that SQLite's file has, those that are only in its log among them; 0 on PostgreSQL.

    The two files' own sizes say more: what was brought from the one into the other stands in both.
    """
    path = store.removeprefix("sqlite:///")
    if path == store:
        return 0
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as look:
        (pages,), (size,) = (look.execute(f"PRAGMA {each}").fetchone() for each in ("page_count", "page_size"))
    return int(pages * size) // 1024


def slope(looks: Sequence[Look]) -> float:
    """kB a minute, by least squares, without the pages of the file."""
    n = len(looks)
    middle, mean = sum(each.at for each in looks) / n, sum(each.own for each in looks) / n
    spread = sum((each.at - middle) ** 2 for each in looks)
    return 60 * sum((each.at - middle) * (each.own - mean) for each in looks) / spread


def test_a_leak_has_a_slope() -> None:
    assert slope([Look(at, 100_000 + 50 * at, 0, 0) for at in range(0, 60, 3)]) == pytest.approx(3_000)
    assert slope([Look(at, 100_000 + (at % 2), 0, 0) for at in range(60)]) < 10


def test_a_leak_is_seen_beside_a_file_that_grows() -> None:
    """10 MB a minute of pages, until the cache is full; what comes on top of them is a leak."""

    def looks(leak: int, file: int) -> list[Look]:
        """kB a minute leaked, and kB of the file at the first of them."""
        files = [(at, file + 10_240 * at // 60) for at in range(60, 181, 3)]
        return [Look(at, 150_000 + leak * at // 60 + min(size, PAGES_KB), 0, 0, size) for at, size in files]

    for file in (1_000, 60_000, 200_000):
        _judge(looks(0, file))
        assert slope(looks(5_120, file)) == pytest.approx(5_120, rel=0.01)
        with pytest.raises(AssertionError, match="kB a minute"):
            _judge(looks(5_120, file))


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
        _judge([each for each in watch.looks if each.at >= WARM_S])


def _judge(looks: Sequence[Look]) -> None:
    found, most = slope(looks), MOST_KB_A_MINUTE + (FILLING_KB if looks[0].file else 0)
    print(f"{found:.0f} kB a minute after the first {looks[0].at:.0f} seconds")
    assert found < most, f"{found:.0f} kB a minute"


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
