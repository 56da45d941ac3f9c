"""A target that does not answer is asked by one, now and then."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import Refused, Retry
from gateway.metrics import REGISTRY
from gateway.outgoing.breaker import FIRST_MS, LONGEST_MS, THRESHOLD, Breaker, Breakers
from tests.gateway.outgoing.keepers import Seconds


class Target:
    """Counts who really comes through."""

    def __init__(self) -> None:
        self.asked = 0
        self.fault: Exception | None = Retry(1, "down")

    async def __call__(self) -> str:
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        return "well"


def made() -> tuple[Breaker, Target, Seconds]:
    clock = Seconds()
    return Breaker("crm", clock, jitter=lambda: 0.5), Target(), clock


async def fails(breaker: Breaker, target: Target, times: int) -> None:
    for _ in range(times):
        with pytest.raises((Retry, OSError)):
            await breaker.run(target)


async def test_it_opens_after_repeated_failures_and_then_fails_fast_until_the_probe() -> None:
    breaker, target, clock = made()
    await fails(breaker, target, THRESHOLD - 1)
    assert breaker.state == "closed"
    await fails(breaker, target, 1)
    assert (breaker.state, target.asked) == ("open", THRESHOLD)
    clock.at += 0.4
    with pytest.raises(Retry) as told:
        await breaker.run(target)
    assert told.value.after == pytest.approx(0.6)
    assert target.asked == THRESHOLD, "nobody was asked"


async def test_one_probe_at_a_time_and_success_closes_it() -> None:
    breaker, target, clock = made()
    await fails(breaker, target, THRESHOLD)
    clock.at += FIRST_MS / 1000
    assert breaker.state == "half-open"
    target.fault = None
    gate = asyncio.Event()

    async def slow() -> str:
        await gate.wait()
        return await target()

    probe = asyncio.create_task(breaker.run(slow))
    await asyncio.sleep(0)
    with pytest.raises(Retry):
        await breaker.run(target)
    gate.set()
    assert await probe == "well"
    assert (breaker.state, breaker.failures) == ("closed", 0)
    assert await breaker.run(target) == "well"


async def test_each_probe_that_fails_doubles_the_wait_up_to_a_bound() -> None:
    breaker, target, clock = made()
    await fails(breaker, target, THRESHOLD)
    waits = []
    for _ in range(10):
        waits.append(breaker.after)
        clock.at += breaker.after
        await fails(breaker, target, 1)
    assert waits[:4] == pytest.approx([1, 2, 4, 8])
    assert max(waits) <= LONGEST_MS / 1000 * 1.2


async def test_the_wait_is_jittered() -> None:
    waits = set()
    for number in (0.0, 0.5, 0.999):
        breaker = Breaker("crm", Seconds(), jitter=lambda number=number: number)  # type: ignore[misc]
        await fails(breaker, Target(), THRESHOLD)
        waits.add(round(breaker.after, 1))
    assert waits == {0.8, 1.0, 1.2}


async def test_a_refusal_and_a_rate_limit_are_answers() -> None:
    breaker, target, _ = made()
    for fault in (Refused("no"), Retry(30, limit="room"), Refused("no"), Retry(30, limit="network")):
        await fails(breaker, Target(), THRESHOLD - 1)
        target.fault = fault
        with pytest.raises(type(fault)):
            await breaker.run(target)
        assert (breaker.failures, breaker.state) == (0, "closed")


async def test_what_the_network_itself_raises_counts_and_a_bug_of_ours_does_not() -> None:
    breaker, target, _ = made()
    target.fault = ConnectionResetError("cut")
    await fails(breaker, target, THRESHOLD - 1)
    target.fault = TypeError("a bug")
    with pytest.raises(TypeError):
        await breaker.run(target)
    assert (breaker.state, breaker.failures) == ("closed", THRESHOLD - 1)
    target.fault = TimeoutError()
    await fails(breaker, target, 1)
    assert breaker.state == "open"


async def test_a_probe_that_is_cancelled_leaves_the_next_one_its_place() -> None:
    breaker, target, clock = made()
    await fails(breaker, target, THRESHOLD)
    clock.at += 1
    probe = asyncio.create_task(breaker.run(lambda: asyncio.sleep(60)))
    await asyncio.sleep(0)
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    target.fault = None
    assert await breaker.run(target) == "well"


async def test_a_clock_set_back_does_not_keep_it_open() -> None:
    breaker, target, clock = made()
    await fails(breaker, target, THRESHOLD)
    clock.at -= 900
    assert breaker.state == "half-open"


async def test_each_target_has_its_own_and_its_state_is_a_metric() -> None:
    breakers = Breakers(Seconds())
    target = Target()
    await fails(breakers["gauge-a"], target, THRESHOLD)
    assert breakers["gauge-b"].state == "closed"
    levels = {name: REGISTRY.get_sample_value("floatcard_breaker", {"target": name}) for name in breakers}
    assert levels == {"gauge-a": 2, "gauge-b": 0}
