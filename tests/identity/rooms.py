"""Rooms, people and records that the tests of this room share."""

from __future__ import annotations

import os
from collections.abc import Iterable

from channels.model import ImId, Roster, Sender
from crm.model import FieldValue, Item, Record, RecordRef
from gateway.errors import Refused
from identity.access import AccessPolicy
from identity.disclosure import Classes
from identity.model import Attributes, Link, Person

SOAK = os.environ.get("FLOATCARD_SOAK") == "1"
NOW = 1_795_000_000_000  # 2026-11-18T11:06:40Z, a Wednesday
MINUTE = 60_000

CLASSES = Classes(
    fields={"industry": "internal", "stage": "internal", "receivables": "confidential", "margin": "restricted"},
    lists={"note": "confidential", "open_item": "internal", "risk": "internal", "contact": "confidential"},
)

REP = Attributes(("rep",), "east", "sh", external=False, mapped=True)
OTHER_REP = Attributes(("rep",), "west", "cd", external=False, mapped=True)
MANAGER = Attributes(("manager",), "east", "sh", external=False, mapped=True)
ADMIN = Attributes(("admin",), external=False, mapped=True)
EMPLOYEE = Attributes(("employee",), external=False, mapped=True)
MARKETING = Attributes(("employee", "marketing"), external=False, mapped=True)
CONTACT = Attributes((), external=True, mapped=True)

OURS = AccessPolicy.load(None)


def sender(id_: str, kind: str = "member", name: str = "") -> Sender:
    return Sender(ImId("web", "acme", "user", id_), name or id_, kind)  # type: ignore[arg-type]


def person(id_: str, *roles: str, team: str = "east", active: bool = True, external: bool = False) -> Person:
    return Person(id_, id_.title(), frozenset(roles), team, "sh", external, active)


def people(*pairs: tuple[Sender, Person]) -> dict[str, Person]:
    return {who.id.key: one for who, one in pairs}


def roster(members: Iterable[Sender], **more: object) -> Roster:
    return Roster(tuple(members), **{"complete": True, "at": NOW, **more})  # type: ignore[arg-type]


def record(**more: object) -> Record:
    base = {
        "ref": RecordRef("local", "account", "7"),
        "title": "华星医疗",
        "url": "https://crm.example/7",
        "version": 9,
        "fields": {
            "industry": FieldValue("medical", "[CRM]", NOW),
            "stage": FieldValue("negotiation", "[CRM]", NOW),
            "receivables": FieldValue("120000", "[ERP]", NOW),
            "margin": FieldValue("0.31", "[ERP]", NOW),
            "surprise": FieldValue("a field nobody classed"),
        },
        "related": {
            "note": (Item("n1", "note", "wants a comparison"),),
            "risk": (
                Item("r1", "risk", "budget cut", level="high", sensitivity="restricted"),
                Item("r2", "risk", "slow"),
            ),
            "contact": (Item("c1", "contact", "Zhang Wei", detail={"phone": "+86 139 0000 0000"}),),
        },
        "names": ("华星", "HX"),
        "owners": ("crm-1",),
        "team": "east",
        "region": "sh",
        "modified": NOW,
        "modified_by": "crm-1",
    }
    return Record(**{**base, **more})  # type: ignore[arg-type]


class FakePeople:
    """The store's side of the steps, in memory, with its rule that an account has one person."""

    def __init__(self, *persons: Person) -> None:
        self.persons = {one.id: one for one in persons}
        self.links: dict[tuple[str, str], Link] = {}

    async def by_link(self, kind: str, key: str) -> Person | None:
        link = self.links.get((kind, key))
        found = self.persons.get(link.person) if link else None
        return found if found and found.active else None

    async def by_email(self, email: str) -> Person | None:
        found = [one for one in self.persons.values() if email in one.emails]
        return found[0] if len(found) == 1 else None

    async def link(self, person: str, kind: str, key: str, *, step: str, evidence: str, made_by: str) -> Link:
        kept = self.links.get((kind, key))
        if kept is not None and kept.person != person:
            raise Refused("This account is linked to somebody else.")
        made = Link(f"l{len(self.links)}", person, kind, key, step, evidence, made_by, NOW, NOW)  # type: ignore[arg-type]
        return self.links.setdefault((kind, key), made)
