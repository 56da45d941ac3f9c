"""A target that does not answer is asked by one, now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from crm.once import taken
from gateway.clock import SystemClock
from gateway.config import check, load
from gateway.config.model import OidcSpec
from gateway.errors import Refused, Retry, Unsure
from gateway.metrics import REGISTRY
from gateway.outgoing.breaker import FIRST_MS, LONGEST_MS, THRESHOLD, Breaker, Breakers
from gateway.outgoing.targets import SIGN_IN, TRACES, standing, targets
from tests.gateway.house import configured
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


async def test_a_refused_read_after_our_own_write_is_an_answer_and_one_that_broke_off_is_none() -> None:
    """Whether the write was taken is not sure; that the target was there is."""

    def unread(fault: Exception) -> Exception:
        with pytest.raises(Unsure) as told, taken():
            raise fault
        return told.value

    breaker, target, _ = made()
    target.fault = unread(Refused("You may not read this."))
    await fails(breaker, target, THRESHOLD)
    assert (breaker.state, breaker.failures) == ("closed", 0)
    target.fault = unread(Retry(1, "down"))
    await fails(breaker, target, THRESHOLD)
    assert breaker.state == "open"


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


async def test_in_a_thread_it_is_the_same_breaker() -> None:
    breaker, _, clock = made()
    calls = []

    def work(well: bool) -> Callable[[], bool]:
        def called() -> bool:
            calls.append(well)
            return well

        return called

    for _ in range(THRESHOLD):
        assert not breaker.attempt(work(False))
    with pytest.raises(Retry):
        breaker.attempt(work(True))
    assert len(calls) == THRESHOLD and breaker.state == "open"
    clock.at += FIRST_MS + 500
    assert not breaker.attempt(work(False)) and breaker.after > FIRST_MS / 1000, "the probe failed: twice as long"
    clock.at += 4 * FIRST_MS
    assert breaker.attempt(work(True)) and breaker.failures == 0


def test_no_two_targets_have_one_name(tmp_path: Path) -> None:
    config = load(configured(tmp_path, "http://127.0.0.1:1", '[telemetry]\notlp = "http://127.0.0.1:4318"'))
    oidc = OidcSpec.model_construct(issuer="https://id.example", client_id="us")
    config = config.model_copy(update={"console": config.console.model_copy(update={"oidc": oidc})})
    clock = SystemClock()
    channels, crms = {"web": _Network(), "wall": object()}, {"crm": _Company(), "bare": object()}
    found = [each.breaker for each in targets(config, channels, crms)]  # type: ignore[arg-type]
    assert len(found) == len(set(found)) == 10
    assert {"web", "web users", "crm", "crm feed", "crm users", SIGN_IN, TRACES} < set(found)
    assert [each.state for each in standing(Breakers(clock), targets(config, {}, {}))] == ["closed", "closed"]


class _Network:
    async def accounts(self) -> tuple[()]:
        return ()


class _Company:
    async def users(self) -> tuple[()]:
        return ()


def test_a_network_and_a_crm_of_one_name_are_refused(tmp_path: Path) -> None:
    text = configured(tmp_path, "http://127.0.0.1:1").read_text("utf-8").replace("[crms.local", "[crms.web")
    (tmp_path / "same.toml").write_text(text, "utf-8")
    assert ("crms.web", "a channel has this name") in [fault[1:] for fault in check(tmp_path / "same.toml")]
    (tmp_path / "same.toml").write_text(text.replace("[crms.web", "[crms.store"), "utf-8")
    assert "crms.store" in [fault[1] for fault in check(tmp_path / "same.toml")]
