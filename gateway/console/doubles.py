"""Persons of one e-mail address, by which nobody is found: for an admin, who merges them or takes the address away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from gateway.console.page import Double, Doubles
from gateway.services import Services
from gateway.store import sql
from identity.model import Person
from identity.steps import canonical

SHOWN: Final = 20
RECENT: Final = 30 * 86_400_000


async def doubles(s: Services) -> Doubles:
    found = shared(s.people.persons(), s.config.audience.domain_aliases)
    turned = [
        (person.id, person.name, at) for id_, at in await _turned(s) if (person := s.people.person(id_)) is not None
    ]
    return Doubles(found[:SHOWN], max(0, len(found) - SHOWN), turned)


def shared(persons: Iterable[Person], aliases: Mapping[str, str]) -> list[Double]:
    """Of active persons alone: whoever left is in nobody's way."""
    having: dict[str, list[tuple[str, str]]] = {}
    for each in persons:
        for address in {canonical(one, aliases) for one in each.emails} if each.active else ():
            having.setdefault(address, []).append((each.id, each.name))
    return [Double(email, many) for email, many in sorted(having.items()) if email and len(many) > 1]


async def _turned(s: Services) -> list[tuple[str, int]]:
    fits = "by = ? AND at > ? AND what = ?"
    query = f"SELECT subject, max(at) FROM audit WHERE {fits} GROUP BY subject ORDER BY 2 DESC LIMIT ?"  # noqa: S608
    asked = ("oidc", s.clock.now() - RECENT, "ambiguous", SHOWN)
    rows = await s.store.read(lambda connection: sql.ask(connection, query, asked))
    return [(row[0], row[1]) for row in rows]
