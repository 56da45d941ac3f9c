"""`floatcard sources`: how far each source was read, and a new epoch of one that was set back."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateway.clock import Clock
from gateway.config import Config, load
from gateway.joined import beside
from gateway.services import Keys
from gateway.sources import listed, new_epoch
from gateway.store.due import DueStore
from gateway.store.engine import Store
from gateway.store.hour import told_clock
from gateway.store.ledger import Ledger
from gateway.store.sources import SourceRow
from gateway.store.vault import Vault


@dataclass(frozen=True, slots=True)
class _Works:
    config: Config
    clock: Clock
    store: Store
    ledger: Ledger
    due: DueStore


@contextlib.asynccontextmanager
async def _opened(config: Path) -> AsyncIterator[_Works]:
    loaded = load(config)
    store = Store.open(loaded.store)
    try:
        clock = await told_clock(store, loaded.bus)
        vault = Vault(Keys.derive(bytes.fromhex(loaded.master_key.get_secret_value())).vault)
        await vault.check(store)
        ledger = await beside(loaded, store, vault, clock.now)
        yield _Works(loaded, clock, store, ledger, DueStore(store))
    finally:
        await store.close()


async def table(config: Path) -> list[str]:
    """A line for each, under a line of headings."""
    async with _opened(config) as works:
        return list(lines(await listed(works)))


def lines(rows: Sequence[SourceRow]) -> Iterable[str]:
    names = [f"{row.name}/{row.stream}" if row.stream else row.name for row in rows]
    wide = max((len(name) for name in names), default=6)
    yield f"{'source':<{wide}}  {'state':<8}  {'taken':<20}  {'lag':>8}  numbers"
    for name, row in zip(names, rows, strict=True):
        at = datetime.fromtimestamp(row.at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if row.at else "never"
        lag = f"{row.lag / 1000:.1f} s" if row.lag is not None else "-"
        yield f"{name:<{wide}}  {row.state:<8}  {at:<20}  {lag:>8}  {_numbers(row)}".rstrip()


def _numbers(row: SourceRow) -> str:
    if not row.stream:
        return f"{row.set_back} records set back" if row.set_back else ""
    if row.high < 0:
        return "none yet"
    waits = f", {row.held} wait" if row.held else ""
    return f"{row.low} of {row.high}{waits}" + (f", epoch {row.epoch}" if row.epoch > 1 else "")


async def begin(config: Path, source: str) -> str:
    """What begins anew. Raises `Refused` where nothing was set back."""
    async with _opened(config) as works:
        begun = await new_epoch(works, source, "cli")
    if begun.streams:
        return f"{source}: the numbers of {', '.join(begun.streams)} begin anew."
    return f"{source}: {begun.records} records are read anew within seconds of a gateway's running."
