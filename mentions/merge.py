"""Segments made into one beside the readers' path: few names here and gently, many in a process of their own.

Making an automaton of a million names takes minutes of a processor and holds the interpreter for seconds, so it is
done elsewhere: names go out in files, a finished segment comes back. The files lie in a directory of our own that
nobody else may read, and are gone afterwards.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Sequence, Set
from itertools import accumulate
from pathlib import Path

from mentions import filed
from mentions.aside import GENTLE, run_aside
from mentions.names import prepared
from mentions.segment import Item, Segment, paced

YOUNG = 256  # names a young segment holds before it is sealed; making one of these takes half a millisecond
FAN = 8  # segments of a size before they become one of the next
HERE = 8_000  # names that are merged in this process: it holds the interpreter for some milliseconds
MOST = 6_000_000  # names of a segment at the most: making one takes four kilobytes of memory a customer
LARGE = 50_000  # names of a segment that is made anew when an eighth of it has changed


def crowd(segments: Sequence[Segment], busy: Set[int] = frozenset()) -> list[Segment]:
    """Those to be made one: all when much of it changed, one that is mostly dead, or many of a size."""
    idle = [one for one in segments if id(one) not in busy]
    if hollow := next((one for one in idle if one.rows > YOUNG and one.living * 2 < len(one.refs)), None):
        return [hollow]
    open_ = [one for one in idle if one.rows < MOST // 2]
    if not busy and _much_changed(open_) and sum(one.rows for one in open_) <= MOST:
        return open_
    sizes: dict[int, list[Segment]] = {}
    for segment in open_:
        sizes.setdefault(_size(segment), []).append(segment)
    many = next((group for _, group in sorted(sizes.items()) if len(group) >= FAN), [])
    return _bounded(many)


def _bounded(group: Sequence[Segment]) -> list[Segment]:
    """As many of them, the smallest first, as may become one; none where that is not two."""
    ordered = sorted(group, key=lambda one: one.rows)
    totals = accumulate(one.rows for one in ordered)
    fit = [one for one, total in zip(ordered, totals, strict=True) if total <= MOST]
    return fit if len(fit) > 1 else []


def _much_changed(segments: Sequence[Segment]) -> bool:
    largest = max(segments, key=lambda one: one.rows, default=None)
    if largest is None or largest.rows < LARGE or len(segments) == 1:
        return False
    return largest.rows < sum(one.rows for one in segments if one is not largest) * 8


def packed(segments: Sequence[Segment]) -> list[list[Segment]]:
    """In groups that may each be made one."""
    groups: list[list[Segment]] = [[]]
    for segment in sorted(segments, key=lambda one: -one.rows):
        if groups[-1] and sum(one.rows for one in groups[-1]) + segment.rows > MOST:
            groups.append([])
        groups[-1].append(segment)
    return groups


def _size(segment: Segment) -> int:
    return max(0, segment.living // YOUNG).bit_length() // 3


def merged(group: Sequence[Segment]) -> Segment:
    """What lives in these. Raises OSError when another process was needed and could not do it."""
    if sum(segment.rows for segment in group) <= HERE:
        return Segment(items(group), gently=True)
    return _elsewhere(group)


def items(segments: Sequence[Segment]) -> Iterable[Item]:
    for segment in segments:
        for ref, names in paced(segment.names()):
            yield ref, prepared(names)


def _elsewhere(group: Sequence[Segment]) -> Segment:
    with tempfile.TemporaryDirectory(prefix="floatcard-names-") as folder:
        for number, segment in enumerate(group):
            filed.write(Path(folder) / str(number), [segment.parts(machine=False)])
        run_aside("mentions.merge", folder, str(len(group)))
        try:
            return Segment.of(*filed.read(Path(folder) / "made"))
        except (ValueError, TypeError) as broken:
            raise OSError("what came back is no segment") from broken


def main(folder: Path, count: int) -> None:
    os.nice(GENTLE)
    group = [Segment.of(*filed.read(folder / str(number))) for number in range(count)]
    filed.write(folder / "made", [Segment(items(group)).parts()])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
