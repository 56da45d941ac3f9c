"""The leftmost-longest stretches over several segments at once.

Each segment tells, for every place where a pattern ends, the longest that ends there. A longer one that may not stand
(its customer is gone, it begins inside a word, it overlaps what was taken) gives way to the next shorter at that end.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from itertools import islice
from typing import NamedTuple

from mentions.bounds import closes, opens
from mentions.normal import Normal
from mentions.segment import Segment


class Stretch(NamedTuple):
    """A folded stretch and the patterns that read so."""

    start: int
    end: int
    patterns: list[tuple[Segment, int]]


class Hit(NamedTuple):
    segment: Segment
    start: int
    end: int
    pattern: int


class Ground(NamedTuple):
    """A folded text and the protected stretches of its original, ordered and apart."""

    normal: Normal
    spans: Sequence[tuple[int, int]]

    def floor(self, end: int) -> int | None:
        """Where a name that ends at `end` may begin at the earliest; None when none may end there."""
        if not self.spans:
            return 0
        last, after = self.normal.span(end - 1, end)
        at = bisect_right(self.spans, (last, len(self.normal.text)))
        if at < len(self.spans) and self.spans[at][0] < after:
            return None
        if at == 0:
            return 0
        free = self.spans[at - 1][1]
        return None if free > last else self._folded(free)

    def _folded(self, place: int) -> int:
        return place if self.normal.starts is None else bisect_left(self.normal.starts, place)


def stretches(
    segments: Sequence[Segment], normal: Normal, protect: Callable[[], Ground], most: int | None = None
) -> list[Stretch]:
    """The first `most` that may stand, ordered and apart; `protect` is called only when there is something to judge."""
    text = normal.text
    hits = [Hit(one, *found) for one in segments for found in one.scan(text) if closes(text, found[1])]
    return list(islice(_Selection(hits, protect()), most)) if hits else []


class _Selection:
    def __init__(self, hits: Sequence[Hit], ground: Ground) -> None:
        self._normal = ground.normal
        self._hits: list[Hit] = []
        self._floors: list[int] = []
        for hit in hits:
            if (floor := ground.floor(hit.end)) is not None:
                self._hits.append(hit)
                self._floors.append(floor)

    def __iter__(self) -> Iterator[Stretch]:
        by_end: dict[int, list[Hit]] = {}
        for hit in self._hits:
            by_end.setdefault(hit.end, []).append(hit)
        begins = ((self._begin(at, 0), -hit.end, at) for at, hit in enumerate(self._hits))
        heap = [(start, end, at) for start, end, at in begins if start is not None]
        heapify(heap)
        taken = 0
        while heap:
            start, minus_end, at = heappop(heap)
            if start >= taken:
                taken = -minus_end
                yield Stretch(start, taken, _patterns(by_end[taken], self._normal.text, start))
            elif (later := self._begin(at, taken)) is not None:
                heappush(heap, (later, minus_end, at))

    def _begin(self, at: int, taken: int) -> int | None:
        """Where the longest living pattern with this end may begin, at `taken` or later."""
        hit, text = self._hits[at], self._normal.text
        for start, _ in _ways(hit, text, max(taken, self._floors[at])):
            if opens(text, start) and self._normal.whole(start, hit.end):
                return start
        return None


def _ways(hit: Hit, text: str, least: int) -> Iterator[tuple[int, int]]:
    """(start, pattern) of the living at this end that begin at `least` or later, longest first."""
    if hit.start >= least and hit.segment.lives(hit.pattern):
        yield hit.start, hit.pattern
    if hit.end - least < 2:
        return
    chain = hit.segment.shorter(hit.pattern, text[hit.start : hit.end])
    for at in range(_first_within(chain, hit.end - least), len(chain)):
        if hit.segment.lives(chain[at][1]):  # it may have died since the chain was remembered
            yield hit.end - chain[at][0], chain[at][1]


def _first_within(chain: Sequence[tuple[int, int]], length: int) -> int:
    """The place of the first link no longer than `length`; links come longest first."""
    return bisect_left(chain, -length, key=lambda link: -link[0])


def _patterns(hits: list[Hit], text: str, start: int) -> list[tuple[Segment, int]]:
    """What reads as this stretch: its pattern in each segment that has it."""
    found = []
    for hit in hits:
        if hit.start == start:
            found.append((hit.segment, hit.pattern))
        elif hit.start < start:
            chain = hit.segment.shorter(hit.pattern, text[hit.start : hit.end])
            at = _first_within(chain, hit.end - start)
            if at < len(chain) and chain[at][0] == hit.end - start:
                found.append((hit.segment, chain[at][1]))
    return found
