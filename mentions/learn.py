"""What use teaches about a name in one deployment: pure, from the verdicts people gave, so taking one back undoes it.

Nothing here leaves the deployment, and nothing weighs more than `decide.LEARNED_BOUND`.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from mentions.decide import LEARNED_BOUND

Verdict = Literal["not a customer", "wrong customer", "should have been a card", "used", "unused"]
NAME_WEIGHTS: Mapping[Verdict, float] = {
    "not a customer": -1.0,
    "wrong customer": -0.5,
    "should have been a card": 1.0,
    "used": 0.2,
    "unused": -0.05,
}
ROOM_SHARE = 0.2  # of a verdict's weight that falls on the room, whatever the name
ROOM_BOUND = 1.0
PROPOSE_AFTER = 3  # times wrong, before a name is proposed as a common word


@dataclass(frozen=True, slots=True)
class Lesson:
    """One person's verdict. `name` is folded (`normalise_name`), `room` opaque."""

    name: str
    room: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Taught:
    """Logits for `decide.Context.learned` and `.room`; the counts they come from; names to propose as common words."""

    names: Mapping[str, float] = field(default_factory=dict)
    rooms: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[tuple[str, Verdict], int] = field(default_factory=dict)
    common: tuple[str, ...] = ()


def teach(lessons: Iterable[Lesson]) -> Taught:
    """The order of lessons does not matter."""
    given = list(lessons)
    counts = Counter((lesson.name, lesson.verdict) for lesson in given)
    names: defaultdict[str, list[float]] = defaultdict(list)
    rooms: defaultdict[str, list[float]] = defaultdict(list)
    for lesson in given:
        names[lesson.name].append(NAME_WEIGHTS[lesson.verdict])
        rooms[lesson.room].append(ROOM_SHARE * NAME_WEIGHTS[lesson.verdict])
    return Taught(_bounded(names, LEARNED_BOUND), _bounded(rooms, ROOM_BOUND), counts, _common(counts))


def _bounded(weights: Mapping[str, list[float]], bound: float) -> dict[str, float]:
    sums = {key: round(math.fsum(parts), 6) for key, parts in sorted(weights.items())}
    return {key: max(-bound, min(bound, weight)) for key, weight in sums.items() if weight}


def _common(counts: Mapping[tuple[str, Verdict], int]) -> tuple[str, ...]:
    """Wrong often enough, and more often than wanted."""
    wrong = {name: count for (name, verdict), count in counts.items() if verdict == "not a customer"}
    wanted = Counter({name: count for (name, verdict), count in counts.items() if verdict == "should have been a card"})
    return tuple(sorted(name for name, count in wrong.items() if count >= PROPOSE_AFTER and count > wanted[name]))
