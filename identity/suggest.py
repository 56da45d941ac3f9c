"""Who an unmapped account might be. A suggestion is shown to an admin, with its evidence; it is never applied."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import chain
from typing import Final

from cards.words import N_
from channels.model import Sender
from identity.model import Person

_WORD: Final = re.compile(r"[^\W_]+")
_LONGEST: Final = 120
_LEAST: Final = 0.75
_NEAR: Final = 24
"""So many persons are compared with one account; of thousands those that share its rarest pairs of signs."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`score` from 0 to 1; `evidence` are message ids, the strongest first."""

    person: Person
    score: float
    evidence: tuple[str, ...]


ADDRESS: Final = N_("Same verified e-mail address")
SAME: Final = N_("Same name")
ORDER: Final = N_("Same name in another order")
LIKE: Final = N_("Similar name")
EMAIL: Final = N_("The name is the e-mail address")
HANDLE: Final = N_("The account is the e-mail address")


def suggest(sender: Sender, persons: Iterable[Person], *, limit: int = 5, address: str = "") -> tuple[Suggestion, ...]:
    """The likeliest persons first; equal ones by id. Deactivated ones are never suggested, nor is a bot anybody.

    `address`: the account's, as its network's or a CRM's own user list has it; "" where none is verified.
    """
    if sender.kind == "bot":
        return ()
    found = [_compare(sender, person, address.casefold()) for person in persons if person.active]
    likely = [suggestion for suggestion in found if suggestion is not None]
    return tuple(sorted(likely, key=lambda one: (-one.score, one.person.id))[:limit])


class Suggester:
    """The same for many accounts and thousands of persons: only who shares a pair of signs is compared."""

    def __init__(self, persons: Iterable[Person]) -> None:
        self._persons = [each for each in persons if each.active]
        self._having: dict[str, list[int]] = defaultdict(list)
        self._reached: dict[str, list[int]] = defaultdict(list)
        for at, person in enumerate(self._persons):
            for email in person.emails:
                self._reached[email.casefold()].append(at)
            texts = (person.name, *(email.partition("@")[0] for email in person.emails))
            for pair in {pair for text in texts for pair in _pairs(_words(text))}:
                self._having[pair].append(at)

    def suggest(self, sender: Sender, *, limit: int = 5, address: str = "") -> tuple[Suggestion, ...]:
        pairs = {*_pairs(_words(sender.name)), *_pairs(_words(sender.id.id))}
        rarest = sorted((self._having[pair] for pair in pairs if pair in self._having), key=len)
        same = self._reached.get(address.casefold(), [])[:_NEAR] if address else []
        near = dict.fromkeys(chain(same, chain.from_iterable(each[:_NEAR] for each in rarest)))
        return suggest(sender, [self._persons[at] for at in list(near)[:_NEAR]], limit=limit, address=address)


def _pairs(words: tuple[str, ...]) -> Iterator[str]:
    """Whole words of one name too: what is the same is near, however common its pairs are."""
    yield from (" ".join(sorted(words)), "".join(words))
    for word in words:
        yield from (word[at : at + 2] for at in range(max(len(word) - 1, 1)))


def _compare(sender: Sender, person: Person, address: str) -> Suggestion | None:
    said, known = _words(sender.name), _words(person.name)
    same = [(0.97, ADDRESS)] if address and address in {each.casefold() for each in person.emails} else []
    evidence = [*same, *_names(said, known), *_emails(said, _words(sender.id.id), person.emails)]
    if not evidence:
        return None
    evidence.sort(reverse=True)
    score = min(1.0, evidence[0][0] + 0.02 * (len(evidence) - 1))
    return Suggestion(person, round(score, 4), tuple(dict.fromkeys(words for _, words in evidence)))


def _names(said: tuple[str, ...], known: tuple[str, ...]) -> list[tuple[float, str]]:
    if not said or not known:
        return []
    if said == known:
        return [(0.95, SAME)]
    if sorted(said) == sorted(known) or "".join(said) == "".join(known):
        return [(0.9, ORDER)]
    told = SequenceMatcher(None, " ".join(said), " ".join(known), autojunk=False)
    if told.real_quick_ratio() < _LEAST or told.quick_ratio() < _LEAST:  # above the ratio, at a tenth of its cost
        return []
    ratio = told.ratio()
    return [(0.8 * ratio, LIKE)] if ratio >= _LEAST else []


def _emails(said: tuple[str, ...], handle: tuple[str, ...], emails: tuple[str, ...]) -> list[tuple[float, str]]:
    locals_ = [_words(email.partition("@")[0]) for email in emails]
    found = [(0.85, EMAIL) for words in locals_ if words and sorted(words) == sorted(said)]
    return found + [(0.8, HANDLE) for words in locals_ if words and words == handle]


@lru_cache(maxsize=20_000)
def _words(text: str) -> tuple[str, ...]:
    folded = unicodedata.normalize("NFKC", text[:_LONGEST]).casefold()
    return tuple(_WORD.findall(folded))
