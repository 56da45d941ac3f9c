"""A change of the access policies, from a proposal to its way back: the console, the API and the command do it here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.errors import Misconfigured, Refused
from gateway.store.access_versions import AccessVersion, AccessVersions, Apply
from gateway.store.engine import Store
from gateway.store.people import PeopleStore
from identity import policy_files
from identity.audience import attributes_of
from identity.lockout import NOBODY_SEES, locks_out
from identity.model import Person
from identity.policy_files import Policies

MOST_FILES: Final = 100
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}\.cedar")
_TOLD: Final = 5


@dataclass(frozen=True, slots=True)
class Checked:
    """`faults`: (file, policy and line, reason); none: the policies can come in force."""

    files: Mapping[str, str]
    policies: Policies | None
    faults: tuple[tuple[str, str, str], ...]


class AccessChanges:
    """`zone`: the deployment's, in which time windows are looked at."""

    def __init__(self, store: Store, people: PeopleStore, zone: str) -> None:
        self.versions = AccessVersions(store)
        self._people = people
        self._zone = zone

    def admins(self) -> list[Person]:
        return [each for each in self._people.persons() if each.active and "admin" in each.roles]

    def only(self, by: str) -> bool:
        """Whether nobody else is there who could approve."""
        return [each.id for each in self.admins()] == [by]

    def check(self, files: Mapping[str, str], now: int) -> Checked:
        try:
            policies = policy_files.build(files)
        except Misconfigured as wrong:
            return Checked(files, None, tuple(wrong.faults))
        if locks_out(policies, map(attributes_of, self.admins()), now, self._zone):
            return Checked(files, policies, (("policies", "", NOBODY_SEES),))
        return Checked(files, policies, ())

    async def laid_over(self, changed: Mapping[str, str | None]) -> dict[str, str]:
        """What is in force with some files replaced, added, or (None) taken away. Raises `Refused`."""
        ruling = await self.versions.in_force()
        files = dict(ruling.files) if ruling is not None else {}
        for name, text in changed.items():
            if not _NAME.fullmatch(name):
                raise Refused("A policy file has a plain name that ends in .cedar, not {name}.", name=name[:64])
            files.pop(name, None)
            if text is not None:
                files[name] = text.replace("\r\n", "\n")
        if len(files) > MOST_FILES:
            raise Refused("There are at most {most} policy files.", most=MOST_FILES)
        return files

    async def propose(self, files: Mapping[str, str], by: str, reason: str, now: int) -> AccessVersion:
        """Raises `Refused`, naming file, policy and line of what is wrong."""
        _sound(self.check(files, now))
        return await self.versions.propose(files, by, reason, now)

    async def apply(self, n: int, by: str, reason: str, now: int, over: int | None = None) -> AccessVersion:
        """By another admin than its proposer; where there is one admin only, by that one. Raises `Refused`."""
        _sound(self.check((await self.there(n)).files, now))
        return await self.versions.apply(Apply(n, by, reason, now, over, self.only(by)))

    async def back(self, to: int | None, by: str, reason: str, now: int) -> AccessVersion:
        """Raises `Refused`."""
        if to is not None:
            _sound(self.check((await self.there(to)).files, now))
        return await self.versions.back(to, by, reason, now)

    async def there(self, n: int) -> AccessVersion:
        found = await self.versions.get(n)
        if found is None:
            raise Refused("There is no version {n} of the access policies.", n=n)
        return found


def _sound(checked: Checked) -> None:
    if checked.faults:
        raise Refused("These policies cannot come in force: {faults}", faults=told(checked.faults))


def told(faults: Iterable[tuple[str, str, str]]) -> str:
    """The first few, one after the other."""
    lines = [f"{file}: {key}: {reason}" if key else reason for file, key, reason in faults]
    more = [f"… ({len(lines) - _TOLD} more)"] if len(lines) > _TOLD else []
    return "; ".join([*lines[:_TOLD], *more])
