"""`floatcard erase`: what goes, in numbers; then it goes, and the chain is looked at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gateway.config import load
from gateway.errors import Misconfigured
from gateway.policies import policies
from gateway.services import Keys
from gateway.store.engine import Store
from gateway.store.erasing import EraseStore, Weight
from gateway.store.hour import told_clock
from gateway.store.ledger import Ledger
from gateway.store.vault import Vault


async def erase(config: Path, record: str, sure: Callable[[str], bool]) -> tuple[str, bool]:
    """What became of it, and whether all is well. `sure` is asked with what goes. Raises `Misconfigured`."""
    loaded = load(config)
    store = Store.open(loaded.store)
    try:
        clock = await told_clock(store, loaded.bus)
        vault = Vault(Keys.derive(bytes.fromhex(loaded.master_key.get_secret_value())).vault)
        await vault.check(store)
        erasing = EraseStore(store, vault, clock)
        weight = await erasing.weigh(record)
        if weight is None:
            raise Misconfigured([("floatcard erase", record, "is not known here, or was erased before")])
        if not sure(told(record, weight)):
            return "Nothing was erased.", False
        if await erasing.erase(record, "cli") is None:
            return f"{record} was erased by somebody else meanwhile.", True
        ledger = Ledger(store, vault, policies(loaded), deployment=loaded.deployment, clock=clock.now)
        if (fault := await ledger.verify()) is not None:
            return f"Erased; but the chain has a fault: shard {fault.shard}, decision {fault.seq}: {fault.what}", False
        return f"{record} is erased; the chain is whole.", True
    finally:
        await store.close()


def told(record: str, weight: Weight) -> str:
    return (
        f"{record}: {weight.values} values become unreadable for ever, in {weight.edits} edits that stay as rows; "
        f"{weight.cards} cards are taken away; {weight.names} names, {weight.conflicts} open conflicts, "
        f"{weight.alerts} open alerts and {weight.waiting} waiting writes end. The CRM itself is not touched, and what "
        "it still says of this customer is not taken in again. Backups made before still hold it."
    )
