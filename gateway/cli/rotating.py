"""`floatcard rotate-key`: from the configuration's master key to a new one."""

from __future__ import annotations

from pathlib import Path

from gateway.clock import SystemClock
from gateway.config import load
from gateway.config.load import secret
from gateway.errors import Misconfigured
from gateway.services import Keys
from gateway.store.engine import Store
from gateway.store.rotating import Rotation
from gateway.store.vault import Vault


async def rotate(config: Path, new: str) -> str:
    """`new`: `env:NAME` or `file:PATH` of the new key. Raises `Misconfigured`."""
    loaded = load(config)
    old_key, new_key = bytes.fromhex(loaded.master_key.get_secret_value()), _key(new, config.parent)
    if old_key == new_key:
        raise Misconfigured([("floatcard rotate-key", new, "is the key that is in use")])
    store = Store.open(loaded.store)
    try:
        old, fresh = Vault(Keys.derive(old_key).vault), Vault(Keys.derive(new_key).vault)
        count = await Rotation(store, old, fresh, SystemClock().now()).run()
        return f"{count} keys are wrapped anew. Put the new key where master_key points, then start the gateway."
    finally:
        await store.close()


def _key(text: str, base: Path) -> bytes:
    try:
        key = bytes.fromhex(secret(text, base))
    except ValueError as wrong:
        raise Misconfigured([("floatcard rotate-key", text, str(wrong))]) from None
    if len(key) != 32:
        raise Misconfigured([("floatcard rotate-key", text, "32 bytes in hex; `openssl rand -hex 32` makes one")])
    return key
