"""`floatcard token` and `floatcard login`."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from gateway.clock import Clock
from gateway.config import Config, load
from gateway.config.model import seconds
from gateway.errors import Misconfigured
from gateway.selectors import strange
from gateway.store.auditing import AuditStore
from gateway.store.engine import Store
from gateway.store.hour import told_clock
from gateway.store.people import PeopleStore
from gateway.store.tokens import SCOPES, Token, TokenStore
from identity.model import Person

NEVER = "never"
BY = "cli"


@dataclass(frozen=True, slots=True)
class Granted:
    """`expires`: a duration from now, or `never`."""

    reads: frozenset[str] | None = None
    writes: frozenset[str] | None = None
    expires: str = NEVER

    def faults(self, config: Config) -> list[tuple[str, str]]:
        said = {"read": self.reads or (), "write": self.writes or ()}
        found = [(key, why) for key, each in said.items() for why in strange(each, (*config.fields, "owner"))]
        try:
            self.until(0)
        except ValueError as wrong:
            found.append(("expires", f"{wrong}, or never"))
        return found

    def until(self, now: int) -> int | None:
        return None if self.expires == NEVER else now + seconds(self.expires) * 1000


async def new_token(
    config: Path,
    name: str,
    scopes: tuple[str, ...],
    person: str,
    system: str,
    surface: str,
    actors: tuple[str, ...],
    granted: Granted | None = None,
) -> str:
    """The secret. Raises `Misconfigured`."""
    faults = [("scope", f"{each!r} is none of {', '.join(SCOPES)}") for each in scopes if each not in SCOPES]
    if not scopes:
        faults.append(("scope", f"say what it may do: {', '.join(SCOPES)}"))
    loaded = load(config)
    granted = granted or Granted()
    faults += granted.faults(loaded)
    if "edit" in scopes and not system:
        faults.append(("system", "an editing token needs the system its edits come from"))
    if system in loaded.crms or system in loaded.channels:
        faults.append(
            ("system", f"{system!r} is a CRM or a channel of this configuration: a plugin needs a name of its own")
        )
    if faults:
        raise Misconfigured([("floatcard token", key, reason) for key, reason in faults])
    store = Store.open(loaded.store)
    try:
        clock = await clock_of(loaded, config, store)
        people = PeopleStore(store, clock)
        await people.load()
        unknown = [each for each in (person, *actors) if each and people.person(each) is None]
        if unknown:
            raise Misconfigured([("floatcard token", each, "is no person's id") for each in unknown])
        ends = granted.until(clock.now())
        made = Token(
            name, frozenset(scopes), person, system, surface or system, actors, granted.reads, granted.writes, ends
        )
        secret = await TokenStore(store, clock).make(made)
        await AuditStore(store, clock).note(BY, "token_made", name, scopes=", ".join(sorted(scopes)), until=ends or 0)
        return secret
    finally:
        await store.close()


async def end_tokens(config: Path, name: str) -> int:
    """How many bore that name and open nothing any more, in a running gateway too."""
    loaded = load(config)
    store = Store.open(loaded.store)
    try:
        clock = await clock_of(loaded, config, store)
        ended = await TokenStore(store, clock).end(name)
        await AuditStore(store, clock).note(BY, "token_ended", name, many=ended)
        return ended
    finally:
        await store.close()


async def first_admin(config: Path, name: str) -> str:
    """The link. Raises `Misconfigured` where there is an admin already: they make the others in the console."""
    loaded = load(config)
    store = Store.open(loaded.store)
    try:
        clock = await clock_of(loaded, config, store)
        people = PeopleStore(store, clock)
        await people.load()
        there = [who.id for who in people.persons() if who.active and "admin" in who.roles]
        if there:
            raise Misconfigured([("floatcard admin", name, f"there is one: floatcard login {there[0]}")])
        made = Person(f"p_{secrets.token_hex(4)}", name.strip(), frozenset({"admin", "employee"}))
        await people.put(made, by="cli")
        link = await TokenStore(store, clock).login_link(made.id)
        return f"{loaded.public_url.rstrip('/')}/console/login?link={link}"
    finally:
        await store.close()


async def clock_of(loaded: Config, config: Path, store: Store) -> Clock:
    """A demo may have jumped ahead: its links are as old as its own clock says."""
    if not loaded.demo:
        return await told_clock(store, loaded.bus)
    from gateway.demo.run import DemoClock

    return DemoClock(config.parent / "clock")


async def login_link(config: Path, person: str) -> str:
    loaded = load(config)
    store = Store.open(loaded.store)
    try:
        clock = await clock_of(loaded, config, store)
        people = PeopleStore(store, clock)
        await people.load()
        who = people.person(person)
        if who is None or not who.roles & {"admin", "auditor", "manager"}:
            raise Misconfigured([("floatcard login", person, "is no person with the role admin, auditor or manager")])
        link = await TokenStore(store, clock).login_link(person)
        return f"{loaded.public_url.rstrip('/')}/console/login?link={link}"
    finally:
        await store.close()
