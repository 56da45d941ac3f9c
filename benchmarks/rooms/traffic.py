"""Mixed traffic on a real Synapse: `python -m benchmarks.rooms.traffic [--minutes N] [--seed N]`.

The gateway in a process of its own, Synapse in another, three people and a stranger on their own clients in this one.
Rounds of 60 s; after each, when everything is quiet, what must be so is looked at (tests/channels/matrix/traffic.py),
and a row is kept. `--minutes` counts all of it, also the time until it is quiet.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from benchmarks.common import HERE, cpu, keep, machine, table
from tests.channels.matrix.server import Synapse, running
from tests.channels.matrix.traffic import NAMES, Traffic, begun

ROUND_S = 60.0
HEAD = (
    "minute",
    "deeds",
    "cards standing",
    "edits",
    "open conflicts",
    "s to rest",
    "gateway MB",
    "gateway CPU s",
    "Synapse CPU s",
)


async def row(traffic: Traffic, server: Synapse, began: float, rest: float) -> list[object]:
    standing = await traffic.rows("slot", "message IS NOT NULL AND purpose = 'card'")
    spent = cpu(traffic.house.process.pid), cpu(server.pid)
    minutes, deeds = (time.monotonic() - began) / 60, sum(traffic.done.values())
    open_ = len(await traffic.house.ledger.conflicts())
    return [minutes, deeds, standing, await traffic.rows("edit"), open_, rest, traffic.house.resident_mb(), *spent]


async def rounds(folder: Path, server: Synapse, minutes: float, seed: int) -> tuple[list[list[object]], Traffic]:
    rows: list[list[object]] = []
    async with begun(folder, server, seed) as traffic:
        began = time.monotonic()
        while (left := began + minutes * 60 - time.monotonic()) > 0:
            await traffic.round(min(left, ROUND_S))
            rows.append(await row(traffic, server, began, await traffic.at_rest()))
            print(rows[-1], flush=True)
        assert await traffic.house.ledger.verify() is None, "the chain is broken"
    return rows, traffic


def main() -> None:
    asks = argparse.ArgumentParser()
    asks.add_argument("--minutes", type=float, default=10.0)
    asks.add_argument("--seed", type=int, default=11)
    asks.add_argument("--keep", default="traffic.md")
    given = asks.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        house = Path(folder) / "house"
        house.mkdir()
        for server in running(Path(folder) / "synapse", NAMES):
            rows, traffic = asyncio.run(rounds(house, server, given.minutes, given.seed))
        errors, warned = traffic.house.logged("ERROR"), traffic.house.logged("WARNING")
    assert not errors, errors[:5]
    done = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in traffic.done.most_common())
    said = f"Seed {given.seed}, {given.minutes:g} minutes. {done}. Log: no error, {len(warned)} warnings."
    parts = (machine("matrix-nio", "aiohttp"), said, table(HEAD, rows))
    keep(HERE / "rooms" / given.keep, "Mixed traffic on a real Synapse", *parts)


if __name__ == "__main__":
    main()
