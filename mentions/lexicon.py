"""Words of Chinese with how often they are written, and how a stretch of text is cut into them."""

from __future__ import annotations

import gzip
import lzma
import math
import sys
from array import array
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from daachorse import MATCH_KIND_STANDARD, CharwiseDoubleArrayAhoCorasick

from mentions.words import DATA

CLASSES = (
    "other",
    "person",
    "place",
    "org",
    "brand",
    "noun",
    "verb",
    "adjective",
    "adverb",
    "idiom",
    "number",
    "time",
    "short",
    "position",
)


class Word(NamedTuple):
    """`weight` is the natural logarithm of how often it is written, per word of running text."""

    text: str
    weight: float
    kind: str


class Cut(NamedTuple):
    """A window cut freely, and cut so that a boundary falls at both ends of one stretch of it."""

    loss: float  # what the two boundaries cost, 0 when the free cut has them; natural logarithm
    inside: float  # weight of the stretch, cut freely on its own
    parts: tuple[int, ...]  # the lengths of the words in it then, last first
    before: Word | None
    after: Word | None


class Lexicon:
    """Some 10 MB. Cutting costs a few microseconds per character."""

    def __init__(self, machine: CharwiseDoubleArrayAhoCorasick, counts: array[int], kinds: bytes) -> None:
        """`counts` and `kinds`, places in CLASSES, are in the order of the machine's patterns."""
        self._total = math.log(sum(counts))
        self._weight = array("f", (math.log(count) - self._total for count in counts))
        self._kind = kinds
        self._machine = machine

    def word(self, text: str) -> Word | None:
        """The word that is this whole text."""
        for start, end, at in self._machine.find_overlapping(text):
            if start == 0 and end == len(text):
                return Word(text, self._weight[at], CLASSES[self._kind[at]])
        return None

    def cut(self, window: str, start: int, end: int) -> Cut:
        """`window[start:end]` is the stretch."""
        edges: list[list[tuple[int, float]]] = [[] for _ in range(len(window) + 1)]
        for begin, stop, at in self._machine.find_overlapping(window):
            edges[stop].append((begin, self._weight[at]))
        left, left_from = self._best(edges, 0, start)
        inside, inside_from = self._best(edges, start, end)
        right, right_from = self._best(edges, end, len(window))
        free, _ = self._best(edges, 0, len(window))
        before = self._named(window[left_from[start] : start]) if start else None
        first = _first(right_from, end, len(window))
        after = self._named(window[end:first]) if end < len(window) else None
        return Cut(max(0.0, free - left - inside - right), inside, _lengths(inside_from, start, end), before, after)

    def _best(self, edges: list[list[tuple[int, float]]], low: int, high: int) -> tuple[float, dict[int, int]]:
        best, came = {low: 0.0}, {}
        for stop in range(low + 1, high + 1):
            score, begin = best[stop - 1] - self._total, stop - 1  # a lone unknown character
            for start, weight in edges[stop]:
                if start >= low and best[start] + weight > score:
                    score, begin = best[start] + weight, start
            best[stop], came[stop] = score, begin
        return best[high], came

    def _named(self, text: str) -> Word:
        return self.word(text) or Word(text, -self._total, "other")


def _first(came: dict[int, int], low: int, high: int) -> int:
    """Where the first word of a cut ends."""
    at = high
    while at > low and came[at] > low:
        at = came[at]
    return at


def _lengths(came: dict[int, int], low: int, high: int) -> tuple[int, ...]:
    lengths = []
    while high > low:
        lengths.append(high - came[high])
        high = came[high]
    return tuple(lengths)


def _rows(name: str) -> Iterator[list[str]]:
    with gzip.open(DATA / name, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield line.rstrip("\n").split("\t")


def machine() -> CharwiseDoubleArrayAhoCorasick:
    """The automaton of `zh_words.txt.gz`, made anew; four times the memory while it is made."""
    return CharwiseDoubleArrayAhoCorasick([word for word, _, _ in _rows("zh_words.txt.gz")], MATCH_KIND_STANDARD)


def _kept_machine() -> CharwiseDoubleArrayAhoCorasick:
    try:
        return CharwiseDoubleArrayAhoCorasick.deserialize(lzma.decompress((DATA / "zh_words.machine.xz").read_bytes()))
    except ValueError:  # written by another version of daachorse
        return machine()


@cache
def chinese() -> Lexicon:
    """Read at the first need, in some tenths of a second."""
    places = {kind: place for place, kind in enumerate(CLASSES)}
    counts, kinds = array("I"), bytearray()
    for _, count, kind in _rows("zh_words.txt.gz"):
        counts.append(int(count))
        kinds.append(places[kind])
    return Lexicon(_kept_machine(), counts, bytes(kinds))


@cache
def english() -> dict[str, tuple[int, str]]:
    """Word to (rank, most frequent first; "common", "proper" or "other")."""
    return {word: (rank, sys.intern(kind)) for rank, (word, kind) in enumerate(_rows("en_words.txt.gz"))}


@cache
def readings() -> dict[str, tuple[str, ...]]:
    """Ideograph to its readings without tones, the usual one first."""
    alike: dict[str, tuple[str, ...]] = {}  # a thousand readings for very many ideographs
    return {one: alike.setdefault(sounds, tuple(sounds.split(","))) for one, sounds in _rows("pinyin.txt.gz")}
