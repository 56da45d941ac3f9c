"""What grows and how fast: rows and bytes an edit on both stores, a message on SQLite.

Edits go through the ledger itself; messages through the whole gateway: half of them name a customer and float a card.
`python -m benchmarks.growth.bench`
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import text

from benchmarks.common import HERE, answers, free_port, keep, machine, process, stop, table
from benchmarks.engines import config, postgresql, scratch
from benchmarks.float.measure import MORE, ROOMS, Texts, quiet
from benchmarks.float.pace import send
from benchmarks.store.bench import Ours
from benchmarks.wire.servers import api, fake_slack

LEDGER = ("edit", "decision", "value", "inbox", "outbox", "field_state", "subject_key", "rendering", "watermark", "ack")


def sizes_sqlite(path: Path) -> dict[str, tuple[int, int]]:
    """Table -> rows, bytes with its indexes."""
    with sqlite3.connect(path) as look:
        look.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        names = [
            row[0]
            for row in look.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        ]
        found = {name: (_count(look, name), _bytes(look, name)) for name in names}
    look.close()
    return found


def _count(look: sqlite3.Connection, name: str) -> int:
    return int(look.execute(f"SELECT count(*) FROM {name}").fetchone()[0])


def _bytes(look: sqlite3.Connection, name: str) -> int:
    parts = [row[0] for row in look.execute("SELECT name FROM sqlite_master WHERE tbl_name = ?", (name,))]
    marks = ", ".join("?" * len(parts))
    return int(
        look.execute(f"SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name IN ({marks})", parts).fetchone()[0]
    )


SIZES = (
    "SELECT relname, pg_total_relation_size(oid) FROM pg_class "
    "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)


def sizes_postgresql(store: Any) -> dict[str, tuple[int, int]]:
    with store._reading.connect() as look:
        found = {row[0]: int(row[1]) for row in look.execute(text(SIZES))}
        return {
            name: (int(look.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()), size)
            for name, size in found.items()
        }


def grown(
    before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]], count: int
) -> dict[str, tuple[float, float]]:
    none = (0, 0)
    found = {t: (after[t][0] - before.get(t, none)[0], after[t][1] - before.get(t, none)[1]) for t in after}
    return {t: (rows / count, size / count) for t, (rows, size) in found.items() if rows or size > count}


async def edits(url: str, count: int, look: Any) -> dict[str, tuple[float, float]]:
    ours = Ours(url)
    ours.records = ours.records[: count // 10]
    await asyncio.gather(*(ours.one() for _ in range(200)))
    before = look(ours)
    for _ in range(count // 200):
        await asyncio.gather(*(ours.one() for _ in range(200)))
    after = look(ours)
    await ours.close()
    return grown(before, after, count)


def messages(count: int) -> dict[str, tuple[float, float]]:
    """Through the whole gateway on SQLite."""
    with scratch() as folder, fake_slack() as slack:
        port, database, made = free_port(), Path(folder, "floatcard.db"), api(slack)
        path = config(Path(folder), store=f"sqlite:///{database}", bus="store:", port=port, slack_api=made, more=MORE)
        stop(process("benchmarks.float.seed", str(path), "1000"))
        ours = process("benchmarks.wire.ours", str(path), "float")
        try:
            answers(port)
            asyncio.run(send(port, [("Good morning", f"C0ROOM{room:04d}") for room in range(ROOMS)], 100))
            quiet(ours.pid)
            before = sizes_sqlite(database)
            texts = Texts(1000).some(count // 2)
            mixed = [each for pair in texts for each in (pair, ("Has anybody seen the slides?", pair[1]))]
            asyncio.run(send(port, mixed, 60))
            quiet(ours.pid)
            after = sizes_sqlite(database)
        finally:
            stop(ours)
    return grown(before, after, len(mixed))


def part(title: str, found: dict[str, tuple[float, float]], per: str) -> str:
    rows = [[name, *each] for name, each in sorted(found.items(), key=lambda it: -it[1][1])]
    total = sum(size for _, size in found.values())
    shown = table(["table", f"rows {per}", f"bytes {per}, with indexes"], rows)
    return f"## {title}\n\n{shown}\n\n**{total:,.0f} bytes {per}.**"


def main(count: int, out: Path) -> None:
    parts = []
    with scratch() as folder:
        path = Path(folder, "edits.db")
        found = asyncio.run(edits(f"sqlite:///{path}", count, lambda _: sizes_sqlite(path)))
        parts.append(part("An edit, SQLite", found, "an edit"))
    with postgresql() as url:
        if url is not None:
            found = asyncio.run(edits(url, count, lambda ours: sizes_postgresql(ours.store)))
            parts.append(part("An edit, PostgreSQL", found, "an edit"))
    parts.append(part("A message, SQLite: every second one floats a card", messages(count // 10), "a message"))
    note = (
        f"{count:,} edits of {count // 10:,} fields, none yet taken by a CRM; {count // 10:,} messages. Of an edit, "
        "`edit`, `decision` and `value` are kept for ever; `inbox` and `outbox` go by age (`retention`), as all of a "
        "message does, and waiting jobs with their end. PostgreSQL's bytes have the former versions of rows in them, "
        "which no vacuum took in these seconds: nearly all of `field_state`, half of `outbox`."
    )
    keep(out, "What grows, and how fast", machine("SQLAlchemy"), note, *parts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=HERE / "growth.md")
    main(**vars(parser.parse_args()))
