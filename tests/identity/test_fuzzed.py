"""Policy sets nobody would write, people and records nobody has: no exception, no doubt that allows, no shortcut that
answers otherwise than asking one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import Misconfigured
from identity import policy_files
from identity.access import AccessPolicy, ask
from identity.disclosure import disclose
from identity.lockout import locks_out
from identity.model import BOTTOM, Action, Attributes, Audience, Scene, Sensitivity
from identity.policy_diff import diff
from tests.identity.rooms import CLASSES, NOW, SOAK, record

ROUNDS = 1_500 if SOAK else 70
OURS, _ = policy_files.read(None)
QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
fuzzed = settings(max_examples=ROUNDS, deadline=None, derandomize=True, suppress_health_check=QUIET)

ROLES = ("rep", "manager", "admin", "employee", "marketing", "auditor", "stranger")
texts = st.sampled_from(("", "east", "west", "sh", '"', "\\", "\ud800", "\0", "</x>", "x" * 3_000, "东区"))
people = st.builds(
    lambda roles, team, region, external, mapped: Attributes(tuple(sorted(roles)), team, region, external, mapped),
    st.sets(st.sampled_from((*ROLES, "\ud800", "\u202e")), max_size=3), texts, texts, st.booleans(), st.booleans(),
)  # fmt: skip
actions, scenes, classes = (st.sampled_from(get_args(each)) for each in (Action, Scene, Sensitivity))
moments = st.one_of(st.integers(-(2**63), 2**63), st.integers(NOW - 10**10, NOW + 10**10))
zones = st.sampled_from(
    ("", "Asia/Shanghai", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Mars/Base", "\0")
)

leaves = st.sampled_from([
    "principal.external", "principal.mapped", 'principal.team == "east"', "context.owner", "context.same_team",
    "context.same_region", 'resource.region == "sh"', "principal.team == resource.team", 'resource.team like "e*"',
    *(f'principal.roles.contains("{one}")' for one in ROLES), 'principal.roles.containsAny(["rep", "manager"])',
    "principal.roles.containsAll([])", "principal.roles.isEmpty()",
    *(f'resource.sensitivity == Sensitivity::"{one}"' for one in get_args(Sensitivity)),
    *(f'context.scene == Scene::"{one}"' for one in get_args(Scene)),
    "context.minute < 700", "context.minute >= 22 * 60", "context.weekday == 3", "[6, 7].contains(context.weekday)",
    'context.now < datetime("2026-11-18T12:00:00Z")', "1 + 9223372036854775807 > 0", "true", "false",
    "principal has team", "context has minute", "resource has nothing",
])  # fmt: skip
conditions = st.recursive(
    leaves,
    lambda part: st.one_of(
        st.builds(lambda a, b, op: f"({a} {op} {b})", part, part, st.sampled_from(("&&", "||"))),
        st.builds(lambda a: f"!({a})", part),
        st.builds(lambda a, b, c: f"(if {a} then {b} else {c})", part, part, part),
    ),
    max_leaves=6,
)
heads = st.sampled_from(
    ("action", 'action == Action::"view"', 'action in [Action::"edit", Action::"act"]', 'action in [Action::"view"]')
)
statements = st.builds(
    lambda effect, head, kind, condition: f"{effect} (principal, {head}, resource) {kind} {{ {condition} }};",
    st.sampled_from(("permit", "permit", "permit", "forbid")), heads, st.sampled_from(("when", "unless")), conditions,
)  # fmt: skip
sets = st.lists(statements, max_size=6).map("\n".join)


def loaded(text: str) -> AccessPolicy | None:
    """None of what is refused, which is always said as a fault with its file."""
    try:
        return AccessPolicy.of({"a.cedar": text})
    except Misconfigured as wrong:
        assert wrong.faults and all(file == "a.cedar" and reason for file, _, reason in wrong.faults)
        return None


@fuzzed
@given(sets, people, actions, classes, scenes, st.booleans(), texts, texts, moments, zones)
def test_whatever_is_asked_an_answer_comes_and_any_doubt_is_a_no(
    text: str,
    who: Attributes,
    action: Any,
    one: Any,
    scene: Any,
    owner: bool,
    team: str,
    region: str,
    at: int,
    zone: str,
) -> None:
    access = loaded(text)
    if access is None:
        return
    for _ in range(2):  # judged, then remembered
        verdict = access.permit(who, action, one, scene, owner=owner, team=team, region=region, at=at, zone=zone)
        assert not (verdict.allowed and verdict.errors)
        assert not verdict.allowed or all(access.policies[id_].effect == "permit" for id_ in verdict.policies)
        assert not verdict.allowed or verdict.policies, "allowed by a policy, or not at all"
        assert not (
            verdict.allowed and one == "restricted" and action == "view" and scene in ("group", "external_group")
        )
    assert len(list(access.boundaries(at, zone))) < 10_000


@fuzzed
@given(sets, st.lists(st.tuples(people, st.booleans()), max_size=12), scenes, texts, texts, st.booleans())
def test_counting_equal_readers_once_is_asking_each_of_them(
    text: str, members: list[tuple[Attributes, bool]], scene: Any, team: str, region: str, complete: bool
) -> None:
    access = loaded(text)
    if access is None:
        return
    counts: dict[Attributes, int] = {}
    for who, _ in members:
        counts[who] = counts.get(who, 0) + 1
    persons = {f"p{number}": who for number, (who, _) in enumerate(members)}
    owners = frozenset(f"p{number}" for number, (_, owns) in enumerate(members) if owns)
    one = replace(record(), team=team, region=region)
    room = Audience(scene, counts, persons, complete, NOW)
    shown = disclose(one, room, NOW, access, CLASSES, owners=owners, zone="Asia/Shanghai")
    asked = [*((who, owns) for who, owns in members), *([] if complete else [(BOTTOM, False)])]
    for name in CLASSES.named():
        alone = [
            AccessPolicy(access.ruling).permit(  # a memory of its own: nobody's answer serves for another
                who, "view", CLASSES.of(name), scene, owner=owns, team=team, region=region, at=NOW, zone="Asia/Shanghai"
            ).allowed
            for who, owns in asked
        ]  # fmt: skip
        everybody = bool(asked) and all(alone)
        assert (name not in shown.withheld) <= everybody, (name, text)
        if shown.name and everybody:
            assert name not in shown.withheld


JUNK = st.text(alphabet=st.sampled_from('(){}[]".,;@:=&|!<>+-*/\\ \n\t\0abc01') | st.characters(), max_size=60)


@st.composite
def mutated(draw: Any) -> dict[str, str]:
    """Our own files, cut, doubled and with junk put in."""
    files = dict(OURS)
    for _ in range(draw(st.integers(1, 4))):
        name = draw(st.sampled_from(sorted(files)))
        text = files[name]
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        files[name] = text[:start] + draw(st.one_of(JUNK, st.just(text[start:end] * 2), st.just(""))) + text[end:]
    return files


@fuzzed
@given(mutated(), people, actions, classes, scenes)
def test_broken_files_are_faults_or_policies_and_nothing_else(
    files: dict[str, str], who: Attributes, action: Any, one: Any, scene: Any
) -> None:
    assert all(each.file in files for each in diff(OURS, files))
    try:
        policies = policy_files.build(files)
    except Misconfigured as wrong:
        assert all(reason for _, _, reason in wrong.faults)
        return
    locks_out(policies, (), NOW, "Europe/Berlin")
    for policy in policies.policies.values():
        lines = files[policy.file].split("\n")
        assert policy.text.split("\n")[0].strip() in lines[policy.line - 1] or policy.text.startswith("@")
    verdict = AccessPolicy(policies).permit(
        who, action, one, scene, owner=False, team="east", region="sh", at=NOW, zone="Asia/Shanghai"
    )
    assert not (verdict.allowed and verdict.errors)


entities = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=8) | st.just("\ud800"),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=8), part, max_size=3),
    max_leaves=8,
)


@fuzzed
@given(entities, entities, st.sampled_from(("principal", "action", "resource", "context")))
def test_entities_and_questions_of_any_shape_are_a_no_and_not_an_exception(some: Any, other: Any, part: str) -> None:
    policies = policy_files.build({"a.cedar": "permit (principal, action, resource);"})
    uid = {"type": "Member", "id": "member"}
    asked = {"principal": uid, "action": {"type": "Action", "id": "view"}, "resource": uid, "context": {}, part: some}
    verdict = ask(policies, asked, [{"uid": uid, "attrs": other, "parents": []}])
    assert not verdict.allowed
