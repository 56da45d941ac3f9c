"""What messages leave in a store, as many times as one likes: `python -m benchmarks.float.history CONFIG TIMES`.

Each row that the messages of a run left is written again with an identity of its own and an earlier time, so that
rooms, names and customers have the shares of what was really said. The names of events are not among them: a name is
looked up by itself, and with Redis they are there.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from sqlalchemy import text

from gateway.config import load
from gateway.store.engine import Store
from gateway.store.schema import complete

BACK_MS = 30 * 60_000
"""Between two copies: 1,000 of them end within the 30 days that a trail is kept."""
KEYS = {
    "trail": {"turn": "turn || :mark"},
    "slot": {"id": "id || :mark", "message": "message || :mark"},
    "slot_record": {"slot": "slot || :mark"},
    "floated": {"record": "record || :mark", "slot": "slot || :mark"},
    "named": {"record": "record || :mark"},
    "lesson": {"id": "id || :mark", "message": "message || :mark"},
}
"""What of a row is another in its copy."""
TIMES = ("at", "painted_at", "posted_at")
LEFT_OUT = {"trail": ("id",)}
"""Counted by the database."""


def _statement(table: str) -> str:
    """Copies what was kept of a table into it."""
    names = [each.name for each in complete().tables[table].columns if each.name not in LEFT_OUT.get(table, ())]
    quoted = [f'"{each}"' for each in names]
    values = [KEYS[table].get(each, f'"{each}" - :back' if each in TIMES else f'"{each}"') for each in names]
    return f"INSERT INTO {table} ({', '.join(quoted)}) SELECT {', '.join(values)} FROM kept_{table}"


def fill(store: Store, times: int) -> None:
    with store._writing.connect() as connection:
        for table in KEYS:
            connection.execute(text(f"CREATE TEMPORARY TABLE kept_{table} AS SELECT * FROM {table}"))
        statements = [_statement(table) for table in KEYS]
        connection.commit()
        for n in range(1, times + 1):
            for statement in statements:
                connection.execute(text(statement), {"mark": f"~{n}", "back": n * BACK_MS})
            connection.commit()
    if store._writing.dialect.name == "postgresql":  # its autovacuum would, within minutes
        with store._writing.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


async def main(config: Path, times: int) -> None:
    store = Store.open(load(config).store)
    try:
        await asyncio.to_thread(fill, store, times)
    finally:
        await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
    print("ready", flush=True)
