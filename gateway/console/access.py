"""What the pages of access policies show: who may see what, by which line, what a version changes or would show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from cards.tree import Tone
from cards.words import N_, Reader
from gateway.access_comparing import Comparison
from gateway.access_looking import Looking, zoned
from gateway.access_simulating import Answer, Kind
from gateway.access_words import CHANGES, CLASSES, SCENES, STATES, because, field, kind, right
from gateway.console.ours import note
from gateway.services import Services
from gateway.store.access_versions import FILES, AccessVersion
from identity.explain import NEAREST, Lines, where
from identity.policy_diff import Changed

_TONES: Final[dict[str, Tone]] = {"applied": "info", "proposed": "warning"}
CONFIGURED: Final = N_("as configured")
MOST: Final = 200
"""Lines of one difference, and rights, that are on a page."""


@dataclass(frozen=True, slots=True)
class Row:
    """`by`: empty for what the configuration proposed."""

    n: int
    state: str
    says: str
    tone: Tone
    by: str
    at: int
    reason: str
    approver: str
    applied_at: int
    why: str
    alone: bool
    back_to: int
    base: int
    mine: bool


@dataclass(frozen=True, slots=True)
class Difference:
    says: str
    id: str
    file: str
    line: int
    lines: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Reading:
    """Readers whom the policies cannot tell apart."""

    words: str
    people: int
    here: bool
    alone: bool
    why: str
    why_alone: str
    note: str
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class Simulated:
    key: str
    room: str
    field: str
    sensitivity: str
    scene: str
    when: str
    shown: bool
    seeing: int
    not_seeing: int
    complete: bool
    kinds: Sequence[Reading]


@dataclass(frozen=True, slots=True)
class Compared:
    when: str
    people: int
    cards: int
    rooms: int
    left_out: int
    nothing: bool
    changed_cards: int
    changed_rooms: int
    rights: Sequence[tuple[str, int, bool]]
    more_rights: int
    more: Sequence[tuple[str, int]]
    less: Sequence[tuple[str, int]]
    rooms_named: Sequence[tuple[str, str, Sequence[str], Sequence[str]]]


def row(s: Services, reader: Reader, it: AccessVersion, me: str) -> Row:
    return Row(
        n=it.n,
        state=it.state,
        says=reader.say(STATES[it.state]),
        tone=_TONES.get(it.state, "neutral"),
        by=_who(s, it.proposed_by),
        at=it.proposed_at,
        reason=reader.say(CONFIGURED) if it.reason == CONFIGURED else it.reason,
        approver=_who(s, it.applied_by),
        applied_at=it.applied_at,
        why=it.applied_why,
        alone=it.alone,
        back_to=it.back_to,
        base=it.base,
        mine=it.proposed_by == me,
    )


def _who(s: Services, id_: str) -> str:
    if id_ in ("", FILES):
        return ""
    found = s.people.person(id_)
    return found.name if found is not None else id_


def ruling(s: Services, reader: Reader) -> tuple[Lines, ...]:
    """The policies in force in this gateway, in the order of their files."""
    found = where(s.access.policies, s.access)
    return tuple(replace(each, note=note(reader, each.note)) for each in sorted(found, key=_standing))


def _standing(line: Lines) -> tuple[str, int]:
    return line.file, line.line


def differences(reader: Reader, found: Sequence[Changed]) -> list[Difference]:
    return [
        Difference(reader.say(CHANGES[each.kind]), each.id, each.file, each.line, each.lines[:MOST]) for each in found
    ]


def simulated(looking: Looking, reader: Reader, it: Answer) -> Simulated:
    seeing, not_seeing = it.seeing
    return Simulated(
        key=it.room,
        room=it.title or it.room,
        field=field(looking, it.field, reader.locale),
        sensitivity=reader.say(CLASSES[it.sensitivity]),
        scene=reader.say(SCENES[it.scene]),
        when=zoned(it.at, it.zone),
        shown=it.shown,
        seeing=seeing,
        not_seeing=not_seeing,
        complete=it.complete,
        kinds=[_reading(reader, it, each) for each in it.kinds],
    )


def _reading(reader: Reader, it: Answer, one: Kind) -> Reading:
    decides = one.why if not one.here else one.why_alone
    told = next((line.note for line in decides.lines if line.note), "")
    return Reading(
        words=kind(reader, one.who, owner=one.owner, complete=it.complete),
        people=one.people,
        here=one.here,
        alone=one.alone,
        why=because(reader, one.why),
        why_alone=because(reader, one.why_alone),
        note=note(reader, told) if decides.reason.say != NEAREST else "",
        names=one.names,
    )


def compared(looking: Looking, reader: Reader, it: Comparison) -> Compared:
    def named(names: Sequence[str]) -> list[str]:
        return [field(looking, name, reader.locale) for name in names]

    return Compared(
        when=zoned(it.at, it.zone),
        people=it.people,
        cards=it.cards,
        rooms=it.rooms,
        left_out=it.left_out,
        nothing=it.nothing,
        changed_cards=it.changed_cards,
        changed_rooms=it.changed_rooms,
        rights=[(right(reader, each), each.people, each.gained) for each in it.rights[:MOST]],
        more_rights=max(len(it.rights) - MOST, 0),
        more=[(field(looking, name, reader.locale), n) for name, n in it.more.most_common()],
        less=[(field(looking, name, reader.locale), n) for name, n in it.less.most_common()],
        rooms_named=[(one.room, one.title or one.room, named(one.more), named(one.less)) for one in it.examples],
    )
