"""Names as they are misspelled, misheard or typed in pinyin, kept beside the index of those that are written right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mentions.bounds import Spans
from mentions.model import Name
from mentions.suggest import Suggester, Suggestion

A_SECOND = 20
"""So many messages a second are looked at: cards come before suggestions."""
YOUNG = 500

Items = Iterable[tuple[str, Sequence[Name]]]


class Suggestions:
    """A suggester that was built in bulk, and a small one of what changed since."""

    def __init__(self, items: Items = ()) -> None:
        self._whole = Suggester(items)
        self._changed: dict[str, Sequence[Name]] = {}
        self._small: Suggester | None = None
        self._second, self._looked = 0, 0

    def put(self, ref: str, names: Sequence[Name]) -> None:
        """Of very many changes the oldest wait for the next start."""
        self._changed.pop(ref, None)
        self._changed[ref] = names
        self._small = None
        if len(self._changed) > YOUNG:
            self._changed.pop(next(iter(self._changed)))

    def remove(self, ref: str) -> None:
        self.put(ref, ())

    def spare(self, now: int) -> bool:
        """Whether there is time for another look this second."""
        if now // 1000 != self._second:
            self._second, self._looked = now // 1000, 0
        self._looked += 1
        return self._looked <= A_SECOND

    def suggest(self, text: str, quoted: Spans = ()) -> Suggestion | None:
        """The one customer a stretch of the text may mean; None where there is none, or where it may be several."""
        if self._small is None:
            self._small = Suggester(self._changed.items())
        found = [each for each in self._whole.suggest(text, quoted) if not self._changed.keys() & set(each.refs)]
        found += self._small.suggest(text, quoted)
        sure = [each for each in found if len(each.refs) == 1]
        return max(sure, key=lambda each: (each.end - each.start, -each.start), default=None)
