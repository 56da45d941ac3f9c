"""What a feed that looks back has given, and which of it was taken: only the next cursor tells that."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


@dataclass(slots=True)
class Given(Generic[Key]):
    """One run of a feed. A change is a key (what was changed) and a time.

    A run may be thrown away: its page is not decided yet, or what is behind it could not be read. So what it gives
    counts as taken only once a run begins at a cursor it was given with, or at one behind that. Where a run began again
    nothing more was taken; anywhere else, as after another process or a restored backup, nothing is known to be.
    Each cursor of a run therefore has to differ from the others, and from the one it began with.
    """

    began: str = ""
    _taken: dict[Key, int] = field(default_factory=dict)
    _given: deque[tuple[str, list[tuple[Key, int]]]] = field(default_factory=deque)

    def then(self, cursor: str, since: int) -> Given[Key]:
        """The run that begins at `cursor`; it asks for nothing older than `since`."""
        count = next((n for n, (at, _) in enumerate(self._given, 1) if at == cursor), 0)
        taken = dict(self._taken) if count or cursor == self.began else {}
        for _, changes in islice(self._given, count):
            taken.update(changes)
        return Given(cursor, {key: at for key, at in taken.items() if at >= since})

    def was_taken(self, key: Key, at: int) -> bool:
        """Of each key the last time is known."""
        return self._taken.get(key) == at

    def give(self, cursor: str, *changes: tuple[Key, int]) -> None:
        """With the cursor the run began with: what was no news to anybody, so that nobody has to take it."""
        if self._given and self._given[-1][0] == cursor:
            self._given[-1][1].extend(changes)
        else:
            self._given.append((cursor, list(changes)))

    def forget(self, since: int) -> None:
        """What is older no run will ask for that begins behind here."""
        while self._given and all(at < since for _, at in self._given[0][1]):
            self._given.popleft()
