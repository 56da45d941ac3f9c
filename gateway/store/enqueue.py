"""The queue's two hot statements: many jobs in and many out, each with one statement for the whole batch."""

from __future__ import annotations

from collections.abc import Sequence

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
    text = f"INSERT INTO seen (once, at) VALUES {_rows(len(first), 2)} ON CONFLICT DO NOTHING RETURNING once"  # noqa: S608
    values = [one for once in sorted(first) for one in (once, first[once][1])]
    return {row[0] for row in sql.ask(connection, text, values)}


def _added(connection: Connection, new: Sequence[tuple[Job, int]]) -> dict[str, int | None]:
    if not new:
        return {}
    values = [one for job, at in new for one in (job.topic, job.lane, job.once, job.body, 1, 0, "ready", "", at)]
    rows = sql.ask(connection, f"{_JOB}{_rows(len(new), 9)} RETURNING once, id", values)
    return {row[0]: int(row[1]) for row in rows}


def remove(connection: Connection, ids: Sequence[int]) -> list[None]:
    sql.many(connection, "DELETE FROM job WHERE id = ?", [(id_,) for id_ in ids])
    return [None] * len(ids)


def _rows(count: int, width: int) -> str:
    one = f"({', '.join('?' * width)})"
    return ", ".join([one] * count)
