"""One person, as the console shows them: accounts, merges and splits, devices; and what a merge would weigh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cards.words import Reader
from gateway.console.ours import evidence
from gateway.console.page import LinkRow
from gateway.console.views import LINK_KINDS, STEPS
from gateway.services import Services
from gateway.store.devices import Device
from gateway.store.person_changes import PersonChange, Weight
from identity.joining import merged
from identity.model import Link, Person


@dataclass(frozen=True, slots=True)
class Row(LinkRow):
    kind_word: str = ""
    step_word: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """`here`: whether this person is the one who stayed."""

    id: str
    kind: str
    other: str
    other_name: str
    here: bool
    links: int
    by: str
    at: int
    undone_at: int | None


@dataclass(frozen=True, slots=True)
class Merge:
    """What would become of both. `gained`: roles the one who stays would have besides."""

    gone: Person
    weight: Weight
    rooms: int
    gained: Sequence[str]
    emails: Sequence[str]


@dataclass(frozen=True, slots=True)
class One:
    person: Person
    roles: Sequence[str]
    links: Sequence[Row]
    changes: Sequence[Change]
    devices: Sequence[Device]
    merge: Merge | None


async def one(
    s: Services,
    reader: Reader,
    person: Person,
    gone: Person | None,
    weight: tuple[Weight, int] | None,
    changes: Sequence[PersonChange],
    devices: Sequence[Device],
) -> One:
    merge = None
    if gone is not None and weight is not None:
        after = merged(person, gone)
        gained, emails = sorted(after.roles - person.roles), after.emails[len(person.emails) :]
        merge = Merge(gone, weight[0], weight[1], gained, emails)
    return One(
        person,
        sorted(person.roles),
        [_row(s, reader, each) for each in s.people.links(person.id)],
        [_change(s, person, each) for each in changes],
        devices,
        merge,
    )


def _row(s: Services, reader: Reader, link: Link) -> Row:
    kind, step = reader.say(LINK_KINDS[link.kind]), STEPS.get(link.step)
    by = _name(s, link.made_by)
    words = reader.say(step) if step is not None else link.step
    return Row(link.id, link.kind, link.key, link.step, evidence(reader, link.evidence), by, link.at, kind, words)


def _change(s: Services, person: Person, each: PersonChange) -> Change:
    here = each.person == person.id
    other = each.other if here else each.person
    by = _name(s, each.by)
    return Change(each.id, each.kind, other, _name(s, other), here, each.links, by, each.at, each.undone_at)


def _name(s: Services, id_: str) -> str:
    found = s.people.person(id_)
    return found.name if found is not None else id_
