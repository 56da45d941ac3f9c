"""Every phrase a scorer can say is known here, and is said in Chinese too."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cards.words import say
from gateway.mentioning.reasons import KINDS, PHRASES, PLAIN, known, told, worded
from mentions import decide
from mentions.decide import Context
from mentions.model import Candidate, Mention
from mentions.words import DATA

MENTIONS = Path(decide.__file__).parent


def weighed() -> set[str]:
    """The features of every model, alone and in pairs, as a reason names them."""
    found: set[str] = set()
    for path in DATA.glob("model_*.json"):
        model = json.loads(path.read_text("utf-8"))
        found |= set(model["weights"]) | {f"{one}, and {other}" for one, other, _ in model["pairs"]}
    return found


def test_every_feature_that_weighs_anything_can_be_told() -> None:
    assert len(weighed()) > 60
    assert {phrase for phrase in weighed() if not known(f"against: {phrase}")} == set()


def test_every_reason_written_out_in_the_scorers_code_can_be_told() -> None:
    code = [path.read_text("utf-8") for path in MENTIONS.glob("*.py")]
    said = {phrase for each in code for phrase in re.findall(r'"for: ([a-z][^"{}]+)"', each)}
    gains = set(re.findall(r'gains\.append\(\("([^"]+)"', (MENTIONS / "decide.py").read_text()))
    assert said and gains
    assert {phrase for phrase in said | gains if not known(f"for: {phrase}")} == set()


@pytest.mark.parametrize("show", [0.54, 0.99])
def test_every_reason_of_a_decision_can_be_told(show: float) -> None:
    mention = Mention(0, 2, tuple(Candidate(ref, 0.9, ("title", "for: long")) for ref in ("a", "b")))
    everything = Context(bound="a", members={"a"}, recent={"a": 0.0}, own={"a"}, learned={"x": -1.0}, show=show)
    for context in (everything, Context(answered={"x": "b"}), Context(), None):
        assert all(known(reason) for reason in decide.decide(mention, "x", context).reasons)


def test_each_is_translated() -> None:
    same = {phrase for phrase in (*PHRASES, *PLAIN, *KINDS.values()) if say("zh-CN", phrase) == phrase}
    assert same == set()


def test_sides_pairs_and_numbers_are_worded() -> None:
    assert worded("en", "against: a common word, and behind in") == "against: a common word, and behind in"
    assert worded("zh-CN", "for: long") == "支持：名称较长"
    assert worded("zh-CN", "against: a common word, and behind in") == "反对：常用词，并且前面是“in”"
    assert worded("en", "less sure than 0.54") == "less sure than 54 %"
    assert told("en", ("title", "3 customers are called so")) == "its own name; 3 are called so"


def test_a_reason_of_another_version_is_told_as_it_is() -> None:
    assert not known("for: the moon is full")
    assert worded("zh-CN", "for: the moon is full") == "支持：the moon is full"
