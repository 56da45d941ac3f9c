"""What a field's past would have resolved to under a policy, edit by edit, without resolving all of it each time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from reconcile.model import Edit, MergePolicy, Resolution, Standing
from reconcile.resolve import binds, resolve, standing, value_of

_NONE: Final = 1 << 60
"""An edit that refers to no other one is cut off from nothing."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """`covers`: the edit saw every one before it. `low`: the earliest edit it refers to itself.

    `tidy`: each edit refers to earlier ones only; else nothing can be cut off.
    """

    covers: list[bool]
    low: list[int]
    tidy: bool


def replay(
    edits: Sequence[Edit],
    policy: MergePolicy,
    start: int = 0,
    opened: Callable[[], Sequence[Edit]] | None = None,
) -> Iterator[Resolution]:
    """`resolve(edits[: n + 1], policy)` for each n from `start`, `edits` being in the order they came.

    With `opened` the edits may come without their values: it gives them with, and is asked only where an answer
    depends on values. Of an answer that does not (`causal`) the value is that of the edit as it came.
    """
    shape = _shaped(edits)
    whole: Sequence[Edit] | None = None if opened else edits
    bases: list[int] = []
    last: Resolution | None = None
    for at, edit in enumerate(edits):
        while bases and shape.low[at] < bases[-1]:
            bases.pop()
        free = shape.tidy and shape.covers[at]
        counts = free and binds(edit, policy)
        if at >= start and counts:
            last = Resolution("causal", edit.id, value_of(edit), (edit.id,), (), False, ())
        elif at >= start and free and last is not None:
            last = replace(last, open_proposals=(edit.id,))  # it saw all others and binds nobody
        elif at >= start:
            whole = whole if whole is not None or opened is None else opened()
            assert whole is not None
            last = resolve(whole[bases[-1] if bases and shape.tidy else 0 : at + 1], policy)
        if counts:
            bases.append(at)
        if last is not None:
            yield last


def stands(edits: Sequence[Edit], policy: MergePolicy) -> Standing | None:
    """What the field would hold now had `policy` always ruled; None of no edits."""
    holds: Standing | None = None
    for at, found in enumerate(replay(edits, policy), 1):
        holds = standing(holds, found, edits[:at], policy)
    return holds


def _shaped(edits: Sequence[Edit]) -> _Shape:
    place = {edit.id: at for at, edit in enumerate(edits)}
    streams: dict[str, tuple[int, list[int]]] = {}
    tops: set[int] = set()
    covers, low, tidy = [], [], len(place) == len(edits)
    for at, edit in enumerate(edits):
        known = [place[one] for one in edit.parents if one in place]
        tidy = tidy and all(one < at for one in known)
        if edit.stream is not None and edit.watermark is not None:
            position, there = streams.get(edit.stream, (edit.watermark - 1, []))
            tidy = tidy and edit.watermark > position
            streams[edit.stream] = (edit.watermark, [at])
            known += there
        covers.append(tops <= set(known))
        low.append(min(known, default=_NONE))
        tops = {*tops.difference(known), at}
    return _Shape(covers, low, tidy)
