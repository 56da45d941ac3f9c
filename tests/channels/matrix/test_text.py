"""What a reply presses, and what is a command."""

from __future__ import annotations

import pytest

from channels.matrix.cards import LIMITS
from channels.matrix.text import WORDS, Press, as_command, pressed, replied_command, uncalled, without_fallback
from gateway.handlers.commands import _COMMANDS

EDIT, SHOW = Press("编辑", "edit", "e"), Press("给我看", "show_me", "s")
ONE, TWO = Press("Use this", "settle", "1"), Press("Use this", "settle", "2")


def test_the_words_are_the_gateways_commands() -> None:
    assert set(WORDS) == set(_COMMANDS)


@pytest.mark.parametrize(
    ("said", "press", "typed"),
    [
        ("1", EDIT, ""),
        (" [2] ", SHOW, ""),
        ("2.", SHOW, ""),
        ("编辑", EDIT, ""),
        ("给我看。", SHOW, ""),
        ("Show me!", SHOW, ""),
        ("EDIT phone +86 1", EDIT, "phone +86 1"),
        ("编辑:电话 1", EDIT, "电话 1"),
        ("1 电话 1", EDIT, "电话 1"),
        ("4", TWO, ""),
    ],
)
def test_a_reply_presses(said: str, press: Press, typed: str) -> None:
    assert pressed(said, (EDIT, SHOW, ONE, TWO)) == (press, typed)


@pytest.mark.parametrize(
    "said", ["", "0", "5", "99999", "-1", "1a", "editor", "show me the money", "2 phone", "use this", "\u0661", "ok 1"]
)
def test_a_sentence_presses_nothing(said: str) -> None:
    assert pressed(said, (EDIT, SHOW, ONE, TWO)) is None


def test_a_command_is_known_by_its_sign_or_as_a_reply() -> None:
    assert as_command("!card 华星") == "/card 华星"
    assert [as_command(text) for text in ("card 华星", "!important", "!cards", "! card", "")] == [None] * 5
    assert replied_command("quiet 2h") == "/quiet 2h"
    assert [replied_command(text) for text in ("quietly", "that is why", "")] == [None] * 3


def test_the_bot_is_called_by_name_and_not_by_chance() -> None:
    names = ("floatcard", "Float Card")
    assert uncalled("@floatcard 华星", names) == ("华星", True)
    assert uncalled("Float Card: 华星", names) == ("华星", True)
    assert uncalled("floatcards are nice", names) == ("floatcards are nice", False)
    assert uncalled("floatcard is nice", names) == ("floatcard is nice", False)


def test_what_a_reply_repeats_is_left_out() -> None:
    assert without_fallback("> <@a:b> one\n> two\n\nthree\n> four") == "three\n> four"
    assert without_fallback("> only") == ""
    assert without_fallback("none") == "none"


def test_a_command_is_told_as_it_is_typed_here() -> None:
    text = "/quiet 2h hushes me, /help tells the rest. 输入/link。 https://a.example/link /linking a/card /quiet-ly"
    told = "!quiet 2h hushes me, !help tells the rest. 输入!link。 https://a.example/link /linking a/card /quiet-ly"
    assert LIMITS.as_typed(text) == told
    assert all(LIMITS.as_typed(f"/{word}") == f"!{word}" for word in WORDS)
    assert as_command("!quiet 2h") == "/quiet 2h", "else nobody hears it"
