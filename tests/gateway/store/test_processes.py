"""Several processes on one database, and processes that die."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.store.engine import Store
from gateway.store.ledger import Ledger
from gateway.store.vault import Vault
from reconcile.policy import Policies
from tests.gateway.store import oracle
from tests.gateway.store.feeder import PAIRS, now
from tests.gateway.store.world import ACME, KEY

SOAK = os.environ.get("FLOATCARD_SOAK") == "1"
COUNT = 1000 if SOAK else 60
KILLS = 200 if SOAK else 12


def feeder(url: str, name: str, count: int, mode: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "tests.gateway.store.feeder", url, name, str(count), mode]
    return subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    )


@pytest.mark.timeout(3600 if SOAK else 600)
async def test_two_processes_edit_one_field_and_every_decision_is_what_resolve_says(store_url: str) -> None:
    started = [feeder(store_url, name, COUNT, "pairs") for name in ("a", "b")]
    for process in started:
        _, err = await asyncio.to_thread(process.communicate)
        assert process.returncode == 0, err
    store, vault = Store.open(store_url), Vault(KEY)
    every = 20 if SOAK else 1
    compared = await store.read(lambda c: oracle.check(c, vault, ACME, "phone", PAIRS, every))
    assert compared >= 4 * COUNT // every
    ledger = Ledger(store, vault, Policies(default=PAIRS), clock=now)
    assert await ledger.verify() is None
    await store.close()


@pytest.mark.timeout(3600 if SOAK else 600)
async def test_a_process_killed_at_any_moment_leaves_all_or_nothing_of_each_edit(store_url: str) -> None:
    seed = int(os.environ.get("FLOATCARD_SEED", "7"))
    rng, acknowledged = random.Random(seed), set[str]()
    for round_ in range(KILLS):
        process = feeder(store_url, f"r{round_}", 0, "stream")
        assert process.stdout is not None
        for _ in range(rng.randrange(1, 60)):
            acknowledged.add(process.stdout.readline().strip())
        process.kill()
        out, err = process.communicate()
        assert not err, err
        acknowledged |= set(out.split("\n")[:-1])  # a line that was cut is no acknowledgement
    acknowledged.discard("")
    await check(store_url, acknowledged, seed)


async def check(url: str, acknowledged: set[str], seed: int) -> None:
    store = Store.open(url)
    ledger = Ledger(store, Vault(KEY), Policies(default=PAIRS), clock=now)
    count = {
        table: await store.read(
            lambda c, table=table: c.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()  # type: ignore[misc]
        )
        for table in ("inbox", "decision", "edit", "value")
    }
    assert len(set(count.values())) == 1, (seed, count)
    stored = await store.read(lambda c: {row[0] for row in c.exec_driver_sql("SELECT once FROM inbox")})
    assert acknowledged <= stored, f"seed {seed}"
    assert await ledger.verify() is None
    for n in range(8):
        await store.read(lambda c, n=n: oracle.check(c, Vault(KEY), ACME, f"f{n}", PAIRS))  # type: ignore[misc]
    await store.close()
