"""What the store knows of its own state, for the metrics: a few counts, asked now and then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select, text

from gateway.store.engine import Store
from gateway.store.tables_app import due
from gateway.store.tables_backup import backup_taken
from gateway.store.tables_ledger import conflict, outbox

OPEN = ("waiting", "sent", "refused")


@dataclass(frozen=True, slots=True)
class Measured:
    """Ages in seconds. `outbox`: rows by CRM and state; `oldest`: by CRM, of those that wait or were sent."""

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
    o = outbox.c
    rows = select(o.target, o.state, func.count(), func.min(o.at)).where(o.state.in_(OPEN)).group_by(o.target, o.state)
    counted = connection.execute(rows).all()
    oldest: dict[str, float] = {}
    for target, state, _, since in counted:
        if state != "refused":
            oldest[target] = max(oldest.get(target, 0.0), (now - since) / 1000)
    ripe = select(func.count(), func.min(due.c.at)).where(due.c.at <= now, due.c.leased_until <= now)
    overdue, since = connection.execute(ripe).one()
    still = select(func.count()).select_from(conflict).where(conflict.c.closed_at.is_(None))
    return Measured(
        {(target, state): count for target, state, count, _ in counted},
        oldest,
        overdue,
        (now - since) / 1000 if since is not None else 0.0,
        int(connection.execute(still).scalar_one()),
        _bytes(connection, path),
        int(connection.execute(select(func.max(backup_taken.c.at))).scalar() or 0),
    )


def _bytes(connection: Connection, path: str | None) -> int:
    if path is None:
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    files = (Path(f"{path}{ending}") for ending in ("", "-wal"))
    return sum(each.stat().st_size for each in files if each.exists())
