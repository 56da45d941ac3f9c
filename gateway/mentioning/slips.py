"""Names as they are misspelled, misheard or typed in pinyin, kept beside the index of those that are written right."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

from mentions.bounds import Spans
from mentions.model import Name
from mentions.segment import paced
from mentions.suggest import MOST_TEXT, Changing, Knows, Suggester, Suggestion, suggest

A_SECOND = 20_000
"""Characters of messages that are looked at each second, some 40 ms: cards come before suggestions."""
YOUNG = 2_000
"""Changed customers that are kept by themselves; full, they are made one part beside the readers."""
MOST_PARTS = 64

Items = Iterable[tuple[str, Sequence[Name]]]


class Suggestions:
    """Parts built in bulk, and one of what changed since. Of one customer only what was said last counts."""

    def __init__(self, whole: Items | Suggester = ()) -> None:
        self._parts: list[Knows] = [whole if isinstance(whole, Suggester) else Suggester(whole)]
        self._young = Changing()
        self._latest: dict[str, int] = {}
        self._second, self._looked = 0, 0
        self._building: list[threading.Thread] = []

    def put(self, ref: str, names: Sequence[Name]) -> None:
        """Of more changes than there may be parts the newest wait for the next start."""
        if len(self._parts) > MOST_PARTS and ref not in self._young.names:
            return
        self._latest[ref] = len(self._parts)
        self._young.put(ref, names)
        if len(self._young.names) >= YOUNG:
            self._seal()

    def found(self, whole: Suggester) -> None:
        """What all were called when this was made; those who changed since are known better."""
        self._parts[0] = whole

    def moved(self) -> int:
        """How many changed since the start."""
        return len(self._latest)

    def remove(self, ref: str) -> None:
        self.put(ref, ())

    def _seal(self) -> None:
        full, self._young = self._young, Changing()
        self._parts.append(full)
        thread = threading.Thread(target=self._build, args=(full, len(self._parts) - 1), name="slips", daemon=True)
        self._building = [*(one for one in self._building if one.is_alive()), thread]
        thread.start()

    def settle(self) -> None:
        """Waits until what is full is built."""
        while self._building:
            self._building.pop().join()

    def _build(self, full: Changing, place: int) -> None:
        self._parts[place] = Suggester(paced(full.names.items()))

    def spare(self, now: int, length: int) -> bool:
        """Whether there is time this second for another look at so many characters."""
        if now // 1000 != self._second:
            self._second, self._looked = now // 1000, 0
        self._looked += min(length, MOST_TEXT)
        return self._looked <= A_SECOND

    def suggest(self, text: str, quoted: Spans = ()) -> Suggestion | None:
        """The one customer a stretch of the text may mean; None where there is none, or where it may be several."""
        parts = [*self._parts, self._young]
        known = [_Current(part, self._latest, place) for place, part in enumerate(parts)]
        sure = [each for each in suggest(known, text, quoted) if len(each.refs) == 1]
        return max(sure, key=lambda each: (each.end - each.start, -each.start), default=None)


class _Current:
    """A part without those of whom something newer is said elsewhere."""

    __slots__ = ("_latest", "_part", "_place")

    def __init__(self, part: Knows, latest: dict[str, int], place: int) -> None:
        self._part, self._latest, self._place = part, latest, place

    def under(self, key: int) -> Iterable[tuple[str, str]]:
        latest, place = self._latest, self._place
        return [each for each in self._part.under(key) if latest.get(each[1], 0) == place]
