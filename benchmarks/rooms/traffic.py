"""Mixed traffic on a real Synapse: `python -m benchmarks.rooms.traffic [--minutes N] [--seed N]`.

The gateway, three people and a stranger on their own clients in one process, Synapse in another. Rounds of 60 s; after
each, when everything is quiet, what must be so is looked at (tests/channels/matrix/traffic.py), and a row is kept.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import tempfile
import time
from pathlib import Path

from benchmarks.common import HERE, keep, machine, table
from tests.channels.matrix.server import Synapse, running
from tests.channels.matrix.traffic import NAMES, Traffic, begun, resident_mb, told

ROUND_S = 60.0
HEAD = ("minute", "deeds", "cards standing", "edits", "decisions", "open conflicts", "s to rest", "resident MB")


async def row(traffic: Traffic, began: float, rest: float) -> list[object]:
    s = traffic.house.services
    standing = await traffic.rows("slot", "message IS NOT NULL AND purpose = 'card'")
    conflicts = len(await s.ledger.conflicts())
    minutes, deeds = (time.monotonic() - began) / 60, sum(traffic.done.values())
    return [
        minutes,
        deeds,
        standing,
        await traffic.rows("edit"),
        await traffic.rows("decision"),
        conflicts,
        rest,
        resident_mb(),
    ]


async def rounds(folder: Path, server: Synapse, minutes: float, seed: int) -> tuple[list[list[object]], Traffic]:
    rows: list[list[object]] = []
    async with begun(folder, server, seed) as traffic:
        began, left = time.monotonic(), minutes * 60
        while left > 0:
            await traffic.round(min(left, ROUND_S))
            left -= ROUND_S
            rows.append(await row(traffic, began, await traffic.at_rest()))
            print(rows[-1], flush=True)
        assert await traffic.house.services.ledger.verify() is None, "the chain is broken"
    return rows, traffic


def main() -> None:
    asks = argparse.ArgumentParser()
    asks.add_argument("--minutes", type=float, default=10.0)
    asks.add_argument("--seed", type=int, default=11)
    given = asks.parse_args()
    with tempfile.TemporaryDirectory() as folder, told() as log:
        house = Path(folder) / "house"
        house.mkdir()
        for server in running(Path(folder) / "synapse", NAMES):
            rows, traffic = asyncio.run(rounds(house, server, given.minutes, given.seed))
    errors, warned = log.of(logging.ERROR), log.of(logging.WARNING)
    assert not errors, errors[:5]
    done = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in traffic.done.most_common())
    said = f"Seed {given.seed}, {given.minutes:g} minutes of traffic. {done}. Log: no error, {len(warned)} warnings."
    parts = (machine("matrix-nio", "aiohttp"), said, table(HEAD, rows))
    keep(HERE / "rooms" / "traffic.md", "Mixed traffic on a real Synapse", *parts)


if __name__ == "__main__":
    main()
