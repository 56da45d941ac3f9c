"""What `floatcard policy` does: plans, applies and takes back, in a process of its own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gateway.clock import SystemClock
from gateway.config import Config, load
from gateway.config.model import PolicySpec
from gateway.errors import Misconfigured, Refused
from gateway.joined import beside
from gateway.lab.laboratory import make_plan, work_off
from gateway.lab.proposing import proposed
from gateway.lab.telling import told_change, told_plan
from gateway.services import Keys
from gateway.store.engine import Store
from gateway.store.ledger import Ledger
from gateway.store.people import PeopleStore
from gateway.store.policy_changes import PolicyChange, PolicyChanges
from gateway.store.vault import Vault

Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class _Opened:
    config: Config
    store: Store
    ledger: Ledger
    changes: PolicyChanges
    vault: bytes


@contextlib.asynccontextmanager
async def _opened(config: Path, by: str | None) -> AsyncIterator[_Opened]:
    """`by`: a person who must be an admin. Raises `Misconfigured`."""
    loaded = load(config)
    key = Keys.derive(bytes.fromhex(loaded.master_key.get_secret_value())).vault
    store = Store.open(loaded.store)
    try:
        vault = Vault(key)
        await vault.check(store)
        if by is not None:
            await _admin(store, by)
        ledger = await beside(loaded, store, vault, SystemClock().now)
        await ledger.follow()
        yield _Opened(loaded, store, ledger, PolicyChanges(store), key)
    finally:
        await store.close()


async def _admin(store: Store, by: str) -> None:
    people = PeopleStore(store, SystemClock())
    await people.load()
    who = people.person(by)
    if who is None or not who.active or "admin" not in who.roles:
        raise Misconfigured([("floatcard policy", "--by", f"{by!r} is no active person with the role admin")])


def spec_of(said: dict[str, Any]) -> PolicySpec:
    """Raises `Misconfigured`, naming the option."""
    try:
        return PolicySpec.model_validate(said)
    except ValidationError as broke:
        faults = broke.errors(include_url=False, include_input=False)
        named = [(f"--{str(fault['loc'][0]).replace('_', '-')}", str(fault["msg"])) for fault in faults]
        raise Misconfigured([("floatcard policy plan", key, reason) for key, reason in named]) from None


async def plan(
    config: Path,
    names: Sequence[str],
    spec: PolicySpec,
    by: str,
    days: int | None,
    customers: Sequence[str],
    told: Told,
) -> str:
    async with _opened(config, by) as it:
        now, rules = SystemClock().now(), it.ledger.policies
        change = proposed(it.config.fields, rules, names, spec, by=by, now=now, days=days, records=customers)
        await it.changes.propose(replace(change, state="trying"))
        try:
            await make_plan(it.store, it.vault, change, told)
        except BaseException:
            await it.changes.planned(change.id, None)
            raise
        made = await it.changes.get(change.id)
        return told_plan(made) if made is not None else ""


async def apply(config: Path, id_: str, by: str, reason: str, keep: bool, told: Told) -> str:
    async with _opened(config, by) as it:
        known = await it.changes.get(id_)
        if known is None or known.state != "applying":
            await it.changes.approve(id_, by, reason, keep, SystemClock().now())
        return _told(await work_off(it.ledger, id_, told))


async def undo(config: Path, id_: str, by: str, reason: str, told: Told) -> str:
    async with _opened(config, by) as it:
        known = await it.changes.get(id_)
        if known is None or known.state != "undoing":
            await it.changes.end(id_, by, reason, SystemClock().now())
        return _told(await work_off(it.ledger, id_, told))


def _told(change: PolicyChange | None) -> str:
    if change is None:
        raise Refused("There is no such change of policy.")
    return told_change(change)


async def listing(config: Path, id_: str | None) -> str:
    """Empty when there is none."""
    async with _opened(config, None) as it:
        if id_ is None:
            return "\n".join(map(told_change, await it.changes.all()))
        found = await it.changes.get(id_)
        return told_plan(found) if found is not None else ""
