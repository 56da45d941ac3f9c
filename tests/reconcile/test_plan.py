"""What one ingest does, and what the field's standing value is while people disagree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.model import Edit, EditKind, MergePolicy, Standing
from reconcile.plan import Planned, edit_id, payload_hash, plan, snapshot_id
from reconcile.resolve import resolve, standing
from tests.reconcile.strategies import edit, histories, policies

REVIEW = MergePolicy(mode="review")
MASTER = MergePolicy(master="crm")
FIRST = edit("a", "1", system="crm")
LEFT, RIGHT = edit("b", "2", "a"), edit("c", "3", "a")


def feed(id_: str, value: str, at: int, kind: EditKind = "set") -> Edit:
    return replace(edit(id_, value, system="crm", kind=kind), stream="crm", watermark=at)


def stored(edits: Sequence[Edit], policy: MergePolicy, may_bind: bool = True) -> tuple[list[Edit], Planned]:
    """Ingests one by one, as the store does."""
    history: list[Edit] = []
    done = plan((), edits[0], policy, None, may_bind)
    history.append(done.edit)
    for one in edits[1:]:
        done = plan(history, one, policy, done.standing, may_bind)
        if not done.duplicate:
            history.append(done.edit)
    return history, done


def test_the_first_edit_of_a_field() -> None:
    done = plan((), FIRST, REVIEW, None, False)
    assert (done.edit, done.resolution.reason, done.standing) == (FIRST, "causal", Standing("a", "1"))
    assert (done.changed, done.conflict, done.write, done.duplicate) == (True, "none", True, False)


def test_a_conflict_opens_stays_and_closes() -> None:
    opened = plan([FIRST, LEFT], RIGHT, REVIEW, Standing("b", "2"), False)
    assert (opened.conflict, opened.write, opened.standing) == ("opened", False, Standing("b", "2"))
    edits = [FIRST, LEFT, RIGHT]
    more = plan(edits, edit("d", "4", "a"), REVIEW, opened.standing, False)
    assert (more.conflict, more.write, more.standing) == ("open", False, Standing("b", "2"))
    closed = plan([*edits, more.edit], edit("r", "3", "b", "c", "d", kind="resolve"), REVIEW, more.standing, True)
    assert (closed.conflict, closed.write, closed.standing) == ("closed", True, Standing("r", "3"))


def test_a_resolution_that_missed_a_head_leaves_the_conflict_open() -> None:
    edits = [FIRST, LEFT, RIGHT, edit("d", "4", "a")]
    done = plan(edits, edit("r", "2", "b", "c", kind="resolve"), REVIEW, Standing("b", "2"), True)
    assert (done.conflict, done.resolution.heads, done.write) == ("open", ("d", "r"), False)


@pytest.mark.parametrize("kind", ["resolve", "revert"])
def test_who_may_not_settle_proposes(kind: EditKind) -> None:
    done = plan([FIRST, LEFT, RIGHT], edit("r", "9", "b", "c", kind=kind), REVIEW, Standing("b", "2"), False)
    assert not done.edit.binding and done.edit.kind == kind
    assert (done.conflict, done.resolution.open_proposals, done.standing.value) == ("open", ("r",), "2")


def test_other_kinds_bind_without_a_role() -> None:
    assert plan([FIRST], LEFT, REVIEW, None, False).edit.binding


@pytest.mark.parametrize("kind", get_args(EditKind))
def test_a_source_that_only_proposes_binds_nobody(kind: EditKind) -> None:
    ruled = replace(REVIEW, propose_only=("agent",))
    done = plan([FIRST], edit("p", "9", "a", system="agent", kind=kind), ruled, Standing("a", "1"), True)
    assert not done.edit.binding and done.standing == Standing("a", "1")
    assert done.resolution.open_proposals == ("p",) and done.changed


def test_p2_a_redelivery_does_nothing() -> None:
    edits = [FIRST, LEFT, RIGHT]
    for again in edits:
        done = plan(edits, replace(again, ingest_time=99, trace="other"), REVIEW, Standing("b", "2"), True)
        assert (done.duplicate, done.changed, done.write, done.conflict) == (True, False, False, "open")
        assert done.edit in edits and done.standing == Standing("b", "2")


def test_a_read_and_a_feed_event_of_one_position_are_one_edit() -> None:
    id_ = snapshot_id("crm", "r", "f", 4)
    done = plan([feed(id_, "1", 4)], feed(id_, "1", 4, "snapshot"), REVIEW, None, False)
    assert done.duplicate


def test_a_second_different_edit_at_a_position_is_quarantined() -> None:
    done = plan([feed("x", "1", 4)], feed("y", "2", 4), REVIEW, Standing("x", "1"), False)
    assert done.edit.quarantined and done.standing == Standing("x", "1") and not done.write
    assert done.resolution.winner == "x" and done.resolution.open_proposals == ("y",)


def test_a_second_value_under_one_id_is_quarantined_beside_it_once() -> None:
    known = feed("x", "1", 4)
    twin = replace(feed("x", "2", 4), payload_hash="other")
    done = plan([known], twin, REVIEW, Standing("x", "1"), False)
    assert done.edit.quarantined and done.edit.id.startswith("x~") and done.standing == Standing("x", "1")
    again = plan([known, done.edit], twin, REVIEW, done.standing, False)
    assert again.duplicate and again.edit == done.edit


def test_what_a_read_has_overtaken_does_not_bind() -> None:
    late = plan([feed("s", "5", 9, "snapshot")], feed("x", "4", 8), REVIEW, Standing("s", "5"), False)
    assert not late.edit.binding and not late.edit.quarantined
    assert not late.changed and late.resolution.open_proposals == ()
    other = replace(feed("x", "4", 8), stream="crm#2")
    assert plan([feed("s", "5", 9, "snapshot")], other, REVIEW, None, False).edit.binding


def test_a_native_edit_that_loses_is_written_over() -> None:
    ruled = MergePolicy(mode="authoritative", authority=("erp",))
    done = plan([edit("e", "1", system="erp")], edit("x", "2", "e", system="crm"), ruled, Standing("e", "1"), False)
    assert done.write and done.standing == Standing("e", "1") and done.resolution.open_proposals == ("x",)


def test_standing_holds_the_last_value_that_was_no_conflict() -> None:
    edits = [FIRST, LEFT, RIGHT]
    found = resolve(edits, REVIEW)
    assert (found.value, found.base) == ("1", "a")
    assert standing(Standing("b", "2"), found, edits, REVIEW) == Standing("b", "2")
    assert standing(Standing("a", "1"), found, edits, REVIEW) == Standing("a", "1")
    assert standing(None, found, edits, REVIEW) == Standing("a", "1")


def test_standing_falls_back_to_the_base_when_its_winner_lost_its_place() -> None:
    edits = [FIRST, LEFT, RIGHT, edit("gone", "9", "gone2"), edit("gone2", "8", "gone")]
    assert standing(Standing("gone", "9"), resolve(edits, REVIEW), edits, REVIEW) == Standing("a", "1")
    assert standing(Standing("unknown", "9"), resolve(edits, REVIEW), edits, REVIEW) == Standing("a", "1")


def test_a_cleared_field_stands_cleared() -> None:
    cleared = plan([FIRST], edit("k", None, "a", kind="clear"), REVIEW, Standing("a", "1"), False)
    assert cleared.standing == Standing("k", None) and cleared.write


@settings(max_examples=150, deadline=None, derandomize=True)
@given(histories(), policies)
def test_every_step_ends_where_resolve_over_all_edits_does(edits: list[Edit], policy: MergePolicy) -> None:
    rows, done = stored(edits, policy)
    assert repr(done.resolution) == repr(resolve(rows, policy))
    if not done.resolution.conflict:
        assert done.standing == Standing(done.resolution.winner, done.resolution.value)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(histories(), policies, policies)
def test_p11_a_changed_policy_decides_as_if_it_had_always_ruled(
    edits: list[Edit], old: MergePolicy, new: MergePolicy
) -> None:
    # who only proposes is settled when an edit is stored, like who may settle
    old = replace(old, propose_only=new.propose_only, normaliser=new.normaliser)
    under_old, _ = stored(edits, old)
    under_new, done = stored(edits, new)
    assert under_old == under_new and repr(resolve(under_old, new)) == repr(done.resolution)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(histories(), policies, st.booleans())
def test_p2_redelivering_everything_changes_nothing(edits: list[Edit], policy: MergePolicy, may_bind: bool) -> None:
    rows, done = stored(edits, policy, may_bind)
    for one in edits:
        again = plan(rows, one, policy, done.standing, may_bind)
        assert again.duplicate and not again.changed and not again.write


def test_ids_are_stable_apart_and_short() -> None:
    ids = {
        snapshot_id("crm", "r", "f", 1),
        snapshot_id("crm", "r", "f", 2),
        snapshot_id("crm", "rf", "", 1),
        snapshot_id("crm#2", "r", "f", 1),
        edit_id("crm", "r", "f"),
        edit_id("once", "\ud800", "甲"),
    }
    assert len(ids) == 6 and all(len(one) == 24 and one.isalnum() for one in ids)
    assert edit_id("once", "r", "f") == "s2o6d6n7ck6kdoxf74anfl3w"


def test_a_payload_hash_is_keyed_and_covers_what_is_set() -> None:
    def hashed(key: bytes = b"k", kind: EditKind = "set", value: str = "138", record: str = "r") -> str:
        return payload_hash(key, record=record, field="f", kind=kind, value=value)

    others = [hashed(b"o"), hashed(kind="resolve"), hashed(value="139"), hashed(record="s")]
    assert hashed() == hashed() and hashed() not in others and len({*others}) == 4
    assert hashed(kind="clear", value="1") == hashed(kind="clear", value="2")
