"""The CRMs' and networks' own users, read again and again: whom their fields and addresses identify, and who left.

One gateway asks (`read`, under a lease); the others take what it was told (`begin`, `follow`).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from channels.model import Account, Accounts, Channel, ImId
from crm.model import Crm, CrmUser, Users
from gateway.clock import Clock
from gateway.errors import Refused, Retry
from gateway.outgoing import targets
from gateway.outgoing.breaker import Breakers
from gateway.people import Identities
from gateway.store.directory import DirectoryStore, Listed, Told
from gateway.store.people import PeopleStore
from gateway.store.user_lists import AGAIN_MS, COUNTER, UserLists, accounts_of, users_of, written
from identity.model import Link, Step
from identity.steps import by_crm_field, by_email, by_link

log = logging.getLogger("floatcard.directory")

T = TypeVar("T", CrmUser, Account)
_BY = "step:directory"
FRESH_MS = 120_000
"""A gateway that starts asks for itself where nobody has asked for so long, and three of the usual pauses."""


class Directory:
    """`every`: ms between two readings for who left. `lists`: where what was told is left for other gateways."""

    def __init__(
        self,
        crms: Mapping[str, Crm],
        channels: Mapping[str, Channel],
        people: PeopleStore,
        entries: DirectoryStore,
        aliases: Mapping[str, str],
        breakers: Breakers,
        clock: Clock,
        every: int,
        lists: UserLists | None = None,
    ) -> None:
        self._crms = crms
        self._channels = channels
        self._breakers = breakers
        self._people = people
        self._entries = entries
        self._aliases = aliases
        self._clock = clock
        self._every = every
        self._lists = lists
        self._left_here: dict[str, tuple[bytes, int]] = {}
        """By source: the digest of what was left for the others, and when."""
        self._version = 0
        self._users: dict[str, tuple[CrmUser, ...]] = {}
        self._accounts: dict[str, tuple[Account, ...]] = {}
        self.addresses = Addresses((), ())
        self.read_at = 0

    @property
    def due(self) -> bool:
        return self._clock.now() - self.read_at >= self._every

    async def begin(self, *, shared: bool) -> tuple[Step, ...]:
        """At a start. Where several gateways work and one of them asked a moment ago, that is known already."""
        if self._lists is None or not shared:
            return await self.read()
        at = await self._lists.asked_at()
        if not 0 <= self._clock.now() - at < max(3 * self._every, FRESH_MS) or not await self._take(self._lists):
            return await self.read()
        self.read_at = at
        return self._steps()

    async def follow(self, counts: Mapping[str, int], identities: Identities) -> None:
        """Takes what another gateway was told meanwhile; nobody outside is asked."""
        version = counts.get(COUNTER, 0)
        if self._lists is None or version == self._version:
            return
        await self._take(self._lists)
        self._version = version
        identities.use(self._steps(), self.addresses)

    async def read(self) -> tuple[Step, ...]:
        """The ordered steps: an existing link, an address, each CRM's own IM field; codes and admins make links
        themselves. Of a CRM or network that does not answer, or tells of nobody, what it said last stands."""
        self.read_at = self._clock.now()
        for name, crm in self._crms.items():
            if isinstance(crm, Users) and (users := await self._asked(f"crm:{name}", name, crm.users)):
                self._users[name] = users
                await self._left(f"crm:{name}", "crm", {f"{name}:{each.id}": each.active for each in users})
        for name, channel in self._channels.items():
            if isinstance(channel, Accounts) and (accounts := await self._asked(f"im:{name}", name, channel.accounts)):
                self._accounts[name] = accounts
                await self._left(f"im:{name}", "im", {each.id.key: each.active for each in accounts})
        steps = self._steps()
        await self._end()
        if self._lists is not None:
            await self._lists.asked(self.read_at)
        return steps

    def _steps(self) -> tuple[Step, ...]:
        self.addresses = Addresses(
            [each for users in self._users.values() for each in users],
            [each for accounts in self._accounts.values() for each in accounts],
        )
        fields = (by_crm_field(name, users) for name, users in self._users.items())
        return (by_link, by_email(self.addresses, self._aliases), *fields)

    async def _asked(self, source: str, name: str, ask: Callable[[], Awaitable[tuple[T, ...]]]) -> tuple[T, ...]:
        try:
            told = await self._breakers[targets.users(name)].run(ask)
        except (Retry, Refused) as failed:
            log.warning("the users of %s could not be read: %s", name, type(failed).__name__)
            if self._lists is not None and name not in self._users and name not in self._accounts:
                await self._take_one(self._lists, source)
            return ()
        if not told and (name in self._users or name in self._accounts):
            log.warning("%s tells of no user at all; what it said last stands", name)
        if told and self._lists is not None:
            await self._leave(self._lists, source, told)
        return told

    # -- several gateways

    async def _leave(self, lists: UserLists, source: str, told: Sequence[CrmUser | Account]) -> None:
        """What is as it was is not written again, but once a day."""
        text = await asyncio.to_thread(written, told)
        digest, now = _digest(text), self._clock.now()
        before, at = self._left_here.get(source, (b"", 0))
        if digest == before and 0 <= now - at < AGAIN_MS:
            return
        await lists.tell(source, text)
        self._left_here[source] = (digest, now)

    async def _take(self, lists: UserLists) -> bool:
        """Whether there was one of each CRM and network that has users."""
        sources = [f"crm:{name}" for name, crm in self._crms.items() if isinstance(crm, Users)]
        sources += [f"im:{name}" for name, channel in self._channels.items() if isinstance(channel, Accounts)]
        return all([await self._take_one(lists, source) for source in sources])

    async def _take_one(self, lists: UserLists, source: str) -> bool:
        if (text := await lists.told(source)) is None:
            return False
        if self._left_here.get(source, (b"", 0))[0] != _digest(text):
            self._left_here.pop(source, None)  # another left this since
        kind, _, name = source.partition(":")
        try:
            if kind == "crm":
                self._users[name] = await asyncio.to_thread(users_of, text)
            else:
                self._accounts[name] = await asyncio.to_thread(accounts_of, text)
        except (KeyError, TypeError, ValueError, AttributeError):
            log.warning("the users of %s were left by another release and cannot be read", name)
            return False
        return True

    # -- who left

    async def _left(self, source: str, kind: str, said: Mapping[str, bool]) -> None:
        """Whose account there is not active any more is deactivated here; who is back is back."""
        before = {each.id: each for each in await self._entries.whole(source)}
        linked = {each.key: each.person for each in self._people.links() if each.kind == kind}
        missing = [id_ for id_, each in before.items() if id_ in linked and id_ not in said and not each.gone]
        if len(missing) > max(1, len(before) // 2):
            log.warning("%s tells of so few users that it is taken for a mistake", source, extra={"count": len(said)})
            missing = []
        told = [*(_standing(source, before, linked, said)), *(_missing(source, before[id_]) for id_ in missing)]
        await self._entries.take(told)

    async def _end(self) -> None:
        """A link that a CRM's user was the evidence of ends with that user; made again when they are back."""
        for each in self._people.links():
            if each.kind == "im" and each.step in ("crm_field", "email") and self._gone(each):
                with contextlib.suppress(Refused):  # another gateway ended it first
                    await self._people.unlink(each.id, _BY)

    def _gone(self, each: Link) -> bool:
        """Somebody who had this account is deactivated there, and nobody active has it; or two have the address."""
        im = ImId.parse(each.key)
        having = [user for users in self._users.values() for user in users if user.im.get(im.channel) == im.id]
        if having and not any(user.active for user in having):
            return True
        return each.step == "email" and self._shared(each)

    def _shared(self, each: Link) -> bool:
        person = self._people.person(each.person)
        return person is not None and any(
            len(self._people.having(address.casefold())) > 1
            for address in person.emails
            if address.casefold() == self.addresses.get(each.key)
        )


def _standing(
    source: str, before: Mapping[str, Listed], linked: Mapping[str, str], said: Mapping[str, bool]
) -> Iterator[Told]:
    """Of those who are linked, and stand otherwise than it said last. Who has another account there stays."""
    there: dict[str, bool] = {}
    for key, person in linked.items():
        there[person] = there.get(person, False) or said.get(key, False)
    for key, person in linked.items():
        known = before.get(key)
        if key not in said:
            continue
        active = said[key] or there[person]
        if known is None or known.gone or known.active != active or known.person != person:
            yield Told(source, key, person, source, active=active)


def _missing(source: str, known: Listed) -> Told:
    return Told(source, known.id, known.person, source, active=False, gone=True)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


class Addresses(Mapping[str, str]):
    """By `ImId.key`: the verified address of an account. A CRM says it whatever the scope, for the one active user who
    has that account; a network of its own accounts."""

    def __init__(self, users: Sequence[CrmUser], accounts: Sequence[Account]) -> None:
        found: dict[tuple[str, str], set[str]] = {}
        for user in users:
            for channel, id_ in user.im.items() if user.active else ():
                if id_ and user.email:
                    found.setdefault((channel, id_), set()).add(user.email.strip().casefold())
        self._found = {account: min(each) for account, each in found.items() if len(each) == 1}
        self._own = {each.id.key: each.email.strip().casefold() for each in accounts if each.active and each.email}

    def __getitem__(self, key: str) -> str:
        if key in self._own:
            return self._own[key]
        im = ImId.parse(key)
        return self._found[im.channel, im.id]

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return len(self._found) + len(self._own)
