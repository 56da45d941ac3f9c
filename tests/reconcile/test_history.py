"""Long and crooked histories: no recursion, no quadratic disaster."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconcile.history import history
from reconcile.model import Actor, Edit, MergePolicy, Source
from reconcile.resolve import resolve

REVIEW = MergePolicy(mode="review")


def edit(id_: str, value: str, *parents: str, source: str = "slack", watermark: int | None = None) -> Edit:
    stream = None if watermark is None else source
    seen = frozenset(parents)
    return Edit(id_, "r", "f", "set", value, Source(source), Actor("person", "p"), seen, stream, watermark)


def test_a_chain_of_5000() -> None:
    edits = [edit(f"e{i:05}", str(i), *([f"e{i - 1:05}"] if i else [])) for i in range(5000)]
    found = resolve(edits, REVIEW)
    assert (found.reason, found.winner, found.heads) == ("causal", "e04999", ("e04999",))


def test_a_stream_of_5000() -> None:
    found = resolve([edit(f"e{i:05}", str(i), source="crm", watermark=i) for i in range(5000)], REVIEW)
    assert (found.reason, found.winner) == ("causal", "e04999")


def test_a_cycle_of_5000() -> None:
    edits = [edit(f"e{i:05}", str(i), f"e{(i - 1) % 5000:05}") for i in range(5000)]
    found = resolve([*edits, edit("z", "free")], REVIEW)
    assert (found.reason, found.winner, found.open_proposals) == ("causal", "z", ())


def test_a_thousand_conflicts_one_upon_the_other() -> None:
    """Every base is asked through the one below it: 1,000 levels."""
    edits = [edit("a0000", "a0"), edit("b0000", "b0")]
    for i in range(1, 1000):
        seen = (f"a{i - 1:04}", f"b{i - 1:04}")
        edits += [edit(f"a{i:04}", f"a{i}", *seen), edit(f"b{i:04}", f"b{i}", *seen)]
    found = resolve(edits, REVIEW)
    assert (found.reason, found.winner, found.heads) == ("review", None, ("a0999", "b0999"))


def test_all_of_2000_at_two_positions() -> None:
    edits = [edit(f"e{i:04}", "x", source="crm", watermark=i % 2) for i in range(2000)]
    past = history(edits)
    assert sum(before.bit_count() for before in past.before) == 1000 * 1000


def test_every_edge_points_down_and_the_cycles_are_told() -> None:
    edits = [edit("a", "1", "b"), edit("b", "2", "a"), edit("c", "3", "c"), edit("d", "4", "a", "c", "none")]
    past = history(edits)
    named = {one.id: i for i, one in enumerate(past.edits)}
    assert past.cyclic == sum(1 << named[one] for one in "abc")
    assert past.knotted == sum(1 << named[one] for one in "ab")
    assert past.before[named["d"]] == past.cyclic


@pytest.mark.parametrize("size", [1, 5, 30])
def test_an_id_twice_with_other_contents_is_decided_without_the_order(size: int) -> None:
    twins = [edit("a", str(i)) for i in range(size)]
    assert resolve(twins, REVIEW) == resolve(twins[::-1], REVIEW)


def test_a_sum_too_long_to_write_goes_to_the_fallback() -> None:
    """Python writes no integer of more than 4,300 digits; resolve() is total even so."""
    counter = MergePolicy(mode="merge", merge="counter")
    huge = 9 * 10**4299
    edits = [replace(edit(id_, ""), value=huge) for id_ in "ab"]
    edits += [replace(edit("c", ""), value=huge + 1), replace(edit("d", ""), value=10**4300)]
    found = resolve(edits, counter)
    assert (found.reason, found.heads) == ("review", ("a", "b", "c"))
    assert found.open_proposals == ("d",)
