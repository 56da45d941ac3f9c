"""The yardstick on PostgreSQL: the same rows by asyncpg, in a task that commits what waits, one executemany a table."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg  # type: ignore[import-untyped]

from benchmarks.store.raw import RECORDS, TABLES, fresh

BATCH = 256


class RawPostgresql:
    def __init__(
        self,
        connection: Any,
        rows: dict[str, list[tuple[Any, ...]]],
        names: dict[str, list[str]],
        records: Sequence[str],
    ) -> None:
        self.records = records
        self.connection = connection
        self.rows = rows
        self.names = names
        self.n = 0
        self.waiting: asyncio.Queue[asyncio.Future[None]] = asyncio.Queue()
        self.texts = {table: self._text(table) for table in TABLES}
        self.task = asyncio.create_task(self._run())

    @staticmethod
    async def open(url: str, source: str, records: Sequence[str] = RECORDS) -> RawPostgresql:
        """`source`: a ledger's own database, whose rows are taken over; `url`: one beside it, of the same schema."""
        ours, raw = await asyncpg.connect(_dsn(source)), await asyncpg.connect(_dsn(url))
        rows = {t: [tuple(r) for r in await ours.fetch(f"SELECT * FROM {t} LIMIT 200")] for t in TABLES}
        names = {t: [a.name for a in (await ours.prepare(f"SELECT * FROM {t}")).get_attributes()] for t in TABLES}
        await ours.close()
        return RawPostgresql(raw, rows, names, records)

    def _text(self, table: str) -> str:
        names = self.names[table]
        marks = ", ".join(f"${at}" for at in range(1, len(names) + 1))
        text = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"
        if table == "field_state":
            rest = ", ".join(f"{name} = excluded.{name}" for name in names if name not in ("record", "field"))
            text += f" ON CONFLICT (record, field) DO UPDATE SET {rest}"
        return text

    async def one(self) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.put_nowait(done)
        await done

    async def close(self) -> None:
        self.task.cancel()
        await self.connection.close()

    async def _run(self) -> None:
        while True:
            batch = [await self.waiting.get()]
            while len(batch) < BATCH and not self.waiting.empty():
                batch.append(self.waiting.get_nowait())
            await self._commit(len(batch))
            for done in batch:
                done.set_result(None)

    async def _commit(self, count: int) -> None:
        first, self.n = self.n, self.n + count
        async with self.connection.transaction():
            for table in TABLES:
                names = self.names[table]
                rows = [fresh(self.rows[table], names, table, n, self.records) for n in range(first, first + count)]
                if table == "field_state":  # a batch may name a record twice
                    rows = list({row[0]: row for row in rows}.values())
                await self.connection.executemany(self.texts[table], rows)


def _dsn(url: str) -> str:
    return url
