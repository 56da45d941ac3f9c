"""Alerts: what was raised, for which record, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from sqlalchemy import Connection, select, update

from gateway.store import sql, upsert
from gateway.store.engine import Store
from gateway.store.tables_app import alert

State = Literal["open", "acknowledged", "snoozed", "over"]


@dataclass(frozen=True, slots=True)
class Alert:
    """`subject` is what it is about: a risk's id, a conflict's id. One rule raises one alert for one subject."""

    id: str
    rule: str
    record: str
    subject: str
    since: int
    state: State = "open"
    by: str = ""
    until: int = 0
    trace: str = ""


class AlertStore:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def raise_(self, new: Alert) -> bool:
        """False when this very alert was raised before."""
        return await self._store.write(_raise, new)

    async def get(self, id_: str) -> Alert | None:
        found = await self._store.look(lambda connection: _read(connection, alert.c.id == id_))
        return found[0] if found else None

    async def known(self, ids: Sequence[str]) -> set[str]:
        """Which of these were raised, and are not over: what ended one may be undone."""
        query, keys = "SELECT id FROM alert WHERE state <> 'over' AND id", [(id_,) for id_ in ids]
        rows = await self._store.read(lambda connection: sql.ask_in(connection, query, keys) if keys else [])
        return {row[0] for row in rows}

    async def about(self, record: str) -> list[Alert]:
        return await self._store.read(lambda connection: _read(connection, alert.c.record == record))

    async def waiting(self, limit: int) -> list[Alert]:
        """Open and snoozed, the oldest first."""
        found = await self._store.read(lambda connection: _read(connection, alert.c.state.in_(("open", "snoozed"))))
        return found[:limit]

    async def move(
        self,
        id_: str,
        state: State,
        *,
        by: str = "",
        until: int = 0,
        frm: tuple[State, ...] = ("open", "snoozed", "acknowledged"),
    ) -> Alert | None:
        """To another state, from one of `frm`; the alert as it now is, or None."""
        return await self._store.write(_move, (id_, state, by, until, frm))


def _row(row: Any) -> Alert:
    return Alert(
        row.id, row.rule, row.record, row.subject, row.since, cast("State", row.state), row.by, row.until, row.trace
    )


def _read(connection: Connection, *where: Any) -> list[Alert]:
    return [_row(row) for row in connection.execute(select(alert).where(*where).order_by(alert.c.since, alert.c.id))]


def _raise(connection: Connection, items: Sequence[Alert]) -> list[bool]:
    fields = ("id", "rule", "record", "subject", "since", "state", "by", "until", "trace")
    return [upsert.add(connection, alert, {name: getattr(new, name) for name in fields}) for new in items]


def _move(
    connection: Connection, items: Sequence[tuple[str, State, str, int, tuple[State, ...]]]
) -> list[Alert | None]:
    return [_move_one(connection, *item) for item in items]


def _move_one(
    connection: Connection, id_: str, state: State, by: str, until: int, frm: tuple[State, ...]
) -> Alert | None:
    fits = (alert.c.id == id_, alert.c.state.in_(frm))
    moved = connection.execute(update(alert).where(*fits).values(state=state, by=by, until=until))
    found = _read(connection, alert.c.id == id_)
    return found[0] if moved.rowcount == 1 and found else None
