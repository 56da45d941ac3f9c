"""How many wait is counted in Redis, while others publish."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gateway.bus.redis_waiting import steady


@pytest.mark.parametrize(
    ("answers", "came", "waits"),
    [
        ((4,), (0,), 4),
        ((4, 5), (1, 0), 5),  # counted again
        ((5, 6, 7), (1, 1, 1), 8),  # it never rests: and what came since
    ],
)
async def test_what_comes_while_it_is_counted_is_not_forgotten(
    answers: Sequence[int], came: Sequence[int], waits: int
) -> None:
    known, said, moves = 4, iter(answers), iter(came)

    async def count() -> int:
        nonlocal known
        known += next(moves)
        return next(said)

    assert await steady(lambda: known, count) == waits
    assert next(said, None) is None, "asked as often as that"
