"""Which customers a text names. A put is visible at once, at any size.

The index is a row of frozen segments, each an automaton of its own. A change goes to a small young segment that is
made anew when next asked; full ones are sealed, and eight of a size become one of the next, beside the readers' path.
What is removed or renamed is marked dead where it lies.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from mentions.bounds import Spans, protected
from mentions.match import Ground, Stretch, stretches
from mentions.model import Candidate, Mention, Name
from mentions.normal import Normal, normalise, normalise_name
from mentions.score import candidate, model, place
from mentions.segment import KINDS, NEVER, Entry, Item, Segment, paced

YOUNG = 256  # names a young segment holds before it is sealed; making one of these takes half a millisecond
FAN = 8  # segments of a size before they become one of the next
MAX_CANDIDATES = 20
MAX_MENTIONS = 200  # of one text; whatever names more is a list, not a message
MAX_NAME = 1000


def unusable(name: str) -> str | None:
    """Why a name is not looked for, or None."""
    return "too long" if len(name) > MAX_NAME else _fault(normalise_name(name))


def _fault(pattern: str) -> str | None:
    if len(pattern) < 2:
        return "a single character" if pattern else "empty"
    return None if any(c.isalnum() for c in pattern) else "no letter or digit"


def prepared(names: Sequence[Name]) -> list[tuple[str, Name]]:
    """Each usable name with the pattern it is looked for by."""
    patterns = ((normalise_name(name.text), name) for name in names if len(name.text) <= MAX_NAME)
    return [(pattern, name) for pattern, name in patterns if _fault(pattern) is None]


class NameIndex:
    """Find may be called from any thread while another puts."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._sealed: tuple[Segment, ...] = ()
        self._young: dict[str, list[tuple[str, Name]]] = {}
        self._young_names = 0
        self._segments: tuple[Segment, ...] | None = ()
        self._merging: threading.Thread | None = None
        self._killed: list[str] = []
        self._since: list[tuple[str, Sequence[Name] | None]] | None = None
        self._turn = 0  # counts swaps, so that a merge of names that are gone is not adopted

    @classmethod
    def build(cls, items: Iterable[tuple[str, Sequence[Name]]]) -> NameIndex:
        """In bulk. Of two items with one ref the later counts, as with put."""
        ready: dict[str, list[tuple[str, Name]]] = {ref: prepared(names) for ref, names in items}
        return cls.of(Segment(ready.items())) if ready else cls()

    @classmethod
    def of(cls, segment: Segment) -> NameIndex:
        index = cls()
        index._adopt([segment])
        return index

    def __len__(self) -> int:
        with self._lock:
            return sum(segment.living for segment in self._sealed) + len(self._young)

    def put(self, ref: str, names: Sequence[Name]) -> None:
        """Replaces the names of that customer; seen by the next find."""
        ready = prepared(names)
        with self._lock:
            self._remember(ref, names)
            self._drop(ref)
            self._young[ref] = ready
            self._young_names += len(ready) + 1
            self._segments = None
            if self._young_names >= YOUNG:
                self._seal()

    def remove(self, ref: str) -> None:
        """Nothing happens when it was not there."""
        with self._lock:
            self._remember(ref, None)
            self._drop(ref)

    def find(self, text: str, quoted: Spans = ()) -> list[Mention]:
        """Customers named in `text`, in order and apart; `quoted` are stretches somebody else said."""
        normal = normalise(text)
        found = stretches(self.segments(), normal, lambda: Ground(normal, protected(text, quoted)), MAX_MENTIONS)
        return _mentions(text, normal, found) if found else []

    def whole(self) -> Segment:
        """All of it in one segment, nothing dead in it."""
        segments = self.segments()
        if len(segments) == 1 and segments[0].living == len(segments[0].refs):
            return segments[0]
        return Segment(_items(segments), gently=True)

    def mark(self) -> None:
        """From now on changes are remembered, to be made again in what `swap` brings."""
        with self._lock:
            self._since = []

    def swap(self, built: NameIndex) -> None:
        """Takes over the names of an index built elsewhere; every put and remove since `mark` is made again.

        Readers see the old names or the new, never a part.
        """
        with self._lock:
            since, self._since = self._since or [], None
            for ref, names in since:
                built.remove(ref) if names is None else built.put(ref, names)
            self._turn += 1
            self._young, self._young_names = built._young, built._young_names
            self._merging = None
            self._adopt(built._sealed)

    def settle(self) -> None:
        """Waits until sealed segments have become as few as they will."""
        while (thread := self._merging) is not None:
            thread.join()

    def segments(self) -> tuple[Segment, ...]:
        """What find looks through now."""
        if (segments := self._segments) is not None:
            return segments
        with self._lock:
            young = (Segment(self._young.items()),) if self._young else ()
            self._segments = (*self._sealed, *young)
            return self._segments

    def _remember(self, ref: str, names: Sequence[Name] | None) -> None:
        if self._since is not None:
            self._since.append((ref, names))

    def _drop(self, ref: str) -> None:
        if (names := self._young.pop(ref, None)) is not None:
            self._young_names -= len(names) + 1
            self._segments = None
        elif any(segment.kill(ref) for segment in self._sealed):
            self._killed.append(ref)

    def _adopt(self, sealed: Sequence[Segment]) -> None:
        self._sealed = tuple(sealed)
        self._segments = None

    def _seal(self) -> None:
        self._adopt([*self._sealed, Segment(self._young.items())])
        self._young, self._young_names = {}, 0
        if self._merging is None and (group := _crowd(self._sealed)):
            self._killed = []
            self._merging = threading.Thread(
                target=self._merge, args=(group, self._turn), name="mentions-merge", daemon=True
            )
            self._merging.start()

    def _merge(self, group: list[Segment], turn: int) -> None:
        while group:
            merged = Segment(_items(group), gently=True)
            with self._lock:
                if turn != self._turn:
                    return
                for ref in self._killed:
                    merged.kill(ref)
                self._adopt([merged, *(one for one in self._sealed if one not in group)])
                self._killed = []
                group = _crowd(self._sealed)
                if not group:
                    self._merging = None


def _size(segment: Segment) -> int:
    return max(0, segment.living // YOUNG).bit_length() // 3


def _crowd(segments: Sequence[Segment]) -> list[Segment]:
    """Segments of one size, when there are many of them."""
    sizes: dict[int, list[Segment]] = {}
    for segment in segments:
        sizes.setdefault(_size(segment), []).append(segment)
    return next((group for _, group in sorted(sizes.items()) if len(group) >= FAN), [])


def _items(segments: Sequence[Segment]) -> Iterable[Item]:
    for segment in segments:
        for ref, names in paced(segment.names()):
            yield ref, prepared(names)


def _mentions(text: str, normal: Normal, found: Sequence[Stretch]) -> list[Mention]:
    named = [(stretch, entries_of(stretch)) for stretch in found]
    in_full = named_in_full(normal, named)
    return [_mention(text, normal, stretch, entries, in_full) for stretch, entries in named if entries]


def named_in_full(normal: Normal, named: Sequence[tuple[Stretch, Sequence[Entry]]]) -> dict[str, int]:
    """The length of the longest name of several words by which each customer is named."""
    longest: dict[str, int] = {}
    for stretch, entries in named:
        if " " in normal.text[stretch.start : stretch.end]:
            for entry in entries:
                longest[entry.ref] = max(longest.get(entry.ref, 0), stretch.end - stretch.start)
    return longest


def entries_of(stretch: Stretch) -> list[Entry]:
    """The surest customers behind a stretch."""
    living = (
        entry
        for segment, pattern in stretch.patterns
        for entry in islice((e for e in segment.entries(pattern) if e.kind != NEVER), MAX_CANDIDATES)
    )
    return sorted(living)[:MAX_CANDIDATES]


def _mention(
    text: str, normal: Normal, stretch: Stretch, entries: Sequence[Entry], in_full: Mapping[str, int]
) -> Mention:
    start, end = normal.span(stretch.start, stretch.end)
    at = place(text, normal, stretch.start, stretch.end)
    judge, length = model(at.model), stretch.end - stretch.start
    judged = []
    for entry in entries:
        score, why = judge.judge(candidate(at, text[start:end], entry, in_full.get(entry.ref, 0) > length))
        judged.append(Candidate(entry.ref, round(score, 4), (KINDS[entry.kind], *why)))
    return Mention(start, end, tuple(sorted(judged, key=lambda one: (-one.score, one.ref))))
