"""What use taught, weighed from counts with the mentions' own weights: pure, bounded, in the scorer's logits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from mentions.decide import LEARNED_BOUND
from mentions.learn import NAME_WEIGHTS, PROPOSE_AFTER, ROOM_BOUND, ROOM_SHARE

Kind = Literal["wrong", "none", "picked", "missed", "used", "shown"]
KINDS: tuple[Kind, ...] = get_args(Kind)

COMMON = -LEARNED_BOUND
"""What an admin's word that a name is a common one weighs: it is heard only where a room speaks for it."""
WINDOW_MS = 180 * 86_400_000
"""What is older counts no more."""
IDLE, MOST_IDLE = 10, 20
"""So many cards that nobody touched say a little against a name, and more of them no more."""
MOST_USED = 10

# A card is `wrong` here only where nobody else bears the name: whoever says so says that it is no customer's.
_EACH = {
    "wrong": NAME_WEIGHTS["not a customer"],
    "none": NAME_WEIGHTS["not a customer"],
    "picked": NAME_WEIGHTS["should have been a card"] / 2,
    "missed": NAME_WEIGHTS["should have been a card"],
}

Counts = Mapping[str, int]


def name_weight(counts: Counts, common: str = "") -> float:
    """`common`: what an admin said of the name, `accepted`, `refused` or nothing."""
    if common == "accepted":
        return COMMON
    told = _said(counts) + NAME_WEIGHTS["used"] * min(counts.get("used", 0), MOST_USED)
    idle = counts.get("shown", 0) if not counts.get("used", 0) else 0
    told += NAME_WEIGHTS["unused"] * min(idle, MOST_IDLE) if idle >= IDLE else 0.0
    return _within(told, LEARNED_BOUND)


def room_weight(counts: Counts) -> float:
    return _within(ROOM_SHARE * _said(counts), ROOM_BOUND)


def wrongs(counts: Counts) -> int:
    return counts.get("wrong", 0) + counts.get("none", 0)


def proposed(counts: Counts, common: str = "") -> bool:
    """Whether an admin should be asked if this name is a common word: often wrong, and more often than wanted."""
    return not common and wrongs(counts) >= max(PROPOSE_AFTER, counts.get("missed", 0) + 1)


def _said(counts: Counts) -> float:
    return sum(weight * counts.get(kind, 0) for kind, weight in _EACH.items())


def _within(weight: float, bound: float) -> float:
    return round(max(-bound, min(bound, weight)), 3)
