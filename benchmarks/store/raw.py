"""The yardstick: the rows of an edit, inserted as they are, by one thread that commits what waits."""

from __future__ import annotations

import asyncio
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

RECORDS = [f"local:account:{n}" for n in range(5000)]
AFTER = 10**9
TABLES = ("value", "edit", "decision", "inbox", "field_state", "outbox")


def captured(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The rows the ledger itself wrote, to write the same again."""
    with sqlite3.connect(path) as look:
        rows = {table: look.execute(f"SELECT * FROM {table} LIMIT 200").fetchall() for table in TABLES}
    look.close()
    return rows


def schema(path: Path) -> list[str]:
    with sqlite3.connect(path) as look:
        found = look.execute("SELECT sql, tbl_name FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    look.close()
    return [sql for sql, table in found if table in TABLES]


class Raw:
    """`path`: a new file, or a ledger's, whose rows stay beside those that come."""

    def __init__(
        self, source: Path, path: Path, rows: dict[str, list[tuple[Any, ...]]], records: Sequence[str] = RECORDS
    ) -> None:
        self.rows = rows
        self.records = records
        self.path = path
        self.waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.schema = [] if path.exists() else schema(source)
        self.names = self._columns(source)
        self.n = 0
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _columns(self, source: Path) -> dict[str, list[str]]:
        with sqlite3.connect(source) as look:
            names = {t: [row[1] for row in look.execute(f"PRAGMA table_info({t})")] for t in TABLES}
        look.close()
        return names

    async def one(self) -> None:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self.waiting.put((loop, done))
        await done

    async def close(self) -> None:
        self.waiting.put(None)
        await asyncio.to_thread(self.thread.join)

    def _run(self) -> None:
        connection = sqlite3.connect(self.path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "temp_store=MEMORY", "cache_size=-65536"):
            connection.execute(f"PRAGMA {pragma}").close()
        for sql in self.schema:
            connection.execute(sql)
        while (first := self.waiting.get()) is not None:
            batch = [first]
            while len(batch) < 256 and not self.waiting.empty():
                batch.append(self.waiting.get())
            self._commit(connection, len(batch))
            batch[0][0].call_soon_threadsafe(lambda batch=batch: [done.set_result(None) for _, done in batch])
        connection.close()

    def _commit(self, connection: sqlite3.Connection, count: int) -> None:
        connection.execute("BEGIN IMMEDIATE")
        first, self.n = self.n, self.n + count
        for table in TABLES:
            marks = ", ".join("?" * len(self.names[table]))
            rows = [self._fresh(table, n) for n in range(first, first + count)]
            verb = "INSERT OR REPLACE" if table == "field_state" else "INSERT"
            connection.executemany(f"{verb} INTO {table} VALUES ({marks})", rows)
        connection.execute("COMMIT")

    def _fresh(self, table: str, n: int) -> tuple[Any, ...]:
        return fresh(self.rows[table], self.names[table], table, n, self.records)


def _code() -> str:
    """In the shape of `reconcile.chain.trace_code`, without a hash."""
    whole = f"{time.time_ns() // 64_000_000 % 16**5:05X}{os.urandom(6).hex().upper()}"
    return f"{whole[:4]}-{whole[4:8]}-{whole[8:12]}-{whole[12:16]}"


def fresh(
    rows: list[tuple[Any, ...]], names: list[str], table: str, n: int, records: Sequence[str] = RECORDS
) -> tuple[Any, ...]:
    """A captured row under keys of its own, spread over the records, and after all that is there: ids in their order,
    trace codes where those of the moment are."""
    row, record = list(rows[n % len(rows)]), records[n % len(records)]
    code = _code() if table == "decision" else ""
    changes: dict[str, dict[str, Any]] = {
        "value": {"id": f"f{n:027x}", "subject": record},
        "edit": {"id": f"f{n:027x}", "record": record, "n": AFTER + n},
        "decision": {"id": code, "record": record, "seq": AFTER + n},
        "inbox": {"once": f"raw-{n}"},
        "field_state": {"record": record},
        "outbox": {"id": f"f{n:027x}", "record": record},
    }
    for name, it in changes[table].items():
        row[names.index(name)] = it
    return tuple(row)
