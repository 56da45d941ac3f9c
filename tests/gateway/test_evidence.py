"""What speaks for a stage: proposed by counts, held against counted chances, and never by a handful of cards."""

from __future__ import annotations

from itertools import product
from math import comb

import pytest

from gateway.evidence import ENOUGH, LEAST, Evidence, Rate, chance, judged, worse
from gateway.store.stages import Run

TODAY = 20_000


def found(
    stage: str, *days: tuple[int, int, int], before: tuple[str, int, int] | None = None, run: int = 2
) -> Evidence:
    """`days`: (days ago, shown, wrong); `before`: (stage, shown, wrong)."""
    told = {TODAY - ago: {"shown": shown, "wrong": wrong} for ago, shown, wrong in days}
    earlier = Run("group/group", run - 1, before[0]) if before is not None else None
    counts = {"shown": before[1], "wrong": before[2]} if before is not None else {}
    return judged(Run("group/group", run, stage), told, earlier, counts, TODAY)


def test_the_chance_is_that_of_counting_every_case() -> None:
    for n, m in ((6, 4), (5, 5), (9, 3)):
        for a, b in product(range(n + 1), range(m + 1)):
            total, marked = n + m, a + b
            counted = sum(comb(marked, k) * comb(total - marked, n - k) for k in range(a, min(marked, n) + 1))
            assert chance(Rate(a, n), Rate(b, m)) == pytest.approx(counted / comb(total, n)), (a, n, b, m)


def test_equal_rates_are_no_worse_and_few_cards_never_are() -> None:
    assert not worse(Rate(20, 400), Rate(20, 400)) and not worse(Rate(10, 400), Rate(20, 400))
    assert worse(Rate(40, 400), Rate(8, 400))
    assert not worse(Rate(LEAST - 1, LEAST - 1), Rate(0, 400)), "so few cards prove nothing"
    assert not worse(Rate(10_800, 1_000_000), Rate(10_000, 1_000_000)), "sure, but too little to matter"
    assert worse(Rate(900, 400), Rate(8, 400)), "one card may be a trouble twice"


@pytest.mark.parametrize(
    ("it", "proposed", "to"),
    [
        (found("minimal", (1, ENOUGH - 1, 0)), "wait", None),
        (found("minimal", (1, ENOUGH, 2)), "forward", "standard"),
        (found("standard", (1, 100, 2), (3, 100, 1)), "forward", "full"),
        (found("full", (1, ENOUGH, 0)), "stay", None),
        (found("minimal", (1, ENOUGH, 11)), "stay", None),
        (found("standard", (1, 100, 12), before=("minimal", 300, 3)), "back", "minimal"),
        (found("minimal", (1, 400, 12), before=("full", 300, 3)), "forward", "standard"),
        (found("full", (1, 100, 12), (20, 400, 4)), "back", "standard"),
        (found("minimal", (1, 100, 12), (20, 400, 4)), "stay", None),
        (found("full", (1, 20, 12), (20, 400, 4)), "stay", None),
    ],
)
def test_what_is_proposed(it: Evidence, proposed: str, to: str | None) -> None:
    assert (it.propose, it.to) == (proposed, to), it.say


def test_a_worsening_says_its_numbers() -> None:
    it = found("standard", (1, 100, 12), before=("minimal", 300, 3))
    assert it.facts == {"now": 12, "shown": 100, "then": 3, "shown_then": 300}
    assert found("minimal", (1, 50, 1)).facts == {"n": 150}
    assert len(it.days) == 28 and it.days[-2] == (TODAY - 1, 100, 12) and it.days[0][1:] == (0, 0)
