"""A frozen part of the index: one automaton and the customers behind each of its patterns, in arrays, not objects."""

from __future__ import annotations

import time
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from daachorse import MATCH_KIND_STANDARD, CharwiseDoubleArrayAhoCorasick

from mentions.model import Name

KINDS = ("never", "alias", "title", "derived")
Kind = str
NEVER = 0
MAX_SUFFIXES = 50_000


class Entry(NamedTuple):
    """One customer under one pattern. Sorts with the best first: surest, then by ref."""

    rank: float  # minus the prior
    ref: str
    kind: int
    spelling: str


class Strings:
    """Strings in one run of bytes."""

    __slots__ = ("_at", "_data")

    def __init__(self, strings: Iterable[str] = ()) -> None:
        data, at = bytearray(), array("I", [0])
        for text in strings:
            data += text.encode("utf-8", "surrogatepass")
            at.append(len(data))
        self._data, self._at = bytes(data), at

    @classmethod
    def of(cls, data: bytes, at: array[int]) -> Strings:
        strings = cls()
        strings._data, strings._at = data, at
        return strings

    @property
    def parts(self) -> tuple[bytes, array[int]]:
        return self._data, self._at

    def __len__(self) -> int:
        return len(self._at) - 1

    def raw(self, index: int) -> bytes:
        return self._data[self._at[index] : self._at[index + 1]]

    def __getitem__(self, index: int) -> str:
        return self.raw(index).decode("utf-8", "surrogatepass")

    def find(self, text: str) -> int | None:
        """The place of `text`, the strings being in the order of their bytes."""
        wanted = text.encode("utf-8", "surrogatepass")
        at = bisect_left(range(len(self)), wanted, key=self.raw)
        return at if at < len(self) and self.raw(at) == wanted else None


class Parts(NamedTuple):
    """All that a segment is made of, as it is kept in a file."""

    machine: bytes
    refs: bytes
    refs_at: array[int]
    alive: bytes
    at: array[int]
    owner: array[int]
    kind: bytes
    prior: array[float]
    spelling: bytes
    spelling_at: array[int]


CODES = {"refs_at": "I", "at": "I", "owner": "I", "prior": "f", "spelling_at": "I"}  # of Parts that are arrays
PACE = 64
_T = TypeVar("_T")


def paced(items: Iterable[_T], gently: bool = True) -> Iterable[_T]:
    """The same, `gently` letting other threads run now and then: nobody waits for an answer while segments merge."""
    return _resting(items) if gently else items


def _resting(items: Iterable[_T]) -> Iterator[_T]:
    for count, item in enumerate(items):
        if count % PACE == 0:
            time.sleep(0.00005)
        yield item


Item = tuple[str, Sequence[tuple[str, Name]]]  # ref, and its names with the pattern each is looked for by


class Segment:
    """Frozen but for `kill`. Patterns are numbered as the automaton numbers them; owners are places in `refs`."""

    __slots__ = ("_alive", "_at", "_kind", "_machine", "_owner", "_prior", "_spelling", "_suffixes", "living", "refs")

    def __init__(self, items: Iterable[Item], gently: bool = False) -> None:
        ordered = sorted(items, key=lambda item: item[0].encode("utf-8", "surrogatepass"))
        self.refs = Strings(ref for ref, _ in ordered)
        self.living = len(ordered)
        self._alive = bytearray(b"\x01" * len(ordered))
        self._suffixes: dict[int, tuple[tuple[int, int], ...]] = {}
        patterns = _by_pattern(paced(ordered, gently))
        self._machine = _machine(list(patterns))
        self._at, self._owner, self._prior = array("I", [0]), array("I"), array("f")
        kinds = bytearray()
        for rows in paced(patterns.values(), gently):
            rows.sort()
            self._owner.extend(owner for _, owner, _, _ in rows)
            self._prior.extend(-rank for rank, _, _, _ in rows)
            kinds += bytes(kind for _, _, kind, _ in rows)
            self._at.append(len(self._owner))
        self._kind = bytes(kinds)
        self._spelling = Strings(spelling for rows in patterns.values() for _, _, _, spelling in rows)

    def parts(self) -> Parts:
        machine = self._machine.serialize() if self._machine else b""
        alive, prior = bytes(self._alive), self._prior
        return Parts(machine, *self.refs.parts, alive, self._at, self._owner, self._kind, prior, *self._spelling.parts)

    @classmethod
    def of(cls, parts: Parts) -> Segment:
        """Raises ValueError when the parts do not fit together."""
        segment = cls(())
        segment.refs = Strings.of(parts.refs, parts.refs_at)
        segment._alive = bytearray(parts.alive)
        segment.living = sum(parts.alive)
        segment._at, segment._owner, segment._prior, segment._kind = parts.at, parts.owner, parts.prior, parts.kind
        segment._spelling = Strings.of(parts.spelling, parts.spelling_at)
        rows = len(parts.owner)
        if not rows == len(parts.prior) == len(parts.kind) == len(segment._spelling) == parts.at[-1]:
            raise ValueError("rows are missing")
        if len(parts.alive) != len(segment.refs) or (rows and max(parts.owner) >= len(segment.refs)):
            raise ValueError("customers are missing")
        segment._machine = CharwiseDoubleArrayAhoCorasick.deserialize(parts.machine) if parts.machine else None
        return segment

    def scan(self, text: str) -> list[tuple[int, int, int]]:
        """(start, end, pattern): at each end the longest pattern that ends there, dead ones too."""
        return self._machine.find_overlapping_no_suffix(text) if self._machine else []

    def shorter(self, pattern: int, text: str) -> tuple[tuple[int, int], ...]:
        """(length, pattern) of every living pattern that `text`, which is this pattern, ends with; longest first."""
        known = self._suffixes
        if (found := known.get(pattern)) is not None:
            return found
        trail = [(len(text), pattern)]
        while (link := self._longest_suffix(text)) is not None and link[1] not in known:
            trail.append(link)
            text = text[-link[0] :]
        chain = self._with(link, known[link[1]]) if link else ()
        return self._remember(trail, chain)

    def _longest_suffix(self, text: str) -> tuple[int, int] | None:
        ending = self.scan(text[1:])
        if not ending or ending[-1][1] != len(text) - 1:
            return None
        start, end, pattern = ending[-1]
        return end - start, pattern

    def _with(self, link: tuple[int, int], chain: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        return (link, *chain) if self.lives(link[1]) else chain

    def _remember(
        self, trail: list[tuple[int, int]], chain: tuple[tuple[int, int], ...]
    ) -> tuple[tuple[int, int], ...]:
        known = self._suffixes if len(self._suffixes) < MAX_SUFFIXES else {}
        while trail:
            link = trail.pop()
            known[link[1]] = found = chain
            chain = self._with(link, chain)
        self._suffixes = known
        return found

    def lives(self, pattern: int) -> bool:
        alive, owner = self._alive, self._owner
        return any(alive[owner[row]] for row in range(self._at[pattern], self._at[pattern + 1]))

    def entries(self, pattern: int) -> Iterator[Entry]:
        """Living customers under a pattern, best first."""
        for row in range(self._at[pattern], self._at[pattern + 1]):
            owner = self._owner[row]
            if self._alive[owner]:
                rank = -round(self._prior[row], 6)
                yield Entry(rank, self.refs[owner], self._kind[row], self._spelling[row])

    def kill(self, ref: str) -> bool:
        """Whether it lived here until now."""
        at = self.refs.find(ref)
        if at is None or not self._alive[at]:
            return False
        self._alive[at] = 0
        self._suffixes = {}
        self.living -= 1
        return True

    def names(self) -> Iterator[tuple[str, list[Name]]]:
        """The living with their names, grouped by ref."""
        rows: dict[int, list[Name]] = {at: [] for at in range(len(self.refs)) if self._alive[at]}
        for row, owner in enumerate(paced(self._owner)):
            if owner in rows:
                kind = KINDS[self._kind[row]]
                rows[owner].append(Name(self._spelling[row], kind, round(self._prior[row], 6)))  # type: ignore[arg-type]
        return ((self.refs[owner], names) for owner, names in rows.items())


Row = tuple[float, int, int, str]  # minus the prior, owner, kind, spelling


def _by_pattern(ordered: Iterable[Item]) -> dict[str, list[Row]]:
    patterns: dict[str, list[Row]] = {}
    for owner, (_, names) in enumerate(ordered):
        for pattern, name in _best(names):
            row = (-min(1.0, max(0.0, name.prior)), owner, KINDS.index(name.kind), name.text)
            patterns.setdefault(pattern, []).append(row)
    return patterns


def _best(names: Sequence[tuple[str, Name]]) -> Iterable[tuple[str, Name]]:
    """One name for a pattern: `never` before alias before title before derived, then the surest."""
    best: dict[str, Name] = {}
    for pattern, name in names:
        other = best.get(pattern)
        if other is None or _strength(name) < _strength(other):
            best[pattern] = name
    return best.items()


def _strength(name: Name) -> tuple[int, float, str]:
    return KINDS.index(name.kind), -name.prior, name.text


def _machine(patterns: list[str]) -> CharwiseDoubleArrayAhoCorasick | None:
    return CharwiseDoubleArrayAhoCorasick(patterns, MATCH_KIND_STANDARD) if patterns else None
