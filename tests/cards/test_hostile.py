from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cards.facts import CustomerView, FactView, NoteView
from cards.inert import legal, safe_url
from cards.samples import NOW
from cards.tree import Fact, Form, Link, Note, Text, Title
from tests.cards.corpus import CORPUS
from tests.cards.standard import deck, draw, hostile_cards
from tests.cards.strings import shape, strings

EXACT = {"Title.text", "Badge.text", "Fact.value", "Note.who", "Note.text", "OpenItem.text", "Risk.text", "Code.text"}
MARKER = "HOSTILE"


@pytest.mark.parametrize(("name", "text"), CORPUS, ids=[name for name, _ in CORPUS])
def test_a_hostile_string_stays_text(name: str, text: str) -> None:
    """The tree is that of a harmless word, and the string is in it whole, less what XML cannot carry."""
    if not legal(text):
        assert hostile_cards(text)
        return
    plain = {card.name: list(strings(card)) for card in hostile_cards(MARKER).values()}
    shapes = {card.name: shape(card) for card in hostile_cards(MARKER).values()}
    for card in hostile_cards(text).values():
        assert shape(card) == shapes[card.name]
        expected = [(path, words.replace(MARKER, legal(text))) for path, words in plain[card.name]]
        assert list(strings(card)) == expected


def drawn_with(text: str) -> tuple[str, ...]:
    customer = CustomerView(text, facts=(FactView("f", "label", text),), notes=(NoteView(text, "who", NOW),))
    blocks = draw("customer", {"customer": customer}).blocks
    title, fact = blocks[0], blocks[1]
    note = next(block for block in blocks if isinstance(block, Note))
    assert isinstance(title, Title)
    assert isinstance(fact, Fact)
    return title.text, fact.value, note.text


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(st.characters(), min_size=1, max_size=60))
def test_any_text_arrives_exactly_less_what_xml_cannot_carry(text: str) -> None:
    assert drawn_with(text) == (legal(text),) * 3


def test_every_code_point_arrives_or_is_known_to_be_illegal() -> None:
    for start in range(0, 0x110000, 0x4000):
        text = "".join(map(chr, range(start, start + 0x4000)))
        gone = set(text) - set(drawn_with(text)[0])
        assert {ord(char) for char in gone} <= {
            *range(9),
            11,
            12,
            *range(14, 32),
            *range(0xD800, 0xE000),
            0xFFFE,
            0xFFFF,
        }


def test_form_values_arrive_to_the_letter() -> None:
    for _, text in CORPUS:
        card = hostile_cards(text or "x")["edit_form"]
        form = next(block for block in card.blocks if isinstance(block, Form))
        assert {field.value for field in form.fields} == {legal(text or "x")}


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "http://",
        "https:///x",
        "ftp://x.example",
        "https://x.example/a b",
        "https://x.example/>|<!channel>",
        'https://x.example/"onclick="x',
        "https://x.example/\u202ex",
        "https://x.example/\n",
        "https://[::1",
        "\ud800",
    ],
)
def test_what_is_no_address_becomes_no_link(url: str) -> None:
    assert safe_url(url) == ""
    assert draw("customer", {"customer": CustomerView("A", url=url)}).blocks[0] == Title("A")
    card = deck().draw("link", now=NOW, code="c", expires=NOW, url=url)
    assert not any(isinstance(block, Link) for block in card.blocks)
    assert card.blocks[-1] == Text("Open the page")


@pytest.mark.parametrize("url", ["https://crm.example/a?b=c&d=%20#e", "http://127.0.0.1:8080/客户"])
def test_an_address_stays(url: str) -> None:
    assert draw("customer", {"customer": CustomerView("A", url=url)}).blocks[0] == Title("A", url=url)
