from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cards.digest import digest
from cards.fit import FEWEST, fit, length
from cards.samples import NOW, samples
from cards.tree import Actions, Block, Button, Card, Divider, Footer, Form, FormField, Heading, Note, Text, Title
from tests.cards.corpus import CORPUS
from tests.cards.standard import ZONE, deck, draw, every_card, hostile_cards, standard_cards
from tests.cards.strings import strings

WIDE: dict[str, Any] = {"text": 3000, "title": 150, "button_label": 75, "blocks": 50, "buttons": 5, "form_fields": 50}
WHOLE = {"Button.data", "Button.action", "Form.data", "FormField.token", "FormField.value", "FormField.name"} | {
    "FormField.options",
    "Title.url",
    "Link.url",
    "Code.text",
    "Card.name",
    "Card.locale",
}
LIMIT_OF = {
    **dict.fromkeys(("Button.label", "Form.submit", "Form.cancel"), "button_label"),
    **dict.fromkeys(("Title.text", "Heading.text", "Badge.text", "Fact.label", "Row.title", "Column.label"), "title"),
}
LIMITS = st.fixed_dictionaries(
    {
        "text": st.integers(16, 60),
        "title": st.integers(4, 16),
        "button_label": st.integers(3, 20),
        "blocks": st.integers(FEWEST, 30),
        "buttons": st.integers(1, 5),
        "form_fields": st.integers(0, 5),
        "total": st.sampled_from([0, 0, 600, 1500]),
    }
)
CARDS = st.sampled_from(
    [*every_card("en"), *every_card("zh-CN"), *hostile_cards("<!channel> \U0001f468\u200d\U0001f469 " * 9).values()]
)


def said_more(card: Card) -> int:
    lines = [re.fullmatch(r"…+ (?:还有 )?(\d+) (?:more|项)", b.text) for b in card.blocks if isinstance(b, Text)]
    return sum(int(line[1]) for line in lines if line)


def counted(card: Card) -> int:
    fields = sum(len(block.fields) for block in card.blocks if isinstance(block, Form))
    plain = [b for b in card.blocks if not isinstance(b, Divider | Heading | Actions)]
    return len(plain) + fields


def buttons(card: Card) -> list[tuple[str, str]]:
    return [(b.action, b.data) for row in card.blocks if isinstance(row, Actions) for b in row.buttons]


@settings(max_examples=400, deadline=None, derandomize=True)
@given(CARDS, LIMITS)
def test_a_fitted_card_is_within_the_limits_and_loses_nothing_silently(card: Card, limits: dict[str, Any]) -> None:
    fitted = fit(card, **limits)
    assert len(fitted.blocks) <= limits["blocks"]
    assert all(len(row.buttons) <= limits["buttons"] for row in fitted.blocks if isinstance(row, Actions))
    assert all(len(form.fields) <= limits["form_fields"] for form in fitted.blocks if isinstance(form, Form))
    for path, text in strings(fitted):
        assert path in WHOLE or len(text) <= limits[LIMIT_OF.get(path, "text")], path
    line = 1 if said_more(fitted) else 0
    rows = sum(isinstance(row, Actions) for row in card.blocks)
    if rows and len(buttons(fitted)) == len(buttons(card)):
        assert counted(card) - (counted(fitted) - line) == said_more(fitted)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(CARDS, LIMITS)
def test_title_buttons_and_footer_stay(card: Card, limits: dict[str, Any]) -> None:
    fitted = fit(card, **limits)
    for kind in (Title, Footer):
        assert [type(b) for b in fitted.blocks if isinstance(b, kind)] == [
            kind for b in card.blocks if isinstance(b, kind)
        ]
    if limits["buttons"] >= 4 and not limits["total"]:
        assert buttons(fitted) == buttons(card)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(CARDS, LIMITS)
def test_fitting_twice_is_fitting_once(card: Card, limits: dict[str, Any]) -> None:
    once = fit(card, **limits)
    assert fit(once, **limits) is once


@pytest.mark.parametrize("card", list(every_card("en")), ids=lambda card: card.name)
def test_a_card_that_fits_is_itself(card: Card) -> None:
    assert fit(card, **WIDE) is card


def test_the_oldest_notes_go_first_and_are_counted() -> None:
    card = standard_cards("en")["show_me"]
    fitted = fit(card, **{**WIDE, "blocks": len(card.blocks) - 2})
    notes = [note.text for note in fitted.blocks if isinstance(note, Note)]
    assert notes == [note.text for note in card.blocks if isinstance(note, Note)][:1]
    assert Text("… 3 more") in fitted.blocks
    assert fitted.blocks.index(Text("… 3 more")) < next(
        i for i, b in enumerate(fitted.blocks) if isinstance(b, Actions)
    )


def test_a_divider_goes_without_a_word() -> None:
    card = standard_cards("zh-CN")["customer"]
    fitted = fit(card, **{**WIDE, "blocks": len(card.blocks) - 1})
    assert fitted.blocks == tuple(block for block in card.blocks if not isinstance(block, Divider))


def test_a_heading_with_nothing_under_it_goes_too() -> None:
    blocks: tuple[Block, ...] = (Title("A"), Heading("Notes"), *(Note("1", "w", "t") for _ in range(5)), Footer("1"))
    fitted = fit(Card("x", "s", blocks), **{**WIDE, "blocks": 4})
    assert fitted.blocks == (Title("A"), Text("… 5 more"), Footer("1"))


def test_more_buttons_than_a_row_holds_make_more_rows() -> None:
    row = Actions(tuple(Button(str(n), "a", "d") for n in range(7)))
    fitted = fit(Card("x", "s", (row,)), **{**WIDE, "buttons": 3})
    assert [len(each.buttons) for each in fitted.blocks if isinstance(each, Actions)] == [3, 3, 1]


def test_a_value_is_never_cut_in_a_form() -> None:
    fields = (FormField("a", "A", "x" * 100), FormField("b", "B", "y" * 5))
    fitted = fit(Card("x", "s", (Form("d", fields, "Save"),)), **{**WIDE, "text": 50})
    assert fitted.blocks[0] == Form("d", fields[1:], "Save")
    assert fitted.blocks[1] == Text("… 1 more")


def test_a_total_is_kept() -> None:
    card = standard_cards("en")["show_me"]
    whole = sum(map(length, card.blocks))
    for total in range(whole, 700, -7):
        assert sum(map(length, fit(card, **WIDE, total=total).blocks)) <= total


def test_no_network_has_fewer_than_four_blocks() -> None:
    with pytest.raises(ValueError, match="4 blocks"):
        fit(Card("x", "s", ()), **{**WIDE, "blocks": 3})


def test_the_corpus_fits_a_narrow_network() -> None:
    narrow: dict[str, Any] = {
        "text": 200,
        "title": 40,
        "button_label": 10,
        "blocks": 10,
        "buttons": 3,
        "form_fields": 5,
    }
    for name, text in CORPUS:
        for card in hostile_cards(text).values():
            for path, words in strings(fit(card, **narrow)):
                assert path in WHOLE or len(words) <= 200, name


def test_digests_tell_all_standard_cards_apart() -> None:
    cards = [*every_card("en"), *every_card("zh-CN")]
    assert len({digest(card) for card in cards}) == len(set(cards)) == len(cards)


def test_equal_cards_have_equal_digests_and_they_never_change() -> None:
    for first, again in zip(every_card("en"), every_card("en"), strict=True):
        assert first is not again
        assert digest(first) == digest(again)
    assert digest(Card("a", "b", (Text("c"),))) == "bb641e81c49c202e1603ca4011e30a52"


def test_as_of_is_no_change_and_everything_else_is() -> None:
    card = Card("a", "b", (Title("t"), Footer("10:32", "[CRM] 10:30", "trace 1", 5)))
    later = replace(card, blocks=(Title("t"), Footer("10:33", "[CRM] 10:30", "trace 1", 6)))
    assert digest(card) == digest(later)
    for other in (
        replace(card, name="c"),
        replace(card, locale="zh-CN"),
        replace(card, tone="info"),
        replace(card, blocks=card.blocks[:1]),
        replace(card, blocks=(Title("t"), Footer("10:32", "[CRM] 10:31", "trace 1", 5))),
        replace(card, blocks=(Heading("t"), card.blocks[1])),
    ):
        assert digest(other) != digest(card)


def test_a_moment_later_a_card_is_the_same() -> None:
    (facts, *_) = samples("en")["customer"]
    drawn = [deck().draw("customer", zone=ZONE, now=NOW + minutes * 60_000, **facts) for minutes in (0, 1, 300)]
    moved = replace(facts["customer"], as_of=NOW + 60_000)
    assert len({digest(card) for card in [*drawn, draw("customer", {"customer": moved})]}) == 1


def test_a_tokens_meaning_is_what_counts() -> None:
    one, two = (Card("a", "b", (Actions((Button("l", "a", f"edit:7.sig{n}"),)),)) for n in (1, 2))
    assert digest(one) != digest(two)
    assert digest(one, lambda token: token.split(".")[0]) == digest(two, lambda token: token.split(".")[0])


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.lists(st.text(st.characters(), max_size=8), max_size=4),
    st.lists(st.text(st.characters(), max_size=8), max_size=4),
)
def test_different_texts_have_different_digests(ours: list[str], theirs: list[str]) -> None:
    left, right = (Card("a", "b", tuple(map(Text, texts))) for texts in (ours, theirs))
    assert (digest(left) == digest(right)) == (ours == theirs)
