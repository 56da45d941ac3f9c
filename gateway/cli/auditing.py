"""`floatcard audit`: the chain of decisions, looked at from outside."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from gateway.clock import SystemClock
from gateway.config import Config, load
from gateway.errors import Misconfigured
from gateway.policies import policies
from gateway.services import Keys
from gateway.store import heads
from gateway.store.auditing import AuditStore, hash_at
from gateway.store.engine import Store
from gateway.store.lasting import missing
from gateway.store.ledger import Ledger, Root
from gateway.store.vault import Vault


async def _ledger(config: Config, store: Store) -> Ledger:
    """Raises `Misconfigured` when the database was made with another master key."""
    vault = Vault(Keys.derive(bytes.fromhex(config.master_key.get_secret_value())).vault)
    await vault.check(store)
    return Ledger(store, vault, policies(config), deployment=config.deployment, clock=SystemClock().now)


async def verify_chain(config: Path, root: Path | None) -> tuple[str, bool]:
    """What was found, in words, and whether the chain is sound."""
    loaded = load(config)
    published = _published(root) if root is not None else None
    store = Store.open(loaded.store)
    try:
        ledger = await _ledger(loaded, store)
        fault = await ledger.verify(published)
        if fault is not None:
            return f"shard {fault.shard}, decision {fault.seq}: {fault.what}", False
        seen = sum(seq for seq, _ in (await ledger.vouched()).heads.values())
        against = "and the published root is met" if published else "up to here; give --root to find a cut tail"
        return f"{seen} decisions: none altered, missing or reordered, {against}.", True
    finally:
        await store.close()


def _published(path: Path) -> Root:
    try:
        return Root.read(path.read_text("utf-8"))
    except (OSError, ValueError) as wrong:
        raise Misconfigured([(str(path), "", f"is no published root: {wrong}")]) from wrong


async def publish_root(config: Path) -> str:
    loaded = load(config)
    store = Store.open(loaded.store)
    try:
        day = datetime.now(UTC).date().isoformat()
        return (await (await _ledger(loaded, store)).publish_root(day)).document()
    finally:
        await store.close()


async def sign_heads(config: Path) -> str:
    """Today's heads of both chains, signed."""
    loaded = load(config)
    store = Store.open(loaded.store)
    try:
        day = datetime.now(UTC).date().isoformat()
        root = await (await _ledger(loaded, store)).publish_root(day)
        seq, hash_ = await AuditStore(store, SystemClock()).head()
        told = heads.Heads(loaded.deployment, day, root.document(), seq, hash_)
        return told.signed(heads.signing_key(_master(loaded)))
    finally:
        await store.close()


async def check_heads(config: Path, file: Path, key: str) -> tuple[str, bool]:
    """Whether the store still is what was signed then. `key`: the public one; by default today's own."""
    loaded = load(config)
    try:
        then = heads.read(_text(file), key or heads.public(heads.signing_key(_master(loaded))))
    except (OSError, ValueError) as wrong:
        raise Misconfigured([(str(file), "", str(wrong))]) from wrong
    store = Store.open(loaded.store)
    try:
        fault = await (await _ledger(loaded, store)).verify(Root.read(then.decisions))
        if fault is not None:
            return f"shard {fault.shard}, decision {fault.seq}: {fault.what}", False
        audit = AuditStore(store, SystemClock())
        if (row := await audit.verify()) is not None:
            return f"audit row {row} was altered, is missing or out of order", False
        if await store.read(lambda connection: hash_at(connection, then.audit_seq)) != then.audit_hash:
            return f"audit row {then.audit_seq} is not the one that was signed", False
        if lost := await store.read(missing):
            return f"both chains are whole, but the database guards no longer: {', '.join(lost)}", False
        return f"Both chains are whole and met by the heads of {then.day}.", True
    finally:
        await store.close()


def _text(file: Path) -> str:
    return file.read_text("utf-8")


def _master(loaded: Config) -> bytes:
    return bytes.fromhex(loaded.master_key.get_secret_value())
