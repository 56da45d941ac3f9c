"""The CRMs' own users, read again and again: whom their fields and addresses identify, and who left."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence

from channels.model import ImId
from crm.model import Crm, CrmUser, Users
from gateway.errors import Refused, Retry
from gateway.outgoing.breaker import Breakers
from gateway.store.people import PeopleStore
from identity.model import Link, Step
from identity.steps import by_crm_field, by_email, by_link

log = logging.getLogger("floatcard.directory")

EVERY_S = 3_600.0
_BY = "step:directory"


class Directory:
    def __init__(
        self, crms: Mapping[str, Crm], people: PeopleStore, aliases: Mapping[str, str], breakers: Breakers
    ) -> None:
        self._crms = crms
        self._breakers = breakers
        self._people = people
        self._aliases = aliases
        self._users: dict[str, tuple[CrmUser, ...]] = {}

    async def read(self) -> tuple[Step, ...]:
        """The ordered steps: an existing link, an address, each CRM's own IM field; codes and admins make links
        themselves. Of a CRM that does not answer, what it said last stands."""
        for name, crm in self._crms.items():
            if isinstance(crm, Users):
                try:
                    self._users[name] = await self._breakers[f"{name} feed"].run(crm.users)
                except (Retry, Refused) as failed:
                    log.warning("the users of %s could not be read: %s", name, type(failed).__name__)
        await self._end()
        addresses = Addresses([each for users in self._users.values() for each in users])
        fields = (by_crm_field(name, users) for name, users in self._users.items())
        return (by_link, by_email(addresses, self._aliases), *fields)

    async def _end(self) -> None:
        """A link that a CRM's user was the evidence of ends with that user; made again when they are back."""
        for each in self._people.links():
            if each.kind == "im" and each.step in ("crm_field", "email") and self._left(each):
                with contextlib.suppress(Refused):  # another gateway ended it first
                    await self._people.unlink(each.id, _BY)

    def _left(self, each: Link) -> bool:
        """Somebody who had this account is deactivated there, and nobody active has it."""
        im = ImId.parse(each.key)
        having = [user for users in self._users.values() for user in users if user.im.get(im.channel) == im.id]
        return bool(having) and not any(user.active for user in having)


class Addresses(Mapping[str, str]):
    """By `ImId.key`, whatever the scope: the address of the one active CRM user who has that account."""

    def __init__(self, users: Sequence[CrmUser]) -> None:
        found: dict[tuple[str, str], set[str]] = {}
        for user in users:
            for channel, id_ in user.im.items() if user.active else ():
                if id_ and user.email:
                    found.setdefault((channel, id_), set()).add(user.email.strip().casefold())
        self._found = {account: min(each) for account, each in found.items() if len(each) == 1}

    def __getitem__(self, key: str) -> str:
        im = ImId.parse(key)
        return self._found[im.channel, im.id]

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return len(self._found)
