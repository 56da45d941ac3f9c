"""What a simulation looks at: real rooms as the store last knew them, real records. No network is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from channels.model import Roster, Sender
from crm.model import Record, RecordRef
from gateway.app import classes
from gateway.config import Config
from gateway.errors import Refused
from gateway.handlers import view
from gateway.services import Services
from gateway.store.console import ConsoleStore, RoomRow
from gateway.store.engine import Store
from gateway.store.mirror import MirrorStore
from gateway.store.people import PeopleStore
from gateway.store.rooms import RoomStore
from gateway.store.slots import SlotStore
from identity import hours
from identity.audience import audience
from identity.disclosure import NAME, Classes
from identity.model import Audience, Person

NOBODYS = Record(RecordRef("", "account", ""), "", "", 0, {}, {})
"""For a question that is about no customer in particular: nobody owns it, it has no team."""
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class Looked:
    """A room with everyone who can read it. `members`: each with the person they are linked to, if any."""

    row: RoomRow
    audience: Audience
    members: tuple[tuple[Sender, Person | None], ...]


@dataclass(frozen=True, slots=True)
class Looking:
    config: Config
    classes: Classes
    people: PeopleStore
    rooms: RoomStore
    console: ConsoleStore
    slots: SlotStore
    mirror: MirrorStore

    @staticmethod
    def of(s: Services) -> Looking:
        return Looking.over(s.config, s.store, s.people, s.mirror)

    @staticmethod
    def over(config: Config, store: Store, people: PeopleStore, mirror: MirrorStore) -> Looking:
        return Looking(config, classes(config), people, RoomStore(store), ConsoleStore(store), SlotStore(store), mirror)

    async def room(self, key: str) -> Looked:
        """As its list of members was last read, however old that is. Raises `Refused`."""
        found = await self.console.room(_storable(key)) if key else None
        if found is None:
            raise Refused("There is no room {room}.", room=key[:200])
        return await self.looked(found)

    async def named(self, said: str) -> str:
        """The key of the one room of that key, or with that in its title. Raises `Refused`."""
        said = _storable(said.strip())
        if said and await self.console.room(said) is not None:
            return said
        rows = await self.console.rooms("", 6, said) if said else []
        if len(rows) > 1:
            raise Refused("Several rooms are called so: {rooms}. Write the key.", rooms=[row.key for row in rows])
        if not rows:
            raise Refused("There is no room {room}.", room=said[:200])
        return rows[0].key

    async def looked(self, row: RoomRow) -> Looked:
        roster = await self.rooms.roster(row.key) or Roster((), False, 0)
        exempt = self.config.audience.exempt_bots
        there = [each for each in roster.members if each.kind != "bot" or each.id.key not in exempt]
        sure = replace(roster, members=tuple(map(_surely, there)))
        persons = {each.id.key: self.people.linked("im", each.id.key) for each in sure.members}
        known = {key: person for key, person in persons.items() if person is not None}
        members = tuple((each, persons[each.id.key]) for each in sure.members)
        return Looked(row, self._audience(sure, known), members)

    def _audience(self, roster: Roster, known: Mapping[str, Person]) -> Audience:
        spec = self.config.audience
        return audience(
            roster,
            known,
            now=roster.at,
            exempt_bots=frozenset(spec.exempt_bots),
            public_channel_audience=spec.public_channel_audience,
        )

    async def record(self, key: str) -> Record:
        """Raises `Refused`."""
        found = await self.mirror.get(_storable(key)) if key.count(":") >= 2 else None
        if found is None or found.deleted:
            raise Refused("There is no customer {customer}. Write the key.", customer=key[:200])
        return found

    def owners(self, record: Record) -> frozenset[str]:
        linked = (self.people.linked("crm", f"{record.ref.crm}:{user}") for user in record.owners)
        return frozenset(person.id for person in linked if person is not None)

    def field(self, said: str) -> str:
        """By its name in the configuration, or by its label in any language. Raises `Refused`."""
        wanted = said.strip().casefold()
        for name in (NAME, *self.classes.named(), *self.config.fields):
            labels = [name]
            if (spec := self.config.fields.get(name)) is not None:
                labels += spec.label.values()
            elif name in view.LISTS:
                labels.append(view.LISTS[name])
            if wanted in (label.casefold() for label in labels):
                return name
        raise Refused("There is no field {field} in the configuration.", field=said[:64])


def _storable(key: str) -> str:
    return key.replace("\0", "").encode("utf-8", "replace").decode()[:512]


def _surely(who: Sender) -> Sender:
    return replace(who, kind="outsider") if who.kind == "unknown" else who


def moment(said: str, zone: str, now: int) -> int:
    """`22:00` (today or tomorrow), `2026-11-21 22:00`, or with an offset; empty: now. In `zone` unless it says so.

    Of an hour that the clocks show twice, the first. Raises `Refused` for one that they skip.
    """
    if not (text := said.strip()):
        return now
    place = hours.zone_of(zone)
    if place is None:
        raise Refused("There is no time zone {zone}.", zone=zone[:64])
    try:
        if (clock := _CLOCK.fullmatch(text)) is not None:
            return _next(int(clock[1]), int(clock[2]), place, now)
        told = datetime.fromisoformat(text)
        return _ms(told) if told.tzinfo is not None else _there(told.replace(tzinfo=place), text)
    except (ValueError, OverflowError):
        raise Refused("Write a time as 22:00 or 2026-11-21 22:00, not {time}.", time=text[:64]) from None


def _next(hour: int, minute: int, place: tzinfo, now: int) -> int:
    today = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=now)).astimezone(place)
    for days in (0, 1):
        day = (today + timedelta(days=days)).date()
        then = datetime(day.year, day.month, day.day, hour, minute, tzinfo=place)
        if _ms(then) >= now - now % 60_000:
            return _there(then, f"{hour:02}:{minute:02}")
    raise ValueError


def _there(then: datetime, text: str) -> int:
    at = _ms(then)
    shown = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)).astimezone(then.tzinfo)
    if (shown.hour, shown.minute) != (then.hour, then.minute):
        raise Refused("At {time} the clocks are put forward: there is no such time that day.", time=text[:64])
    return at


def _ms(moment: datetime) -> int:
    return round((moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def zoned(at: int, zone: str) -> str:
    """`2026-11-21 22:00 Asia/Shanghai (+08:00)`: a time that nobody can mistake."""
    then = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)).astimezone(hours.zone_of(zone) or UTC)
    offset = then.strftime("%z")
    return f"{then:%Y-%m-%d %H:%M} {zone or 'UTC'} ({offset[:3]}:{offset[3:5]})"
