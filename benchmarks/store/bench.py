"""Whole edits a second beside a raw group commit of the very same rows: `python -m benchmarks.store.bench`.

Raw on SQLite: a thread that takes what waits, inserts the rows of as many edits with plain sqlite3 and commits them
once, at the same durability. Raw on PostgreSQL: the same with asyncpg, one executemany a table. Ours and raw are run in
turns in one process, whose memory is collected as in a gateway, each several times; the medians are compared. Then the
same with a long ledger: `--ledger N`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.common import HERE, keep, machine, percentile, table
from benchmarks.engines import postgresql, scratch
from benchmarks.store import bulk
from benchmarks.store.raw import Raw, captured
from benchmarks.store.raw_postgresql import RawPostgresql
from gateway.http.run import at_rest
from gateway.store.engine import Store
from gateway.store.ledger import Incoming, Ledger
from gateway.store.vault import Vault
from reconcile.model import Actor, MergePolicy, Source
from reconcile.policy import Policies
from reconcile.token import Seen

WAITING = (1, 16, 64, 256)
RECORDS = 5000
SETTLED_S = 5.0
RATE = 500
"""Edits a second, far more than people type."""
KEY = bytes(32)
CARD = Source("slack", "Slack card", "1.0")
SOAK = os.environ.get("FLOATCARD_SOAK") == "1"


def now() -> int:
    return time.time_ns() // 1_000_000


class One(Protocol):
    async def one(self) -> None: ...
    async def close(self) -> None: ...


class Ours:
    """Edits spread over `records`, each made by somebody who saw what stands."""

    def __init__(self, url: str, heads: dict[str, str] | None = None) -> None:
        self.store = Store.open(url)
        self.ledger = Ledger(self.store, Vault(KEY), Policies(default=MergePolicy(normaliser="trimmed")), clock=now)
        self.n = 0
        self.heads: dict[str, tuple[str, ...]] = {}
        self.records = [f"local:account:{n}" for n in range(RECORDS)]
        if heads is not None:
            self.heads = {record: (head,) for record, head in heads.items()}
            self.records = list(heads)

    async def one(self) -> None:
        self.n += 1
        n = self.n
        record = self.records[n % len(self.records)]
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


async def beside(ours: One, raw: One, rounds: int, seconds: float) -> list[list[Any]]:
    rows = []
    for waiting in WAITING:
        runs: dict[str, list[tuple[float, list[float]]]] = {"ours": [], "raw": []}
        for _ in range(rounds):
            runs["raw"].append(await paced(raw.one, waiting, seconds))
            runs["ours"].append(await paced(ours.one, waiting, seconds))
        speed = {name: statistics.median(rate for rate, _ in each) for name, each in runs.items()}
        ratio = speed["ours"] / speed["raw"]
        rows.append([waiting, speed["ours"], speed["raw"], ratio, *tails(runs["ours"]), tails(runs["raw"])[0]])
    return rows


def tails(runs: list[tuple[float, list[float]]]) -> tuple[float, float]:
    return tuple(statistics.median(percentile(times, part) for _, times in runs) for part in (0.5, 0.99))  # type: ignore[return-value]


HEAD = ["waiting", "edits/s", "raw/s", "ratio", "p50 ms", "p99 ms", "raw p50 ms"]


async def on_sqlite(rounds: int, seconds: float) -> str:
    with scratch() as folder:
        path = Path(folder) / "ours.db"
        ours = Ours(f"sqlite:///{path}")
        for _ in range(200):
            await ours.one()
        raw = Raw(path, Path(folder) / "raw.db", captured(path))
        rows = await beside(ours, raw, rounds, seconds)
        await raw.close()
        await ours.close()
    return "## SQLite, synchronous=FULL, WAL\n\n" + table(HEAD, rows)


async def on_postgresql(url: str, rounds: int, seconds: float) -> str:
    ours = Ours(url)
    await asyncio.gather(*(ours.one() for _ in range(200)))
    raw = await RawPostgresql.open(await twin(url), url)
    rows = await beside(ours, raw, rounds, seconds)
    await raw.close()
    await ours.close()
    return "## PostgreSQL, fsync on, raw by asyncpg\n\n" + table(HEAD, rows)


async def twin(url: str) -> str:
    """An empty database of the same schema in the same server."""
    other = await made(url, "raw", "template1")
    await Store.open(other).close()
    return other


async def made(url: str, name: str, template: str) -> str:
    """Another database in the same server."""
    import asyncpg  # type: ignore[import-untyped]

    connection = await asyncpg.connect(url.replace("/t0?", "/postgres?"))
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    await connection.close()
    return url.replace("/t0?", f"/{name}?")


@dataclass(frozen=True)
class Long:
    """Two ledgers equally long, which are there already, and an empty one."""

    many: Ours
    few: Ours
    raw: One

    @staticmethod
    async def on_sqlite(folder: Path, heads: dict[str, str]) -> Long:
        many, few, raw = folder / "many.db", folder / "few.db", folder / "raw.db"
        await asyncio.to_thread(shutil.copyfile, many, raw)
        short = await begun(Ours(f"sqlite:///{few}"))
        bare = Raw(few, raw, await asyncio.to_thread(captured, few), list(heads))
        return Long(Ours(f"sqlite:///{many}", heads), short, bare)

    @staticmethod
    async def on_postgresql(url: str, heads: dict[str, str]) -> Long:
        copy = await made(url, "long", "t0")
        empty = await twin(url)
        short = await begun(Ours(empty))
        return Long(Ours(url, heads), short, await RawPostgresql.open(copy, empty, list(heads)))

    async def close(self) -> None:
        for each in (self.many, self.few, self.raw):
            await each.close()


async def begun(ours: Ours) -> Ours:
    await asyncio.gather(*(ours.one() for _ in range(200)))
    return ours


async def loaded(url: str, size: int) -> tuple[dict[str, str], str]:
    """The head of each record's field, and what an edit weighs in a file."""
    loading = Ours(url)
    began = time.monotonic()
    heads = await asyncio.to_thread(bulk.load, loading.store._writing, size, Vault(KEY), RECORDS, told)
    print(f"{size:,} edits loaded in {time.monotonic() - began:.0f} s", flush=True)
    await loading.close()
    if not url.startswith("sqlite"):
        return heads, ""
    file = await asyncio.to_thread(Path(url.removeprefix("sqlite:///")).stat)
    return heads, f"\n\n{file.st_size / size:,.0f} bytes an edit as loaded."


async def grown(long: Long, size: int, rounds: int, seconds: float) -> list[list[Any]]:
    """In turns: the long ledger, raw in one as long, and an empty one."""
    rows = []
    await asyncio.to_thread(os.sync)  # what was loaded; a ledger that grew by itself has been on the disk for long
    await asyncio.sleep(SETTLED_S)
    await begun(long.many)
    each = {"long": long.many, "raw": long.raw, "empty": long.few}
    for pages in ("cold", "warm"):
        if pages == "warm":
            for one in each.values():
                await every(one)
        for asked in (f"{RATE}/s", *WAITING):
            runs: dict[str, list[tuple[float, list[float]]]] = {name: [] for name in each}
            for _ in range(rounds):
                for name, one in each.items():
                    run = at_rate(one.one, RATE, seconds) if isinstance(asked, str) else paced(one.one, asked, seconds)
                    runs[name].append(await run)
            speed = {name: statistics.median(rate for rate, _ in some) for name, some in runs.items()}
            told = [[speed[name], *tails(some)] for name, some in runs.items()]
            rows.append([f"{size:,}", pages, asked, speed["long"] / speed["raw"], *told[0], *told[1], *told[2]])
    return rows


async def every(of: One) -> None:
    """Each record is edited once."""
    left = iter(range(RECORDS))

    async def lane() -> None:
        for _ in left:
            await of.one()

    await asyncio.gather(*(lane() for _ in range(64)))


async def at_rate(one: Callable[[], Awaitable[None]], rate: int, seconds: float) -> tuple[float, list[float]]:
    """So many come a second, at their times, whether those before are answered or not; each from when it was due."""
    times: list[float] = []
    start = time.perf_counter()

    async def due(at: float) -> None:
        await asyncio.sleep(at - time.perf_counter())
        await one()
        times.append((time.perf_counter() - at) * 1000)

    await asyncio.gather(*(due(start + n / rate) for n in range(round(rate * seconds))))
    return len(times) / (time.perf_counter() - start), sorted(times)


def told(count: int) -> None:
    if count % 1_000_000 == 0:
        print(f"  {count:,} loaded", flush=True)


LONG = [
    "edits in the ledger",
    "pages",
    "waiting",
    "of raw",
    *(f"{of}{figure}" for of in ("", "raw ", "empty ") for figure in ("edits/s", "p50 ms", "p99 ms")),
]


async def main(rounds: int, seconds: float, ledger: int, only: str, out: Path) -> None:
    at_rest()  # as a gateway that has started
    parts = []
    wanted = only.split(",") if only else ["sqlite", "postgresql", "ledger", "ledger-postgresql"]
    if "sqlite" in wanted:
        parts.append(await on_sqlite(rounds, seconds))
    if "postgresql" in wanted:
        with postgresql() as url:
            parts.append(
                await on_postgresql(url, rounds, seconds) if url else "PostgreSQL: its wheel is not installed."
            )
    if "ledger" in wanted and ledger:
        with scratch() as folder:
            heads, weighs = await loaded(f"sqlite:///{folder}/many.db", ledger)
            long = await Long.on_sqlite(Path(folder), heads)
            rows = await grown(long, ledger, rounds, seconds)
            await long.close()
        parts.append(
            "## SQLite, a long ledger beside raw in one as long, and an empty one\n\n" + table(LONG, rows) + weighs
        )
    if "ledger-postgresql" in wanted and ledger:
        with postgresql() as url:
            if url is not None:
                heads, _ = await loaded(url, ledger)
                long = await Long.on_postgresql(url, heads)
                rows = await grown(long, ledger, rounds, seconds)
                await long.close()
                parts.append("## PostgreSQL, the same\n\n" + table(LONG, rows))
    note = (
        f"{rounds} rounds of {seconds:g} s, interleaved, medians. An edit is its inbox row, the edit, its value "
        "encrypted, "
        f"the decision in its chain, the field's state and the write to the CRM, over {RECORDS:,} records; an "
        "edit whose "
        "predecessor still waits to be written to the CRM also ends that row, which raw does not do. Cold: of the long "
        "ledger's pages many were not read since it was loaded; warm: each record was edited once since. "
        f"{RATE}/s: so many come a second, whether those before are answered or not."
    )
    keep(out, "Whole edits a second", machine("SQLAlchemy", "psycopg", "asyncpg"), note, *parts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--ledger", type=int, default=1_000_000 if SOAK else 100_000)
    parser.add_argument("--only", default="", help="sqlite,postgresql,ledger,ledger-postgresql")
    parser.add_argument("--out", type=Path, default=HERE / "store" / "RESULTS.md")
    asyncio.run(main(**vars(parser.parse_args())))
