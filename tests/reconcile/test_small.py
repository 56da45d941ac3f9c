"""Every history of at most three edits under six policies, one resolver against the other."""

from __future__ import annotations

import os

import pytest

from tests.reconcile.small import cases, disagreement, histories

SOAK = os.environ.get("FLOATCARD_SOAK") == "1"
EVERY = 1 if SOAK else 7  # 7 has no factor in common with the six policies and the powers of two and three below them


def test_there_are_as_many_as_counting_says() -> None:
    # for each size n: (3 sources x 2 values x 2 times)^n, times 2 for each pair that may be parent and child
    assert sum(1 for _ in histories()) == 12 + 12**2 * 2 + 12**3 * 2**3 == 14_124


@pytest.mark.timeout(600)
def test_the_resolvers_agree_on_every_small_history() -> None:
    seen = 0
    for case in cases(every=EVERY):
        seen += 1
        assert (fault := disagreement(case)) is None, fault
    assert seen == -(-14_124 * 6 // EVERY)
