"""What `floatcard access` does, in a process of its own, beside a gateway or while none starts."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway import access_telling as telling
from gateway.access_changes import AccessChanges
from gateway.access_comparing import compare as compared
from gateway.access_following import folder_of
from gateway.access_looking import Looking, moment
from gateway.access_sets import access_of, files_of
from gateway.access_simulating import who_sees
from gateway.config import Config, load
from gateway.errors import Misconfigured
from gateway.services import Keys
from gateway.store.access_versions import FILES, AccessVersions
from gateway.store.engine import Store
from gateway.store.hour import told_clock
from gateway.store.mirror import MirrorStore
from gateway.store.people import PeopleStore
from gateway.store.vault import Vault
from identity import policy_diff, policy_files


@dataclass(frozen=True, slots=True)
class _Opened:
    config: Config
    store: Store
    people: PeopleStore
    changes: AccessChanges
    looking: Looking
    now: int

    @property
    def versions(self) -> AccessVersions:
        return self.changes.versions


@contextlib.asynccontextmanager
async def _opened(config: Path, by: str | None = None) -> AsyncIterator[_Opened]:
    """`by`: a person who must be an admin. Raises `Misconfigured`."""
    loaded = load(config)
    store = Store.open(loaded.store)
    try:
        clock = await told_clock(store, loaded.bus)
        people = PeopleStore(store, clock)
        await people.load()
        vault = Vault(Keys.derive(bytes.fromhex(loaded.master_key.get_secret_value())).vault)
        looking = Looking.over(loaded, store, people, MirrorStore(store, vault))
        it = _Opened(loaded, store, people, AccessChanges(store, people, loaded.zone), looking, clock.now())
        if by is not None and by not in {each.id for each in it.changes.admins()}:
            raise Misconfigured([("floatcard access", "--by", f"{by!r} is no active person with the role admin")])
        yield it
    finally:
        await store.close()


def _read(config: Config, folder: Path | None) -> Mapping[str, str]:
    """Raises `Misconfigured`."""
    files, faults = policy_files.read(folder if folder is not None else folder_of(config))
    if faults:
        raise Misconfigured(faults)
    return files


async def listing(config: Path, n: int | None) -> str:
    async with _opened(config) as it:
        if n is not None:
            return telling.told_files(await it.changes.there(n))
        lines = [telling.told_version(each) for each in await it.versions.all()]
        return "\n".join(lines) or "There is no version yet: the first start of a gateway makes one of the files."


async def check(config: Path, folder: Path | None) -> tuple[str, bool]:
    async with _opened(config) as it:
        files = _read(it.config, folder)
        checked = it.changes.check(files, it.now)
        if checked.faults or checked.policies is None:
            return "\n".join(f"{file}: {key}: {reason}" for file, key, reason in checked.faults), False
        ruling = await it.versions.in_force()
        found = policy_diff.diff(ruling.files, files) if ruling is not None else ()
        count = f"{len(checked.policies.policies)} policies in {len(files)} files: no fault found."
        than = f"Against version {ruling.n}, which is in force:\n{telling.told_diff(found)}" if ruling else ""
        return "\n".join(each for each in (count, than) if each), True


async def diff(config: Path, old: str, new: str) -> str:
    async with _opened(config) as it:
        was, now = [await files_of(each, it.versions, it.config) for each in (old, new)]
        return telling.told_diff(policy_diff.diff(was, now))


async def propose(config: Path, folder: Path | None, by: str, reason: str) -> str:
    async with _opened(config, by or None) as it:
        made = await it.changes.propose(_read(it.config, folder), by or FILES, reason, it.now)
        return telling.told_version(made)


async def apply(config: Path, n: int, by: str, reason: str) -> str:
    async with _opened(config, by) as it:
        return telling.told_version(await it.changes.apply(n, by, reason, it.now))


async def rollback(config: Path, to: int | None, by: str, reason: str) -> str:
    async with _opened(config, by) as it:
        return telling.told_version(await it.changes.back(to, by, reason, it.now))


async def withdraw(config: Path, n: int, by: str) -> str:
    async with _opened(config, by) as it:
        return telling.told_version(await it.versions.withdraw(n, by, it.now))


async def simulate(
    config: Path, room: str, field: str, at: str, zone: str, customer: str, policies: str, *, names: bool
) -> str:
    async with _opened(config) as it:
        place = zone or it.config.zone
        then = moment(at, place, it.now)
        access = access_of(await files_of(policies, it.versions, it.config))
        key = await it.looking.named(room)
        name = it.looking.field(field)
        told = await who_sees(it.looking, access, key, name, then, place, customer, names=names)
        return telling.told_answer(it.looking, told)


async def compare(config: Path, old: str, new: str, at: str, zone: str) -> str:
    async with _opened(config) as it:
        place = zone or it.config.zone
        was, now = [access_of(await files_of(each, it.versions, it.config)) for each in (old, new)]
        told = await compared(it.looking, was, now, moment(at, place, it.now), place)
        return telling.told_comparison(it.looking, told)
