"""What a room knows when a name is heard in it: its customer, its members, what was said lately, whose accounts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from channels.model import Place
from crm.model import Item
from gateway.handlers.hearing import owners
from gateway.mentioning.weights import WINDOW_MS, name_weight, room_weight
from gateway.store.mentioning import RoomKnows
from identity.model import Person
from mentions.decide import WITHIN_HOURS, Context
from mentions.model import Mention

if TYPE_CHECKING:
    from gateway.services import Services

HOUR_MS = 3_600_000
MARGIN = 1.2
"""How much surer (logit) one must be of several of a name, before a whole room sees a card: that it is an account of
the author's alone is not enough, then the author is asked."""
MOST = 60
"""So many candidates' records are looked at."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who says it, when, and where; without a place nothing is known but the text."""

    place: Place | None
    person: Person | None
    now: int

    @property
    def room(self) -> str:
        return self.place.room_key if self.place is not None else ""


async def rows(s: Services, asked: Asked, names: Sequence[str]) -> RoomKnows:
    since = asked.now - int(WITHIN_HOURS * HOUR_MS)
    return await s.mentioning.known(asked.room, names, since=since, taught_since=asked.now - WINDOW_MS)


async def context(s: Services, asked: Asked, known: RoomKnows, mentions: Iterable[Mention]) -> Context:
    """Of these mentions; what the store has of the room is `known`."""
    refs = list(dict.fromkeys(each.ref for mention in mentions for each in mention.candidates))[:MOST]
    mails = await _mails(s, asked.place) if asked.place is not None else frozenset()
    own: set[str] = set()
    members: set[str] = set()
    for ref in refs:
        record = await s.records.mirrored(ref)
        if record is None:
            continue
        if asked.person is not None and asked.person.id in owners(s, record):
            own.add(ref)
        if mails & _written(record.related.get("contact", ())):
            members.add(ref)
    return Context(
        bound=known.bound or None,
        members=members,
        recent={ref: max(0, asked.now - at) / HOUR_MS for ref, at in known.recent.items()},
        own=own,
        learned={name: name_weight(known.names.get(name, {}), known.common.get(name, "")) for name in _taught(known)},
        room=room_weight(known.room),
        margin=MARGIN,
    )


def _taught(known: RoomKnows) -> set[str]:
    return set(known.names) | set(known.common)


def _written(contacts: Iterable[Item]) -> set[str]:
    return {mail.strip().casefold() for each in contacts if (mail := each.detail.get("email", ""))}


async def _mails(s: Services, place: Place) -> frozenset[str]:
    """The addresses of the room's members, as far as they are mapped: a contact's address says which customer's."""
    members = await s.identities.everyone(await s.rooms.roster(place))
    return frozenset(mail.strip().casefold() for person in members.values() for mail in person.emails)
