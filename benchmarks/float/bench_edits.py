"""Edits while far more is said than can be shown: `python -m benchmarks.float.bench_edits [--rates 50,200,2000]`.

Messages as in `bench`, and beside them another process that saves a field by the API, so many times a second, each of
another customer. An edit is answered when it is decided; afterwards the ledger is asked how many of them there are.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from aiohttp import ClientSession, ClientTimeout

from benchmarks.common import HERE, keep, machine, table
from benchmarks.float.measure import SEED, Measured, Running, Texts, ends, gateway, greeted, measured
from gateway.cli.tokens import new_token
from gateway.config import load
from gateway.store import sql
from gateway.store.engine import Store

EDITS_A_SECOND = 20
SYSTEM = "plugin"
HEAD = [
    *("messages/s", "cards", "ack p99 ms", "ack worst ms"),
    *("edits sent", "answered 200", "in the ledger", "edit p50 ms", "edit p99 ms", "edit worst ms"),
]


@dataclass(frozen=True)
class Saved:
    """What the edits were answered, and when: in ms after each was due, in order."""

    status: list[int]
    took: list[float]


async def _save(port: int, token: str, first: int, count: int, rate: float) -> Saved:
    status, took = list[int](), list[float]()
    headers = {"Authorization": f"Bearer {token}"}
    async with ClientSession(headers=headers, timeout=ClientTimeout(total=120)) as session:
        start = time.time() + 0.1

        async def one(n: int, at: float) -> None:
            body = {"record": f"local:account:c{n}", "field": "email", "value": f"c{n}@example.com", "once": f"e{n}"}
            async with session.post(f"http://127.0.0.1:{port}/api/v1/edits", json=body) as answer:
                await answer.read()
                status.append(answer.status)
                took.append((time.time() - at) * 1000)

        tasks = []
        for n in range(count):
            at = start + n / rate
            await asyncio.sleep(max(at - time.time(), 0))
            tasks.append(asyncio.create_task(one(first + n, at)))
        await asyncio.gather(*tasks)
    return Saved(status, sorted(took))


def save(port: int, token: str, first: int, count: int, rate: float) -> Saved:
    """In a process of its own, so that the messages' load does not make it late."""
    return asyncio.run(_save(port, token, first, count, rate))


async def decided(config: Path) -> int:
    """Edits of the API that have their decision, by plain SQL."""
    store = Store.open(load(config).store)
    query = "SELECT count(*) FROM decision d JOIN edit e ON e.id = d.cause_edit WHERE e.system = ?"
    try:
        return int(await store.read(lambda connection: sql.first(connection, query, (SYSTEM,))[0]))
    finally:
        await store.close()


@dataclass
class Both:
    running: Running
    config: Path
    token: str
    edits: int = 0

    def at(self, texts: Texts, rate: int, seconds: float) -> list[object]:
        count, before = int(EDITS_A_SECOND * seconds), asyncio.run(decided(self.config))
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            pool.submit(int).result()  # it is there before the load begins
            saving: Future[Saved] = pool.submit(save, self.running.port, self.token, self.edits, count, EDITS_A_SECOND)
            said: Measured = measured(self.running, texts, rate, seconds)
            saved = saving.result()
        self.edits += count
        there = asyncio.run(decided(self.config)) - before
        share = f"{len(said.cards)} of {said.sent}"
        well = sum(each == 200 for each in saved.status)
        return [
            *(rate, share, ends(said.acks)[1], said.acks[-1]),
            *(count, well, there, *ends(saved.took), saved.took[-1]),
        ]


def rows(customers: int, rooms: int, rates: list[int], seconds: float) -> list[list[object]]:
    with gateway(customers) as running:
        assert running.config is not None
        token = asyncio.run(new_token(running.config, "load", ("edit",), "p1", SYSTEM, "Plugin", ()))
        both, texts = Both(running, running.config, token), Texts(customers, rooms)
        greeted(running, rooms)
        measured(running, texts, 50, min(2, seconds))
        return [both.at(texts, rate, seconds) for rate in rates]


def main(seconds: float, customers: int, rooms: int, rates: str, out: Path) -> None:
    found = rows(customers, rooms, list(map(int, rates.split(","))), seconds)
    note = (
        f"SQLite FULL, embedded bus, {customers:,} customers, {rooms:,} rooms, {seconds:g} s each, seed {SEED}; "
        f"{EDITS_A_SECOND} edits a second by the API, each of another customer. The highest rate is ten times 200 "
        "messages a second: cards are shed there, and no edit is. The customers are in the gateway alone and not in "
        "its CRM, where the edited ones are found to be gone: messages that name them later float no card."
    )
    keep(out, "Edits beside messages", machine("aiohttp"), note, table(HEAD, found))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--rooms", type=int, default=1_000)
    parser.add_argument("--rates", default="50,200,2000")
    parser.add_argument("--out", type=Path, default=HERE / "float" / "EDITS.md")
    main(**vars(parser.parse_args()))
