"""Every history of at most three edits, as cases in the interchange form; and the comparison of two resolvers."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from reconcile.interchange import parse, result
from reconcile.model import Edit, MergePolicy, Resolution
from reconcile.resolve import resolve
from tests.reconcile import second

Row = dict[str, Any]
Engine = Callable[[Iterable[Edit], MergePolicy], Resolution]

SOURCES = ("crm", "wecom", "agent")
"""The first is linear: its edits have the positions of their numbers."""

POLICIES: tuple[Row, ...] = tuple(
    {"mode": mode, "authority": authority, "master": "crm", "rank": ["agent", "crm"], "fallback": fallback}
    for mode, authority, fallback in (
        ("review", [], "review"),
        ("last_writer_wins", [], "review"),
        ("master_wins", [], "review"),
        ("master_wins", [], "last_writer_wins"),
        ("authoritative", ["wecom", "crm"], "review"),
        ("authoritative", ["agent"], "last_writer_wins"),
    )
)


def histories(most: int = 3) -> Iterator[list[Row]]:
    """14,124 of them at three: 3 sources, 2 values and 2 times for each edit, any earlier edits as parents."""
    for size in range(1, most + 1):
        pairs = list(itertools.combinations(range(size), 2))
        for sources in itertools.product(SOURCES, repeat=size):
            for values in itertools.product("ab", repeat=size):
                for times in itertools.product((1, 2), repeat=size):
                    for chosen in itertools.product((False, True), repeat=len(pairs)):
                        seen = [pair for pair, taken in zip(pairs, chosen, strict=True) if taken]
                        yield [_row(i, sources[i], values[i], times[i], seen) for i in range(size)]


def _row(i: int, source: str, value: str, time: int, seen: list[tuple[int, int]]) -> Row:
    # ids run against the order of making, so that no rule passes by following the ids
    linear = source == SOURCES[0]
    return {
        "id": f"e{9 - i}",
        "source": source,
        "value": value,
        "parents": [f"e{9 - a}" for a, b in seen if b == i],
        "stream": source if linear else None,
        "watermark": i if linear else None,
        "time": time,
        "kind": "set",
        "binding": True,
    }


def cases(most: int = 3, every: int = 1) -> Iterator[Row]:
    """Each history under each policy; `every` n-th one alone when the whole is too long."""
    both = itertools.product(histories(most), POLICIES)
    for number, (edits, policy) in enumerate(both):
        if number % every == 0:
            yield {"name": f"small-{number}", "policy": policy, "edits": edits}


def first_answer(case: Row, engine: Engine = resolve) -> Row:
    parsed = parse(json.dumps(case))
    return {"name": parsed.name, **result(engine(parsed.edits, parsed.policy))}


def spelt(row: Row) -> str:
    """So that 1, 1.0 and true are told apart."""
    return json.dumps(row, sort_keys=True)


def disagreement(case: Row, engine: Engine = resolve) -> str | None:
    first, other = first_answer(case, engine), second.answer(case)
    if spelt(first) == spelt(other):
        return None
    return f"{spelt(case)}\n the engine: {spelt(first)}\n the second: {spelt(other)}"
