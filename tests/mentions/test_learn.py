"""What use teaches: visible, bounded, undone by taking a lesson back."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from mentions.decide import LEARNED_BOUND, Context, decide
from mentions.learn import NAME_WEIGHTS, ROOM_BOUND, Lesson, teach
from mentions.model import Candidate, Mention

LESSONS = st.lists(
    st.builds(Lesson, st.sampled_from("abc"), st.sampled_from("rs"), st.sampled_from(sorted(NAME_WEIGHTS))), max_size=30
)


def test_three_times_wrong_silences_and_proposes() -> None:
    lessons = [Lesson("箱子", f"room {number}", "not a customer") for number in range(3)]
    taught = teach(lessons)
    assert taught.common == ("箱子",)
    assert taught.counts["箱子", "not a customer"] == 3
    mention = Mention(0, 2, (Candidate("c", 0.8, ("alias",)),))
    assert decide(mention, "箱子").action == "show"
    assert decide(mention, "箱子", Context(learned=taught.names)).action == "silent"
    assert teach(lessons[:2]).common == ()


def test_a_name_as_often_wanted_is_not_proposed() -> None:
    wrong, wanted = Lesson("box", "r", "not a customer"), Lesson("box", "r", "should have been a card")
    assert teach([wrong] * 3 + [wanted] * 3).common == ()


@given(LESSONS, st.randoms(use_true_random=False))
def test_bounded_and_whatever_the_order(lessons: list[Lesson], chance: random.Random) -> None:
    taught = teach(lessons)
    assert all(abs(weight) <= LEARNED_BOUND for weight in taught.names.values())
    assert all(abs(weight) <= ROOM_BOUND for weight in taught.rooms.values())
    shuffled = list(lessons)
    chance.shuffle(shuffled)
    assert teach(shuffled) == taught


def test_nothing_taught() -> None:
    assert teach([]).names == {}
