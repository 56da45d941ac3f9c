"""What a network says of itself closes the right bucket, and a silent one is never driven above its rate."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest

from channels.model import MESSAGES, Rate
from gateway.errors import Retry
from gateway.outgoing import line as line_module
from gateway.outgoing.breaker import THRESHOLD, Breakers
from gateway.outgoing.gate import Gate
from gateway.outgoing.memory import MemoryBuckets
from gateway.outgoing.model import Limited, Rank
from tests.engines.redis import Redis
from tests.gateway.outgoing.keepers import Seconds, in_memory, in_redis
from tests.gateway.outgoing.networks import LIMITS, Wall


def gate_of(**limits: object) -> tuple[Gate, Seconds]:
    clock = Seconds()
    wall = Wall(replace(LIMITS, **limits))  # type: ignore[arg-type]
    return Gate({"wall": wall}, MemoryBuckets(clock), Breakers(clock)), clock


async def told(after: float, limit: str) -> None:
    raise Retry(after, "too much", limit=limit)


async def fine() -> str:
    return "done"


@pytest.mark.parametrize(
    ("limit", "still"),
    [
        ("room", {("send", "r2"), ("edit", "r2"), ("open", "")}),
        ("method", {("edit", "r1"), ("edit", "r2"), ("open", "")}),
        ("network", set()),
    ],
)
async def test_retry_after_closes_what_the_network_meant(limit: str, still: set[tuple[str, str]]) -> None:
    gate, _ = gate_of(methods={"send": Rate(1_000, 1_000)})
    with pytest.raises(Retry):
        await gate.run("wall", "send", "r1", Rank.CARD, lambda: told(30, limit))
    went = set()
    for method, room in [("send", "r1"), ("send", "r2"), ("edit", "r1"), ("edit", "r2"), ("open", "")]:
        try:
            await gate.run("wall", method, room, Rank.PRESS, fine)
            went.add((method, room))
        except Limited as limited:
            assert 29 < limited.after <= 30
    assert went == still
    assert gate.breakers["wall"].state == "closed"


async def test_a_network_that_does_not_answer_is_left_alone() -> None:
    gate, clock = gate_of()
    for _ in range(THRESHOLD):
        with pytest.raises(Retry):
            await gate.run("wall", "send", "r1", Rank.CARD, lambda: told(5, ""))
    with pytest.raises(Retry) as fast:
        await gate.run("wall", "send", "r2", Rank.PRESS, fine)
    assert not isinstance(fast.value, Limited)
    clock.at += 2
    assert await gate.run("wall", "send", "r2", Rank.PRESS, fine) == "done"


@pytest.mark.parametrize("shared", [False, True])
async def test_a_silent_network_hears_one_call_at_a_time_and_never_above_its_rate(
    shared: bool, redis_server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_module, "PATIENCE_S", dict.fromkeys(Rank, 60.0))
    pause = 0.05
    limits = replace(LIMITS, silent=True, room_rate=1 / pause, room_counts=MESSAGES)
    keepers = in_redis(redis_server.url()) if shared else in_memory()
    own = MemoryBuckets()
    gates = [
        Gate({"wall": Wall(limits)}, each, Breakers(Seconds()))
        for each in ((keepers.one, keepers.two) if shared else (own, own))
    ]
    loop, heard = asyncio.get_running_loop(), list[tuple[float, float]]()

    async def call(n: int) -> None:
        began = loop.time()
        await asyncio.sleep(0.002 * (n % 3))
        heard.append((began, loop.time()))

    ranks = list(Rank)
    asked = [gates[n % 2].run("wall", MESSAGES[n % 4], "r", ranks[n % 5], lambda n=n: call(n)) for n in range(16)]  # type: ignore[misc]
    await asyncio.gather(*asked)
    heard.sort()
    assert len(heard) == 16
    # Redis' clock and ours are two: they differ by less than a thousandth over so short a time.
    assert all(nxt[0] - before[1] >= pause - 0.001 for before, nxt in pairwise(heard))
    for gate in gates:
        await gate.close()


async def test_a_press_is_never_behind_repaints_of_this_gateway_or_another(
    redis_server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_module, "PATIENCE_S", dict.fromkeys(Rank, 60.0))
    keepers = in_redis(redis_server.url())
    limits = replace(LIMITS, room_rate=10.0, room_burst=1)
    gates = [Gate({"wall": Wall(limits)}, each, Breakers(Seconds())) for each in (keepers.one, keepers.two)]
    went: list[str] = []

    async def call(name: str) -> None:
        went.append(name)

    def ask(gate: int, rank: Rank) -> asyncio.Task[None]:
        return asyncio.create_task(gates[gate].run("wall", "send", "r", rank, lambda: call(rank.name)))

    repaints = [ask(n % 2, Rank.REPAINT) for n in range(12)]
    while len(went) < 2:
        await asyncio.sleep(0.005)
    before = len(went)
    await ask(0, Rank.PRESS)
    # One repaint may have had its permit already, and one more where the other gateway asked before the press did.
    assert went.index("PRESS") <= before + 2
    await asyncio.gather(*repaints)
    for gate in gates:
        await gate.close()
