"""The merges as laws: heads in any order, said twice, put together in any grouping; and over every order of arrival."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.canonical import canonical
from reconcile.interchange import case_row
from reconcile.merge import merged
from reconcile.model import Edit, Json, MergePolicy
from reconcile.resolve import resolve
from tests.reconcile.small import disagreement
from tests.reconcile.strategies import edit

Rule = Literal["set_union", "counter", "monotone"]
RULES: tuple[Rule, ...] = ("set_union", "counter", "monotone")
ORDER = ("lead", "talks", "offer", "won")
SOAK = os.environ.get("FLOATCARD_SOAK") == "1"
EVERY = 1 if SOAK else 7  # 7 has no factor in common with the numbers of sources, values and parents
many = settings(max_examples=2000 if SOAK else 120, deadline=None, derandomize=True)

values: dict[Rule, Any] = {
    "set_union": st.one_of(st.none(), st.lists(st.sampled_from(["a", "b", "c", "A", 1, None]), max_size=4)),
    "counter": st.one_of(st.none(), st.integers(-5, 9), st.sampled_from(["0.25", "1.50", "-3", "7"])),
    "monotone": st.sampled_from(ORDER),
}


def policy(rule: Rule) -> MergePolicy:
    return MergePolicy(mode="merge", merge=rule, order=ORDER)


@st.composite
def cases(draw: st.DrawFn, least: int = 1) -> tuple[Rule, Json, list[Json]]:
    rule = draw(st.sampled_from(RULES))
    base = draw(st.none() if rule == "monotone" else values[rule])
    return rule, base, draw(st.lists(values[rule], min_size=least, max_size=4))


def put(rule: Rule, base: Json, heads: Sequence[Json]) -> Json:
    done, value = merged(policy(rule), base, heads)
    assert done
    return value


def alike(rule: Rule, one: Json, other: Json) -> bool:
    """A counter's sum may be written as a number or as its digits; it is the same sum."""
    return str(one or 0) == str(other or 0) if rule == "counter" else canonical(one) == canonical(other)


@many
@given(cases(), st.randoms(use_true_random=False))
def test_commutative(case: tuple[Rule, Json, list[Json]], dice: Any) -> None:
    rule, base, heads = case
    other = list(heads)
    dice.shuffle(other)
    assert canonical(put(rule, base, heads)) == canonical(put(rule, base, other))


@many
@given(cases(least=3))
def test_associative(case: tuple[Rule, Json, list[Json]]) -> None:
    """Two put together first, as a change to the same base, and then the rest."""
    rule, base, (a, b, *rest) = case
    at_once = put(rule, base, [a, b, *rest])
    assert alike(rule, put(rule, base, [put(rule, base, [a, b]), *rest]), at_once)
    assert alike(rule, put(rule, base, [a, put(rule, base, [b, *rest])]), at_once)


@many
@given(cases())
def test_saying_it_twice_adds_nothing_but_to_a_counter(case: tuple[Rule, Json, list[Json]]) -> None:
    rule, base, heads = case
    if rule != "counter":  # two people who count one more each have counted two
        assert canonical(put(rule, base, [*heads, heads[0]])) == canonical(put(rule, base, heads))


@many
@given(cases())
def test_one_head_is_its_own_value_and_none_changed_is_the_base(case: tuple[Rule, Json, list[Json]]) -> None:
    rule, base, (first, *_) = case
    if rule == "set_union":
        assert {canonical(x) for x in put(rule, base, [first])} == {canonical(x) for x in first or []}  # type: ignore[union-attr]
        assert {canonical(x) for x in put(rule, base, [base, base])} == {canonical(x) for x in base or []}  # type: ignore[union-attr]
    if rule == "counter":
        assert alike(rule, put(rule, base, [base, base]), put(rule, None, [base]))
    if rule == "monotone":
        assert put(rule, base, [first, first]) == first


def test_a_stage_never_goes_back_and_a_number_loses_nobodys_part() -> None:
    for some in itertools.product(ORDER, repeat=3):
        assert put("monotone", None, some) == max(some, key=ORDER.index)
    assert put("counter", 10, [13, 8, 10]) == 11
    assert put("counter", "0.1", ["0.2", "0.3"]) == "0.4"


# -- over histories

HELD: dict[Rule, tuple[Json, ...]] = {
    "set_union": ([], ["a"], ["a", "b"], ["c"]),
    "counter": (0, 2, 5),
    "monotone": ORDER[:3],
}


def small(rule: Rule, fallback: Literal["review", "last_writer_wins"], proposing: tuple[str, ...]) -> Iterator[Any]:
    """Every history of at most three edits, of two sources, with any earlier edits as parents."""
    ruled = replace(policy(rule), fallback=fallback, propose_only=proposing)
    for size in (1, 2, 3):
        pairs = list(itertools.combinations(range(size), 2))
        for sources in itertools.product(("crm", "agent"), repeat=size):
            for held in itertools.product(HELD[rule], repeat=size):
                for chosen in itertools.product((False, True), repeat=len(pairs)):
                    seen = [pair for pair, taken in zip(pairs, chosen, strict=True) if taken]
                    yield ruled, [_edit(i, sources[i], held[i], seen) for i in range(size)]


def _edit(i: int, source: str, value: Json, seen: list[tuple[int, int]]) -> Edit:
    return edit(f"e{9 - i}", value, *(f"e{9 - a}" for a, b in seen if b == i), system=source, time=i % 2)


@pytest.mark.parametrize("proposing", [(), ("agent",)], ids=["everybody", "agents propose"])
@pytest.mark.parametrize("rule", RULES)
def test_every_small_history_in_every_order_of_arrival(rule: Rule, proposing: tuple[str, ...]) -> None:
    for ruled, edits in itertools.islice(small(rule, "review", proposing), 0, None, EVERY):
        first = resolve(edits, ruled)
        assert all(resolve(some, ruled) == first for some in itertools.permutations(edits))
        assert (fault := disagreement(case_row("small", ruled, edits))) is None, fault


@pytest.mark.parametrize("rule", RULES)
def test_who_only_proposes_changes_no_merge(rule: Rule) -> None:
    for ruled, edits in small(rule, "last_writer_wins", ("agent",)):
        found, bound = resolve(edits, ruled), [one for one in edits if one.source.system != "agent"]
        heads = {one.id for one in bound}
        assert set(found.heads) <= heads and (found.winner is None or found.winner in heads)
        if all(one.parents <= heads for one in bound):  # it carries no edges either then
            alone = resolve(bound, ruled)
            assert (found.value, found.reason, found.winner) == (alone.value, alone.reason, alone.winner)


@pytest.mark.parametrize("rule", RULES)
def test_what_is_merged_names_every_head_as_part_of_it(rule: Rule) -> None:
    seen = 0
    for ruled, edits in small(rule, "review", ()):
        found = resolve(edits, ruled)
        if found.reason == "merged":
            seen += 1
            assert found.winner is None and not found.conflict
            assert found.losers == found.heads and set(found.why.values()) == {"merged_in"}
    assert seen > 100
