"""What an author may have meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentions.derive import derive
from mentions.model import Name
from mentions.suggest import Suggester, one_edit

SUGGESTER = Suggester(
    [
        ("hx", derive("上海华星医疗器械股份有限公司", ["华星医疗"])),
        ("jc", derive("江城证券股份有限公司")),
        ("ks", derive("Kessler Maschinenbau GmbH", ["Kessler"])),
        ("ol", derive("Oakline Furniture, Inc.", ["Oakline"])),
        ("no", [Name("Targette", "never")]),
        ("bo", derive("Boltr")),
        ("yq", derive("云栖纺织", ["云栖"])),
    ]
)


@pytest.mark.parametrize(
    ("text", "stretch", "ref", "reason"),
    [
        ("花星医疗的合同", "花星医疗", "hx", "sounds or looks alike"),
        ("去江成证券投标", "江成证券", "jc", "sounds or looks alike"),
        ("hxyl那边怎么样", "hxyl", "hx", "initials"),
        ("HuaXingYiLiao回款了", "HuaXingYiLiao", "hx", "pinyin"),
        ("the hua-xing yi liao deal", "hua-xing yi liao", "hx", "pinyin"),
        ("yunqi 的合同呢", "yunqi", "yq", "pinyin"),
        ("huaxing那边催合同了", "huaxing", "hx", "pinyin"),
        ("Kesler is late", "Kesler", "ks", "one letter off"),
        ("Keslser is late", "Keslser", "ks", "one letter off"),
        ("Ｏａｋｌｎｉｅ signed", "Ｏａｋｌｎｉｅ", "ol", "one letter off"),
        ("ask oakline furnitures", "oakline furnitures", "ol", "one letter off"),
    ],
)
def test_slips(text: str, stretch: str, ref: str, reason: str) -> None:
    (found,) = SUGGESTER.suggest(text)
    assert (text[found.start : found.end], found.refs, found.reason) == (stretch, (ref,), reason)


@pytest.mark.parametrize(
    "text",
    [
        "华星医疗的合同",  # no slip
        "Kessler is here",
        "boltt is short",  # under six letters
        "targetts",  # never
        "花星的合同",  # under four characters
        "今天天气真好",
        "kettles are on",  # a word of the language
        "see https://kesler.example and `Kesler` and @kesler",
        "",
        "\ud800" * 9,
    ],
)
def test_no_slip(text: str) -> None:
    assert SUGGESTER.suggest(text) == []


def test_nothing_in_what_is_quoted() -> None:
    assert SUGGESTER.suggest("Kesler is late", quoted=[(0, 6)]) == []


@given(st.text(alphabet="abc", max_size=6), st.text(alphabet="abc", max_size=6))
def test_one_edit_is_symmetric_and_means_one(one: str, other: str) -> None:
    assert one_edit(one, other) == one_edit(other, one)
    near = {one[:at] + one[at + 1 :] for at in range(len(one))}
    near |= {one[:at] + letter + one[at:] for at in range(len(one) + 1) for letter in "abc"}
    near |= {one[:at] + letter + one[at + 1 :] for at in range(len(one)) for letter in "abc"}
    near |= {one[:at] + one[at + 1] + one[at] + one[at + 2 :] for at in range(len(one) - 1)}
    assert one_edit(one, other) == (other in near and one != other)


@given(st.text(max_size=200))
def test_any_text_can_be_asked(text: str) -> None:
    for found in SUGGESTER.suggest(text):
        assert 0 <= found.start < found.end <= len(text)
