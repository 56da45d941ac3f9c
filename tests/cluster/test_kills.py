"""A real gateway on each store, killed with -9 again and again while people write and edit; then all is counted.

A dozen kills each; two hundred with FLOATCARD_SOAK=1. FLOATCARD_SEED repeats a run.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientSession, ClientTimeout, TCPConnector

from tests.cluster import outside as out
from tests.cluster.caught import Caught
from tests.cluster.clients import Crowd, Note
from tests.cluster.gateways import Gateway, Ground, cleared, names
from tests.cluster.network import Network, listening
from tests.cluster.outside import Outside
from tests.engines.redis import Redis

SOAK = os.environ.get("FLOATCARD_SOAK") == "1"
pytestmark = [pytest.mark.alone, pytest.mark.timeout(14_400 if SOAK else 3600)]

KILLS = int(os.environ.get("FLOATCARD_KILLS") or (200 if SOAK else 12))
ENGINES = ("sqlite", "postgresql", "postgresql and redis") if SOAK else ("sqlite", "postgresql")
ROOMS, EDITORS = 4, 3
CUSTOMERS = max(60, 12 * KILLS)
LIVES = 24
"""So many messages and edits are taken at most from being ready to being killed, and then so long is waited:"""
AND_S = 0.4
AHEAD = 200
AT_ITS_START = 0.25
"""How many of the kills come while it is starting."""


@dataclass
class Bench:
    gateway: Gateway
    outside: Outside
    network: Network
    crowd: Crowd
    caught: Caught


@contextlib.asynccontextmanager
async def standing(folder: Path, store: str, bus: str, chance: random.Random) -> AsyncIterator[tuple[Bench, list[str]]]:
    network = Network([f"r{room}" for room in range(ROOMS)])
    async with listening(network) as chat:
        ground = Ground(folder, store, bus, chat)
        customers = names(CUSTOMERS, chance)
        await ground.furnish(customers)
        gateway = Gateway(ground, "gateway")
        async with ClientSession(connector=TCPConnector(limit=16), timeout=ClientTimeout(total=15)) as session:
            try:
                crowd, outside = Crowd(session, gateway.url, network, chance), Outside(ground)
                yield Bench(gateway, outside, network, crowd, Caught(outside, network)), customers
            finally:
                cleared([gateway])


@contextlib.asynccontextmanager
async def at_work(crowd: Crowd, customers: list[str], chance: random.Random) -> AsyncIterator[None]:
    """People in each room, and some who edit, until they are told to go home; what they began they end."""
    work = []
    for room in range(ROOMS):
        named = chance.sample(customers, len(customers))
        notes = [Note(f"r{room}", f"m{room}.{n}", name) for n, name in enumerate(named)]
        work.append(crowd.talk(notes, 0.15, AHEAD))
    work += [crowd.edit(customers[first::EDITORS], 1_000_000, 0.15) for first in range(EDITORS)]
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
        await crowd.until(lambda: len(crowd.said) > 2 * KILLS and crowd.edits > KILLS)
        crowd.gone = True
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("engines", ENGINES)
async def test_killed_again_and_again(engines: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    seed = int(os.environ.get("FLOATCARD_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"FLOATCARD_SEED={seed}")
    chance = random.Random(seed)
    store = f"sqlite:///{tmp_path}/floatcard.db"
    bus = "store:"
    if engines != "sqlite":
        store = request.getfixturevalue("postgresql_url")
    if engines.endswith("redis"):
        redis: Redis = request.getfixturevalue("redis_server")
        bus = redis.url()
    async with standing(tmp_path, store, bus, chance) as (here, customers):
        await here.outside.known(here.gateway, customers)
        async with at_work(here.crowd, customers, chance):
            for _ in range(KILLS):
                await _one_life(here, chance)
            await here.gateway.start()
        await here.outside.drained(here.crowd, 300)
        await _counted(here)


async def _one_life(here: Bench, chance: random.Random) -> None:
    """Started, killed; and what it leaves is whole."""
    if chance.random() < AT_ITS_START:
        here.gateway.begin()
        await asyncio.sleep(chance.uniform(0.5, 2.0))
    else:
        await here.gateway.start()
        enough = here.crowd.taken + chance.randrange(LIVES)
        await here.crowd.until(lambda: here.crowd.taken >= enough)
        await asyncio.sleep(chance.uniform(0, AND_S))
    here.gateway.kill()
    await here.caught.struck(here.gateway.killed[-1])
    await asyncio.to_thread(_whole, here.outside)


def _whole(outside: Outside) -> None:
    """Each edit is in the inbox and has its decision: all of it, or nothing."""
    halves = """
        SELECT (SELECT count(*) FROM inbox) - (SELECT count(*) FROM edit),
               (SELECT count(*) FROM edit LEFT JOIN decision ON decision.id = edit.decision WHERE decision.id IS NULL)
    """
    assert outside.rows(halves) == [(0, 0)]


async def _counted(here: Bench) -> None:
    crowd, outside = here.crowd, here.outside
    assert crowd.odd == []
    counted = out.each_edit_is_decided_once(outside, crowd)
    out.edits_are_chained(outside, crowd)
    out.rooms_are_in_order(outside, here.network, crowd.said)
    counted += out.one_card_a_message(outside, here.network, crowd.said)
    counted["posted again under the same key"] = here.caught.judged()
    await out.the_crm_holds_what_stands(outside, crowd)
    assert await here.gateway.stop() == 0
    out.the_chain_is_sound(outside)
    print(
        f"{here.gateway.kills} kills, {len(crowd.said)} messages and {crowd.edits} edits acknowledged: {dict(counted)}"
    )
