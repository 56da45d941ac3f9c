"""The simulation behind docs/scaling.md: it agrees with arithmetic where arithmetic is enough."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.scaling.simulate import Load, Result, Simulation, arrivals, row
from gateway.bus.redis_lanes import LANES, TICK_S, TTL_MS

SMALL = Load(instances=4, rooms=2000, rate=200, seconds=10)


def result(**changed: float) -> Result:
    return Simulation(replace(SMALL, **changed)).run()  # type: ignore[arg-type]


def test_it_is_of_these_lanes_and_this_lease() -> None:
    from benchmarks.scaling import simulate

    assert (Load().lanes, simulate.LEASE_S, simulate.TICK_S) == (LANES, TTL_MS / 1000, TICK_S)


def test_the_same_seed_gives_the_same_row() -> None:
    assert row(SMALL) == row(SMALL) != row(replace(SMALL, seed=8))


def test_every_message_is_worked_on_once_a_crash_or_not() -> None:
    assert result().messages == result(crash=3.0).messages == 2000


def test_one_queue_waits_as_long_as_queueing_theory_says() -> None:
    """One gateway, no card, every message another room's: an M/M/1 queue, whose mean time is 1 / (mu - lambda)."""
    simulation = Simulation(replace(SMALL, instances=1, cards=0, rooms=100_000, tail=0, cpu=0.0025, seconds=120))
    simulation.run()
    mean = sum(simulation.delays) / len(simulation.delays)
    assert mean == pytest.approx(1 / (1 / 0.0025 - 200), rel=0.15)


def test_too_few_gateways_and_a_dead_one_make_people_wait() -> None:
    calm = result()
    assert calm.p99 < 0.5
    assert result(instances=1, cpu=0.01).p50 > 1
    assert 6 < result(crash=3.0).p999 < 12


def test_no_room_says_more_than_a_person_can_and_the_loudest_says_most() -> None:
    said = [room for _, room in arrivals(replace(SMALL, seconds=100, tail=1.5), Simulation(SMALL).random)]
    assert 250 < said.count(0) < 350
    assert said.count(0) > said.count(1000)
