"""Policies under which nobody sees anything are found out before they are in force."""

from __future__ import annotations

import pytest

from identity.access import AccessPolicy
from identity.lockout import locks_out
from identity.model import Attributes
from tests.identity.rooms import ADMIN, NOW, OURS

EAST = Attributes(("admin",), "east", "", external=False, mapped=True)


def locked(text: str, *admins: Attributes) -> bool:
    return locks_out(AccessPolicy.of({"a.cedar": text}).ruling, admins, NOW, "Europe/Berlin")


ALL = "permit (principal, action, resource);\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("forbid (principal, action, resource);", True),
        (ALL + "forbid (principal, action, resource);", True),
        ('permit (principal, action == Action::"edit", resource);', True),
        ('permit (principal, action, resource) when { context.scene == Scene::"device" };', True),
        (ALL, False),
        (ALL + "forbid (principal, action, resource) unless { context.minute < 60 };", False),
        (ALL + "forbid (principal, action, resource) unless { context.weekday == 7 };", False),
        (ALL + 'forbid (principal, action, resource) unless { context.now < datetime("2020-01-01") };', True),
        (ALL + "forbid (principal, action, resource) when { context.minute < 1440 };", True),
    ],
)
def test_whether_an_admin_ever_sees_anything(text: str, expected: bool) -> None:
    assert locked(text) is expected
    assert locked(text, ADMIN) is expected


def test_a_policy_for_one_team_locks_out_only_where_no_admin_is_in_it() -> None:
    text = 'permit (principal, action, resource) when { principal.team == "east" };'
    assert not locked(text) and not locked(text, EAST) and not locked(text, ADMIN, EAST)
    assert locked(text, ADMIN)
    wanted = 'permit (principal, action, resource) when { principal.roles.containsAll(["admin", "security"]) };'
    assert not locked(wanted) and locked(wanted, ADMIN)


def test_ours_lock_nobody_out() -> None:
    assert not locks_out(OURS.ruling, (), NOW, "")
