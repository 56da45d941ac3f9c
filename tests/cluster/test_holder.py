"""Two gateways on one PostgreSQL and Redis: what may exist once moves within 15 s from one that was killed, or stands
still, to the other. Seen from outside: by the network that is polled or connected to, and by what each tells of itself.

Killed once and frozen once on each network; five times and ten with FLOATCARD_SOAK=1. FLOATCARD_SEED repeats a run.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.gateways import Gateway, Ground, cleared, names
from tests.cluster.holding import HELD, POLL_S, Seen
from tests.cluster.outside import Outside
from tests.cluster.talking import linked
from tests.engines.redis import Redis

SOAK = os.environ.get("FLOATCARD_SOAK") == "1"
pytestmark = [pytest.mark.alone, pytest.mark.timeout(3000 if SOAK else 900)]

ROUNDS = 5 if SOAK else 1
MOVED_WITHIN_S = 15.0
LOCKED_S = 35.0
"""So long PostgreSQL lets a session be that begins something and does not go on: `gateway/store/connect.py`."""
AMIDST = """
SELECT pid, xact_start FROM pg_stat_activity
WHERE datname = current_database() AND state = 'idle in transaction' AND pid <> pg_backend_pid()
"""
ON_ITS_WAY_S = 0.3
"""What a gateway had sent before it was stopped has come to the network by then."""
FROZEN_S = (ON_ITS_WAY_S, ON_ITS_WAY_S + 2 * POLL_S)
"""Until somebody says something: it wakes with a message unread, and with an answer that there is none."""
AT_ONCE_S = 5.0
"""For one that wakes and finds its lease gone: a machine that does other things gives it no more time at once."""
PATIENCE_S = 120
"""For a card: how long that takes is the machine's."""


@dataclass
class Pair:
    talk: Seen
    customers: Iterator[str]
    names: frozenset[str]
    """All that may exist once in these gateways."""
    outside: Outside

    async def said(self) -> None:
        room = self.talk.chance.choice(list(self.talk.said))
        await asyncio.wait_for(self.talk.say(room, next(self.customers)), PATIENCE_S)

    async def answered(self) -> None:
        """Each message has its card, and no other card is there."""
        await until(lambda: self.talk.answered == self.talk.taken, PATIENCE_S, "messages without a card")
        assert self.talk.posted_again == 0

    async def only(self, holder: Gateway, other: Gateway, since: float) -> None:
        """One works for the network, and all is said that proves it does so alone."""
        await self.said()
        await self.answered()
        assert self.talk.by(holder.port)
        assert self.talk.by(other.port, since) == []
        assert await holder.holding() == self.names
        assert not await other.holding()

    async def moved(self, to: Gateway, since: float, within: float = MOVED_WITHIN_S) -> float:
        """Seconds until all of it was the other's, as the network saw it and as the other tells."""
        seen: list[float] = []
        ends = since + within
        while time.monotonic() < ends and not seen:
            seen = [each.since - since for each in self.talk.by(to.port, since)]
            await asyncio.sleep(0.05)
        assert seen, f"nobody for {within} s: {self.talk.holds[-3:]}"
        while (left := self.names - await to.holding()) and time.monotonic() < ends:
            await asyncio.sleep(0.05)
        assert not left, f"nobody's for {within} s: {left}"
        return seen[0]

    async def amidst(self) -> bool:
        """Whether whoever was stopped was so in the midst of a transaction, whose rows the other then waits for."""
        before = set(self.outside.rows(AMIDST))
        await asyncio.sleep(0.5)
        return bool(before & set(self.outside.rows(AMIDST)))


async def until(done: Callable[[], bool], within: float, what: str) -> None:
    ends = time.monotonic() + within
    while not done():
        assert time.monotonic() < ends, f"after {within} s: {what}"
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("network", HELD)
async def test_a_connection_the_sweep_and_the_schedule_are_one_gateways_and_move(
    network: str, tmp_path: Path, postgresql_url: str, redis_server: Redis
) -> None:
    seed = int(os.environ.get("FLOATCARD_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"FLOATCARD_SEED={seed}")
    chance = random.Random(seed)
    talk = HELD[network](chance)
    async with talk.listening():
        ground = Ground(tmp_path, postgresql_url, redis_server.url(), "", channel=talk.channel(tmp_path))
        customers = names(20 * ROUNDS, chance)
        await ground.furnish(customers)
        await linked(ground.store, talk)
        holder, other = (Gateway(ground, f"gateway{n}") for n in range(2))
        outside = Outside(ground)
        try:
            await outside.known(holder, customers)
            await holder.start()
            pair = Pair(talk, iter(customers), await _all(holder, network), outside)
            await other.start()
            for _ in range(ROUNDS):
                killed = await _killed(pair, holder, other)
                for pause in FROZEN_S if SOAK else chance.sample(FROZEN_S, 1):
                    holder, other = other, holder
                    frozen = await _frozen(pair, holder, other, pause)
                    print(f"{network}: the other's {killed:.1f} s after a kill, {frozen:.1f} s after one stood still")
                holder, other = other, holder
            assert [await each.stop() for each in (other, holder)] == [0, 0]
        finally:
            cleared((holder, other))
        cards = outside.rows("SELECT subject, count(*) FROM slot WHERE purpose = 'card' GROUP BY subject")
        said = Counter(id_ for room in talk.said.values() for id_ in room)
        assert Counter({str(id_): int(count) for id_, count in cards}) == said, "handled once each"


async def _all(alone: Gateway, network: str) -> frozenset[str]:
    """What a gateway takes that is alone: at its start one after the other."""
    wanted = {"schedule", "sweep local", "directory", "retention", "laboratory", "lists", f"listen {network}"}
    ends = time.monotonic() + PATIENCE_S
    while (found := await alone.holding()) != wanted:
        assert time.monotonic() < ends, f"it holds {found}"
        await asyncio.sleep(0.1)
    return frozenset(found)


async def _killed(pair: Pair, holder: Gateway, other: Gateway) -> float:
    await pair.only(holder, other, time.monotonic())
    holder.kill()
    since = holder.killed[-1]
    saying = asyncio.create_task(pair.said())
    took = await pair.moved(other, since)
    await saying
    await pair.answered()
    await holder.start()
    await pair.only(other, holder, since)
    return took


async def _frozen(pair: Pair, holder: Gateway, other: Gateway, pause: float) -> float:
    """For longer than its lease, while something is said. When it wakes it finds what came to it meanwhile, and no
    more: it asks for nothing, and nothing that the other has had is shown a second time."""
    holder.freeze()
    since = time.monotonic()
    await asyncio.sleep(ON_ITS_WAY_S)
    stopped = time.monotonic()
    await asyncio.sleep(pause - ON_ITS_WAY_S)
    within = MOVED_WITHIN_S + (LOCKED_S if await pair.amidst() else 0)
    saying = asyncio.create_task(pair.said())
    took = await pair.moved(other, since, within)
    await saying
    await pair.answered()
    holder.wake()
    woken = time.monotonic()
    await until(lambda: all(each.until for each in pair.talk.by(holder.port)), AT_ONCE_S, "what it had is still open")
    while await holder.holding():
        assert time.monotonic() < woken + AT_ONCE_S, "it goes on as if all were still its own"
        await asyncio.sleep(0.05)
    await pair.only(other, holder, stopped)
    assert time.monotonic() < woken + 2 * MOVED_WITHIN_S, "the one that holds it was kept from it"
    return took
