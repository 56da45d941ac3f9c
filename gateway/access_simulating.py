"""Who in this room would see a field at that time, and why: by kind of reader, through the gate every card goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from crm.model import Record
from gateway.access_looking import NOBODYS, Looked, Looking
from identity.access import AccessPolicy, Verdict
from identity.audience import attributes_in, readers
from identity.disclosure import disclose, may
from identity.explain import Decided, decided, nearest
from identity.model import Attributes, Scene, Sensitivity

MOST_NAMES: Final = 50


@dataclass(frozen=True, slots=True)
class Kind:
    """Readers of equal attributes. `here`: whether they alone would be no reason to hide it in this room; `alone`:
    whether they see it by "show me". `names`: of those who are, for admins; `people` counts who is not listed too."""

    who: Attributes
    owner: bool
    people: int
    here: bool
    alone: bool
    why: Decided
    why_alone: Decided
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """`shown`: on the card that everybody reads. `seeing`: how many see it in some way, and how many do not."""

    room: str
    title: str
    customer: str
    field: str
    sensitivity: Sensitivity
    scene: Scene
    at: int
    zone: str
    complete: bool
    shown: bool
    kinds: tuple[Kind, ...]

    @property
    def seeing(self) -> tuple[int, int]:
        seen = sum(kind.people for kind in self.kinds if self.shown or kind.alone)
        return seen, sum(kind.people for kind in self.kinds) - seen


async def who_sees(
    looking: Looking, access: AccessPolicy, room: str, field: str, at: int, zone: str, customer: str = "",
    *, names: bool = False
) -> Answer:  # fmt: skip
    """`field` as `Looking.field` gives it; `customer`: a key, else nobody's. Raises `Refused`."""
    seen = await looking.room(room)
    record = await looking.record(customer) if customer else NOBODYS
    return _answer(looking, access, seen, record, field, at, zone, names)


def _answer(
    looking: Looking, access: AccessPolicy, seen: Looked, record: Record, field: str, at: int, zone: str, names: bool
) -> Answer:
    owners = looking.owners(record)
    told = disclose(record, seen.audience, at, access, looking.classes, owners=owners, zone=zone)
    end = record.visible_until.get(field)
    asking = _Asking(looking, access, record, field, at, zone)
    kinds = [_kind(asking, seen, who, owner, owners, names) for who, owner in readers(seen.audience, owners)]
    return Answer(
        seen.row.key,
        seen.row.title,
        record.ref.key if record is not NOBODYS else "",
        field,
        looking.classes.of(field),
        seen.audience.scene,
        at,
        zone,
        seen.audience.complete,
        told.name and field not in told.withheld and (end is None or at < end),
        tuple(sorted(kinds, key=lambda kind: (kind.here, -kind.people, kind.who, kind.owner))),
    )


@dataclass(frozen=True, slots=True)
class _Asking:
    looking: Looking
    access: AccessPolicy
    record: Record
    field: str
    at: int
    zone: str

    def may(self, who: Attributes, scene: Scene, owner: bool) -> tuple[Verdict, Decided]:
        verdict = may(
            who, "view", self.record, self.field, scene,
            at=self.at, access=self.access, classes=self.looking.classes, owner=owner, zone=self.zone,
        )  # fmt: skip
        sensitivity = self.looking.classes.of(self.field)
        near = () if verdict.allowed else nearest(self.access, "view", sensitivity, scene, self.at, self.zone)
        return verdict, decided(verdict, self.access, near)


def _kind(asking: _Asking, seen: Looked, who: Attributes, owner: bool, owners: frozenset[str], names: bool) -> Kind:
    here, why = asking.may(who, seen.audience.scene, owner)
    alone, why_alone = asking.may(who, "direct", owner)
    mine = _named(seen, who, owner, owners)
    owning = sum(seen.audience.persons.get(id_) == who for id_ in owners)
    people = owning if owner else max(seen.audience.listed.get(who, 0) - owning, 0)
    return Kind(who, owner, people, here.allowed, alone.allowed, why, why_alone, tuple(mine) if names else ())


def _named(seen: Looked, who: Attributes, owner: bool, owners: frozenset[str]) -> list[str]:
    found = [
        person.name if person is not None else sender.name
        for sender, person in seen.members
        if attributes_in(sender, person) == who and (person is not None and person.id in owners) is owner
    ]
    return sorted(found)[:MOST_NAMES]
