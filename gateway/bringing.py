"""A directory read as a whole: first what it would do, then, if that is wanted, done in one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from channels.model import Account
from crm.model import CrmUser
from gateway.clock import Clock
from gateway.errors import Refused
from gateway.store.auditing import AuditStore
from gateway.store.directory import DirectoryStore, Told
from gateway.store.engine import Store
from gateway.store.people import PeopleStore
from identity.model import Person
from identity.sources import Entry, Known, Verdict, judge, tally


class Bringing:
    def __init__(self, store: Store, people: PeopleStore, clock: Clock, aliases: dict[str, str]) -> None:
        self._people = people
        self._entries = DirectoryStore(store, people, clock)
        self._audit = AuditStore(store, clock)
        self._aliases = aliases

    async def plan(self, source: str, entries: Sequence[Entry], *, make: bool) -> list[Verdict]:
        """Nothing is changed. Raises `Refused` for a directory of nobody."""
        if not entries:
            raise Refused("There is not one person to read in this directory. Nothing was changed.")
        known = {each.id: each.person for each in await self._entries.whole(source)}
        owners = {(each.kind, each.key): each.person for each in self._people.links()}
        return judge(entries, Known(self._people.persons(), known, owners, self._aliases), _new_id, make=make)

    async def carry_out(self, source: str, verdicts: Sequence[Verdict], *, by: str) -> list[str]:
        """The accounts that are somebody else's, and stay so."""
        told = [_told(source, each.entry, each.person, by) for each in verdicts if each.person is not None]
        taken = await self._entries.take(told)
        counts: dict[str, str | int] = {name: n for name, n in tally(verdicts).items() if n}
        await self._audit.note(by, "imported", source, **counts)
        return [key for each in taken for key in each.torn]


def _told(source: str, entry: Entry, person: Person, by: str) -> Told:
    id_ = entry.id or next((address.casefold() for address in entry.emails), "") or entry.accounts[0][1]
    evidence = f"imported from {source}"
    return Told(source, id_[:256], person, by, active=entry.active, accounts=entry.accounts, evidence=evidence)


def _new_id() -> str:
    return f"p_{secrets.token_hex(4)}"


def of_users(crm: str, users: Sequence[CrmUser]) -> list[Entry]:
    """Of a CRM's users: their addresses, roles, team and region; and the account there."""
    return [
        Entry(
            f"{crm}:{each.id}",
            each.name,
            (each.email,) if each.email else (),
            frozenset({*each.roles, "employee"}) if each.roles else None,
            each.team or None,
            each.region or None,
            active=each.active,
            accounts=(("crm", f"{crm}:{each.id}"),),
        )
        for each in users
    ]


def of_accounts(accounts: Sequence[Account]) -> list[Entry]:
    """Of a network's user list: our own people, without guests and bots."""
    return [
        Entry(
            each.id.key[:256],
            each.name,
            (each.email,) if each.email else (),
            active=each.active,
            accounts=(("im", each.id.key),),
        )
        for each in accounts
        if each.kind == "member"
    ]
