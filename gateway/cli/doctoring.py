"""`floatcard doctor`: asks each network and CRM what we can do there. Beside a running gateway, from its store."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cards.words import say
from channels.doctor import Finding
from channels.keeper import Keeps
from channels.model import Channel, Place
from crm.model import Crm
from gateway import doctor
from gateway.app import open_channels, open_crms
from gateway.clock import SystemClock
from gateway.config import Config, load
from gateway.directory import Directory
from gateway.errors import Refused, Retry
from gateway.outgoing.breaker import Breakers
from gateway.outgoing.declared import session_of
from gateway.outgoing.gate import Gate
from gateway.outgoing.memory import MemoryBuckets
from gateway.people import Identities
from gateway.rooms import Rooms
from gateway.services import Keys
from gateway.store.directory import DirectoryStore
from gateway.store.engine import Store
from gateway.store.kept import Kept
from gateway.store.people import PeopleStore
from gateway.store.rooms import RoomStore
from gateway.store.vault import Vault

Tell = Callable[[str], None]


async def examine(config: Path, only: str, tell: Tell) -> bool:
    """Whether all is well. `only`: one channel, or one room as its key."""
    loaded = load(config)
    async with contextlib.AsyncExitStack() as undo:
        ward = await _ward(loaded, undo)
        well = [await _crms(ward, tell)] if not only else []
        well += [await _channel(ward, name, tell) for name in ward.channels if only.partition("/")[0] in ("", name)]
        well += [await _room(ward, place, tell) async for place in _places(ward, only)]
    return all(well)


@dataclass(frozen=True, slots=True)
class _Ward:
    locale: str
    channels: Mapping[str, Channel]
    crms: Mapping[str, Crm]
    people: PeopleStore
    rooms: Rooms


async def _ward(loaded: Config, undo: contextlib.AsyncExitStack) -> _Ward:
    clock = SystemClock()
    store = Store.open(loaded.store)
    undo.push_async_callback(store.close)
    vault = Vault(Keys.derive(bytes.fromhex(loaded.master_key.get_secret_value())).vault)
    await vault.check(store)
    session = session_of(loaded)
    undo.push_async_callback(session.close)
    channels, crms = open_channels(loaded, session, clock), open_crms(loaded, clock)
    for crm in crms.values():
        undo.push_async_callback(crm.close)
    for channel in channels.values():
        undo.push_async_callback(channel.close)
        if isinstance(channel, Keeps):
            channel.keep_in(Kept(store, vault, clock, channel.name))
    gate = Gate(channels, MemoryBuckets(), Breakers(clock))
    undo.push_async_callback(gate.close)
    people = PeopleStore(store, clock)
    await people.load()
    aliases, entries = loaded.audience.domain_aliases, DirectoryStore(store, people, clock)
    directory = Directory(crms, channels, people, entries, aliases, gate.breakers, clock, 0)
    identities = Identities(people, await directory.read(), directory.addresses)
    rooms = Rooms(RoomStore(store), people, identities, channels, loaded.audience, clock, gate)
    return _Ward(loaded.locale, channels, crms, people, rooms)


async def _crms(ward: _Ward, tell: Tell) -> bool:
    found = {name: await doctor.readable(crm) for name, crm in ward.crms.items()}
    for name, each in found.items():
        tell(f"{name}: {_crm(each, ward.locale)}")
    return all(each.able == "yes" for each in found.values())


async def _channel(ward: _Ward, name: str, tell: Tell) -> bool:
    told = await doctor.connected(ward.channels[name])
    for each in told:
        tell(f"{name}: {doctor.worded(each, ward.locale)}")
    return all(each.able in ("yes", "unknown") for each in told)


async def _room(ward: _Ward, place: Place, tell: Tell) -> bool:
    try:
        checkup = await doctor.examine(ward.channels[place.channel], ward.rooms, ward.people, place)
    except (Retry, Refused) as failed:
        tell(f"{place.room_key}: {type(failed).__name__}")
        return False
    tell(f"\n{checkup.title or place.room} ({place.room_key})")
    for line in doctor.lines(checkup, ward.locale):
        tell(f"  {line}")
    return checkup.well


async def _places(ward: _Ward, only: str) -> AsyncIterator[Place]:
    for state in await ward.rooms.store.rooms():
        channel = state.key.partition("/")[0]
        if channel in ward.channels and only in ("", state.key, channel):
            yield Place.parse(f"{state.key}/")


def _crm(found: Finding, locale: str) -> str:
    if found.able == "yes":
        return "✓ " + say(locale, "Its customers can be read.")
    return "✗ " + say(locale, found.fix, **found.facts)
