"""What is read at the first need, read at start instead, so that no message waits for it."""

from __future__ import annotations

from mentions.lexicon import chinese, english, readings
from mentions.normal import normalise
from mentions.score import model


def warm() -> None:
    """Takes some tenths of a second up to a second; call it in a thread. Word lists stay in memory, some 35 MB."""
    normalise("ｗ")
    chinese()
    english()
    readings()
    for name in ("han", "latin"):
        model(name)
