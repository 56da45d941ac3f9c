"""The decision trail: what each turn decided, step by step, and nothing of what anybody said."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from gateway.store import upsert
from gateway.store.engine import Store
from gateway.store.tables_app import trail
from gateway.store.writer import unhurried
from gateway.turn import Step, Trail


@dataclass(frozen=True, slots=True)
class StoredStep:
    id: int
    turn: str
    step: Step


class TrailStore:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._news = asyncio.Event()

    async def write(self, turn: Trail) -> None:
        if not turn.steps:
            return
        await self._store.write(_write, turn)
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def since(self, after: int, limit: int = 200) -> list[StoredStep]:
        query = select(trail).where(trail.c.id > after).order_by(trail.c.id).limit(limit)
        return await self._store.read(lambda connection: _read(connection, query))

    async def latest(self, limit: int = 200) -> list[StoredStep]:
        query = select(trail).order_by(trail.c.id.desc()).limit(limit)
        return list(reversed(await self._store.read(lambda connection: _read(connection, query))))

    async def turn(self, turn: str) -> list[StoredStep]:
        query = select(trail).where(trail.c.turn == turn).order_by(trail.c.id)
        return await self._store.read(lambda connection: _read(connection, query))

    async def last_turn(self, room_key: str) -> str | None:
        """The newest turn of a room that has something to explain."""
        told = trail.c.step.in_(
            ("matched", "asked", "unsure", "aside", "suggested", "nothing", "cooled", "taught", "quiet", "shed")
        )
        other = trail.alias()
        pressed = select(other.c.id).where(other.c.turn == trail.c.turn, other.c.step == "pressed").exists()
        here = select(trail.c.turn).where(
            trail.c.room == room_key, told, ~pressed
        )  # a press teaches, and says so itself
        query = here.order_by(trail.c.id.desc()).limit(1)
        return await self._store.read(lambda connection: connection.execute(query).scalar())

    async def wait(self, at_most: float, after: int | None = None) -> None:
        """Returns at the next write, or after `at_most` seconds; at once when a step above `after` is there."""
        news = self._news
        if after is not None and await self.since(after, 1):
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(news.wait(), at_most)


@unhurried
def _write(connection: Connection, items: Sequence[Trail]) -> list[None]:
    rows = [
        {
            "turn": each.turn,
            "at": step.at,
            "room": step.room,
            "step": step.step,
            "facts": json.dumps(step.facts, ensure_ascii=False),
        }
        for each in items
        for step in each.steps
    ]
    upsert.insert(connection, trail, rows)
    return [None] * len(items)


def _read(connection: Connection, query: object) -> list[StoredStep]:
    rows = connection.execute(query)  # type: ignore[call-overload]
    return [StoredStep(row.id, row.turn, Step(row.step, row.at, row.room, json.loads(row.facts))) for row in rows]
