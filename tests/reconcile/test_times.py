"""P13: a wrong source clock changes nothing but last_writer_wins, and that by a bounded amount."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconcile.model import Edit, MergePolicy
from reconcile.resolve import resolve
from reconcile.times import MAX_AHEAD, MAX_OFFLINE, effective
from tests.reconcile.strategies import clockless, histories

NOW = 1_770_000_000_000
times = st.integers(-(10**15), 10**15)


@given(times)
def test_p13_an_offline_clock_counts_within_bounds(claimed: int) -> None:
    at, skewed = effective(online=False, source_time=claimed, ingest_time=NOW)
    assert NOW - MAX_OFFLINE <= at <= NOW + MAX_AHEAD
    assert skewed == (at != claimed)


@given(times)
def test_p13_an_online_clock_does_not_count(claimed: int) -> None:
    assert effective(online=True, source_time=claimed, ingest_time=NOW) == (NOW, False)


def test_the_bounds_themselves_are_not_skewed() -> None:
    for claimed in (NOW - MAX_OFFLINE, NOW - 1, NOW, NOW + MAX_AHEAD):
        assert effective(online=False, source_time=claimed, ingest_time=NOW) == (claimed, False)
    assert effective(online=False, source_time=NOW - MAX_OFFLINE - 1, ingest_time=NOW) == (NOW - MAX_OFFLINE, True)
    assert effective(online=False, source_time=NOW + MAX_AHEAD + 1, ingest_time=NOW) == (NOW + MAX_AHEAD, True)
    assert effective(online=False, source_time=0, ingest_time=NOW, max_offline=1000) == (NOW - 1000, True)
    assert effective(online=False, source_time=None, ingest_time=NOW) == (NOW, False)


@given(histories(), clockless, times)
def test_p13_a_wrong_clock_moves_no_other_policy(edits: list[Edit], policy: MergePolicy, wrong: int) -> None:
    def stored(claimed: int) -> list[Edit]:
        at, skewed = effective(online=False, source_time=claimed, ingest_time=NOW)
        late = replace(edits[-1], source_time=claimed, effective_time=at, skewed=skewed)
        return [*edits[:-1], late]

    assert repr(resolve(stored(wrong), policy)) == repr(resolve(stored(NOW), policy))
