from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cards.graphemes import cut, head, is_boundary
from cards.inert import KEPT, inert
from tests.cards.corpus import CORPUS

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from([*"ab \n\t", FAMILY, "\u0301", "e\u0301", "\U0001f1e8", "\u202e", "\u05d0", "한", "\u200d"])
    ).map("".join),
    st.sampled_from([text for _, text in CORPUS]),
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Acme GmbH", "Acme GmbH"),
        ("华星医疗（苏州）", "华星医疗（苏州）"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\x00\x1b[31mb", "a[31mb"),
        ("a\ud800b", "ab"),
        ("ze\u200bro\ufeff", "zero"),
        ("plain\U000e0068\U000e0069", "plain"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("a\n\n\n\n\nb", "a\n\nb"),
        ("a\tb", "a b"),
        ("\u05e9\u05dc\u05d5\u05dd", "\u2068\u05e9\u05dc\u05d5\u05dd\u2069"),
        ("e" + "\u0301" * 50, "e" + "\u0301" * 4),
        (FAMILY, FAMILY),
        ("नमस्ते", "नमस्ते"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert inert(text) == shown


def test_absurd_repetition_shrinks() -> None:
    assert inert("\U0001f600" * 10_000) == "\U0001f600" * KEPT + "…"
    assert inert(FAMILY * 2_000) == FAMILY * KEPT + "…"
    assert inert("-" * 39) == "-" * 39


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text("ab日 ", max_size=50), st.text("ab\u00e9日", min_size=1, max_size=8), st.integers(40, 60))
def test_a_repetition_is_found_wherever_it_begins(before: str, part: str, times: int) -> None:
    shown = inert(before + part * times + "the end")
    assert len(shown) <= len(before) + len(part) * KEPT + len("…the end")


def test_without_lines_all_is_one_line() -> None:
    for _, text in CORPUS:
        assert not set(inert(text, lines=False)) & set("\n\r\t\x0b\x0c\x85\u2028\u2029")


@settings(max_examples=300, deadline=None, derandomize=True)
@given(TEXTS, st.integers(3, 60))
def test_bounded_clean_and_idempotent(text: str, limit: int) -> None:
    shown = inert(text, limit=limit)
    assert len(shown) <= limit
    assert inert(shown, limit=limit) == shown
    assert not any(unicodedata.category(char) in {"Cs", "Cc"} and char != "\n" for char in shown)
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067")
    assert shown.count("\u2068") == shown.count("\u2069") <= 1


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("ab cdef", 4, "ab…"),
        ("ab" + FAMILY, 6, "ab…"),
        ("\U0001f1e8\U0001f1f3\U0001f1fa\U0001f1f8", 3, "\U0001f1e8\U0001f1f3…"),
        ("xe\u0301y", 3, "x…"),
        ("\U0001f44d\U0001f3fd!!", 2, "…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
        ("각각각", 3, "각각각"),
        ("\u1100\u1161\u11a8\u1100\u1161\u11a8", 5, "\u1100\u1161\u11a8…"),
    ],
)
def test_cut_between_graphemes(text: str, limit: int, shown: str) -> None:
    assert cut(text, limit) == shown


@settings(max_examples=300, deadline=None, derandomize=True)
@given(TEXTS, st.integers(0, 90))
def test_a_cut_is_a_beginning_that_ends_at_a_boundary(text: str, limit: int) -> None:
    beginning = head(text, limit)
    assert text.startswith(beginning)
    assert len(beginning) <= limit
    assert is_boundary(text, len(beginning)) or limit > 64
    assert len(cut(text, limit)) <= limit


def test_a_cluster_longer_than_any_real_one_is_cut_through() -> None:
    assert head("a" + "\u0301" * 5_000, 100) == "a" + "\u0301" * 99
