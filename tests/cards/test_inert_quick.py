"""What spares `inert` its work gives what the work would have given."""

from __future__ import annotations

import random
import sys
import unicodedata
from unittest.mock import patch

from cards import inert as module
from cards.inert import inert, safe_url

SEED = 20261121
ODD = "\n\t ·…—⚠☑✎→€א\u0301\u200b\u200f\ufe0f\u202e华，a"


def test_every_letter_that_reads_leftward_is_known() -> None:
    wrong = [
        code
        for code in range(sys.maxunicode + 1)
        if (unicodedata.bidirectional(chr(code)) in {"R", "AL"}) != module._reads_leftward(chr(code))
    ]
    assert wrong == []


def test_the_quick_way_changes_nothing() -> None:
    rng = random.Random(SEED)
    quick = 0
    for _ in range(4000):
        alphabet = rng.choice(["a\n", "ab华·\n ", ODD, ODD + "xyz" * 20])
        text = "".join(rng.choices(alphabet, k=rng.randrange(60))) * rng.choice([1, 1, 1, 30])
        lines = rng.random() < 0.5
        quick += module._plain(text, lines)
        with patch.object(module, "_plain", lambda *_: False):
            slow = inert(text, lines=lines)
        assert inert(text, lines=lines) == slow, (SEED, text)
    assert quick > 200


def test_what_repeats_forty_times_is_always_searched_for() -> None:
    rng = random.Random(SEED)
    for _ in range(4000):
        unit = "".join(rng.choices("ab华·\n ", k=rng.randrange(1, 9)))
        before, after = ("".join(rng.choices("abcdefgh", k=rng.randrange(60))) for _ in range(2))
        text = before + unit * rng.choice([40, 40, 41, 200]) + after
        assert module._may_repeat(text), (SEED, text)


def test_ordinary_words_are_not_searched() -> None:
    assert not module._may_repeat("Has doubts about the quote; wants a comparison of what the others ask for by Friday")


def test_an_everyday_address_is_one_that_would_have_been_judged_good() -> None:
    rng = random.Random(SEED)
    pieces = [
        "http://",
        "https://",
        "a.example",
        ":80",
        ":x",
        "/",
        "?a=b",
        "#c",
        "@",
        "[",
        "]",
        "\\",
        "\n",
        "é",
        "%0a",
        ".",
    ]
    everyday = 0
    for _ in range(8000):
        url = rng.choice(pieces[:2]) * (rng.random() < 0.9) + "".join(rng.choices(pieces, k=rng.randrange(6)))
        everyday += module._is_everyday(url) is not None
        assert safe_url(url) == module._judged(url), (SEED, url)
    assert everyday > 200
