"""Which pages an edit writes on SQLite, in an empty ledger and in longer ones: `-m benchmarks.store.bench_pages`.

A commit writes each page once, whatever many of its edits changed on it. In an empty ledger the rows of its edits share
pages; in a long one each falls on a page of its own, in every index that is not sorted by time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sqlite3
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.common import HERE, keep, machine, table
from benchmarks.engines import scratch
from benchmarks.store import bulk
from benchmarks.store.bench import KEY, RECORDS, Ours, every, paced
from gateway.http.run import at_rest
from gateway.store.engine import Store
from gateway.store.vault import Vault

WAITING = 64
SECONDS = 1.0
SIZES = [0, 100_000, 300_000] + ([1_000_000, 3_000_000] if os.environ.get("FLOATCARD_SOAK") == "1" else [])
HEAD, FRAME = 32, 24  # bytes before the first frame, and before each page: https://www.sqlite.org/fileformat.html
REST = 0.1
"""Pages an edit below which a part is not named."""


@contextlib.contextmanager
def kept(path: Path) -> Iterator[None]:
    """What is written meanwhile stays in the log beside the file: somebody reads what was there before."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as look:
        look.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        look.execute("BEGIN").close()
        look.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield


def logged(path: Path) -> list[int]:
    """The numbers of the pages in the log, each as often as a commit wrote it."""
    log = path.with_name(f"{path.name}-wal").read_bytes()
    size = struct.unpack(">I", log[8:12])[0] + FRAME
    return [struct.unpack(">I", log[at : at + 4])[0] for at in range(HEAD, len(log) - size + 1, size)]


def whose(path: Path) -> dict[int, str]:
    """Page -> its table, or its index."""
    with contextlib.closing(sqlite3.connect(path)) as look:
        return dict(look.execute("SELECT pageno, name FROM dbstat"))


async def written(path: Path, size: int) -> dict[str, float]:
    """Table or index -> pages an edit, at `WAITING` in a ledger of `size`."""
    heads = None
    if size:
        store = Store.open(f"sqlite:///{path}")
        heads = await asyncio.to_thread(bulk.load, store._writing, size, Vault(KEY), RECORDS)
        await store.close()
    ours = Ours(f"sqlite:///{path}", heads)
    await every(ours)
    before = ours.n
    with kept(path):
        await paced(ours.one, WAITING, SECONDS)
        pages, edits = logged(path), ours.n - before
    await ours.close()
    names = whose(path)
    return {name: count / edits for name, count in Counter(names.get(page, "free") for page in pages).items()}


async def main(sizes: list[int], out: Path) -> None:
    at_rest()
    found = {}
    for size in sizes:
        with scratch() as folder:
            found[size] = await written(Path(folder) / "ledger.db", size)
    names = {name for each in found.values() for name, pages in each.items() if pages >= REST}
    last = found[sizes[-1]]
    rows = [[name, *(each.get(name, 0.0) for each in found.values())] for name in names]
    rows.sort(key=lambda row: -last.get(str(row[0]), 0.0))
    rest = [sum(pages for name, pages in each.items() if name not in names) for each in found.values()]
    rows += [["the others", *rest], ["**all**", *(sum(each.values()) for each in found.values())]]
    cells = [[name, *(f"{pages:.2f}" for pages in row)] for name, *row in rows]
    note = (
        f"Pages an edit writes into the log, {WAITING} waiting, over {RECORDS:,} records each of which was edited "
        "once before. A name is a table, or an index of one; those of SQLite's own are the primary keys."
    )
    keep(out, "Pages an edit", machine(), note, table(["written", *(f"{size:,} edits" for size in sizes)], cells))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--out", type=Path, default=HERE / "store" / "PAGES.md")
    asyncio.run(main(**vars(parser.parse_args())))
