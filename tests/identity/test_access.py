"""Any doubt is a deny: failing policies, missing attributes, unknown words, unknown zones."""

from __future__ import annotations

import copy
import itertools
import json
from typing import Any, get_args

import cedarpy
import pytest

from identity import access as access_module
from identity import policy_files
from identity.access import NEVER_IN_A_GROUP, AccessPolicy, Verdict, ask
from identity.model import BOTTOM, Action, Attributes, Scene, Sensitivity
from tests.identity.rooms import NOW, OURS, REP

ANYBODY = '@id("all") permit (principal, action, resource);'
SCENES: tuple[Scene, ...] = get_args(Scene)
CLASSES: tuple[Sensitivity, ...] = get_args(Sensitivity)
ACTIONS: tuple[Action, ...] = get_args(Action)


def permit(policy: AccessPolicy, who: Attributes = REP, **more: Any) -> Verdict:
    asked: dict[str, Any] = {
        "action": "view", "sensitivity": "internal", "scene": "direct",
        "owner": False, "team": "east", "region": "sh", "at": NOW, "zone": "",
    } | more  # fmt: skip
    return policy.permit(who, **asked)


def test_a_permit_is_named() -> None:
    assert permit(AccessPolicy.of({"a.cedar": ANYBODY})) == Verdict(True, ("all",))


def test_a_forbid_wins_and_is_named() -> None:
    policy = AccessPolicy.of({"a.cedar": ANYBODY, "b.cedar": '@id("no") forbid (principal, action, resource);'})
    assert permit(policy) == Verdict(False, ("no",))


def test_no_policy_at_all_denies() -> None:
    assert permit(AccessPolicy.of({})) == Verdict(False)


@pytest.mark.parametrize("effect", ["permit", "forbid"])
def test_a_policy_that_fails_denies_even_where_another_permits(effect: str) -> None:
    failing = f'@id("broken") {effect} (principal, action, resource) when {{ -9223372036854775807 - 2 < 0 }};'
    verdict = permit(AccessPolicy.of({"a.cedar": ANYBODY, "b.cedar": failing}))
    assert not verdict.allowed
    assert any("broken" in error for error in verdict.errors)


def test_without_our_reading_of_diagnostics_cedar_would_have_allowed() -> None:
    failing = '@id("broken") forbid (principal, action, resource) when { -9223372036854775807 - 2 < 0 };'
    policies = policy_files.build({"a.cedar": ANYBODY, "b.cedar": failing})
    asked, entities = request()
    answer = cedarpy.is_authorized(asked, policies.handle, json.dumps(entities), policies.schema)
    assert answer.allowed  # Cedar skips the failing forbid
    assert not ask(policies, asked, entities).allowed


def request() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What `permit` asks Cedar, caught on its way."""
    caught: list[Any] = []

    def spy(policies: object, asked: object, entities: object) -> Verdict:
        caught.extend((asked, entities))
        return Verdict(False)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(access_module, "ask", spy)
        permit(AccessPolicy.of({"a.cedar": ANYBODY}))
    return caught[0], caught[1]


@pytest.mark.parametrize("missing", ["scene", "owner", "same_team", "same_region", "minute", "weekday", "now"])
def test_a_missing_circumstance_denies(missing: str) -> None:
    policies = policy_files.build({"a.cedar": ANYBODY})
    asked, entities = request()
    assert ask(policies, asked, entities).allowed
    del asked["context"][missing]
    verdict = ask(policies, asked, entities)
    assert not verdict.allowed
    assert verdict.errors


@pytest.mark.parametrize(
    ("entity", "missing"),
    [(0, name) for name in ("roles", "team", "region", "external", "mapped")]
    + [(1, name) for name in ("sensitivity", "team", "region")],
)
def test_a_missing_attribute_denies_also_when_no_policy_asks_for_it(entity: int, missing: str) -> None:
    policies = policy_files.build({"a.cedar": ANYBODY})
    asked, entities = copy.deepcopy(request())
    del entities[entity]["attrs"][missing]
    verdict = ask(policies, asked, entities)
    assert not verdict.allowed
    assert verdict.errors


@pytest.mark.parametrize("entity", [0, 1])
def test_a_missing_member_or_field_denies(entity: int) -> None:
    policies = policy_files.build({"a.cedar": '@id("x") permit (principal, action, resource) when {principal.mapped};'})
    asked, entities = request()
    del entities[entity]
    allowed = ask(policies, asked, entities).allowed
    assert allowed is (entity == 1)  # the field is not asked about by this policy; the member is


@pytest.mark.parametrize("more", [{"scene": "street"}, {"sensitivity": "secret"}, {"action": "delete"}])
def test_words_the_schema_does_not_know_deny(more: dict[str, Any]) -> None:
    verdict = permit(AccessPolicy.of({"a.cedar": ANYBODY}), **more)
    assert not verdict.allowed
    assert verdict.errors


@pytest.mark.parametrize("hostile", ["\ud800", "\0", '"', "\\", "‮", "</x>", "x" * 10_000])
def test_a_hostile_team_never_breaks_and_never_widens(hostile: str) -> None:
    who = Attributes((hostile,), hostile, hostile, external=False, mapped=True)
    for scene, sensitivity, action in itertools.product(SCENES, CLASSES, ACTIONS):
        verdict = permit(OURS, who, scene=scene, sensitivity=sensitivity, action=action, team=hostile, region=hostile)
        plain = permit(OURS, Attributes(("x",), "t", "r", False, True), scene=scene, sensitivity=sensitivity,
                       action=action, team="t", region="r")  # fmt: skip
        assert not verdict.allowed or plain.allowed


def test_an_error_does_not_quote_a_persons_attributes() -> None:
    verdict = permit(OURS, Attributes(("rep",), "secret-team\ud800", "", external=False, mapped=True))
    assert verdict.errors
    assert "secret-team" not in "".join(verdict.errors)


@pytest.mark.parametrize("scene", ["group", "external_group"])
def test_no_policy_can_show_what_is_restricted_in_a_group(scene: str) -> None:
    policy = AccessPolicy.of({"a.cedar": ANYBODY})
    assert permit(policy, sensitivity="restricted", scene=scene) == Verdict(False, (NEVER_IN_A_GROUP,))
    assert permit(policy, sensitivity="restricted", scene="direct").allowed


@pytest.mark.parametrize("together", ["context.same_team", "context.same_region"])
@pytest.mark.parametrize(
    ("who", "team", "same"),
    [("east", "east", True), ("east", "west", False), ("", "", False), ("east", "", False), ("", "east", False)],
)
def test_two_without_a_team_are_not_of_the_same_team(who: str, team: str, same: bool, together: str) -> None:
    policy = AccessPolicy.of({"a.cedar": f'@id("t") permit (principal, action, resource) when {{ {together} }};'})
    member = Attributes(("rep",), who, who, external=False, mapped=True)
    assert permit(policy, member, team=team, region=team).allowed is same


def test_verdicts_are_remembered_by_everything_that_matters() -> None:
    policy = AccessPolicy.of(
        {
            "a.cedar": '@id("t") permit (principal, action == Action::"view", resource) when { context.owner && '
            'resource.team == "east" && resource.region == "sh" && principal.roles.contains("rep") && '
            'context.scene == Scene::"direct" && resource.sensitivity == Sensitivity::"internal" && '
            "context.minute < 720 };"
        }
    )
    yes: dict[str, Any] = {"owner": True}
    assert permit(policy, **yes).allowed
    for other in (
        {"owner": False}, {"team": "west"}, {"region": "bj"}, {"scene": "console"}, {"sensitivity": "public"},
        {"action": "edit"}, {"at": NOW + 3_600_000}, {"zone": "Asia/Shanghai"},
    ):  # fmt: skip
        assert not permit(policy, **(yes | other)).allowed, other
    assert not permit(policy, BOTTOM, **yes).allowed
    assert permit(policy, **yes).allowed


def test_cedar_is_asked_once_for_one_question(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def counted(*question: object) -> Verdict:
        asked.append(question)
        return Verdict(True)

    monkeypatch.setattr(access_module, "ask", counted)
    policy = AccessPolicy.of({"a.cedar": ANYBODY})
    for at in range(NOW, NOW + 100):
        permit(policy, at=at)
    assert len(asked) == 1


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_module, "ask", lambda *_: Verdict(True))
    monkeypatch.setattr(access_module, "_KEPT", 10)
    policy = AccessPolicy.of({"a.cedar": ANYBODY})
    for number in range(100):
        permit(policy, team=str(number))
    assert len(policy._kept) <= 10


def test_an_unknown_zone_denies_only_where_time_is_asked_for() -> None:
    assert permit(AccessPolicy.of({"a.cedar": ANYBODY}), zone="Mars/Olympus").allowed
    timed = '@id("t") permit (principal, action, resource) when { context.minute >= 0 };'
    policy = AccessPolicy.of({"a.cedar": timed})
    assert permit(policy, zone="Asia/Shanghai").allowed
    for zone in ("Mars/Olympus", "../etc/passwd", "\ud800", "America", "\0"):
        assert not permit(policy, zone=zone).allowed
