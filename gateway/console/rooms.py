"""What the pages of rooms show: what the bot can do there, and what is hidden because of whom, never by name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypedDict

from cards.tree import Tone
from cards.words import N_
from channels.model import Place
from crm.model import Record, RecordRef
from gateway import doctor
from gateway.console.seeing import SECRET, Eyes
from gateway.console.stages import STAGE
from gateway.errors import Refused, Retry
from gateway.handlers.hearing import owners
from gateway.services import Services
from gateway.store.console import ConsoleStore, RoomRow, RoomsWhich
from gateway.store.stages import kind_of
from gateway.story import OTHERS
from identity.access import NEVER_IN_A_GROUP
from identity.audience import others
from identity.disclosure import disclose
from identity.model import BOTTOM, Attributes, Audience, Withheld

PAGE: Final = 25
PATIENCE_S: Final = 5.0
"""For what a network says of itself: the page does not wait longer."""

KINDS: Final[Mapping[str, str]] = {
    "group": N_("private room"),
    "public": N_("public room"),
    "direct": N_("direct messages"),
}
CLASSES: Final[Mapping[str, str]] = {
    "public": N_("public"),
    "internal": N_("internal"),
    "confidential": N_("confidential"),
    "restricted": N_("restricted"),
}
WHICH: Final[Mapping[RoomsWhich, str]] = {
    "all": N_("All"),
    "outside": N_("With people from outside"),
    "unread": N_("List of members incomplete"),
    "quiet": N_("Quiet now"),
}
NEVER: Final = N_("never shown in a group, whoever is in it")
NOBODY: Final = N_("nobody is known to read this room")
_TONES: Final[Mapping[str, Tone]] = {"✓": "info", "◐": "warning", "✗": "danger"}
_SILENT: Final = N_("The network does not answer just now: look again in a moment.")
_UNPLUGGED: Final = N_("Its network is not in the configuration any more: nothing is heard or shown here.")
_BROKEN: Final = N_("The network could not be asked: {why}")


@dataclass(frozen=True, slots=True)
class Row:
    """`people`, `outside`: as the network last told; of an incomplete list those that are known."""

    key: str
    title: str
    channel: str
    kind: str
    people: int
    outside: int
    flags: Sequence[str]
    bound: str
    quiet_until: int
    cards: int


@dataclass(frozen=True, slots=True)
class Listed:
    which: RoomsWhich
    query: str
    rows: Sequence[Row]
    after: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """A field and whose presence hides it: kinds of readers with how many of each there are."""

    name: str
    label: str
    sensitivity: str
    shown: bool
    by: Sequence[tuple[str, int]]
    policies: Sequence[str]


@dataclass(frozen=True, slots=True)
class One:
    row: Row
    able: Sequence[tuple[Tone, str]]
    fields: Sequence[Blocked]
    shown: int
    example: str
    readers: Sequence[tuple[str, int]]
    complete: bool
    budget: int
    own_budget: bool
    bound_key: str
    rostered_at: int
    stage: str
    left: Sequence[str]
    """What the room may see and its stage leaves out."""


async def listed(eyes: Eyes, store: ConsoleStore, query: str, after: str, which: RoomsWhich = "all") -> Listed:
    rows = await store.rooms(after, PAGE + 1, query.strip(), which, eyes.reader.now)
    on = rows[PAGE - 1].key if len(rows) > PAGE else ""
    return Listed(which, query, [await _row(eyes, each) for each in rows[:PAGE]], on)


async def _row(eyes: Eyes, each: RoomRow) -> Row:
    say, members = eyes.reader.say, each.members
    flags = [
        say(words)
        for words, holds in (
            (N_("shared with another company"), each.external),
            (N_("list of members incomplete"), not each.complete),
        )
        if holds
    ]
    return Row(
        key=each.key,
        title=each.title,
        channel=each.key.partition("/")[0],
        kind=say(KINDS.get(each.kind, each.kind)),
        people=sum(count for kind, count in members.items() if kind != "bot"),
        outside=sum(members.get(kind, 0) for kind in ("guest", "outsider", "unknown")),
        flags=flags,
        bound=await eyes.title(each.bound) if each.bound else "",
        quiet_until=each.quiet_until if each.quiet_until > eyes.reader.now else 0,
        cards=each.cards,
    )


async def one(eyes: Eyes, store: ConsoleStore, key: str, about: str) -> One | None:
    """`about`: the customer the fields are judged for; else the room's own, else one that is nobody's."""
    found, s = await store.room(key), eyes.s
    if found is None:
        return None
    place = Place.parse(f"{key}/")
    plugged = place.channel in s.channels
    audience = await s.rooms.audience(place) if plugged else None
    record, example = await _example(eyes, about or found.bound)
    fields = _fields(eyes, record, audience) if audience is not None else []
    return One(
        row=await _row(eyes, found),
        able=await _able(eyes, place) if plugged else [("danger", eyes.reader.say(_UNPLUGGED))],
        fields=fields,
        shown=sum(each.shown for each in fields),
        example=example,
        readers=_readers(eyes, audience) if audience is not None else [],
        complete=audience is not None and audience.complete,
        budget=s.config.mentions.budget if found.budget is None else found.budget,
        own_budget=found.budget is not None,
        bound_key=found.bound,
        rostered_at=found.rostered_at,
        **_staged(eyes, found, fields),
    )


class _Staged(TypedDict):
    stage: str
    left: Sequence[str]


def _staged(eyes: Eyes, room: RoomRow, fields: Sequence[Blocked]) -> _Staged:
    s = eyes.s
    run = s.stages.run(kind_of(room.kind, room.external))
    left = [each.label for each in fields if each.shown and not s.stages.lets(run.stage, each.name)]
    return _Staged(stage=eyes.reader.say(STAGE[run.stage]), left=left)


async def _able(eyes: Eyes, place: Place) -> list[tuple[Tone, str]]:
    s, reader = eyes.s, eyes.reader
    try:
        asked = doctor.examine(s.channels[place.channel], s.rooms, s.people, place)
        lines = doctor.lines(await asyncio.wait_for(asked, PATIENCE_S), reader.locale)
    except Refused as refused:
        why = reader.say(refused.say, **refused.facts)
        return [("danger", reader.say(_BROKEN, why=why))]
    except (TimeoutError, Retry):
        return [("warning", reader.say(_SILENT))]
    return [(_TONES.get(line[:1], "neutral"), line) for line in lines]


async def _example(eyes: Eyes, key: str) -> tuple[Record, str]:
    """The record with who owns it; what is not seen by this reader tells nothing of whose it is."""
    found = await eyes.heard(key) if key else None
    if found is None:
        return Record(RecordRef("", "account", ""), "", "", 0, {}, {}), eyes.reader.say(SECRET) if key else ""
    return found.standing.record, found.record.title


def _fields(eyes: Eyes, record: Record, audience: Audience) -> list[Blocked]:
    s = eyes.s
    told = disclose(record, audience, s.clock.now(), s.access, s.classes, owners=owners(s, record), zone=s.config.zone)
    names = sorted(s.classes.named(), key=lambda name: (_weight(s, name), name))
    return [_blocked(eyes, name, told.withheld.get(name), audience) for name in names]


def _weight(s: Services, name: str) -> int:
    return ("public", "internal", "confidential", "restricted").index(s.classes.of(name))


def _blocked(eyes: Eyes, name: str, withheld: Withheld | None, audience: Audience) -> Blocked:
    sensitivity = eyes.reader.say(CLASSES[eyes.s.classes.of(name)])
    if withheld is None:
        return Blocked(name, eyes.label(name), sensitivity, True, (), ())
    if NEVER_IN_A_GROUP in withheld.policies:
        return Blocked(name, eyes.label(name), sensitivity, False, [(eyes.reader.say(NEVER), -1)], ())
    listed = audience.listed
    counts = {who: listed.get(who, 0) for who in withheld.because}
    by = _kinds(eyes, counts, audience) or [(eyes.reader.say(NOBODY), -1)]
    return Blocked(name, eyes.label(name), sensitivity, False, by, withheld.policies)


def _readers(eyes: Eyes, audience: Audience) -> list[tuple[str, int]]:
    listed = {who: count for who, count in audience.listed.items() if count}
    return [*_kinds(eyes, listed, audience), *((eyes.reader.say(OTHERS[each]), 0) for each in others(audience))]


def _kinds(eyes: Eyes, counts: Mapping[Attributes, int], audience: Audience) -> list[tuple[str, int]]:
    told: dict[str, int] = {}
    for who, count in counts.items():
        words = _worded(eyes, who, audience)
        told[words] = told.get(words, 0) + count
    return sorted(told.items(), key=lambda each: (-each[1], each[0]))


def _worded(eyes: Eyes, who: Attributes, audience: Audience) -> str:
    say = eyes.reader.say
    if who == BOTTOM:
        known = N_("guests, others' people, and who is unknown")
        return say(known if audience.complete else N_("guests, unknown, or whoever an incomplete list leaves out"))
    if who.external:
        return say("people from outside the company")
    if not who.mapped:
        return say("colleagues nobody has mapped, or anybody in the company")
    if not who.roles:
        return say("people without a role")
    return say("role {roles}", roles=list(who.roles))
