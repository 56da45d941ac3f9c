"""Two readers who differ in nothing that is asked about are judged as one; whoever a policy tells apart is not."""

from __future__ import annotations

import random
from typing import get_args

import pytest

from identity.access import AccessPolicy, Verdict
from identity.model import Attributes, Scene
from identity.narrow import Narrow
from tests.identity.rooms import NOW, OURS, SOAK

ROLES, TEAMS, REGIONS = ("rep", "manager", "marketing", "x"), ("east", "west", "north", ""), ("sh", "cd", "")
CLAUSES = (
    "principal.external", "principal.mapped", "context.owner", "context.same_team", "context.same_region",
    'principal.team == "east"', '"west" == principal.team', 'principal.team != "north"', 'principal.team like "e*"',
    '["east", "north"].contains(principal.team)', "principal.team == resource.team",
    "principal.region != principal.team",
    'principal.region == "sh"', 'resource.team == "west"', 'resource.region like "*h"', '[resource.region] == ["sh"]',
    'principal.roles.contains("rep")', 'principal.roles.containsAny(["rep", "x"])', "principal.roles.isEmpty()",
    'principal.roles.containsAll(["manager"])', 'principal.roles == ["rep"]', '["rep"].containsAll(principal.roles)',
    "principal.roles.contains(principal.team)", "principal has team",
    '(if context.owner then "east" else "x") == principal.team',
    'principal.team == ""', '{"a": principal.team}.a == "west"', "principal is Member", 'resource.team == ""',
)  # fmt: skip


def whole(access: AccessPolicy, monkeypatch: pytest.MonkeyPatch) -> AccessPolicy:
    """The same policies, asked about everything there is."""
    made = AccessPolicy(access.ruling)
    everything = Narrow(
        None,
        dict.fromkeys(("principal.team", "principal.region", "resource.team", "resource.region"), None),
        frozenset(("owner", "same_team", "same_region")),
    )
    monkeypatch.setattr(made, "_narrow", everything)
    return made


def policy(chance: random.Random) -> AccessPolicy:
    text = ['@id("base") permit (principal, action, resource);'] * chance.randrange(2)
    for number in range(chance.randrange(1, 4)):
        effect = chance.choice(("permit", "permit", "forbid"))
        joined = f" {chance.choice(('&&', '||'))} ".join(f"({one})" for one in chance.sample(CLAUSES, 2))
        text.append(f'@id("p{number}") {effect} (principal, action, resource) when {{ {joined} }};')
    return AccessPolicy.of({"some.cedar": "\n".join(text)})


def asked(chance: random.Random, access: AccessPolicy) -> tuple[Attributes, dict[str, object]]:
    roles = tuple(sorted(chance.sample(ROLES, chance.randrange(3))))
    who = Attributes(roles, chance.choice(TEAMS), chance.choice(REGIONS), chance.random() < 0.3, chance.random() < 0.8)
    return who, {"owner": chance.random() < 0.5, "team": chance.choice(TEAMS), "region": chance.choice(REGIONS)}


@pytest.mark.parametrize("seed", range(300 if SOAK else 60))
def test_narrowing_never_changes_a_verdict(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(f"narrow {seed}")
    narrowed = OURS if not seed else policy(chance)
    every = whole(narrowed, monkeypatch)
    for _ in range(40):
        who, of = asked(chance, narrowed)
        scene = chance.choice(get_args(Scene))

        def verdict(access: AccessPolicy, who: Attributes = who, of: dict[str, object] = of) -> Verdict:
            found = access.permit(who, "view", "internal", scene, at=NOW, zone="", **of)  # type: ignore[arg-type]  # noqa: B023
            return Verdict(found.allowed, tuple(sorted(found.policies)), ("failed",) if found.errors else ())

        assert verdict(narrowed) == verdict(every), (who, of, scene)


def test_what_no_policy_asks_about_tells_nobody_apart() -> None:
    one, other = (
        Attributes(("rep", role), team, "sh", external=False, mapped=True) for role, team in (("a", "t1"), ("b", "t2"))
    )
    assert OURS.asked(one, owner=False, team="x", region="y") == OURS.asked(other, owner=False, team="z", region="")
    assert OURS.asked(one, owner=False, team="t1", region="y") != OURS.asked(other, owner=False, team="t1", region="y")
    manager = Attributes(("manager",), "t1", "sh", external=False, mapped=True)
    assert OURS.asked(one, owner=False, team="", region="") != OURS.asked(manager, owner=False, team="", region="")


def test_new_policies_ask_anew() -> None:
    access = AccessPolicy.of({"a.cedar": "permit (principal, action, resource);"})
    one, other = (Attributes((), team, "", external=False, mapped=True) for team in ("t1", "t2"))
    assert access.asked(one, owner=False, team="", region="") == access.asked(other, owner=False, team="", region="")
    access.use(
        AccessPolicy.of({"a.cedar": 'permit (principal, action, resource) when { principal.team == "t1" };'}).ruling
    )
    assert access.asked(one, owner=False, team="", region="") != access.asked(other, owner=False, team="", region="")
