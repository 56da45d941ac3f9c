"""What use teaches, as weights: pure, small, and never more than their bounds. Logits, as the scorer counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["wrong", "none", "picked", "missed", "used", "shown"]
KINDS: tuple[Kind, ...] = get_args(Kind)

NAME_BOUND, ROOM_BOUND = 2.5, 0.75
COMMON = -3.0
"""What an admin's word that a name is a common one weighs: it is heard only where a room speaks for it."""
PROPOSED_AT = 3
WINDOW_MS = 180 * 86_400_000
"""What is older counts no more."""
IDLE = 10
"""So many cards that nobody touched say a little against a name."""

_NAME = {"wrong": -0.8, "none": -0.8, "picked": 0.5, "missed": 0.8}
_ROOM = {"wrong": -0.15, "none": -0.15, "picked": 0.1, "missed": 0.15}
_USED, _MOST_USED = 0.05, 10
_UNUSED, _MOST_UNUSED = -0.02, 25

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Weight:
    """`name` and `room` in logits, each within its bound."""

    name: float = 0.0
    room: float = 0.0


def name_weight(counts: Counts, common: str = "") -> float:
    """`common`: what an admin said of the name, `accepted`, `refused` or nothing."""
    if common == "accepted":
        return COMMON
    told = sum(weight * counts.get(kind, 0) for kind, weight in _NAME.items())
    told += _USED * min(counts.get("used", 0), _MOST_USED)
    idle = counts.get("shown", 0) if not counts.get("used", 0) else 0
    told += _UNUSED * min(idle, _MOST_UNUSED) if idle >= IDLE else 0.0
    return _within(told, NAME_BOUND)


def room_weight(counts: Counts) -> float:
    return _within(sum(weight * counts.get(kind, 0) for kind, weight in _ROOM.items()), ROOM_BOUND)


def wrongs(counts: Counts) -> int:
    return counts.get("wrong", 0) + counts.get("none", 0)


def proposed(counts: Counts, common: str = "") -> bool:
    """Whether an admin should be asked if this name is a common word."""
    return not common and wrongs(counts) >= PROPOSED_AT


def _within(weight: float, bound: float) -> float:
    return round(max(-bound, min(bound, weight)), 3)
