"""Policies that show nothing to anybody, not even to an admin, are refused before they come in force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from identity.access import shut_out
from identity.explain import roles_named
from identity.model import Attributes
from identity.policy_files import Policies

NOBODY_SEES: Final = (
    "under these policies no admin ever sees anything in the console: permit at least what is public, "
    'for example with: permit (principal, action == Action::"view", resource) '
    'when { principal.roles.contains("admin") && context.scene == Scene::"console" };'
)
_MOST: Final = 12


def locks_out(policies: Policies, admins: Iterable[Attributes], at: int, zone: str) -> bool:
    """Whether none of these admins sees anything, at any moment of the coming week; without any: no admin there
    could be, by the roles, teams and regions that the policies speak of."""
    known = tuple(admins) or tuple(_thinkable(policies))
    return shut_out(policies, known, at, zone)


def _thinkable(policies: Policies) -> Iterator[Attributes]:
    roles = [("admin",), *(("admin", role) for role in roles_named(policies.policies.values())[:_MOST])]
    places = ["", *sorted(_texts(one.est.get("conditions", ()) for one in policies.policies.values()))[:_MOST]]
    for named in roles:
        for place in places:
            yield Attributes(tuple(sorted(set(named))), place, place, external=False, mapped=True)


def _texts(nodes: Iterable[Any]) -> set[str]:
    """What a policy may compare a team or region with."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, dict):
            if isinstance(text := node.get("Value"), str):
                found.add(text)
            found |= _texts(node.values())
        elif isinstance(node, list | tuple):
            found |= _texts(node)
    return found
