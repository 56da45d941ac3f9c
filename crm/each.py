"""The first items of each record, asked for many records at once by a query that knows one limit for all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

Id = TypeVar("Id", int, str)
Row = TypeVar("Row")


async def first_of_each(
    ids: Sequence[Id],
    items: int,
    owner: Callable[[Row], Id],
    ask: Callable[[Sequence[Id], int], Awaitable[Sequence[Row]]],
) -> list[Row]:
    """`ask` gives rows of those ids, at most so many, in an order that puts each record's first ones first.

    Who has very many takes none from others: those who came short are asked for again. Each time the limit is met one
    record at least has all it gets, so that it ends.
    """
    found: list[Row] = []
    left = list(dict.fromkeys(ids))
    while left:
        rows = await ask(left, items * len(left))
        count = Counter(owner(row) for row in rows)
        short = [id_ for id_ in left if count[id_] < items] if len(rows) >= items * len(left) else []
        again = set(short)
        found += [row for row in rows if owner(row) not in again]
        left = short if len(short) < len(left) else []
    return found
