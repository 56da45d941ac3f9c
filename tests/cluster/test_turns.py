"""One turn over two processes: the gateway that takes a message in and the one that runs it log the same id."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from redis.asyncio import Redis as Client

from gateway.bus.redis_address import address
from gateway.bus.redis_lanes import LANES
from tests.cluster.clients import Crowd, Note
from tests.cluster.gateways import Gateway, Ground, cleared, names
from tests.cluster.network import Network, listening
from tests.cluster.outside import Outside
from tests.engines.redis import Redis

pytestmark = pytest.mark.timeout(1200)  # a loaded machine is no failure

ROOMS = 24
"""Each goes to one of the two by the toss of a coin."""
LOGS = '[logs]\nformat = "json"\naccess = true\n'


async def test_a_message_has_one_turn_in_the_logs_of_whoever_took_it_in_and_of_whoever_ran_it(
    tmp_path: Path, postgresql_url: str, redis_server: Redis
) -> None:
    chance = random.Random(1)
    customers = names(4, chance)
    network = Network([f"r{number}" for number in range(ROOMS)])
    for room in network.rooms.values():
        room.status = 404  # of which whoever runs a message has something to say
    async with listening(network) as chat, ClientSession() as session:
        ground = Ground(tmp_path, postgresql_url, redis_server.url(), chat, more=LOGS)
        await ground.furnish(customers)
        door, other = Gateway(ground, "door"), Gateway(ground, "other")
        try:
            await Outside(ground).known(door, customers)
            await asyncio.gather(door.start(), other.start())
            await shared_out(ground)
            crowd = Crowd(session, door.url, network, chance)
            await crowd.talk([Note(f"r{number}", f"m{number}", customers[0]) for number in range(ROOMS)])
            await until_said(door, other)
            assert await other.stop() == await door.stop() == 0
        finally:
            cleared([door, other])
    taken = [each["turn"] for each in lines(door) if each.get("route") == "/in/{channel}"]
    ran = {each.name: Counter(line["turn"] for line in refusals(each)) for each in (door, other)}
    assert len(taken) == len(set(taken)) == ROOMS
    assert ran["other"], "nothing was run by the one that took nothing in"
    assert ran["door"] + ran["other"] == Counter(taken), "each was run once, in the turn it came in"
    assert [each for each in lines(other) if each.get("route") == "/in/{channel}"] == []


async def shared_out(ground: Ground, patience: float = 120) -> None:
    """Until each of the two reads half of the lanes."""
    to, ends = address(ground.bus), time.monotonic() + patience
    client = Client.from_url(to.url)
    while True:
        keys = [f"{to.prefix}lease:{lane}" for lane in range(LANES)]
        tokens: Any = await client.mget(keys)
        holders = Counter(token.rpartition(b"/")[0] for token in tokens if token)
        if sorted(holders.values()) == [LANES // 2] * 2:
            break
        assert time.monotonic() < ends, holders
        await asyncio.sleep(0.1)
    await client.aclose()


async def until_said(*gateways: Gateway, patience: float = 120) -> None:
    ends = time.monotonic() + patience
    while sum(len(refusals(each)) for each in gateways) < ROOMS:
        assert time.monotonic() < ends, [each.log() for each in gateways]
        await asyncio.sleep(0.1)


def refusals(gateway: Gateway) -> list[dict[str, Any]]:
    return [each for each in lines(gateway) if each["says"].startswith("the network refused a card")]


def lines(gateway: Gateway) -> list[dict[str, Any]]:
    """Of its log, but one that is being written."""
    raw = gateway.log_file.read_text("utf-8")
    return [json.loads(each) for each in raw[: raw.rfind("\n") + 1].splitlines() if each.startswith("{")]
