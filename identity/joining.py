"""Two persons who are one, one who is two. Pure: what becomes of their attributes, and how that is taken back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields, replace

from identity.model import Person


def merged(kept: Person, gone: Person) -> Person:
    """The one who stays, with what the other had: every role and address; what only one of them says, that.

    Whoever is from outside in one of them is from outside.
    """
    return replace(
        kept,
        roles=kept.roles | gone.roles,
        team=kept.team or gone.team,
        region=kept.region or gone.region,
        external=kept.external or gone.external,
        locale=kept.locale or gone.locale,
        zone=kept.zone or gone.zone,
        emails=tuple(dict.fromkeys((*kept.emails, *gone.emails))),
    )


def parted(person: Person, id_: str, name: str, emails: Collection[str]) -> tuple[Person, Person]:
    """(who stays, who is new). The new one has no role until somebody gives one: rights are not copied."""
    moved = tuple(each for each in person.emails if each in emails)
    left = tuple(each for each in person.emails if each not in emails)
    new = Person(id_, name, external=person.external, locale=person.locale, zone=person.zone, emails=moved)
    return replace(person, emails=left), new


def taken_back(now: Person, before: Person, after: Person) -> Person:
    """`now` as it would be without the change from `before` to `after`; what was changed since stays changed."""
    changes = {
        each.name: getattr(before, each.name)
        for each in fields(Person)
        if getattr(before, each.name) != getattr(after, each.name)
        and getattr(now, each.name) == getattr(after, each.name)
    }
    return replace(now, **changes)


__all__ = ["merged", "parted", "taken_back"]
