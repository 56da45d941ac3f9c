"""How much cards show by kind of room, run after run, and what they led to: counts by day, never who or about whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, or_, select

from gateway.clock import Clock
from gateway.store import auditing, sql, upsert
from gateway.store.counters import count
from gateway.store.engine import Store
from gateway.store.tables_app import due, room, slot
from gateway.store.tables_shared import counter
from gateway.store.tables_stages import behaviour, reading, stage_run

COUNTER: Final = "stages"
DAY_MS: Final = 86_400_000
LATE_MS: Final = 3_000
"""Until every gateway has surely heard of it."""
BATCH: Final = 500

Behaved = tuple[str, int, str, int, str]
"""(kind of room, run, stage, day, what)"""
Read = tuple[int, str, str, str]
"""(day, application, field, read | written | denied)"""


@dataclass(frozen=True, slots=True)
class Run:
    """From one decision to the next; `run` 0: as configured, nobody decided yet."""

    kind: str
    run: int
    stage: str
    at: int = 0
    by: str = ""
    undoes: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """`after`: the run it was decided on; by then another may stand, and nothing is changed."""

    kind: str
    stage: str
    after: int
    by: str
    was: str
    undoes: int | None = None


class StageStore:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def version(self) -> int:
        """Grows with every decision."""
        query = select(counter.c.n).where(counter.c.name == COUNTER)
        return await self._store.read(lambda connection: connection.execute(query).scalar() or 0)

    async def runs(self, kind: str = "") -> list[Run]:
        """Oldest first."""
        query = select(stage_run).order_by(stage_run.c.kind, stage_run.c.run)
        if kind:
            query = query.where(stage_run.c.kind == kind)
        return await self._store.read(lambda connection: [Run(*row) for row in connection.execute(query)])

    async def change(self, change: Change) -> bool:
        """With its row in the record of deeds and the repaint that follows, all or nothing; False when another
        decision came first."""
        return await self._store.write(_change, (change, self._clock.now()))

    async def rooms(self, kind: str) -> list[str]:
        """Rooms of that kind in which something is up, and those of which no kind is known."""
        up = select(slot.c.room).where(slot.c.message.is_not(None)).distinct()
        query = up.outerjoin(room, room.c.key == slot.c.room).where(or_(room.c.key.is_(None), _of(kind)))
        return await self._store.read(lambda connection: list(connection.execute(query).scalars()))

    async def up(self) -> dict[str, tuple[int, int]]:
        """Of each kind: how many rooms there are, and how many cards are up in them."""
        cards = select(slot.c.room, func.count().label("n")).where(
            slot.c.message.is_not(None), slot.c.purpose == "card"
        )
        each = cards.group_by(slot.c.room).subquery()
        query = select(room.c.kind, room.c.external, func.count(), func.coalesce(func.sum(each.c.n), 0))
        query = query.outerjoin(each, each.c.room == room.c.key).group_by(room.c.kind, room.c.external)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return {kind_of(kind, bool(external)): (many, int(cards)) for kind, external, many, cards in rows}

    async def behaved(self, run: Run) -> dict[int, dict[str, int]]:
        """By day (since the epoch) and what."""
        fits = (behaviour.c.kind == run.kind, behaviour.c.run == run.run, behaviour.c.stage == run.stage)
        query = select(behaviour.c.day, behaviour.c.what, behaviour.c.n).where(*fits).order_by(behaviour.c.day)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        found: dict[int, dict[str, int]] = {}
        for day, what, n in rows:
            found.setdefault(day, {})[what] = int(n)
        return found

    async def readings(self, since: int) -> dict[tuple[str, str], dict[str, dict[int, int]]]:
        """By (application, field): by way and day."""
        query = select(reading).where(reading.c.day >= since).order_by(reading.c.application, reading.c.field)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        found: dict[tuple[str, str], dict[str, dict[int, int]]] = {}
        for row in rows:
            ways = found.setdefault((row.application, row.field), {})
            ways.setdefault(row.way, {})[row.day] = row.n
        return found

    async def add(self, behaved: Mapping[Behaved, int], read: Mapping[Read, int]) -> None:
        await self._store.write(_add, (tuple(behaved.items()), tuple(read.items())))

    async def forget(self, before: int) -> int:
        """Counts of days that ended by then (ms), some at a time; how many."""
        return await self._store.write(_forget, before // DAY_MS)


def kind_of(kind: str, external: bool) -> str:
    """As an audience says it: scene and kind."""
    scene = "external_group" if external else "direct" if kind == "direct" else "group"
    return f"{scene}/{kind}"


def _of(kind: str) -> ColumnElement[bool]:
    scene, _, name = kind.partition("/")
    return and_(room.c.kind == name, room.c.external.is_(scene == "external_group"))


def _change(connection: Connection, items: Sequence[tuple[Change, int]]) -> list[bool]:
    sql.alone(connection, COUNTER)
    return [_changed(connection, each, now) for each, now in items]


def _changed(connection: Connection, each: Change, now: int) -> bool:
    last = connection.execute(select(func.max(stage_run.c.run)).where(stage_run.c.kind == each.kind)).scalar() or 0
    if last != each.after:
        return False
    row = {"kind": each.kind, "run": last + 1, "stage": each.stage, "at": now, "by": each.by, "undoes": each.undoes}
    connection.execute(insert(stage_run).values(**row))
    facts: dict[str, str | int] = {"was": each.was, "stage": each.stage, "run": last + 1}
    if each.undoes is not None:
        facts["undoes"] = each.undoes
    auditing.add(connection, [(now, each.by, "staged", each.kind, facts)])
    count(connection, COUNTER)
    body = f'{{"kind": "{each.kind}"}}'
    dues = [
        {"key": f"staged:{each.kind}:{at}", "kind": "staged", "at": now + at, "payload": body, "leased_until": 0}
        for at in (0, LATE_MS)
    ]
    upsert.put(connection, due, dues)
    return True


_BEHAVED: Final = (
    "INSERT INTO behaviour (kind, run, stage, day, what, n) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (kind, run, stage, day, what) DO UPDATE SET n = behaviour.n + excluded.n"
)
_READ: Final = (
    "INSERT INTO reading (day, application, field, way, n) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (day, application, field, way) DO UPDATE SET n = reading.n + excluded.n"
)


def _add(
    connection: Connection, items: Sequence[tuple[Iterable[tuple[Behaved, int]], Iterable[tuple[Read, int]]]]
) -> list[None]:
    # sorted: two gateways that add to the same rows must not wait for each other in a ring
    for behaved, read in items:
        sql.many(connection, _BEHAVED, sorted((*key, n) for key, n in behaved))
        sql.many(connection, _READ, sorted((*key, n) for key, n in read))
    return [None] * len(items)


def _forget(connection: Connection, days: Sequence[int]) -> list[int]:
    gone = []
    for day in days:
        removed = 0
        for table in (behaviour, reading):
            oldest = select(func.min(table.c.day)).where(table.c.day < day).scalar_subquery()
            removed += connection.execute(delete(table).where(table.c.day == oldest)).rowcount
        gone.append(removed)
    return gone
