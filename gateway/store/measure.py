"""What the store knows of its own state, for the metrics: a few counts, asked now and then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Select, and_, exists, func, or_, select, text

from gateway.store.due import LONGEST_MS, REDRAW
from gateway.store.engine import Store
from gateway.store.tables_app import due
from gateway.store.tables_backup import backup_taken
from gateway.store.tables_ledger import absent, conflict, outbox

OPEN = ("waiting", "sent", "refused")


@dataclass(frozen=True, slots=True)
class Measured:
    """Ages in seconds. `outbox`: rows by CRM and state; `oldest`: by CRM, of those that wait or were sent, but of no
    record that is not there: its rows wait until it is there again, and nobody can do anything about it."""

    outbox: Mapping[tuple[str, str], int]
    oldest: Mapping[str, float]
    overdue: int
    late: float
    conflicts: int
    bytes: int
    backed_up: int
    """When, in ms; 0: never."""


async def measured(store: Store, now: int) -> Measured:
    """Raises `Retry` while the store is away."""
    path = store.url.database if store.url.get_backend_name() == "sqlite" else None
    return await store.read(lambda connection: _measured(connection, path, now))


def _measured(connection: Connection, path: str | None, now: int) -> Measured:
    overdue, since = connection.execute(_late(now)).one()
    still = select(func.count()).select_from(conflict).where(conflict.c.closed_at.is_(None))
    return Measured(
        {(target, state): count for target, state, count in connection.execute(_COUNTED)},
        {target: max((now - since) / 1000, 0.0) for target, since in connection.execute(_OLDEST)},
        overdue,
        (now - since) / 1000 if since is not None else 0.0,
        int(connection.execute(still).scalar_one()),
        _bytes(connection, path),
        int(connection.execute(select(func.max(backup_taken.c.at))).scalar() or 0),
    )


def _late(now: int) -> Select[int, int | None]:
    """What is due and nobody has taken up; and what was due before two leases ended, since it was begun and failed,
    unless it is of the one kind that takes long."""
    failing = and_(due.c.at <= now - LONGEST_MS, due.c.kind != REDRAW)
    return select(func.count(), func.min(due.c.at)).where(due.c.at <= now, or_(due.c.leased_until <= now, failing))


_COUNTED = (
    select(outbox.c.target, outbox.c.state, func.count())
    .where(outbox.c.state.in_(OPEN))
    .group_by(outbox.c.target, outbox.c.state)
)
_there = ~exists().where(absent.c.record == outbox.c.record, absent.c.target == outbox.c.target)
_OLDEST = (
    select(outbox.c.target, func.min(outbox.c.at))
    .where(outbox.c.state.in_(("waiting", "sent")), _there)
    .group_by(outbox.c.target)
)


def _bytes(connection: Connection, path: str | None) -> int:
    if path is None:
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    files = (Path(f"{path}{ending}") for ending in ("", "-wal"))
    return sum(each.stat().st_size for each in files if each.exists())
