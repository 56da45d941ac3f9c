"""The overview's charts: what happened on each of the last days, in the reader's zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from cards.words import N_, Reader, local, zone_of
from gateway.console.lately import lately
from gateway.services import Services
from gateway.store.figures import QUARTER_MS, FigureStore

DAYS: Final = 14
TALL: Final = 48
"""Of the highest bar, in the drawing's own units."""

SERIES: Final[Mapping[str, tuple[str, str]]] = {
    "cards": (N_("Cards floated"), "/console/rooms"),
    "wrong": (N_("Reported as false"), "/console/mentions#reports"),
    "edits": (N_("Edits by people"), "/console/audit"),
    "conflicts": (N_("Conflicts opened"), "/console/conflicts"),
}


@dataclass(frozen=True, slots=True)
class Bar:
    day: str
    count: int
    height: int


@dataclass(frozen=True, slots=True)
class Series:
    """`bars`: the oldest first, today last."""

    name: str
    label: str
    link: str
    total: int
    bars: Sequence[Bar]


async def past(s: Services, reader: Reader) -> list[Series]:
    today = local(reader.now, reader.zone).date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    starts = [_begins(each, reader) for each in days]
    persons = [each.id for each in s.people.persons()]
    counted = await lately(s, ("figures", starts[0]), lambda: FigureStore(s.store).since(starts[0], persons))
    return [_series(reader, name, starts, counted[name]) for name in SERIES]


def _begins(day: date, reader: Reader) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone_of(reader.zone)).timestamp() * 1000)


def _series(reader: Reader, name: str, starts: Sequence[int], counted: Mapping[int, int]) -> Series:
    counts = [0] * len(starts)
    for quarter, count in counted.items():
        at = quarter * QUARTER_MS
        counts[max((n for n, start in enumerate(starts) if start <= at), default=0)] += count
    most = max(*counts, 1)
    label, link = SERIES[name]
    bars = [
        Bar(reader.date(start), count, -(-count * TALL // most)) for start, count in zip(starts, counts, strict=True)
    ]
    return Series(name, reader.say(label), link, sum(counts), bars)
