"""A past told edit by edit is what resolving every beginning of it says, however much of it is left out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.model import Edit, EditKind, MergePolicy, Standing
from reconcile.replay import replay, stands
from reconcile.resolve import resolve, standing
from tests.reconcile.strategies import edit, histories, policies

SOAK = os.environ.get("FLOATCARD_SOAK") == "1"
many = settings(max_examples=3000 if SOAK else 250, deadline=None, derandomize=True)

KINDS: tuple[EditKind, ...] = ("set", "set", "set", "clear", "resolve", "proposal")


@st.composite
def lines(draw: st.DrawFn, most: int = 12) -> list[Edit]:
    """Mostly a line, each edit having seen the one before, with a few made beside it: as a ledger holds them."""
    made: list[Edit] = []
    for at in range(draw(st.integers(1, most))):
        back = draw(st.sampled_from((1, 1, 1, 1, 2, 3, 0)))
        parents = [made[-back].id] if back and len(made) >= back else []
        system = draw(st.sampled_from(("crm", "wecom", "wecom", "agent")))
        one = edit(f"{draw(st.integers(0, 9))}-{at}", draw(st.sampled_from("ab")), *parents, system=system, time=at)
        kind: EditKind = draw(st.sampled_from(KINDS))
        stream, position = (system, at) if system == "crm" else (None, None)
        made.append(replace(one, kind=kind, stream=stream, watermark=position))
    return made


@many
@given(st.one_of(histories(), lines()), policies, st.integers(0, 4))
def test_it_says_what_resolving_every_beginning_says(edits: list[Edit], policy: MergePolicy, start: int) -> None:
    told = list(replay(edits, policy, start))
    asked = [resolve(edits[: n + 1], policy) for n in range(start, len(edits))]
    assert list(map(repr, told)) == list(map(repr, asked))


@many
@given(lines(), policies)
def test_values_are_asked_for_only_where_the_answer_depends_on_them(edits: list[Edit], policy: MergePolicy) -> None:
    asked: list[int] = []

    def opened() -> Sequence[Edit]:
        asked.append(1)
        return edits

    bare = [replace(one, value=None) for one in edits]
    told = list(replay(bare, policy, opened=opened))
    wanted = [resolve(edits[: n + 1], policy) for n in range(len(edits))]
    for one, other in zip(told, wanted, strict=True):
        seen = replace(one, value=other.value) if one.reason == "causal" else one
        assert repr(seen) == repr(other)
    assert len(asked) <= 1


def test_a_line_needs_no_value_at_all() -> None:
    line = [edit("e0", "a")]
    for at in range(1, 50):
        line.append(edit(f"e{at}", "a", f"e{at - 1}"))

    def opened() -> Sequence[Edit]:
        raise AssertionError("nobody needs the values")

    told = list(replay(line, MergePolicy(mode="review"), opened=opened))
    assert [one.winner for one in told] == [one.id for one in line]


@many
@given(st.one_of(histories(), lines()), policies)
def test_what_would_stand_is_what_came_to_stand_edit_by_edit(edits: list[Edit], policy: MergePolicy) -> None:
    holds: Standing | None = None
    for n in range(1, len(edits) + 1):
        holds = standing(holds, resolve(edits[:n], policy), edits[:n], policy)
    assert stands(edits, policy) == holds


def test_of_nothing_nothing_stands() -> None:
    assert stands((), MergePolicy()) is None and list(replay((), MergePolicy())) == []
