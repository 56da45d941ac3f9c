"""The names of all customers made ready at the start: few of them here, many by another process, whose memory goes
with it."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

from gateway.mentioning.slips import Suggestions
from mentions import first
from mentions.filed import BadIndexFile
from mentions.index import NameIndex
from mentions.model import Name

log = logging.getLogger("floatcard.mentions")

MANY = 2_000
"""Customers from which on it is worth starting a process, which takes a second."""
Item = tuple[str, Sequence[Name]]


class Making:
    """A context: what it keeps in files is gone at its end. Called from any one thread at a time."""

    def __init__(self, many: int = MANY) -> None:
        self._many = many
        self._names: list[Item] = []
        self._contacts: list[Item] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Making:
        return self

    def __exit__(self, kind: type[BaseException] | None, why: BaseException | None, at: TracebackType | None) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def add(self, items: Iterable[tuple[str, Sequence[Name], Sequence[Name]]]) -> None:
        """Customers, each with its names and its contacts'. Raises OSError where a full disk takes no more."""
        for ref, names, contacts in items:
            self._names.append((ref, names))
            if contacts:
                self._contacts.append((ref, contacts))
        if self._folder is not None or len(self._names) > self._many:
            self._put_out()

    def made(self) -> tuple[NameIndex, NameIndex, Suggestions]:
        """Names, contacts, and what may be meant. Raises OSError."""
        if self._folder is None:
            return NameIndex.build(self._names), NameIndex.build(self._contacts), Suggestions(self._names)
        try:
            names, contacts, slips = first.made(Path(self._folder.name))
        except (BadIndexFile, OSError) as failed:
            log.warning("another process could not make the names ready, so it is done here: %s", failed)
            names, contacts, slips = first.make(Path(self._folder.name))
        return names, contacts, Suggestions(slips)

    def _put_out(self) -> None:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="floatcard-names-")
        for name, items in (("names", self._names), ("contacts", self._contacts)):
            first.write(Path(self._folder.name) / f"{name}.jsonl", items)
            items.clear()
