"""Which customers a text names. A put is visible at once, at any size.

The index is a row of frozen segments, each an automaton of its own. A change goes to a small young segment that is
made anew when next asked; full ones are sealed, and are merged beside the readers' path (`mentions.merge`). What is
removed or renamed is marked dead where it lies.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

from mentions.bounds import Spans, protected, touches
from mentions.match import Ground, Stretch, stretches
from mentions.merge import YOUNG, crowd, merged, packed
from mentions.model import Candidate, Mention, Name
from mentions.names import prepared
from mentions.normal import Normal, normalise
from mentions.score import candidate, model, place
from mentions.segment import KINDS, NEVER, Entry, Segment, paced

log = logging.getLogger("floatcard.mentions")

MAX_CANDIDATES = 20
MAX_MENTIONS = 200  # of one text; whatever names more is a list, not a message
PATIENCE = 64  # segments that gather before a merge that failed is tried again


class _Merge:
    """One under way: its segments, what died in them since, and the index's turn at its beginning."""

    __slots__ = ("group", "killed", "thread", "turn")

    def __init__(self, group: list[Segment], turn: int, work: Callable[[_Merge], None]) -> None:
        self.group, self.turn = group, turn
        self.killed: list[str] = []
        self.thread = threading.Thread(target=work, args=(self,), name="mentions-merge", daemon=True)


class NameIndex:
    """Find may be called from any thread while another puts."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._sealed: tuple[Segment, ...] = ()
        self._young: dict[str, list[tuple[str, Name]]] = {}
        self._young_names = 0
        self._segments: tuple[Segment, ...] | None = ()
        self._merges: list[_Merge] = []
        self._least = 0  # segments there must be before the next merge; more after one failed
        self._since: list[tuple[str, Sequence[Name] | None]] | None = None
        self._turn = 0  # counts swaps, so that a merge of names that are gone is not adopted

    @classmethod
    def build(cls, items: Iterable[tuple[str, Sequence[Name]]]) -> NameIndex:
        """In bulk. Of two items with one ref the later counts, as with put."""
        ready: dict[str, list[tuple[str, Name]]] = {ref: prepared(names) for ref, names in items}
        return cls.of(Segment(ready.items())) if ready else cls()

    @classmethod
    def of(cls, *segments: Segment) -> NameIndex:
        """No two of which know the same customer alive."""
        index = cls()
        index._adopt(segments)
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

    def aside(self, text: str, quoted: Spans = ()) -> list[Mention]:
        """Of a text in which `find` hears nobody: who is named where nothing is heard, in code, in an address, in what
        somebody else said."""
        normal = normalise(text)
        found = stretches(self.segments(), normal, lambda: Ground(normal, ()), MAX_MENTIONS)
        spans = protected(text, quoted) if found else []
        return (
            [each for each in _mentions(text, normal, found) if touches(spans, each.start, each.end)] if spans else []
        )

    def within(self, part: str, limit: int) -> list[str]:
        """Customers one of whose names has this part, small and capital Latin letters alike, in the order of their
        refs; of more than `limit` some."""
        wanted = re.compile(re.escape(part.encode("utf-8", "surrogatepass")), re.IGNORECASE)
        found = (ref for segment in self.segments() for ref in segment.within(wanted)) if part else iter(())
        return sorted(islice(dict.fromkeys(islice(found, limit * 4)), limit))

    def few(self) -> Sequence[Segment]:
        """All of it in as few segments as may be, nothing dead in them. Raises OSError."""
        segments = self.segments()
        if len(segments) < 2 and all(one.living == len(one.refs) for one in segments):
            return segments or (Segment(()),)
        return [merged(group) for group in packed(segments)]

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
            self._merges = []
            self._adopt(built._sealed)

    def settle(self) -> None:
        """Waits until sealed segments have become as few as they will."""
        while (merge := self._under_way()) is not None:
            merge.thread.join()

    def _under_way(self) -> _Merge | None:
        with self._lock:
            return self._merges[0] if self._merges else None

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
        elif (home := next((one for one in self._sealed if one.kill(ref)), None)) is not None:
            for merge in self._merges:
                if home in merge.group:
                    merge.killed.append(ref)

    def _adopt(self, sealed: Sequence[Segment]) -> None:
        self._sealed = tuple(sealed)
        self._segments = None

    def _seal(self) -> None:
        self._adopt([*self._sealed, Segment(self._young.items())])
        self._young, self._young_names = {}, 0
        self._merge_more()

    def _merge_more(self) -> None:
        """Small ones merge while a large merge goes on elsewhere."""
        busy = {id(one) for merge in self._merges for one in merge.group}
        if len(self._merges) > 1 or len(self._sealed) < self._least or not (group := crowd(self._sealed, busy)):
            return
        merge = _Merge(group, self._turn, self._merge)
        self._merges.append(merge)
        merge.thread.start()

    def _merge(self, merge: _Merge) -> None:
        try:
            made = merged(merge.group)
            self._bury(merge, made)
        except OSError as failed:
            log.warning("names could not be merged, and are looked through one by one: %s", failed)
            made = None
        with self._lock:
            if merge.turn != self._turn:
                return
            self._merges.remove(merge)
            self._least = len(self._sealed) + PATIENCE if made is None else 0
            if made is not None:
                for ref in merge.killed:
                    made.kill(ref)
                self._adopt([made, *(one for one in self._sealed if one not in merge.group)])
            self._merge_more()

    def _bury(self, merge: _Merge, made: Segment) -> None:
        """Whoever died while it was made dies in it too; nobody waits at the lock but for the last of them."""
        while len(merge.killed) > YOUNG:
            with self._lock:
                killed, merge.killed = merge.killed, []
            for ref in paced(killed):
                made.kill(ref)


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
