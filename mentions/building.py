"""The index of a customer list of any length, made in parts: one process after another, each with its part's memory.

`python -m mentions.building NAMES OUT` makes one segment of a part. Parts are so large that they are never merged.
"""

from __future__ import annotations

import os
import sys
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from mentions import filed, first
from mentions.aside import GENTLE, run_aside
from mentions.merge import MOST
from mentions.model import Name
from mentions.names import prepared
from mentions.segment import Segment

PART = MOST // 2  # names of a part: making it takes some five gigabytes of memory
LINES = 2_000  # customers written at a time

Item = tuple[str, Sequence[Name]]


def build(items: Iterable[Item], out: Path) -> None:
    """Each customer once. Raises OSError when the place cannot be written or a part could not be made."""
    with tempfile.TemporaryDirectory(prefix="floatcard-names-", dir=out.parent) as folder:
        filed.join(out, _parts(iter(items), Path(folder)))


def repeated(refs: Iterable[str]) -> set[int]:
    """The hashes of those that come several times; eight bytes a customer, and forty while they are put in order."""
    hashes = array("q", (hash(ref) for ref in refs))
    ordered = sorted(hashes)
    return {one for one, other in pairwise(ordered) if one == other}


def _parts(items: Iterator[Item], folder: Path) -> Iterator[Path]:
    names, made = folder / "names", folder / "made"
    number = 0
    while _put_out(items, names) or not number:
        run_aside("mentions.building", str(names), str(made))
        names.unlink(missing_ok=True)
        yield made
        number += 1


def _put_out(items: Iterator[Item], path: Path) -> int:
    """Names of the next part, in a file; as many as it has."""
    count, lines = 0, list[Item]()
    path.touch()
    for item in items:
        lines.append(item)
        count += len(item[1])
        if len(lines) >= LINES or count >= PART:
            first.write(path, lines)
            lines.clear()
        if count >= PART:
            break
    first.write(path, lines)
    return count


def main(names: Path, made: Path) -> None:
    os.nice(GENTLE)
    filed.write(made, [Segment((ref, prepared(each)) for ref, each in first.read(names)).parts()])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
