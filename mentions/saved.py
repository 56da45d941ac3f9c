"""An index in a file: built in another process or on another machine, loaded in seconds, swapped in without a stall.

It holds names of customers: keep it where the database is kept.
"""

from __future__ import annotations

from pathlib import Path

from mentions import filed
from mentions.filed import BadIndexFile
from mentions.index import NameIndex
from mentions.segment import Segment

__all__ = ["BadIndexFile", "load", "save"]


def save(index: NameIndex, path: Path) -> None:
    """What the index holds now. Raises OSError when the place cannot be written."""
    filed.write(path, (segment.parts() for segment in index.few()))


def load(path: Path) -> NameIndex:
    """Raises BadIndexFile, or OSError when it cannot be read. Other threads run on meanwhile."""
    several = filed.read(path)
    try:
        return NameIndex.of(*map(Segment.of, several))
    except (ValueError, IndexError, TypeError) as broken:
        raise BadIndexFile("the names in the file do not fit together") from broken
