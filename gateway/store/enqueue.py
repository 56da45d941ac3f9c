"""The queue's two hot statements: many jobs in and many out, each with one statement for the whole batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from gateway.bus.model import Job
from gateway.store import sql

_JOB = "INSERT INTO job (topic, lane, once, body, tries, starts, state, why, at) VALUES "


def publish(connection: Connection, items: Sequence[tuple[Job, int]]) -> list[int | None]:
    """The id of each new job, ascending as they were given; None for one whose `once` was seen before."""
    first: dict[str, tuple[Job, int]] = {}
    for item in items:
        first.setdefault(item[0].once, item)
    fresh = _unseen(connection, first)
    new = [item for item in first.values() if item[0].once in fresh]
    ids = _added(connection, new)
    return [ids.pop(job.once, None) for job, _ in items]


def _unseen(connection: Connection, first: dict[str, tuple[Job, int]]) -> set[str]:
    names = sorted(first)
    text = f"INSERT INTO seen (once, at) VALUES {_rows(len(names), 2)} ON CONFLICT DO NOTHING"  # noqa: S608
    values = [one for once in names for one in (once, first[once][1])]
    if connection.dialect.name != "sqlite":
        return {row[0] for row in sql.ask(connection, f"{text} RETURNING once", values)}
    # Each row that SQLite hands over lets another thread in: of new names, of which nearly all are, it tells nothing.
    known = sql.ask(connection, f"SELECT once FROM seen WHERE once IN ({_places(len(names))})", names)  # noqa: S608
    sql.change(connection, text, values)
    return first.keys() - {row[0] for row in known}


def _added(connection: Connection, new: Sequence[tuple[Job, int]]) -> dict[str, int | None]:
    if not new:
        return {}
    values = [one for job, at in new for one in (job.topic, job.lane, job.once, job.body, 1, 0, "ready", "", at)]
    text = _JOB + _rows(len(new), 9)
    if connection.dialect.name != "sqlite":
        return {row[0]: int(row[1]) for row in sql.ask(connection, f"{text} RETURNING once, id", values)}
    # Nobody else writes meanwhile, so the rows of one statement are numbered one after another.
    last = sql.last(connection, text, values)
    return {job.once: last - len(new) + 1 + at for at, (job, _) in enumerate(new)}


def remove(connection: Connection, ids: Sequence[int]) -> list[None]:
    sql.change(connection, f"DELETE FROM job WHERE id IN ({_places(len(ids))})", sorted(ids))  # noqa: S608
    return [None] * len(ids)


def _rows(count: int, width: int) -> str:
    return ", ".join([f"({_places(width)})"] * count)


def _places(count: int) -> str:
    return ", ".join("?" * count)


ANY_ORDER: Final[frozenset[Callable[..., Any]]] = frozenset({publish, remove})
"""A job is removed by an id that is told only once it is committed."""
