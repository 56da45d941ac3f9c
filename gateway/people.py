"""Who an event is from: the steps of `identity`, run over what the store and the CRMs know."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from channels.model import Roster, Sender
from gateway.store.people import PeopleStore
from identity.model import Person, Step
from identity.steps import VERIFYING, canonical, identify

AT_ONCE = 500


class Identities:
    def __init__(self, people: PeopleStore, steps: Sequence[Step], addresses: Mapping[str, str]) -> None:
        self._people = people
        self.use(steps, addresses)

    def use(self, steps: Sequence[Step], addresses: Mapping[str, str]) -> None:
        """`addresses`: the verified address of an account, by `ImId.key`."""
        self._steps = tuple(steps)
        self.addresses = addresses

    def address(self, sender: Sender, aliases: Mapping[str, str]) -> str:
        """The verified address of an account, with the company's main domain; "" where nobody we believe checked it."""
        return canonical(self.addresses.get(sender.id.key, ""), aliases) if sender.kind in VERIFYING else ""

    async def who(self, sender: Sender, room_key: str) -> Person | None:
        """The person, or None: then the account is remembered for the admin's list of the unmapped."""
        known = self._people.linked("im", sender.id.key)
        if known is not None:
            return known
        if sender.kind == "bot" or self._people.sent_away("im", sender.id.key):
            return None
        found = await identify(sender, self._steps, self._people)
        if found is None:
            await self._people.saw(sender.id.key, sender.name, sender.kind, room_key)
        return found

    async def everyone(self, roster: Roster) -> Mapping[str, Person]:
        """The persons of a room's members, by the members' `ImId.key`; who is not mapped is absent. Who was deactivated
        is there, and counts as nobody."""
        found: dict[str, Person] = {}
        for n, member in enumerate(roster.members, 1):
            if n % AT_ONCE == 0:  # nobody else waits for a list of very many
                await asyncio.sleep(0)
            person = self._people.owner("im", member.id.key)
            if person is None and member.kind != "bot":
                person = await identify(member, self._steps, self._people)
            if person is not None:
                found[member.id.key] = person
        return found
