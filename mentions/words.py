"""Parts of company names: legal forms, places, lines of business, folded; read from `data/words.txt`."""

from __future__ import annotations

from pathlib import Path

DATA = Path(__file__).parent / "data"


def _lists() -> dict[str, tuple[str, ...]]:
    current: list[str] = []
    lists: dict[str, list[str]] = {}
    for line in (DATA / "words.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            current = lists.setdefault(line[1 : line.index("]")], [])
        elif not line.startswith("#"):
            current += line.split()
    return {name: tuple(words) for name, words in lists.items()}


_LISTS = _lists()
LEGAL_ZH = _LISTS["legal_zh"]
LEGAL_EN = frozenset(_LISTS["legal_en"])
GROUP_EN = frozenset(_LISTS["group_en"])
TRADE_EN = frozenset(_LISTS["trade_en"])
TRADE_ZH = frozenset(_LISTS["trade_zh"])
PLACES_ZH = frozenset(_LISTS["provinces"] + _LISTS["cities"])
