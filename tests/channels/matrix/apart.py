"""A gateway in a process of its own, which can be weighed, and what the others here may read of its store.

`python -m tests.channels.matrix.apart FOLDER URL TOKEN ACCOUNTS` says `up`, and ends with its input.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from sqlalchemy import text as sql_text

from channels.matrix.cards import LIMITS
from crm.local.crm import LocalCrm
from gateway.app import open_crms
from gateway.clock import SystemClock
from gateway.config import load
from gateway.policies import policies
from gateway.services import Keys
from gateway.store.engine import Store
from gateway.store.ledger import Ledger
from gateway.store.slots import SlotStore
from gateway.store.vault import Vault
from tests.channels.matrix.house import gateway

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[3]
OPEN = '\n[mentions]\ncool_down = "0s"\nbudget = 1000\n'
QUICK = replace(LIMITS, room_rate=20.0, room_burst=50, total_rate=60.0, total_burst=100)
"""The server's own rates are off as well."""


async def _live(folder: Path, url: str, token: str, accounts: list[str]) -> None:
    async with gateway(folder, url, token, accounts, OPEN) as house:
        house.services.channels["matrix"].limits = QUICK
        print("up", flush=True)
        await asyncio.to_thread(sys.stdin.read)


@dataclass(frozen=True, slots=True)
class Apart:
    process: asyncio.subprocess.Process
    log: Path
    store: Store
    ledger: Ledger
    slots: SlotStore
    crm: LocalCrm
    url: str
    """Of its pages."""

    def logged(self, level: str) -> list[str]:
        return [line for line in self.log.read_text("utf-8").split("\n") if line.startswith(f"{level} ")]

    async def one(self, query: str) -> int:
        return int(await self.store.read(lambda connection: connection.execute(sql_text(query)).scalar_one()))

    def resident_mb(self) -> float:
        return resident_mb(self.process.pid)


@contextlib.asynccontextmanager
async def apart(folder: Path, url: str, token: str, accounts: tuple[str, ...]) -> AsyncIterator[Apart]:
    log, words = folder / "log", [sys.executable, "-m", "tests.channels.matrix.apart"]
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *words, str(folder), url, token, *accounts, stdin=-1, stdout=-1, stderr=out, cwd=ROOT, env=dict(os.environ)
        )
    assert process.stdin is not None and process.stdout is not None
    try:
        assert await process.stdout.readline() == b"up\n", log.read_text("utf-8")[-3000:]
        async with _read(folder, process, log) as found:
            yield found
        process.stdin.close()
        await asyncio.wait_for(process.wait(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@contextlib.asynccontextmanager
async def _read(folder: Path, process: asyncio.subprocess.Process, log: Path) -> AsyncIterator[Apart]:
    config, clock = load(folder / "floatcard.toml"), SystemClock()
    store, crm = Store.open(config.store), open_crms(config, clock)["local"]
    assert isinstance(crm, LocalCrm)
    vault = Vault(Keys.derive(bytes.fromhex(config.master_key.get_secret_value())).vault)
    ledger = Ledger(store, vault, policies(config), deployment=config.deployment, clock=clock.now)
    try:
        yield Apart(process, log, store, ledger, SlotStore(store), crm, str(config.public_url))
    finally:
        await crm.close()
        await store.close()


def resident_mb(pid: int) -> float:
    """0 where there is no /proc."""
    status = Path(f"/proc/{pid}/status")
    text = status.read_text("utf-8") if status.exists() else ""
    found = re.search(r"VmRSS:\s+(\d+) kB", text)
    return int(found[1]) / 1024 if found else 0.0


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    asyncio.run(_live(Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]))
