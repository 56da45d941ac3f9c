"""The queue's two hot statements: many jobs in and many out, each with one statement for the whole batch."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence, Set
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection

from gateway.bus.model import Job
from gateway.store import sql
from gateway.store.writer import unhurried


@unhurried
def publish(connection: Connection, items: Sequence[tuple[Job, int]]) -> list[int | None]:
    """The id of each new job, ascending as they were given; None for one whose `once` was seen before."""
    first: dict[str, tuple[Job, int]] = {}
    for item in items:
        first.setdefault(item[0].once, item)
    fresh = _unseen(connection, first)
    new = [item for item in first.values() if item[0].once in fresh]
    ids = _added(connection, new)
    return [ids.pop(job.once, None) for job, _ in items]


def _unseen(connection: Connection, first: dict[str, tuple[Job, int]]) -> Set[str]:
    names = sorted(first)
    values = [one for once in names for one in (once, first[once][1])]
    if connection.dialect.name != "sqlite":
        return {row[0] for row in sql.ask(connection, f"{_remembering(len(names))}{_KNOWN} RETURNING once", values)}
    try:
        sql.change(connection, _remembering(len(names)), values)
    except sqlite3.IntegrityError:
        # Rarely one is known already: then none is added by that. Which it is was not asked before, and is not told by
        # RETURNING: each row that SQLite hands over lets another thread in.
        asked = f"SELECT once FROM seen WHERE once IN ({_places(len(names))})"  # noqa: S608
        known = {row[0] for row in sql.ask(connection, asked, names)}
        sql.change(connection, f"{_remembering(len(names))}{_KNOWN}", values)
        return first.keys() - known
    return first.keys()


def _added(connection: Connection, new: Sequence[tuple[Job, int]]) -> dict[str, int | None]:
    if not new:
        return {}
    values = [one for job, at in new for one in (job.topic, job.lane, job.once, job.body, at)]
    if connection.dialect.name != "sqlite":
        asked = f"{_adding(len(new))} RETURNING once, id"
        return {row[0]: int(row[1]) for row in sql.ask(connection, asked, values)}
    # Nobody else writes meanwhile, so the rows of one statement are numbered one after another.
    last = sql.last(connection, _adding(len(new)), values)
    return {job.once: id_ for id_, (job, _) in enumerate(new, last - len(new) + 1)}


_KNOWN = " ON CONFLICT DO NOTHING"


@cache
def _remembering(count: int) -> str:
    return "INSERT INTO seen (once, at) VALUES " + ", ".join(["(?, ?)"] * count)  # noqa: S608


@cache
def _adding(count: int) -> str:
    rows = ", ".join(["(?, ?, ?, ?, ?, 1, 0, 'ready', '')"] * count)
    return f"INSERT INTO job (topic, lane, once, body, at, tries, starts, state, why) VALUES {rows}"  # noqa: S608


@unhurried
def remove(connection: Connection, ids: Sequence[int]) -> list[None]:
    sql.change(connection, f"DELETE FROM job WHERE id IN ({_places(len(ids))})", sorted(ids))  # noqa: S608
    return [None] * len(ids)


def _places(count: int) -> str:
    return ", ".join("?" * count)


ANY_ORDER: Final[frozenset[Callable[..., Any]]] = frozenset({publish, remove})
"""A job is removed by an id that is told only once it is committed."""
