"""Whose name it is, by what the room knows."""

from __future__ import annotations

import pytest

from mentions.decide import LEARNED_BOUND, Context, decide
from mentions.model import Candidate, Mention


def mention(*scores: float) -> Mention:
    return Mention(0, 2, tuple(Candidate(f"c{number}", score, ("title",)) for number, score in enumerate(scores)))


def test_one_sure_customer_is_shown() -> None:
    decision = decide(mention(0.9))
    assert (decision.action, decision.refs) == ("show", ("c0",))


def test_less_sure_is_silent_and_says_why() -> None:
    decision = decide(mention(0.4))
    assert (decision.action, decision.refs) == ("silent", ())
    assert decision.reasons[-1] == "less sure than 0.54"


def test_two_of_a_name_are_asked_about() -> None:
    decision = decide(mention(0.9, 0.9))
    assert (decision.action, decision.refs) == ("ask", ("c0", "c1"))
    assert decision.reasons[-1] == "2 customers are called so"


@pytest.mark.parametrize(
    "known",
    [
        Context(bound="c1"),
        Context(members=frozenset({"c1"})),
        Context(recent={"c1": 0.5}),
        Context(own=frozenset({"c1"})),
    ],
)
def test_the_room_decides(known: Context) -> None:
    decision = decide(mention(0.9, 0.9), context=known)
    assert (decision.action, decision.refs) == ("show", ("c1",))
    assert decision.reasons[1].startswith("for: ")


def test_what_was_named_long_ago_does_not_decide() -> None:
    assert decide(mention(0.9, 0.9), context=Context(recent={"c1": 30.0})).action == "ask"


def test_evidence_for_both_is_asked_about() -> None:
    known = Context(members=frozenset({"c0", "c1"}))
    assert decide(mention(0.9, 0.9), context=known).refs == ("c0", "c1")


def test_an_answer_is_remembered_but_does_not_make_a_weak_name_strong() -> None:
    known = Context(answered={"华星": "c1"})
    assert decide(mention(0.9, 0.9), "华星", known).refs == ("c1",)
    assert decide(mention(0.2, 0.2), "华星", known).action == "silent"
    assert decide(mention(0.9), "华星", known).refs == ("c0",)


def test_a_bound_room_hears_a_weak_name() -> None:
    assert decide(mention(0.3)).action == "silent"
    assert decide(mention(0.3), context=Context(bound="c0")).action == "show"


def test_what_use_taught_counts_within_bounds() -> None:
    wrong = Context(learned={"箱子": -99.0})
    decision = decide(mention(0.9), "箱子", wrong)
    assert decision.action == "silent"
    assert "against: learned from use" in decision.reasons
    assert decide(mention(0.98), "箱子", Context(learned={"箱子": -LEARNED_BOUND})).score == pytest.approx(
        decide(mention(0.98), "箱子", wrong).score
    )
    assert decide(mention(0.9), "另一个", wrong).action == "show"


def test_many_of_a_name_are_a_short_question() -> None:
    assert len(decide(mention(*[0.9] * 20)).refs) == 8
