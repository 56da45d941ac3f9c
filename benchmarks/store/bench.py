"""Whole edits a second beside a raw group commit of the very same rows: `python -m benchmarks.store.bench`.

Raw: a thread that takes what waits, inserts the rows of as many edits with plain sqlite3 and commits them once, at the
same durability. Both are run in turns in one process, each several times; the medians are compared.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from benchmarks.store.raw import Raw, captured
from gateway.store.engine import Store
from gateway.store.ledger import Incoming, Ledger
from gateway.store.vault import Vault
from reconcile.model import Actor, MergePolicy, Source
from reconcile.policy import Policies
from reconcile.token import Seen

WAITING = (1, 16, 64, 256)
KEY = bytes(32)
CARD = Source("slack", "Slack card", "1.0")


def now() -> int:
    return time.time_ns() // 1_000_000


class Ours:
    def __init__(self, path: Path, records: int) -> None:
        self.store = Store.open(f"sqlite:///{path}")
        self.ledger = Ledger(self.store, Vault(KEY), Policies(default=MergePolicy(normaliser="trimmed")), clock=now)
        self.heads: dict[str, tuple[str, ...]] = {}
        self.records = records
        self.n = 0

    async def one(self) -> None:
        self.n += 1
        n = self.n
        record = f"local:account:{n % self.records}"
        seen = Seen("ok", self.heads.get(record, ()))
        actor = Actor("person", f"p{n % 50}")
        edit = Incoming(record, "phone", "set", f"1380013{n:06}", CARD, actor, f"bench-{n}", seen, trace=f"turn-{n}")
        self.heads[record] = (await self.ledger.ingest(edit)).heads

    async def close(self) -> None:
        await self.store.close()


async def paced(one: Callable[[], Awaitable[None]], waiting: int, seconds: float) -> tuple[float, list[float]]:
    """Edits a second with so many waiting at any time, and how long each waited, in ms."""
    times: list[float] = []
    end = time.perf_counter() + seconds

    async def lane() -> None:
        while (start := time.perf_counter()) < end:
            await one()
            times.append((time.perf_counter() - start) * 1000)

    start = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(waiting)))
    return len(times) / (time.perf_counter() - start), sorted(times)


async def main(rounds: int, seconds: float, records: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(Path(folder) / "ours.db", records)
        for _ in range(200):
            await ours.one()
        rows = captured(Path(folder) / "ours.db")
        raw = Raw(Path(folder) / "ours.db", Path(folder) / "raw.db", rows)
        table: list[tuple[Any, ...]] = []
        for waiting in WAITING:
            results: dict[str, list[tuple[float, list[float]]]] = {"ours": [], "raw": []}
            for _ in range(rounds):
                results["raw"].append(await paced(raw.one, waiting, seconds))
                results["ours"].append(await paced(ours.one, waiting, seconds))
            table.append(line(waiting, results))
        await raw.close()
        await ours.close()
    say(table)


def line(waiting: int, results: dict[str, list[tuple[float, list[float]]]]) -> tuple[Any, ...]:
    speed = {name: statistics.median(rate for rate, _ in runs) for name, runs in results.items()}
    half = statistics.median(times[len(times) // 2] for _, times in results["ours"])
    tail = statistics.median(times[int(len(times) * 0.99)] for _, times in results["ours"])
    return waiting, speed["ours"], speed["raw"], speed["ours"] / speed["raw"], half, tail


def say(table: list[tuple[Any, ...]]) -> None:
    print(f"SQLite {sqlite3.sqlite_version}, synchronous=FULL, WAL")
    print(f"{'waiting':>8} {'edits/s':>9} {'raw/s':>9} {'ratio':>6} {'p50 ms':>7} {'p99 ms':>7}")
    for row in table:
        print(f"{row[0]:>8} {row[1]:>9.0f} {row[2]:>9.0f} {row[3]:>6.2f} {row[4]:>7.2f} {row[5]:>7.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--records", type=int, default=5000)
    asyncio.run(main(**vars(parser.parse_args())))
