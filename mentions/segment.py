"""A frozen part of the index: one automaton and the customers behind each of its patterns, in arrays, not objects."""

from __future__ import annotations

import re
import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
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
        return bytes(self._data[self._at[index] : self._at[index + 1]])

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
    more: array[int]
    more_at: array[int]
    owner: array[int]
    kind: bytes
    prior: bytes
    spelling: bytes
    spelling_at: array[int]


ARRAYS = ("refs_at", "more", "more_at", "owner", "spelling_at")  # of Parts, of four bytes each
STEPS = 200  # a prior is kept in two-hundredths
PACE = 64
FEW = 64  # dead customers of one name that are passed over each time
_T = TypeVar("_T")


def paced(items: Iterable[_T], gently: bool = True) -> Iterable[_T]:
    """The same, `gently` letting other threads run now and then: nobody waits for an answer while segments merge."""
    return resting(items) if gently else items


def resting(items: Iterable[_T], pace: int = PACE) -> Iterator[_T]:
    for count, item in enumerate(items):
        if count % pace == 0:
            time.sleep(0.00005)
        yield item


Item = tuple[str, Sequence[tuple[str, Name]]]  # ref, and its names with the pattern each is looked for by


class Segment:
    """Frozen but for `kill`. Patterns are numbered as the automaton numbers them; owners are places in `refs`.

    A row is one customer under one pattern. Row n is the best of pattern n; further ones of a pattern, which few have,
    lie behind all of those, from `_more_at[i]` on for the pattern `_more[i]`.
    """

    __slots__ = (
        "_alive",
        "_dead",
        "_kind",
        "_machine",
        "_more",
        "_more_at",
        "_owner",
        "_prior",
        "_spelling",
        "_suffixes",
        "living",
        "refs",
    )

    def __init__(self, items: Iterable[Item], gently: bool = False) -> None:
        ordered = sorted(items, key=lambda item: item[0].encode("utf-8", "surrogatepass"))
        self.refs = Strings(ref for ref, _ in ordered)
        self.living = len(ordered)
        self._alive = bytearray(b"\x01" * len(ordered))
        self._suffixes: dict[int, tuple[tuple[int, int], ...]] = {}
        self._dead: dict[int, int] = {}
        patterns = _by_pattern(paced(ordered, gently))
        del ordered  # of a million customers that is a gigabyte
        self._machine = _machine(list(patterns))
        for rows in paced(patterns.values(), gently):
            rows.sort()
        self._more, self._more_at = _further(patterns.values())
        self._owner = array("I", (row[1] for row in _in_order(patterns.values())))
        self._prior = bytes(-row[0] for row in _in_order(patterns.values()))
        self._kind = bytes(row[2] for row in _in_order(patterns.values()))
        self._spelling = Strings(row[3] for row in _in_order(patterns.values()))

    @property
    def rows(self) -> int:
        """Names, living or not."""
        return len(self._owner)

    def parts(self, machine: bool = True) -> Parts:
        """Without the automaton it is far smaller, names alone, and of use only to be merged."""
        automaton = self._machine.serialize() if machine and self._machine else b""
        alive, more, owner = bytes(self._alive), (self._more, self._more_at), self._owner
        return Parts(automaton, *self.refs.parts, alive, *more, owner, self._kind, self._prior, *self._spelling.parts)

    @classmethod
    def of(cls, parts: Parts) -> Segment:
        """Raises ValueError when the parts do not fit together."""
        segment = cls(())
        segment.refs = Strings.of(parts.refs, parts.refs_at)
        segment._alive = bytearray(parts.alive)
        segment.living = parts.alive.count(1)
        segment._more, segment._more_at = parts.more, parts.more_at
        segment._owner, segment._prior, segment._kind = parts.owner, parts.prior, parts.kind
        segment._spelling = Strings.of(parts.spelling, parts.spelling_at)
        rows = len(parts.owner)
        if not rows == len(parts.prior) == len(parts.kind) == len(segment._spelling) == parts.more_at[-1]:
            raise ValueError("rows are missing")
        if len(parts.alive) != len(segment.refs) or _greatest(parts.owner) >= len(segment.refs):
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

    def _rows(self, pattern: int) -> Iterator[int]:
        yield pattern
        at = bisect_left(self._more, pattern)
        if at < len(self._more) and self._more[at] == pattern:
            yield from range(
                self._first_living(pattern, self._more_at[at], self._more_at[at + 1]), self._more_at[at + 1]
            )

    def _first_living(self, pattern: int, first: int, end: int) -> int:
        """Remembered where very many are dead: of a name that thousands bore, the first may all be gone."""
        at = self._dead.get(pattern, first)
        while at < end and not self._alive[self._owner[at]]:
            at += 1
        if at - first > FEW:
            self._dead[pattern] = at
        return at

    def lives(self, pattern: int) -> bool:
        alive, owner = self._alive, self._owner
        return bool(alive[owner[pattern]]) or any(alive[owner[row]] for row in self._rows(pattern))

    def entries(self, pattern: int) -> Iterator[Entry]:
        """Living customers under a pattern, best first."""
        for row in self._rows(pattern):
            owner = self._owner[row]
            if self._alive[owner]:
                yield Entry(-self._prior[row] / STEPS, self.refs[owner], self._kind[row], self._spelling[row])

    def within(self, wanted: re.Pattern[bytes]) -> Iterator[str]:
        """Living customers a spelling of whose names holds it; one may come several times."""
        (data, at), pos = self._spelling.parts, 0
        while (found := wanted.search(data, pos)) is not None:
            row = bisect_right(at, found.start()) - 1
            pos, owner = at[row + 1], self._owner[row]
            if found.end() <= pos and self._alive[owner] and self._kind[row] != NEVER:
                yield self.refs[owner]

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
                rows[owner].append(Name(self._spelling[row], kind, self._prior[row] / STEPS))  # type: ignore[arg-type]
        return ((self.refs[owner], names) for owner, names in rows.items())


def _greatest(numbers: array[int]) -> int:
    """-1 of none. By pieces with a rest between them: a reader asks for the interpreter once a segment, and would wait
    its whole turn each time."""
    return max((max(numbers[at : at + 2048]) for at in resting(range(0, len(numbers), 2048), 1)), default=-1)


Row = tuple[int, int, int, str]  # minus the prior in steps, owner, kind, spelling


def _in_order(patterns: Collection[Sequence[Row]]) -> Iterator[Row]:
    """The first row of every pattern, then the further ones."""
    yield from (rows[0] for rows in patterns)
    yield from (row for rows in patterns for row in rows[1:])


def _further(patterns: Collection[Sequence[Row]]) -> tuple[array[int], array[int]]:
    more, at = array("I"), array("I", [len(patterns)])
    for pattern, rows in enumerate(patterns):
        if len(rows) > 1:
            more.append(pattern)
            at.append(at[-1] + len(rows) - 1)
    return more, at


def _by_pattern(ordered: Iterable[Item]) -> dict[str, list[Row]]:
    patterns: dict[str, list[Row]] = {}
    for owner, (_, names) in enumerate(ordered):
        for pattern, name in _best(names):
            row = (-round(min(1.0, max(0.0, name.prior)) * STEPS), owner, KINDS.index(name.kind), name.text)
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
