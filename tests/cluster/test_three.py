"""Three real gateways on one PostgreSQL and one Redis, killed with -9 and started again while people write and edit.

Small by default; FLOATCARD_SOAK=1 sends 5,000 messages and 2,000 edits. FLOATCARD_SEED repeats a run.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import ClientSession, ClientTimeout, TCPConnector

from gateway.only import TTL_MS
from tests.cluster import outside as out
from tests.cluster.balancer import balanced
from tests.cluster.caught import Caught
from tests.cluster.clients import Crowd, Note
from tests.cluster.gateways import Gateway, Ground, cleared, names
from tests.cluster.network import Network, listening
from tests.cluster.outside import Outside
from tests.engines.redis import Redis

pytestmark = [pytest.mark.alone, pytest.mark.timeout(3000)]

SOAK = os.environ.get("FLOATCARD_SOAK") == "1"
MESSAGES, EDITS, ROOMS, CUSTOMERS = (5_000, 2_000, 40, 2_500) if SOAK else (150, 60, 15, 100)
TALKERS, EDITORS = (10, 8) if SOAK else (5, 6)
PAUSES_S = (0.5, 0.8) if SOAK else (0.3, 0.6)
"""Between two messages of a talker, and two edits of an editor."""
PATIENCE_S = 900 if SOAK else 180
BETWEEN_S = (3.0, 8.0) if SOAK else (1.0, 3.0)
"""From one kill to the next."""
MOVED_WITHIN_S = 15.0
"""From the kill of its holder until a lease is another's; where there is time for all it is under 12."""
SEEN_WITHIN_S = 60.0
"""Until this test has come to look: its machine has other things to do."""


@dataclass
class Reaper:
    """Kills one of those that work, now and then two, never the last; and starts them again."""

    gateways: Sequence[Gateway]
    caught: Caught
    chance: random.Random
    slowest: float = 0.0
    """Of what one gateway does at a time: the longest that it was nobody's."""
    moved: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, done: asyncio.Event) -> None:
        while not done.is_set():
            try:
                await asyncio.wait_for(done.wait(), self.chance.uniform(*BETWEEN_S))
            except TimeoutError:
                self._strike()
        await asyncio.gather(*self.tasks)

    def _strike(self) -> None:
        for victim in self._victims([each for each in self.gateways if each.ready]):
            victim.kill()
            at = victim.killed[-1]
            for work in (self._back(victim), self._watch(at), self.caught.struck(at)):
                task = asyncio.create_task(work)
                self.tasks.add(task)

    def _victims(self, up: Sequence[Gateway]) -> Sequence[Gateway]:
        """The first is whoever holds what exists once."""
        holders = [each for each in up if each.says("this gateway does: ")]
        if not self.tasks and holders and len(up) > 1:
            return holders[:1]
        return self.chance.sample(up, max(0, min(len(up) - 1, 1 + (self.chance.random() < 0.25))))

    async def _back(self, gateway: Gateway) -> None:
        await asyncio.sleep(self.chance.uniform(0, 3))
        await gateway.start()

    async def _watch(self, at: float) -> None:
        """Within 15 seconds each lease is renewed, or another's: by the times the leases themselves were given, which
        are those of the database's clock and so of this machine's."""
        killed = time.time() - (time.monotonic() - at)
        await asyncio.sleep(0.3)  # what was on its way into the store is there
        left = await asyncio.to_thread(self._leases)
        while left:
            now = await asyncio.to_thread(self._leases)
            for name in [name for name in left if now[name][1] > left[name][1]]:
                owner, until = now[name]
                self.moved += owner != left.pop(name)[0]
                took = (until - TTL_MS) / 1000 - killed
                assert took < MOVED_WITHIN_S, f"{name}: nobody's for {took:.1f} s"
                self.slowest = max(self.slowest, took)
            assert time.time() - killed < SEEN_WITHIN_S or not left, f"still a dead gateway's: {left}"
            await asyncio.sleep(0.25)

    def _leases(self) -> dict[str, tuple[str, int]]:
        return {
            name: (owner, until)
            for name, owner, until in self.caught.outside.rows("SELECT name, owner, until FROM lease")
        }


def written(customers: Sequence[str], chance: random.Random) -> list[list[Note]]:
    """Each talker's messages, over rooms of its own; nobody is named twice in a room."""
    each = MESSAGES // ROOMS
    rooms = [[Note(f"r{room}", f"m{room}.{n}", name) for n, name in enumerate(chance.sample(customers, each))]
             for room in range(ROOMS)]  # fmt: skip
    return [[note for row in zip(*rooms[first::TALKERS], strict=True) for note in row] for first in range(TALKERS)]


@pytest.mark.parametrize("seed", [int(os.environ.get("FLOATCARD_SEED") or random.SystemRandom().randrange(1 << 32))])
async def test_nothing_is_lost_and_nothing_is_done_twice(
    tmp_path: Path, postgresql_url: str, redis_server: Redis, seed: int
) -> None:
    print(f"FLOATCARD_SEED={seed}")
    chance = random.Random(seed)
    customers = names(CUSTOMERS, chance)
    network = Network([f"r{room}" for room in range(ROOMS)])
    async with listening(network) as chat:
        ground = Ground(tmp_path, postgresql_url, redis_server.url(), chat)
        await ground.furnish(customers)
        gateways = [Gateway(ground, f"gateway-{number}") for number in (1, 2, 3)]
        try:
            await Outside(ground).known(gateways[0], customers)
            report = await _whole(gateways, network, customers, chance)
        finally:
            cleared(gateways)
    print("\n".join(f"{name}: {count}" for name, count in sorted(report.items())))


async def _whole(
    gateways: Sequence[Gateway], network: Network, customers: Sequence[str], chance: random.Random
) -> Counter[str]:
    await asyncio.gather(*(each.start() for each in gateways))
    outside = Outside(gateways[0].ground)
    began = time.monotonic()
    async with balanced([each.port for each in gateways]) as (url, balancer):
        connector = TCPConnector(limit=32, keepalive_timeout=2)
        async with ClientSession(connector=connector, timeout=ClientTimeout(total=15)) as session:
            crowd = Crowd(session, url, network, chance)
            reaper = Reaper(gateways, Caught(outside, network), random.Random(chance.random()))
            done = asyncio.Event()
            killing = asyncio.create_task(reaper.run(done))
            try:
                await _work(crowd, customers, chance)
            finally:
                done.set()
            await killing
        took = time.monotonic() - began
        await outside.drained(crowd, PATIENCE_S)
        assert all(balancer.taken.values()), "each of them had something to do"
    assert crowd.odd == []
    assert reaper.moved, "a holder was killed"
    found = await _counted(outside, network, crowd)
    found["posted again under the same key"] = reaper.caught.judged()
    for each in gateways:
        assert await each.stop() == 0
    out.the_chain_is_sound(outside)
    kills = sum(each.kills for each in gateways)
    return found + crowd.counted + Counter({
        "kills": kills, "leases moved": reaper.moved, "slowest lease, ms": int(reaper.slowest * 1000),
        "messages acknowledged": len(crowd.said), "edits acknowledged": crowd.edits, "seconds": int(took),
    })  # fmt: skip


async def _work(crowd: Crowd, customers: Sequence[str], chance: random.Random) -> None:
    notes = written(customers, chance)
    named = sorted({note.customer for mine in notes for note in mine})
    talking = [crowd.talk(mine, PAUSES_S[0]) for mine in notes]
    editing = [crowd.edit(named[first::EDITORS], EDITS // EDITORS, PAUSES_S[1]) for first in range(EDITORS)]
    await asyncio.gather(*talking, *editing)


async def _counted(outside: Outside, network: Network, crowd: Crowd) -> Counter[str]:
    edits = out.each_edit_is_decided_once(outside, crowd)
    links = out.edits_are_chained(outside, crowd)
    rooms = out.rooms_are_in_order(outside, network, crowd.said)
    cards = out.one_card_a_message(outside, network, crowd.said)
    same = await out.the_crm_holds_what_stands(outside, crowd)
    return edits + cards + Counter({"parents in a row": links, "rooms in order": rooms, "CRM equal": same})
