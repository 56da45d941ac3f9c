"""What one SCIM directory says of its users and groups, made true of persons, and told again as it is kept."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gateway.clock import Clock
from gateway.config import Config
from gateway.errors import Retry
from gateway.store.auditing import AuditStore
from gateway.store.directory import DirectoryStore, Listed, Told
from gateway.store.directory_groups import Group, GroupStore
from gateway.store.engine import Store
from gateway.store.people import PeopleStore
from identity import scim
from identity.model import Person
from identity.sources import Entry, shaped
from identity.steps import canonical

TRIES = 20


class Provision:
    """Each raises `scim.Wrong`, and `Retry` where others change the same all the time."""

    def __init__(self, config: Config, store: Store, people: PeopleStore, clock: Clock) -> None:
        self._config = config
        self._people = people
        self._audit = AuditStore(store, clock)
        self._entries = DirectoryStore(store, people, clock)
        self.groups = GroupStore(store, people, clock, config.directory.roles)

    async def user(self, source: str, id_: str) -> Listed:
        found = await self._entries.one(source, id_)
        if found is None or found.gone:
            raise scim.Wrong("There is no such user.", "", 404)
        return found

    async def users(self, source: str, wanted: tuple[str, str] | None, after: int, limit: int) -> Any:
        if wanted is None:
            return await self._entries.entries(source, after=after, limit=limit)
        attr, value = wanted
        if attr == "username":
            return await self._entries.entries(source, key=value.casefold() or "\0", after=after, limit=limit)
        if attr == "externalid":
            return await self._entries.entries(source, external=value or "\0", after=after, limit=limit)
        if attr == "id":
            found = await self._entries.one(source, value[:256])
            return ([found], 1) if found is not None and not found.gone else ([], 0)
        raise scim.Wrong("Filter users by userName, externalId or id.", "invalidFilter")

    async def create(self, source: str, sent: Any) -> Listed:
        """Somebody whom this directory had removed and lists again is who they were."""
        facts = scim.user(sent)
        key, external = facts["userName"].casefold(), facts.get("externalId", "")
        former = await self._former(source, key, external)
        whose = former.person if former is not None else await self._whose(source, facts)
        id_ = former.id if former is not None else f"u_{secrets.token_hex(8)}"
        made = await self._take(source, id_, whose, facts, former)
        if made is None:
            raise _torn()
        return made

    async def replace(self, source: str, id_: str, sent: Any) -> Listed:
        facts = scim.user(sent)
        return await self._surely(source, id_, lambda before: facts)

    async def patch(self, source: str, id_: str, sent: Any) -> Listed:
        changes = scim.operations(sent)
        return await self._surely(source, id_, lambda before: scim.patched(dict(before.facts or {}), changes))

    async def _surely(self, source: str, id_: str, facts: Callable[[Listed], scim.Resource]) -> Listed:
        """Of two requests at once neither undoes the other: the second is made of what the first left."""
        for _ in range(TRIES):
            before = await self.user(source, id_)
            if (done := await self._take(source, id_, before.person, facts(before), before)) is not None:
                return done
        raise _torn()

    async def remove(self, source: str, id_: str) -> None:
        """Deactivated, and no longer told of here. The person and what they did stay on record."""
        await self.user(source, id_)
        await self.groups.leave(source, id_, by=source)
        before = await self.user(source, id_)
        told = Told(source, id_, before.person, source, before.key, before.external, active=False, gone=True)
        await self._entries.take([replace(told, facts=before.facts)])

    async def _former(self, source: str, key: str, external: str) -> Listed | None:
        """Raises `scim.Wrong` 409 where somebody there now has that user name."""
        for each in (await self._entries.entries(source, key=key))[0]:
            raise scim.Wrong(f"There is a user of this userName already: {each.id}.", "uniqueness", 409)
        if external and (await self._entries.entries(source, external=external))[0]:
            raise scim.Wrong("There is a user of this externalId already.", "uniqueness", 409)
        gone = [each for each in await self._entries.former(source, key, external) if each.gone]
        return gone[0] if len(gone) == 1 else None

    async def _whose(self, source: str, facts: Mapping[str, Any]) -> str:
        """The one person of its verified addresses, or "". Whom this directory lists already is not taken twice."""
        said = [canonical(each, self._config.audience.domain_aliases) for each in scim.addresses(facts)]
        known = [address for address in said if address]
        found = {each.id for address in known for each in self._people.having(address)}
        # who was sent away does not come in again as somebody new
        found = found or {each.id for address in known for each in self._people.having(address, active=False)}
        if len(found) != 1:
            if found:
                await self._audit.note(source, "ambiguous", "", persons=len(found))
            return ""
        (id_,) = found
        if any(each.source == source and not each.gone for each in await self._entries.of_person(id_)):
            await self._audit.note(source, "ambiguous", id_, persons=2)
            return ""
        return id_

    async def _take(
        self, source: str, id_: str, whose: str, facts: scim.Resource, before: Listed | None
    ) -> Listed | None:
        """None where the entry is another than `before` by now: nothing was done."""
        person = self._people.person(whose) or Person(f"p_{secrets.token_hex(4)}", "", frozenset({"employee"}))
        told = Told(
            source,
            id_,
            self._shaped(person, facts, before),
            source,
            facts["userName"].casefold(),
            facts.get("externalId", ""),
            facts["active"],
            facts=facts,
            since=before,
            over=person,
        )
        (taken,) = await self._entries.take([told])
        if taken.clash:
            raise scim.Wrong("There is a user of this userName already.", "uniqueness", 409)
        return None if taken.stale else taken.entry

    def _shaped(self, person: Person, facts: scim.Resource, before: Listed | None) -> Person:
        aliases, team = self._config.audience.domain_aliases, self._config.directory.team
        said, old = (
            tuple(each for each in (canonical(one, aliases) for one in scim.addresses(resource)) if each)
            for resource in (facts, (before.facts if before is not None else None) or {})
        )
        entry = Entry(
            id="",
            name=scim.shown_name(facts),
            team=facts.get(scim.ENTERPRISE, {}).get(team, "")[:100] if team else None,
            locale=_locale(facts),
            zone=facts.get("timezone", "")[:64],
        )
        return shaped(person, entry, said, old)

    # -- groups

    async def group(self, source: str, id_: str) -> Group:
        found = await self.groups.one(source, id_)
        if found is None:
            raise scim.Wrong("There is no such group.", "", 404)
        return found

    async def put_group(self, source: str, facts: scim.Resource, id_: str = "") -> Group:
        done = await self._put_group(source, facts, id_)
        if done is None:
            raise _torn()
        return done

    async def _put_group(self, source: str, facts: scim.Resource, id_: str, since: Group | None = None) -> Group | None:
        """None where the group is another than `since` by now: nothing was done."""
        name, external = facts["displayName"], facts.get("externalId", "")
        done = await self.groups.put(source, name, external, facts["members"], by=source, id_=id_, since=since)
        if isinstance(done, str):
            raise scim.Wrong("members: one of them is no user of this directory. Create the user first.")
        return done

    async def patch_group(self, source: str, id_: str, sent: Any) -> Group:
        """Of two at once neither undoes the other."""
        changes = scim.operations(sent)
        for _ in range(TRIES):
            before = await self.group(source, id_)
            facts = {"displayName": before.name, "externalId": before.external, "members": list(before.members)}
            done = await self._put_group(source, scim.patched_group(facts, changes), id_, before)
            if done is not None:
                return done
        raise _torn()


def _torn() -> Retry:
    return Retry(1.0, "others change the same all the time")


def _locale(facts: scim.Resource) -> str:
    """The language somebody reads, of those we speak; "" where it says none of them."""
    said = str(facts.get("preferredLanguage") or facts.get("locale") or "").replace("_", "-").lower()
    return "zh-CN" if said.startswith("zh") else "en" if said.startswith("en") else ""
