"""What the engine promises of any history (docs/reconcile/promises.md)."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from random import Random

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reconcile.canonical import equal
from reconcile.history import history, members
from reconcile.interchange import case_row
from reconcile.model import Edit, EditKind, MergePolicy, Resolution
from reconcile.resolve import binds, resolve, value_of
from tests.reconcile.make_vectors import FILE
from tests.reconcile.small import disagreement
from tests.reconcile.strategies import clockless, edit, histories, policies, review

SOAK = os.environ.get("FLOATCARD_SOAK") == "1"
many = settings(max_examples=1500 if SOAK else 120, deadline=None, derandomize=True)


def before(edits: list[Edit]) -> dict[str, set[str]]:
    past = history(edits)
    return {one.id: {past.edits[i].id for i in members(past.before[at])} for at, one in enumerate(past.edits)}


@many
@given(histories(), policies)
def test_the_second_resolver_agrees(edits: list[Edit], policy: MergePolicy) -> None:
    assert (fault := disagreement(case_row("drawn", policy, edits))) is None, fault


@many
@given(histories(), policies, st.randoms(use_true_random=False))
def test_p1_order_and_duplication_change_nothing(edits: list[Edit], policy: MergePolicy, dice: Random) -> None:
    again = [*edits, *dice.sample(edits, dice.randint(0, len(edits)))]
    dice.shuffle(again)
    assert repr(resolve(again, policy)) == repr(resolve(edits, policy))


@many
@given(histories(), policies, st.sampled_from(["set", "clear", "resolve", "revert", "snapshot"]))
def test_p3_an_edit_that_saw_all_others_wins(edits: list[Edit], policy: MergePolicy, kind: EditKind) -> None:
    system = policy.authority[0] if policy.authority else "wecom"
    last = replace(edit("last", "new", *(one.id for one in edits), system=system), kind=kind)
    assume(binds(last, policy))
    found = resolve([*edits, last], policy)
    assert (found.reason, found.winner, found.conflict, found.losers) == ("causal", "last", False, ())
    assert found.value == value_of(last) and found.open_proposals == ()


@many
@given(histories(), policies)
def test_p4_no_binding_edit_is_lost_silently(edits: list[Edit], policy: MergePolicy) -> None:
    found, past = resolve(edits, policy), before(edits)
    covered = set().union(*(past[head] for head in found.heads))
    for one in edits:
        if not binds(one, policy) or one.id in past[one.id]:
            continue
        named = one.id == found.winner or one.id in covered or one.id in found.losers
        assert named or (one.id in found.heads and equal(policy.normaliser, value_of(one), found.value)), one.id
    assert set(found.why) == set(found.losers) and all(found.why.values())


@many
@given(histories(), clockless, st.randoms(use_true_random=False))
def test_p5_no_clock_decides_unless_the_policy_says_so(edits: list[Edit], policy: MergePolicy, dice: Random) -> None:
    moved = [replace(one, effective_time=dice.randint(-(10**12), 10**12)) for one in edits]
    assert repr(resolve(moved, policy)) == repr(resolve(edits, policy))


@many
@given(histories(), policies)
def test_p5_what_a_clock_decided_is_labelled(edits: list[Edit], policy: MergePolicy) -> None:
    turned = [replace(one, effective_time=-one.effective_time) for one in edits]
    one, other = resolve(edits, policy), resolve(turned, policy)
    if one.reason != "last_writer" and one.base is None and other.base is None:
        assert one.value == other.value and one.winner == other.winner


@many
@given(histories(), policies)
def test_p6_no_unlisted_source_takes_effect_without_a_person(edits: list[Edit], policy: MergePolicy) -> None:
    ruled = replace(policy, mode="authoritative", authority=policy.authority[:1])
    found = resolve(edits, ruled)
    by_id = {one.id: one for one in edits}
    if found.winner is not None:
        winner = by_id[found.winner]
        assert winner.source.system in ruled.authority or winner.kind in ("resolve", "revert")


@many
@given(histories(), policies)
def test_p7_under_review_the_value_is_that_of_the_base(edits: list[Edit], policy: MergePolicy) -> None:
    found, past = resolve(edits, policy), before(edits)
    assume(found.conflict)
    shared = set.intersection(*(past[head] for head in found.heads))
    base = resolve([one for one in edits if one.id in shared], policy)
    assert (found.winner, found.value, found.base) == (base.winner, base.value, base.winner)
    assert found.reason == "review" and found.losers == found.heads


@many
@given(histories(), policies, st.booleans())
def test_p8_settling_in_sight_of_all_closes(edits: list[Edit], policy: MergePolicy, accepts: bool) -> None:
    ruled = replace(policy, propose_only=())
    found = resolve(edits, ruled)
    seen = found.heads + (found.open_proposals if accepts else ())
    after = resolve([*edits, edit("settled", "s", *seen, kind="resolve")], ruled)
    assert (after.reason, after.winner, after.conflict) == ("causal", "settled", False)
    if accepts:
        assert after.open_proposals == ()


@many
@given(histories(), review)
def test_p8_settling_without_sight_of_a_head_leaves_it_open(edits: list[Edit], policy: MergePolicy) -> None:
    ruled = replace(policy, propose_only=())
    found = resolve(edits, ruled)
    assume(found.conflict)
    missed = found.heads[0]
    edits = [replace(one, value="missed", kind="set") if one.id == missed else one for one in edits]
    after = resolve([*edits, edit("settled", "s", *found.heads[1:], kind="resolve")], ruled)
    assert missed in after.heads and "settled" in after.heads
    assert after.conflict and after.reason == "review"


@many
@given(histories(), policies)
def test_p9_undo_restores_the_value_and_can_be_undone(edits: list[Edit], policy: MergePolicy) -> None:
    ruled = replace(policy, propose_only=())
    first = resolve(edits, ruled)
    changed = [*edits, edit("c", "other", *first.heads, kind="resolve")]
    undone = [*changed, edit("u", first.value, *resolve(changed, ruled).heads, kind="revert")]
    assert repr(resolve(undone, ruled).value) == repr(first.value)
    redone = [*undone, edit("v", "other", *resolve(undone, ruled).heads, kind="revert")]
    assert resolve(redone, ruled).value == "other"


def test_p10_replay_is_byte_identical_in_any_process() -> None:
    script = "import sys; from reconcile.interchange import run; [print(line) for line in run(sys.stdin)]"
    cases = FILE.read_bytes()
    said = {
        subprocess.run(
            [sys.executable, "-c", script],
            input=cases,
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1 and len(said.pop().splitlines()) == len(cases.splitlines())


@many
@given(histories(), policies)
def test_what_is_asked_of_a_resolution_is_there(edits: list[Edit], policy: MergePolicy) -> None:
    found: Resolution = resolve(edits, policy)
    assert found.heads == tuple(sorted(found.heads)) and found.losers == tuple(sorted(found.losers))
    assert found.conflict == (found.reason == "review")
    assert not set(found.open_proposals) & set(found.heads)
    assert (found.winner is None) <= (found.reason in ("empty", "review", "merged"))
