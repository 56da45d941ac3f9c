"""How often something happened, by quarters of an hour: days differ by zone, and quarters fit into all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from gateway.store import sql
from gateway.store.engine import Store
from gateway.store.tables_mentioning import TAUGHT

QUARTER_MS: Final = 900_000
Counted = Mapping[str, Mapping[int, int]]
"""What -> quarter since the epoch -> how often."""

_CARDS = (
    "SELECT posted_at / 900000, count(*) FROM slot "
    "WHERE purpose = 'card' AND posted_at >= ? GROUP BY posted_at / 900000"
)
_WRONG = (
    f"SELECT at / 900000, count(*) FROM lesson WHERE {TAUGHT} AND at >= ? "  # noqa: S608
    "AND kind IN ('wrong', 'none') AND ended_at IS NULL GROUP BY at / 900000"
)
_EDITS = "SELECT ingest_time / 900000, count(*) FROM edit WHERE actor"
_LATELY = "AND actor_kind = 'person' AND ingest_time >= ? GROUP BY ingest_time / 900000"
_OPEN = "SELECT opened_at FROM conflict WHERE closed_at IS NULL AND opened_at >= ?"
_CLOSED = "SELECT opened_at FROM conflict WHERE closed_at >= ? AND opened_at >= ?"


class FigureStore:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def since(self, at: int, persons: Sequence[str]) -> Counted:
        """From that moment on (ms): cards floated, names reported false, edits by these persons, conflicts opened."""
        return await self._store.read(lambda connection: _counted(connection, at, persons))


def _counted(connection: Connection, at: int, persons: Sequence[str]) -> Counted:
    """Every table is searched through an index: edits by who made them, since few are by persons."""
    keys = [(each,) for each in persons]
    opened = [*sql.ask(connection, _OPEN, (at,)), *sql.ask(connection, _CLOSED, (at, at))]
    return {
        "cards": _summed(sql.ask(connection, _CARDS, (at,))),
        "wrong": _summed(sql.ask(connection, _WRONG, (at,))),
        "edits": _summed(sql.ask_in(connection, _EDITS, keys, (at,), _LATELY) if keys else ()),
        "conflicts": Counter(row[0] // QUARTER_MS for row in opened),
    }


def _summed(rows: Sequence[Any]) -> Counter[int]:
    found: Counter[int] = Counter()
    for quarter, count in rows:
        found[quarter] += count
    return found
