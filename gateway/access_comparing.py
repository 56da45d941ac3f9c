"""What changes between two sets of access policies: for every kind of person, and in the rooms there are."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

from crm.model import Record
from gateway.access_looking import NOBODYS, Looked, Looking
from gateway.errors import Refused
from identity.access import AccessPolicy
from identity.audience import UNMAPPED, attributes_of
from identity.disclosure import disclose
from identity.model import BOTTOM, Action, Attributes, Disclosed, Scene, Sensitivity

Relation = Literal["another", "team", "own"]
MOST_ROOMS: Final = 500
MOST_CARDS: Final = 20
"""Of one room, so many of the customers that are shown there."""
MOST_EXAMPLES: Final = 20
MOST_TUPLES: Final = 2_000
_Key: TypeAlias = tuple[tuple[str, ...], bool, bool, Scene, Action, Sensitivity, bool]
_Differs: TypeAlias = tuple[Relation, Scene, Action, Sensitivity, bool]
_RELATIONS: Final[tuple[Relation, ...]] = get_args(Relation)
_BREATH: Final = 8
"""Rooms that are judged before others get their turn."""


@dataclass(frozen=True, slots=True)
class Right:
    """What people of some roles gain or lose, some of them or all. `relations`: to whose records."""

    roles: tuple[str, ...]
    external: bool
    mapped: bool
    relations: tuple[Relation, ...]
    scene: Scene
    action: Action
    sensitivity: Sensitivity
    gained: bool
    people: int


@dataclass(frozen=True, slots=True)
class Example:
    """A card in a room: the fields it would show besides, and those it would show no more."""

    room: str
    title: str
    customer: str
    more: tuple[str, ...]
    less: tuple[str, ...]
    whole: bool
    """Whether the whole card comes or goes."""


@dataclass(slots=True)
class Comparison:
    """`rooms`, `cards`: looked at. `left_out`: rooms beyond those. `more`, `less`: cards by the field concerned."""

    at: int
    zone: str
    people: int = 0
    rights: list[Right] = field(default_factory=list)
    rooms: int = 0
    cards: int = 0
    left_out: int = 0
    changed_rooms: int = 0
    changed_cards: int = 0
    more: Counter[str] = field(default_factory=Counter)
    less: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)

    @property
    def nothing(self) -> bool:
        return not self.rights and not self.changed_cards


async def compare(looking: Looking, old: AccessPolicy, new: AccessPolicy, at: int, zone: str) -> Comparison:
    """At one moment, in one zone; time windows may make it another at another."""
    told = Comparison(at, zone)
    await _rights(looking, old, new, told)
    async for seen in _rooms(looking, told):
        changed = False
        for record in await _records(looking, seen):
            told.cards += 1
            changed = _card(looking, old, new, seen, record, told) or changed
        told.rooms += 1
        told.changed_rooms += changed
        if told.rooms % _BREATH == 0:
            await asyncio.sleep(0)
    return told


# -- people


async def _rights(looking: Looking, old: AccessPolicy, new: AccessPolicy, told: Comparison) -> None:
    kinds: Counter[Attributes] = Counter(attributes_of(each) for each in looking.people.persons() if each.active)
    judged = kinds.most_common(MOST_TUPLES)
    told.people = sum(people for _, people in judged)
    judged += [(each, 0) for each in (UNMAPPED, BOTTOM) if each not in kinds]
    found: dict[_Key, Counter[Relation]] = {}
    known: dict[tuple[object, ...], list[_Differs]] = {}
    for who, people in judged:
        alike = tuple(_asked(access, who, relation) for access in (old, new) for relation in _RELATIONS)
        if alike not in known:
            known[alike] = list(_differing(old, new, who, told.at, told.zone))
            await asyncio.sleep(0)
        for relation, scene, action, sensitivity, gained in known[alike]:
            key = (who.roles, who.external, who.mapped, scene, action, sensitivity, gained)
            found.setdefault(key, Counter())[relation] += people
    told.rights = [_right(key, found[key]) for key in sorted(found, key=lambda key: tuple(map(str, key)))]


def _right(key: _Key, counts: Counter[Relation]) -> Right:
    roles, external, mapped, scene, action, sensitivity, gained = key
    relations = tuple(each for each in _RELATIONS if each in counts)
    return Right(roles, external, mapped, relations, scene, action, sensitivity, gained, max(counts.values()))


def _asked(access: AccessPolicy, who: Attributes, relation: Relation) -> object:
    """Equal for two whom these policies cannot tell apart."""
    team, region = _record(who, relation)
    return access.asked(who, owner=relation == "own", team=team, region=region)


def _record(who: Attributes, relation: Relation) -> tuple[str, str]:
    """The team and region of a record that stands so to them."""
    return ("", "") if relation == "another" else (who.team, who.region)


def _differing(old: AccessPolicy, new: AccessPolicy, who: Attributes, at: int, zone: str) -> Iterator[_Differs]:
    for relation in _RELATIONS:
        team, region = _record(who, relation)
        for scene in get_args(Scene):
            for action in get_args(Action):
                for one in get_args(Sensitivity):
                    was, now = (
                        access.permit(
                            who, action, one, scene,
                            owner=relation == "own", team=team, region=region, at=at, zone=zone,
                        ).allowed
                        for access in (old, new)
                    )  # fmt: skip
                    if was is not now:
                        yield relation, scene, action, one, now


# -- rooms


async def _rooms(looking: Looking, told: Comparison) -> AsyncIterator[Looked]:
    """Those in which something is shown first."""
    shown = sorted(await looking.slots.rooms())
    for key in shown[:MOST_ROOMS]:
        row = await looking.console.room(key)
        if row is not None:
            yield await looking.looked(row)
    known, after, left = set(shown), "", max(MOST_ROOMS - len(shown), 0)
    told.left_out = max(len(shown) - MOST_ROOMS, 0)
    while rows := await looking.console.rooms(after, 200):
        after = rows[-1].key
        for row in (each for each in rows if each.key not in known):
            if left:
                left -= 1
                yield await looking.looked(row)
            else:
                told.left_out += 1


async def _records(looking: Looking, seen: Looked) -> list[Record]:
    """What is shown there, or the customer it is about, or one that is nobody's."""
    slots = await looking.slots.in_room(seen.row.key)
    keys = dict.fromkeys(key for shown in slots if shown.slot.purpose == "card" for key in shown.records)
    if not keys and seen.row.bound:
        keys[seen.row.bound] = None
    found = []
    for key in list(keys)[:MOST_CARDS]:
        try:
            found.append(await looking.record(key))
        except Refused:
            continue
    return found or [NOBODYS]


def _card(
    looking: Looking, old: AccessPolicy, new: AccessPolicy, seen: Looked, record: Record, told: Comparison
) -> bool:
    owners, zone = looking.owners(record), told.zone
    was, now = (
        _shown(
            looking, disclose(record, seen.audience, told.at, access, looking.classes, owners=owners, zone=zone), record
        )
        for access in (old, new)
    )
    more, less = tuple(sorted(now - was)), tuple(sorted(was - now))
    if not more and not less:
        return False
    told.changed_cards += 1
    told.more.update(more)
    told.less.update(less)
    if len(told.examples) < MOST_EXAMPLES:
        key = "" if record is NOBODYS else record.ref.key
        told.examples.append(Example(seen.row.key, seen.row.title, key, more, less, not was or not now))
    return True


def _shown(looking: Looking, disclosed: Disclosed, record: Record) -> set[str]:
    """Of an existing record what it has; of nobody's whatever it might have."""
    if not disclosed.name:
        return set()
    named = {name for name in looking.classes.named() if name not in disclosed.withheld}
    if record is NOBODYS:
        return named
    has = {*disclosed.record.fields, *(kind for kind, items in disclosed.record.related.items() if items)}
    return {"name", *has}
