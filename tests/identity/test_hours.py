"""When a verdict may change by itself: between two boundaries nothing changes, in any zone, on any day."""

from __future__ import annotations

import random
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from identity.access import AccessPolicy
from identity.hours import DAY, HORIZON, Clock, TimeUse, boundaries, bucket, clock, zone_of
from tests.identity.rooms import MINUTE, NOW, REP, SOAK

BERLIN = "Europe/Berlin"


def ms(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def after(start: int, zone: str, use: TimeUse, count: int) -> list[int]:
    place = zone_of(zone)
    assert place is not None
    return [moment for moment, _ in zip(boundaries(start, place, use), range(count), strict=False)]


def brute(start: int, end: int, zone: str, use: TimeUse) -> list[int]:
    """Every minute looked at: the moments at which the bucket is another than a minute before."""
    place = zone_of(zone)
    assert place is not None
    seen = [(at, bucket(clock(at, place), use)) for at in range(start, end, MINUTE)]
    return [now for (_, before), (now, then) in pairwise(seen) if before != then]


DAYS = {
    # zone: a day on which the clocks change, or nothing does
    "UTC": "2026-06-01",
    "Asia/Shanghai": "2026-06-01",
    BERLIN: "2026-03-28",
    "America/New_York": "2026-10-31",
    "Australia/Lord_Howe": "2026-04-04",  # half an hour
    "Pacific/Apia": "2011-12-29",  # a whole day left out
    "Asia/Kathmandu": "2026-06-01",
    "America/Havana": "2026-03-07",  # midnight does not exist
    "Africa/Casablanca": "2026-02-14",
    "Antarctica/Troll": "2026-03-28",  # two hours
}


@pytest.mark.parametrize("zone", DAYS)
@pytest.mark.parametrize("weekdays", [False, True])
def test_no_change_is_missed_in_any_zone(zone: str, weekdays: bool) -> None:
    chance = random.Random(f"{zone}{weekdays}")
    start = ms(DAYS[zone] + "T00:00:00")
    length = 9 if SOAK else 3
    for _ in range(4 if SOAK else 1):
        minutes = tuple(sorted({chance.randrange(1440) for _ in range(4)} | {150, 151}))
        use = TimeUse(minutes, weekdays, ())
        end = start + min(length * DAY, HORIZON)
        found = set(after(start, zone, use, 10_000))
        missed = [moment for moment in brute(start, end, zone, use) if moment not in found]
        assert missed == []


def test_both_edges_of_a_repeated_hour_are_boundaries() -> None:
    use = TimeUse((150,))  # 02:30
    start = ms("2026-10-25T00:00:00")  # 02:00 there, first time
    found = after(start, BERLIN, use, 5)
    assert found[:3] == [ms("2026-10-25T00:30:00"), ms("2026-10-25T01:00:00"), ms("2026-10-25T01:30:00")]


def test_an_edge_inside_a_skipped_hour_comes_when_the_clocks_jump() -> None:
    found = after(ms("2026-03-29T00:59:00"), BERLIN, TimeUse((150,)), 1)
    assert found == [ms("2026-03-29T01:00:00")]


def test_without_time_nothing_changes_and_with_it_the_last_says_look_again() -> None:
    assert after(NOW, "", TimeUse(), 10) == []
    assert after(NOW, "", TimeUse(instants=(NOW - 5, NOW)), 10) == []
    assert after(NOW, "", TimeUse(instants=(NOW + 1, NOW + 2 * HORIZON)), 10) == [NOW + 1, NOW + 2 * HORIZON]
    assert after(NOW, "", TimeUse((60,)), 10_000)[-1] == NOW + HORIZON + 1


def test_boundaries_ascend_and_lie_after_the_start() -> None:
    use = TimeUse((0, 540, 1080, 1440, -5), True, (NOW + 5, NOW + DAY))
    found = after(NOW, "Asia/Shanghai", use, 10_000)
    assert found == sorted(set(found))
    assert found[0] > NOW


def test_the_clock_is_the_rooms() -> None:
    place = zone_of("Asia/Shanghai")
    assert place is not None
    assert clock(ms("2026-11-20T17:30:00"), place) == Clock(90, 6, ms("2026-11-20T17:30:00"))
    assert clock(NOW + 7, place).now == "2026-11-18T11:06:40.007Z"


@pytest.mark.parametrize("at", [-(10**18), -1, 0, 10**18])
def test_a_time_no_calendar_has_does_not_break(at: int) -> None:
    place = zone_of("Asia/Shanghai")
    assert place is not None
    seen = clock(at, place)
    assert 0 <= seen.minute < 1440
    assert seen.now.endswith("Z")
    assert after(at, "Asia/Shanghai", TimeUse((5,)), 3)


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "==", "!="])
@pytest.mark.parametrize("flipped", [False, True])
def test_every_comparison_turns_exactly_at_a_boundary(operator: str, flipped: bool) -> None:
    """Cedar itself is asked on both sides of each edge: what it answers changes nowhere else."""
    for name, literal, step in (("minute", "667", MINUTE), ("now", f'datetime("{EDGE}")', 1)):
        condition = f"{literal} {operator} context.{name}" if flipped else f"context.{name} {operator} {literal}"
        policy = AccessPolicy.of({"a.cedar": f"permit (principal, action, resource) when {{ {condition} }};"})
        start = NOW - NOW % MINUTE - 3 * step if name == "minute" else ms(EDGE[:-1]) - 3
        edges = set(policy.boundaries(start, ""))
        answers = [(at, allowed(policy, at)) for at in range(start, start + 7 * step, step)]
        turns = [now for (_, before), (now, then) in pairwise(answers) if before != then]
        assert turns
        assert set(turns) <= edges


EDGE = "2026-11-18T11:07:00.000Z"


def allowed(policy: AccessPolicy, at: int) -> bool:
    return policy.permit(REP, "view", "public", "direct", owner=False, team="", region="", at=at, zone="").allowed
