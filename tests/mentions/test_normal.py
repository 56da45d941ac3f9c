"""Folding, and the way back."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mentions import normal
from mentions.normal import fold_piece, normalise, normalise_name

TEXTS = st.text(max_size=60) | st.text(
    alphabet="Aaé\u0301ß華华ﬁ㍿İΣς \t\u3000\u200b＠ｶﾞ한ᄒ\ud800\n😀\u200d\u202e", max_size=40
)


def test_every_character_folds_by_the_tables_as_by_definition() -> None:
    fold = normal._tables().fold
    wrong = [code for code in range(0x110000) if fold.get(chr(code), chr(code)) != fold_piece(chr(code))]
    assert wrong == []


def test_lower_case_first_changes_no_fold() -> None:
    lowered = ((chr(code), chr(code).lower()) for code in range(0x110000))
    assert [was for was, low in lowered if len(low) == 1 and fold_piece(low) != fold_piece(was)] == []


@given(TEXTS)
@settings(max_examples=400)
def test_both_ways_fold_alike(text: str) -> None:
    assert normalise(text).text == normal._slow(text).text


@given(TEXTS)
@settings(max_examples=400)
def test_each_folded_stretch_comes_from_where_it_says(text: str) -> None:
    folded = normalise(text)
    for at in range(len(folded.text)):
        start, end = folded.span(at, at + 1)
        assert 0 <= start < end <= len(text)
        assert folded.text[at] in normalise(text[start:end]).text
    for at in range(len(folded.text) - 1):
        assert folded.span(at, at + 1)[0] <= folded.span(at + 1, at + 2)[0]


def test_forms_that_meet() -> None:
    for one, other in [
        ("華星醫療", "华星医疗"),
        ("ＡＢＢ", "abb"),
        ("Straße", "STRASSE"),
        ("Nestlé", "nestle"),
        ("Nestle\u0301", "Nestlé"),
        ("O’Neill", "o'neill"),
        ("New\u00a0York", "new york"),
        ("ﬁne", "FINE"),
        ("臺灣裡後", "台湾里后"),
        ("华\u200b星", "华星"),
        ("ﾊﾞﾝｸ", "バンク"),
    ]:
        assert normalise_name(one) == normalise_name(other)


def test_a_name_loses_outer_and_doubled_blanks() -> None:
    assert normalise_name("  Acme \t\n Widgets\u3000") == "acme widgets"


def test_the_offsets_of_an_expanded_character_cover_it_whole() -> None:
    folded = normalise("在㍿华星")
    assert folded.text == "在株式会社华星"
    assert folded.span(1, 5) == (1, 2)
    assert folded.whole(1, 5)
    assert not folded.whole(1, 3)
    assert folded.span(5, 7) == (2, 4)
