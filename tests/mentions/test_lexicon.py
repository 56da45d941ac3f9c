"""Cutting Chinese into words, and fitting weights."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentions.lexicon import chinese, english, machine, readings
from mentions.train.fit import Row, fit, solve


@pytest.mark.parametrize(
    ("text", "stretch", "crossed"),
    [
        ("我们更新日志了", "新日", True),
        ("去南京市长江大桥", "市长", True),
        ("明天开会讨论", "开会", False),
        ("吃苹果吧", "苹果", False),
    ],
)
def test_a_stretch_that_cuts_words_costs(text: str, stretch: str, crossed: bool) -> None:
    at = text.index(stretch)
    assert (chinese().cut(text, at, at + len(stretch)).loss > 1) == crossed


def test_neighbours_are_words() -> None:
    cut = chinese().cut("联系华星公司", 2, 4)
    assert cut.before is not None
    assert cut.after is not None
    assert (cut.before.text, cut.after.text) == ("联系", "公司")


@given(st.text(alphabet="中国人民大学生物理a1\ud800", min_size=1, max_size=20), st.data())
def test_any_cut_is_sound(text: str, data: st.DataObject) -> None:
    clean = text.replace("\ud800", "\ufffd")
    start = data.draw(st.integers(0, len(clean) - 1))
    end = data.draw(st.integers(start + 1, len(clean)))
    cut = chinese().cut(clean, start, end)
    assert cut.loss >= 0
    assert sum(cut.parts) == end - start
    assert (cut.before is None) == (start == 0)
    assert (cut.after is None) == (end == len(clean))


def test_the_kept_automaton_is_that_of_the_words() -> None:
    assert chinese()._machine.serialize() == machine().serialize()


def test_words_are_there() -> None:
    assert chinese().word("银行") is not None
    assert chinese().word("银行银") is None
    assert english()["the"] == (0, "common")
    assert readings()["星"] == ("xing",)
    assert readings()["绿"][0] == "lv"


def test_fit_finds_the_weights_that_made_the_data() -> None:
    rows = [
        Row({"a": float(a), "b": float(b)}, bool(a and not b), 1.0, "m")
        for a in (0, 1)
        for b in (0, 1)
        for _ in range(40)
    ]
    weights = fit(rows, {}, ridge=0.5)
    assert weights["a"] > 1 > -1 > weights["b"]
    assert fit(rows, {"c": 9.0}, ridge=0.5) == weights


def test_solve() -> None:
    assert solve([[2.0, 1.0], [1.0, 3.0]], [5.0, 10.0]) == pytest.approx([1.0, 3.0])
