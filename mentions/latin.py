"""What speaks for and against a name in Latin letters, where it stands. Never which name it is."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

from mentions.lexicon import english
from mentions.words import (
    BEFORE_EN,
    DETERMINERS_EN,
    GIVEN_EN,
    INSIDE_EN,
    NOUNS_EN,
    ORGS_EN,
    PRODUCTS_EN,
    SITES_EN,
    STATES_EN,
    STREETS_EN,
    TITLES_EN,
    TOWNS_EN,
    VERBS_EN,
    WORK_EN,
)

REACH = 120  # characters looked at on either side
_TOKEN = re.compile(r"[^\W_]+(?:['’&.-][^\W_]+)*")
_MODEL = re.compile(r"[a-z]{1,2}[A-Z]\w*$|[A-Za-z]{1,3}-?\d+\w*$")
_STOP = re.compile(r"^[^\W\d_]{3,}\.$")  # a name of one word, written with the stop behind it
_SENTENCE = re.compile(r"(?:^|[.!?:;\n|…•]|--|[\"“(\[])\s*$")


def features(text: str, start: int, end: int) -> dict[str, float]:
    """Of the text as it is written; how it compares to the customer's own spelling comes with the candidate."""
    end -= bool(_STOP.search(text[start:end]))
    left, right = text[max(0, start - REACH) : start], text[end : end + REACH]
    name = text[start:end]
    found = dict(_form(name))
    found |= _case(left, name, right)
    found |= _beside(left, right)
    if found["before a capitalised word"] and name.casefold() in GIVEN_EN:
        found["a given name before a family name"] = 1.0
    if found["behind in"] and found.get("one proper name"):
        found["in, a proper name"] = 1.0
    if name.casefold() in TOWNS_EN:
        found["known as a place"] = 1.0
        found["in, a place"] = found["behind in"]
    return {key: value for key, value in found.items() if value}


def _form(name: str) -> Iterator[tuple[str, float]]:
    words = _TOKEN.findall(name)
    yield "up to three letters", float(len(name) <= 3)
    yield "four letters", float(len(name) == 4)
    yield "long", min(1.0, max(0, len(name) - 6) / 8)
    yield "several words", float(len(words) == 2)
    yield "three words or more", float(len(words) > 2)
    yield "with a digit", float(any(c.isdigit() for c in name))
    yield "ends as an organisation does", float(len(words) > 1 and words[-1].casefold().strip(".") in ORGS_EN)
    yield from _usual(words)


def _usual(words: list[str]) -> Iterator[tuple[str, float]]:
    lexicon = english()
    known = [lexicon.get(word.casefold()) for word in words]
    if not known or any(one is None for one in known):
        yield "no word of the language", 1.0
        return
    ranks = [one[0] for one in known if one is not None]
    rarest = 1 - math.log1p(max(ranks)) / math.log1p(len(lexicon))
    if all(one is not None and one[1] == "common" for one in known):
        yield "a common word", 1.0
        yield "a common word, often used", rarest
        yield "one common word", float(len(words) == 1)
    else:
        yield "a proper name, often used", rarest
        yield "a proper name", 1.0
        yield "one proper name", float(len(words) == 1)


def _case(left: str, name: str, right: str) -> dict[str, float]:
    around = [token for token in _TOKEN.findall(left + " " + right) if any(c.isalpha() for c in token)]
    lower = sum(token.islower() for token in around)
    share = lower / len(around) if around else 0.5
    shout = sum(token.isupper() and len(token) > 1 for token in around) / len(around) if around else 0.0
    small, loud = name.islower(), name.isupper() and len(name) > 1
    begins = bool(_SENTENCE.search(left))
    lexicon = english()
    common = all((one := lexicon.get(word.casefold())) and one[1] == "common" for word in _TOKEN.findall(name))
    return {
        "written small": float(small),
        "written small, a common word": float(small and common),
        "written large": float(loud and shout < 0.5),
        "a message in capitals": float(shout >= 0.5),
        "begins a sentence": float(begins),
        "begins a sentence with a common word": float(begins and common and not small),
        "capital inside a sentence": float(not small and not begins and share >= 0.6),
        "capital inside, a common word": float(not small and not begins and share >= 0.6 and common),
        "among many capitals": float(share < 0.5 and shout < 0.5),
        "a message without capitals": float(share > 0.95 and small),
    }


def _beside(left: str, right: str) -> dict[str, float]:
    before, after = _last(left), _next(right)
    low, next_low = before.casefold(), after.casefold()
    joined_left, joined_right = left[-1:], right[:1]
    return {
        "behind a capitalised word": float(_capital(before) and not _opening(left, before) and low not in TITLES_EN),
        "behind a person's title": float(low in TITLES_EN and _capital(before)),
        "before a capitalised word": float(_capital(after) and next_low not in VERBS_EN),
        "before a place word": float(next_low in SITES_EN),
        "before a street": float(next_low in STREETS_EN and _capital(after)),
        "goes on as an organisation": float(next_low in ORGS_EN),
        "before a product": float(next_low in PRODUCTS_EN or bool(_MODEL.match(after))),
        "behind a given name": float(low in GIVEN_EN and _capital(before)),
        "what companies do follows": float(next_low in VERBS_EN),
        "what companies have follows": float(next_low in NOUNS_EN),
        "somebody one deals with": float(low in BEFORE_EN),
        "behind a determiner": float(low in DETERMINERS_EN),
        "behind in": float(low in INSIDE_EN),
        "a town before its state": float(_town(right)),
        "possessive": float(right[:2] in ("'s", "’s") or joined_right in ("'", "’")),
        "a tag": float(joined_left == "#"),
        "a ticker": float(joined_left == "$"),
        "joined by a hyphen": float(joined_left == "-" or joined_right == "-"),
        "joined by other signs": float(
            joined_left in ("/", ".", "&", "_", "+") or joined_right in ("/", "&", "_", "+")
        ),
        "before a number": float(after[:1].isdigit()),
        "in brackets": float(joined_left in ("(", "[") or joined_right in (")", "]")),
        "in quotes": float(joined_left in ('"', "“", "'", "‘")),
        "stands in a list": float(joined_right == "," or left.rstrip()[-1:] == ","),
        "ends a sentence": float(bool(re.match(r"\s*(?:[.!?]|$|https?:)", right))),
        "words of work around": float(_work(left, right)),
        "alone": float(not before and not after),
    }


def _last(left: str) -> str:
    """The word right before, across blanks only."""
    found = re.search(r"([^\W_][\w'’&.-]*)[ ]$", left)
    return found[1] if found else ""


def _next(right: str) -> str:
    found = re.match(r"(?:['’]s)?[ ]([^\W_][\w'’&-]*)", right)
    return found[1] if found else ""


def _opening(left: str, before: str) -> bool:
    """Whether the word before is written large only because it begins the sentence."""
    low = before.casefold()
    if low in DETERMINERS_EN or low in BEFORE_EN:
        return True
    known = english().get(low)
    begins = bool(_SENTENCE.search(left[: len(left.rstrip()) - len(before)]))
    return begins and known is not None and known[1] == "common" and known[0] < 3000


def _town(right: str) -> bool:
    found = re.match(r",? ([A-Z][a-z]+)", right)
    return bool(found and found[1].casefold() in STATES_EN and right[:1] == ",")


def _capital(word: str) -> bool:
    return word[:1].isupper() and word != "I"


def _work(left: str, right: str) -> bool:
    near = [token.casefold() for token in (*_TOKEN.findall(left)[-8:], *_TOKEN.findall(right)[:8])]
    return any(word in WORK_EN for word in near) or any(f"{a} {b}" in WORK_EN for a, b in pairwise(near))


def spelling(written: str, own: str) -> dict[str, float]:
    """How the text's spelling compares to the customer's."""
    written, own = unicodedata.normalize("NFKC", written), unicodedata.normalize("NFKC", own)
    if written == own:
        return {"spelled as they do": 1.0}
    if written.casefold() != own.casefold():
        return {"spelled as they do": 0.7} if " " in written else {"spelled otherwise": 1.0}
    if own.isupper() and len(own) < 6:
        return {"an acronym spelled as a word": 1.0}
    return {"in other capitals": 1.0}
