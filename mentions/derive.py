"""What people say for a legal name: without its legal form, without its place, the brand alone, a share's
code.

Each form has a prior of its own: how often, said as such, it would mean this customer. Forms that are a place, a line
of business or shorter than two characters are not made at all.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from mentions.lexicon import english
from mentions.model import Name
from mentions.normal import normalise_name
from mentions.ticker import tickers, without
from mentions.words import GROUP_EN, LEGAL_EN, LEGAL_ZH, PLACES_EN, PLACES_ZH, TRADE_EN, TRADE_ZH

WITHOUT_CODE = 1.0  # a share's code in brackets is no part of what anybody says
BARE = 0.95  # without the legal form
LOCAL = 0.85  # without the place too
BRAND_AND_TRADE = 0.8
BRAND = 0.5
OWN_WORD = 0.45  # the first word of a Latin name, when it is no word of the language
ONE_WORD = 0.9  # an alias that is one word of a longer Latin name, as a family name is: others bear it too
SHORT = 0.95  # an alias that is a Latin legal name without its form, kept by the CRM as a matter of course

_IDEOGRAPH = re.compile(r"[\u3400-\u9fff]")
_BRACKETED = re.compile(r"[(（][^()（）]*[)）]")
_DISTRICT = r"(?:省|市|自治区|特别行政区)?(?:[\u4e00-\u9fff]{1,3}[区县])?"
_PLACE = re.compile(f"(?:{'|'.join(sorted(PLACES_ZH, key=len, reverse=True))}){_DISTRICT}")
_LEGAL = re.compile(f"(?:{'|'.join(sorted(LEGAL_ZH, key=len, reverse=True))})$")
_TRADES = sorted(TRADE_ZH, key=len, reverse=True)
_ALL_TRADE = re.compile(f"(?:{'|'.join(_TRADES)})++")
_AND = {"&": "and", "and": "&"}
_LAST_WORD = re.compile(r"[\s,，.]*\b([\w./&]+?)\.?\s*$")


def derive(title: str, aliases: Sequence[str] = ()) -> tuple[Name, ...]:
    """The title, the aliases and what follows from them; no two read alike, admin's own names first."""
    own = [Name(title, "title"), *(Name(alias, "alias", _worth(title, alias)) for alias in aliases)]
    plain = without(title)
    said = [(plain, WITHOUT_CODE)] if plain != title else []
    said += [*_forms(plain), *tickers((title, *aliases))]
    return tuple(_apart([*own, *(Name(text, "derived", prior) for text, prior in said if _sayable(text))]))


def _worth(title: str, alias: str) -> float:
    whole, own = _telling(title), _telling(alias)
    if len(own) == 1 and len(whole) > 1 and own[0] in whole:
        return ONE_WORD
    return SHORT if own and own == whole and len(alias) < len(title) else 1.0


def _telling(name: str) -> list[str]:
    """The words of a Latin name but for those of legal forms and groups."""
    if _IDEOGRAPH.search(name):
        return []
    words = re.findall(r"[^\W_]+(?:['’&.-][^\W_]+)*", name.casefold())
    return [word for word in words if word not in LEGAL_EN and word not in GROUP_EN]


def _apart(names: Sequence[Name]) -> Iterator[Name]:
    seen = {""}
    for name in names:
        if (pattern := normalise_name(name.text)) not in seen:
            seen.add(pattern)
            yield name


def _forms(title: str) -> Iterator[tuple[str, float]]:
    plain = " ".join(title.split())[:200]
    return _chinese(plain) if _IDEOGRAPH.search(plain) else _latin(plain)


def _sayable(text: str) -> bool:
    pattern = normalise_name(text)
    if pattern in PLACES_EN:
        return False
    return (
        len(pattern) > 1 and pattern not in PLACES_ZH and pattern not in TRADE_EN and not _ALL_TRADE.fullmatch(pattern)
    )


def _chinese(title: str) -> Iterator[tuple[str, float]]:
    bare = _without_legal_zh(_BRACKETED.sub("", title))
    if bare == title:
        yield from ((brand, prior) for brand, prior in _brands(bare) if len(brand) > 2 and not _PLACE.match(brand))
        return
    yield bare, _short(bare, BARE)
    local = _PLACE.sub("", bare, count=1) if _PLACE.match(bare) else bare
    if len(local) < 2:
        return
    yield local, _short(local, LOCAL)
    yield from _brands(local)


def _short(text: str, prior: float) -> float:
    """Two characters are a brand at most, however little was taken away: of 彩虹集团, 彩虹."""
    return prior if len(text) > 2 else BRAND


def _without_legal_zh(text: str) -> str:
    while (shorter := _LEGAL.sub("", text).strip()) != text and len(shorter) > 1:
        text = shorter
    return text


def _brands(local: str) -> Iterator[tuple[str, float]]:
    """Of 华星医疗器械科技: 华星医疗器械, then 华星."""
    rest = local
    while (trade := next((one for one in _TRADES if rest.endswith(one)), None)) and len(rest) - len(trade) > 1:
        rest = rest[: -len(trade)]
        still = any(rest.endswith(one) and len(rest) - len(one) > 1 for one in _TRADES)
        yield rest, BRAND_AND_TRADE if still else BRAND
    if rest != local and len(first := local[: len(rest) + 2]) < len(local) and first[-2:] in TRADE_ZH:
        yield first, BRAND_AND_TRADE


def _latin(title: str) -> Iterator[tuple[str, float]]:
    """`Harbour & Loom` is said as `Harbour and Loom` too, and the other way round."""
    for form, prior in ((title, 1.0), *_shorter(title)):
        if form != title:
            yield form, prior
        if " & " in form or " and " in form:
            yield " ".join(_AND.get(word, word) for word in form.split()), min(prior, BARE)


def _shorter(title: str) -> Iterator[tuple[str, float]]:
    bare = _strip_words(title, LEGAL_EN)
    if bare != title or bare.count(" ") > 1:
        bare = bare.removeprefix("The ")
    if bare != title:
        yield bare, BARE
    short = _strip_words(bare, GROUP_EN)
    if short != bare:
        yield short, LOCAL
    words = short.split()
    if len(words) > 1 and len(words[0]) > 3 and all(word.casefold().strip(",") in TRADE_EN for word in words[1:]):
        yield words[0].strip(","), BRAND
    elif len(words) > 2 and (brand := _strip_words(short, TRADE_EN)).count(" "):
        yield brand, BRAND
    elif len(words) > 1 and len(words[0]) > 4 and words[0].isalpha() and words[0].casefold() not in english():
        yield words[0], OWN_WORD


def _strip_words(text: str, endings: Collection[str]) -> str:
    while (last := _LAST_WORD.search(text)) and last[1].casefold() in endings and text[: last.start()].strip():
        text = text[: last.start()].rstrip(" ,&")
    return text
