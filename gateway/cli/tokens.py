"""`floatcard token` and `floatcard login`."""

from __future__ import annotations

from pathlib import Path

from gateway.clock import SystemClock
from gateway.config import load
from gateway.errors import Misconfigured
from gateway.store.engine import Store
from gateway.store.people import PeopleStore
from gateway.store.tokens import SCOPES, Token, TokenStore


async def new_token(
    config: Path, name: str, scopes: tuple[str, ...], person: str, system: str, surface: str, actors: tuple[str, ...]
) -> str:
    faults = [("scope", f"{each!r} is none of {', '.join(SCOPES)}") for each in scopes if each not in SCOPES]
    loaded = load(config)
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
        made = Token(name, frozenset(scopes), person, system, surface or system, actors)
        return await TokenStore(store, SystemClock()).make(made)
    finally:
        await store.close()


async def login_link(config: Path, person: str) -> str:
    loaded = load(config)
    store = Store.open(loaded.store)
    try:
        people = PeopleStore(store, SystemClock())
        await people.load()
        who = people.person(person)
        if who is None or "admin" not in who.roles:
            raise Misconfigured([("floatcard login", person, "is no person with the role admin")])
        link = await TokenStore(store, SystemClock()).login_link(person)
        return f"{loaded.public_url.rstrip('/')}/console/login?link={link}"
    finally:
        await store.close()
