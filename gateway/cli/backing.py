"""`floatcard backup` and `floatcard restore`: the store, and each CRM that keeps a database file of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from crm import registry
from gateway.cli.auditing import verify_chain
from gateway.config import Config, load
from gateway.services import Keys
from gateway.store.backup import Taken, look, take
from gateway.store.restore import restore
from gateway.store.vault import Vault


def back_up(config: Path, file: Path) -> str:
    loaded = load(config)
    return _told("written", file, take(loaded.store, file, _files(loaded)))


def verify_backup(file: Path) -> str:
    """Needs no configuration, nor the key. Raises `Misconfigured` for what is foreign, newer or damaged."""
    return _told("sound", file, look(file))


async def bring_back(config: Path, file: Path) -> tuple[str, bool]:
    """What was restored, and whether the chain of decisions in it is sound."""
    loaded = load(config)
    vault = Vault(Keys.derive(bytes.fromhex(loaded.master_key.get_secret_value())).vault)
    taken = restore(file, loaded.store, _files(loaded), lambda connection: vault.prove(connection, str(file)))
    chain, sound = await verify_chain(config, None)
    return f"{_told('restored', file, taken)}\n{chain}", sound


def _files(config: Config) -> dict[str, Path]:
    """The database file of each CRM that has one, by its name here."""
    found = {}
    for name, plugged in config.crms.items():
        settings = registry.load(plugged.type).Config.model_validate(plugged.settings)
        if isinstance(path := getattr(settings, "path", None), Path):
            found[name] = path
    return found


def _told(what: str, file: Path, taken: Taken) -> str:
    at = datetime.fromtimestamp(taken.at / 1000, UTC).isoformat(timespec="seconds")
    rows = ", ".join(f"{sum(tables.values())} rows of {name}" for name, tables in taken.rows.items())
    return f"{file}: {what}; taken {at} at schema {taken.schema}; {rows}; {taken.size} bytes."
