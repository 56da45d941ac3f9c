"""What spares `inert` its work gives what the work would have given."""

from __future__ import annotations

import random
import sys
import unicodedata
from unittest.mock import patch

from cards import inert as module
from cards.inert import inert

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
