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
SURNAMES = frozenset(_LISTS["surnames"])
TITLES_ZH = frozenset(_LISTS["titles_zh"])
SITES_ZH = frozenset(_LISTS["sites_zh"])
ORGS_ZH = _LISTS["orgs_zh"]
VERBS_ZH = frozenset(_LISTS["verbs_zh"])
WORK_ZH = frozenset(_LISTS["work_zh"])
BEFORE_ZH = frozenset(_LISTS["before_zh"])
SITES_EN = frozenset(_LISTS["sites_en"])
ORGS_EN = frozenset(_LISTS["orgs_en"])
VERBS_EN = frozenset(_LISTS["verbs_en"])
NOUNS_EN = frozenset(_LISTS["nouns_en"])
WORK_EN = frozenset(_LISTS["work_en"])
BEFORE_EN = frozenset(_LISTS["before_en"])
TITLES_EN = frozenset(_LISTS["titles_en"])
PLACES_EN = frozenset(_LISTS["places_en"])
STREETS_EN = frozenset(_LISTS["streets_en"])
TOWNS_EN = frozenset(_LISTS["towns_en"])
STATES_EN = frozenset(_LISTS["states_en"])
DETERMINERS_EN = frozenset(_LISTS["determiners_en"])
INSIDE_EN = frozenset(_LISTS["inside_en"])
PRODUCTS_EN = frozenset(_LISTS["products_en"])
GIVEN_EN = frozenset(_LISTS["given_en"])
ALIKE_ZH = _LISTS["alike_zh"]
