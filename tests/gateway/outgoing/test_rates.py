"""Within any stretch of time no more than the burst and the rate: whatever the schedule, and when the clock jumps."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from channels.model import Limits, Rate
from gateway.outgoing.memory import MOST, MemoryBuckets
from gateway.outgoing.model import Rank, buckets_of
from tests.gateway.outgoing.keepers import Seconds, bucket

STEPS = st.lists(st.tuples(st.floats(0, 3), st.sampled_from(list(Rank))), min_size=1, max_size=60)


def within(passed: list[float], rate: Rate) -> bool:
    """In every window that begins and ends at a permit; no other can hold more."""
    return all(
        last - first + 1 <= rate.burst + rate.a_second * (passed[last] - passed[first]) + 1e-3
        for first in range(len(passed))
        for last in range(first, len(passed))
    )


@given(STEPS, st.floats(0.05, 20), st.integers(1, 12))
async def test_any_window_holds_no_more_than_burst_and_rate(
    steps: list[tuple[float, Rank]], a_second: float, burst: int
) -> None:
    clock = Seconds()
    kept, asked = MemoryBuckets(clock), bucket("a", a_second, burst)
    passed = []
    for pause, rank in steps:
        clock.at += pause
        for _ in range(3):
            if (await kept.take([asked], rank)).granted:
                passed.append(clock.at)
    assert within(passed, asked.rate)


@given(STEPS, st.floats(0.2, 5))
async def test_held_ones_are_apart_by_the_whole_pause_from_end_to_beginning(
    steps: list[tuple[float, Rank]], a_second: float
) -> None:
    clock = Seconds()
    kept, asked = MemoryBuckets(clock), bucket("a", a_second, held=True)
    calls = []
    for lasts, rank in steps:
        clock.at += 0.3
        taken = await kept.take([asked], rank)
        if taken.granted:
            began = clock.at
            clock.at += lasts
            await kept.done(asked, taken.hold, used=True)
            calls.append((began, clock.at))
    assert all(nxt[0] - before[1] >= 1 / a_second - 1e-4 for before, nxt in pairwise(calls))


async def test_a_clock_that_is_set_back_by_an_hour_closes_nothing_for_an_hour() -> None:
    clock = Seconds(10_000)
    kept, asked = MemoryBuckets(clock), bucket("a", 1, 1)
    assert (await kept.take([asked], Rank.CARD)).granted
    clock.at -= 3_600
    assert 0 < (await kept.take([asked], Rank.CARD)).wait <= 1
    clock.at += 1
    assert (await kept.take([asked], Rank.CARD)).granted


async def test_memory_is_bounded_and_what_is_at_rest_is_forgotten_first() -> None:
    clock = Seconds()
    kept = MemoryBuckets(clock)
    for n in range(MOST):
        await kept.take([bucket(f"{n}", 1)], Rank.CARD)
        clock.at += 0.001
    busy = bucket("busy", 0.0001)
    assert (await kept.take([busy], Rank.CARD)).granted
    for n in range(3 * MOST):
        await kept.take([bucket(f"more {n}", 1)], Rank.CARD)
        clock.at += 0.001
    assert len(kept._states) <= MOST
    assert not (await kept.take([busy], Rank.CARD)).granted


def limits(**more: object) -> Limits:
    sizes = dict.fromkeys(("text", "title", "button_label", "button_data", "buttons", "blocks", "bytes"), 1)
    base = {**sizes, "form_fields": 1, "room_rate": 2.0, "total_rate": 30.0, "deadline": 3.0, "editable_for": None}
    return Limits(**{**base, **more})  # type: ignore[arg-type]


def test_what_a_call_counts_against_comes_from_the_adapters_limits() -> None:
    plain = buckets_of("chat", limits(room_burst=4, total_burst=9), "send", "r1")
    assert [(each.scope, each.rate, each.held) for each in plain] == [
        ("room", Rate(2.0, 4), False),
        ("network", Rate(30.0, 9), False),
    ]
    strict = limits(silent=True, room_burst=4, room_counts=("send",), methods={"edit": Rate(0.5)})
    assert [(each.scope, each.rate, each.held) for each in buckets_of("chat", strict, "send", "r1")] == [
        ("room", Rate(2.0, 1), True),
        ("network", Rate(30.0, 10), False),
    ]
    assert [each.scope for each in buckets_of("chat", strict, "edit", "r1")] == ["method", "network"]
    also = buckets_of("chat", limits(room_also=(Rate(0.25, 5),)), "whisper", "r1")
    assert [each.rate for each in also if each.scope == "room"] == [Rate(2.0, 1), Rate(0.25, 5)]
    assert len({each.key for each in also}) == 3


def test_keys_say_nothing_of_a_room_and_never_meet() -> None:
    rooms = ["", "r1", "r1/x", "a" * 5_000, "\ud800", "{*}", "房间", "r\x001"]
    keys = [each.key for room in rooms[1:] for each in buckets_of("chat", limits(), "send", room)[:1]]
    assert len(set(keys)) == len(keys)
    assert all(key.isascii() and len(key) < 60 for key in keys)
    assert [each.scope for each in buckets_of("chat", limits(), "direct", "")] == ["network"]
