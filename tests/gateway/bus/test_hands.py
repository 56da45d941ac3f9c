"""What one Redis bus has in hand when its lines break in the worst moments: nothing is forgotten, nothing run twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis import exceptions
from redis.asyncio import Redis as Client

from gateway.bus import redis, redis_lanes
from gateway.bus.redis import RedisBus
from gateway.bus.redis_lanes import GROUP, lane_of
from gateway.errors import Retry
from tests.gateway.bus.benches import Bench, Running, job, until

Call = Callable[..., Awaitable[Any]]


@pytest.fixture(autouse=True)
def unhurried(shared: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases end when a test wants it, and not because this machine is slow."""
    monkeypatch.setattr(redis_lanes, "TTL_MS", 8_000)


async def alone(bench: Bench) -> tuple[Running, RedisBus, Client]:
    """One bus with every lane, and a line of its own to its Redis."""
    one = await (await bench.open()).start()
    assert isinstance(one.bus, RedisBus)
    return one, one.bus, Client.from_url(bench.url.partition("?")[0])


def next_call(monkeypatch: pytest.MonkeyPatch, of: Any, name: str, instead: Callable[[Call], Call]) -> None:
    """The next one alone is another."""
    real: Call = getattr(of, name)

    async def once(*args: Any, **named: Any) -> Any:
        monkeypatch.setattr(of, name, real)
        return await instead(real)(*args, **named)

    monkeypatch.setattr(of, name, once)


async def test_a_lease_that_ran_out_while_it_was_renewed_is_given_back(
    shared: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, bus, client = await alone(shared)
    await bus.publish(job("a"))
    (first,) = await one.arrived(1)
    seen: list[bool] = []

    def late(real: Call) -> Call:
        async def renewed(**asked: Any) -> Any:
            for held in bus._lanes.held.values():
                held.until = time.monotonic() + 0.05
            answer = await real(**asked)
            await asyncio.sleep(0.2)
            seen.append(bus.holds(first))  # what the worker asks; it runs nothing then, and tells nobody
            return answer

        return renewed

    next_call(monkeypatch, bus._lanes, "_renew", late)
    await one.arrived(2)
    assert seen == [False]
    assert one.onces == ["a", "a"]
    assert bus.holds(one.got[1])
    await client.aclose()


async def test_what_was_in_hand_is_let_go_of_though_the_beat_breaks_off(
    shared: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, bus, client = await alone(shared)
    for n in range(20):
        await bus.publish(job(f"{n}", f"room:{n}"))
    await one.arrived(20)

    def cut(real: Call) -> Call:
        async def released(**asked: Any) -> Any:
            raise exceptions.ConnectionError("cut")

        return released

    next_call(monkeypatch, bus._lanes, "_release", cut)
    leases = [bus._names.lease(lane) for lane in bus._lanes.held]
    await client.delete(*leases)
    await one.arrived(40)
    assert len(bus._hands.jobs) == 20, "each is in hand once, under its new lease"
    assert sorted(one.onces[20:], key=int) == [f"{n}" for n in range(20)]
    await client.aclose()


async def test_what_is_acknowledged_while_its_lane_is_taken_up_is_not_run_again(
    shared: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, bus, client = await alone(shared)
    for once in ("a", "b"):
        await bus.publish(job(once))
    first, _ = await one.arrived(2)

    def meanwhile(real: Call) -> Call:
        async def before(holds: Any) -> Any:
            assert any(each.id == first.held.id for each in holds), "the answer has it still"  # type: ignore[attr-defined]
            await bus.ack(first)
            return await real(holds)

        return before

    next_call(monkeypatch, bus._begun, "before", meanwhile)
    held = bus._lanes.held[lane_of("room:a")]
    held.behind = b""  # as after a reading that broke off
    await until(lambda: held.behind != b"")
    await bus.publish(job("c"))
    await one.arrived(3)
    assert one.onces == ["a", "b", "c"]
    await client.aclose()


async def test_what_a_reading_took_that_was_given_up_long_ago_is_found(shared: Bench) -> None:
    one, bus, client = await alone(shared)
    await bus.publish(job("a"))
    await one.arrived(1)
    lane = bus._names.lane(lane_of("room:a"))
    fields = {"t": "event", "l": "room:a", "o": "b", "b": b"b", "a": "1"}
    async with client.pipeline(transaction=True) as step:  # such a reading comes between a job and the next reading
        step.xadd(lane, fields)  # type: ignore[arg-type]
        step.xreadgroup(GROUP, bus._lanes.me, {lane: ">"})
        await step.execute()
    await bus.publish(job("c"))
    await until(lambda: set(one.onces) == {"a", "b", "c"})
    assert len(one.got) == 3
    await client.aclose()


async def test_a_press_that_comes_to_redis_long_after_it_was_given_up_is_run(
    shared: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, bus, client = await alone(shared)
    given_up: list[dict[str, Any]] = []

    def cut(real: Call) -> Call:
        async def published(**asked: Any) -> Any:
            given_up.append(asked)
            raise exceptions.TimeoutError("no answer")

        return published

    real: Call = bus._publish
    next_call(monkeypatch, bus, "_publish", cut)
    with pytest.raises(Retry):
        await bus.publish(job("press", "press:1", here=True))
    await asyncio.sleep(0.4)  # some beats
    await real(**given_up[0])
    await one.arrived(1)
    await one.ack_all()
    await asyncio.sleep(0.3)
    assert one.onces == ["press"]
    await client.aclose()


async def test_that_redis_was_emptied_is_told_until_it_was_heard(shared: Bench) -> None:
    """The database may be away in the same moment."""
    _, bus, client = await alone(shared)
    told: list[bool] = []

    async def drawn_again() -> None:
        told.append(len(told) == 2)
        if not told[-1]:
            raise Retry(0.1, "the database is away")

    bus.emptied = drawn_again
    keys = [key async for key in client.scan_iter(f"{bus._names.prefix}*")]
    await client.delete(*keys)
    await until(lambda: told == [False, False, True])
    await asyncio.sleep(0.3)
    assert len(told) == 3
    await client.aclose()


async def test_whoever_cannot_be_told_that_redis_was_emptied_holds_lanes_all_the_same(shared: Bench) -> None:
    """As a store that takes no writes for an hour: what comes meanwhile is run."""
    one, bus, client = await alone(shared)
    told: list[float] = []

    async def drawn_again() -> None:
        told.append(time.monotonic())
        raise Retry(0.1, "the store takes no writes")

    bus.emptied = drawn_again
    keys = [key async for key in client.scan_iter(f"{bus._names.prefix}*")]
    await client.delete(*keys)
    await until(lambda: len(told) >= 2)
    await until(lambda: len([lane for lane in bus._lanes.held if lane != bus._lanes.own]) == redis_lanes.LANES)
    await bus.publish(job("press", "press:1", here=True))
    await bus.publish(job("a"))
    await one.arrived(2)
    assert sorted(one.onces) == ["a", "press"]
    await client.aclose()


async def test_a_store_that_hangs_while_it_is_told_costs_no_lease(
    shared: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis, "TICK_S", 0.1)
    _, bus, client = await alone(shared)
    told: list[float] = []

    async def hangs() -> None:
        told.append(time.monotonic())
        await asyncio.sleep(3600)

    bus.emptied = hangs
    keys = [key async for key in client.scan_iter(f"{bus._names.prefix}*")]
    await client.delete(*keys)
    await until(lambda: len(told) >= 3)
    await client.aclose()


async def test_an_epoch_that_a_failover_lost_never_comes_again(shared: Bench) -> None:
    """Not even to who has not looked since: another gateway counted on meanwhile."""
    _, bus, client = await alone(shared)
    key = bus._names.key("epoch")
    await bus.bump()
    sent = await client.get(key) or b""  # what the replica had
    for _ in range(3):
        await bus.bump()
    seen = await bus.epoch()
    assert seen > int(sent)
    await client.set(key, sent)
    await bus.bump()
    assert await bus.epoch() > seen
    await client.set(key, seen + 10**12)  # Redis' clock was set back since
    await bus.bump()
    assert await bus.epoch() == seen + 10**12 + 1
    await client.aclose()


async def test_many_at_once_look_like_nothing_forgotten(shared: Bench) -> None:
    """Lanes are not taken up again for jobs that are acknowledged as fast as they come."""
    _, bus, client = await alone(shared)
    done: list[asyncio.Task[None]] = []
    bus._deliver = lambda delivery: done.append(asyncio.create_task(bus.ack(delivery)))
    claims: list[Any] = []
    real: Call = bus._claim

    async def counted(**asked: Any) -> Any:
        claims.append(asked)
        return await real(**asked)

    bus._claim = counted  # type: ignore[assignment]
    for n in range(40):
        await asyncio.gather(*(bus.publish(job(f"{n}-{room}", f"room:{room}")) for room in range(20)))
    await until(lambda: len(done) == 800)
    await asyncio.gather(*done)
    assert claims == []
    assert not bus._hands.jobs
    await client.aclose()
