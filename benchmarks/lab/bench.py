"""How long a plan takes: a ledger of made-up pasts, planned whole under another policy.

    python -m benchmarks.lab.bench --edits 200000 --processes 2

Five edits a field, three fields a customer. Of the edits a share (`--beside`) was made unaware of the one before, and
a quarter of the fields is fed by a CRM. SQLite by default; `--store postgresql://…` for the other.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.common import machine
from gateway.lab.planner import Question, plan
from gateway.store.engine import Store
from gateway.store.ledger import Incoming, Ledger
from gateway.store.vault import Vault
from reconcile.model import Actor, MergePolicy, Source
from reconcile.policy import Policies
from reconcile.token import Seen

KEY = bytes(range(32))
FIELDS = ("phone", "email", "address")
ROUNDS = 5
AT_ONCE = 500
POLICY = MergePolicy(mode="review", name="careful")
TRIED = MergePolicy(mode="last_writer_wins", name="pc-tried")


def numbered(count: int) -> Iterator[tuple[str, str]]:
    for at in range(count):
        yield f"local:account:c{at // len(FIELDS):07}", FIELDS[at % len(FIELDS)]


async def fill(url: str, edits: int, beside: float) -> None:
    store = Store.open(url)
    clock = iter(range(1_800_000_000_000, 1_900_000_000_000))
    ledger = Ledger(store, Vault(KEY), Policies(default=POLICY), clock=lambda: next(clock), targets=lambda *_: ())
    dice, keys = random.Random(7), list(numbered(edits // ROUNDS))
    heads: dict[tuple[str, str], tuple[str, ...]] = {}
    older: dict[tuple[str, str], tuple[str, ...]] = {}
    for number in range(ROUNDS):
        for start in range(0, len(keys), AT_ONCE):
            some = keys[start : start + AT_ONCE]
            given = [_edit(dice, key, number, older if dice.random() < beside else heads) for key in some]
            for key, done in zip(some, await ledger.ingest_many(given), strict=True):
                older[key] = heads.get(key, ())
                heads[key] = done.heads
    await store.close()


def _edit(
    dice: random.Random, key: tuple[str, str], number: int, seen: dict[tuple[str, str], tuple[str, ...]]
) -> Incoming:
    record, name = key
    value, once = f"138 {dice.randrange(10_000):04} {dice.randrange(3)}", f"{record}:{name}:{number}"
    actor = Actor("person", f"p{dice.randrange(40)}")
    if number % 2 and name == "phone" and int(record[-7:]) % 4 < 3:
        feed = Source("local", "CRM")
        return Incoming(record, name, "set", value, feed, actor, once, stream="local", watermark=number)
    parents = Seen("ok", seen.get(key, ()))
    return Incoming(record, name, "set", value, Source("web", "Web card", "1.0"), actor, once, parents, role_ok=True)


def spent() -> float:
    """CPU seconds of this process and of those it began and that ended."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def measure(url: str, processes: int) -> tuple[float, float, int, int, int]:
    """(seconds, CPU seconds, edits, fields that would be decided otherwise, how often progress was told)."""
    told = 0

    def progress(done: int, total: int) -> bool:
        nonlocal told
        told += 1
        return True

    began, before = time.perf_counter(), spent()
    made = plan(Question(url, KEY, dict.fromkeys(FIELDS, TRIED), (), 0), progress, processes)
    return time.perf_counter() - began, spent() - before, made.edits, len(made.decided), told


def main() -> None:
    asks = argparse.ArgumentParser(description=__doc__)
    asks.add_argument("--edits", type=int, default=200_000)
    asks.add_argument("--beside", type=float, default=0.3)
    asks.add_argument("--processes", type=int, default=2)
    asks.add_argument("--store", default="")
    asked = asks.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = asked.store or f"sqlite:///{Path(folder, 'floatcard.db')}"
        began = time.perf_counter()
        asyncio.run(fill(url, asked.edits, asked.beside))
        print(f"filled with {asked.edits} edits in {time.perf_counter() - began:.1f} s")
        seconds, cpu, edits, decided, told = measure(url, asked.processes)
        print(machine())
        print(f"{edits} edits planned in {seconds:.1f} s, {cpu:.1f} s of CPU, with {asked.processes} processes")
        million = 1_000_000 / edits
        print(f"a million: {cpu * million:.1f} s of CPU, {cpu * million / 2:.1f} s on two cores of one's own")
        print(f"{decided} fields would be decided otherwise; progress was told {told} times")


if __name__ == "__main__":
    main()
