"""Why a name was heard, or was not: every phrase the scorer can say, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from cards.words import N_, say
from reconcile.model import Json

PHRASES: frozenset[str] = frozenset(
    (
        N_("a common word"),
        N_("a common word, often used"),
        N_("a derived name"),
        N_("a derived name that is a word"),
        N_("a derived name, far from the whole"),
        N_("a given name before a family name"),
        N_("a member belongs to this customer"),
        N_("a message in capitals"),
        N_("a message without capitals"),
        N_("a person is called so"),
        N_("a person's title follows"),
        N_("a place"),
        N_("a place, often named"),
        N_("a proper name"),
        N_("a proper name, often used"),
        N_("a tag"),
        N_("a ticker"),
        N_("a town before its state"),
        N_("a work one reads or hears"),
        N_("across words"),
        N_("alone"),
        N_("among many capitals"),
        N_("an acronym spelled as a word"),
        N_("an address follows"),
        N_("before a capitalised word"),
        N_("before a number"),
        N_("before a place"),
        N_("before a place word"),
        N_("before a product"),
        N_("before a street"),
        N_("begins"),
        N_("begins a sentence"),
        N_("begins a sentence with a common word"),
        N_("behind a capitalised word"),
        N_("behind a determiner"),
        N_("behind a family name"),
        N_("behind a given name"),
        N_("behind a person's title"),
        N_("behind a place"),
        N_("behind in"),
        N_("beside a Latin letter or digit"),
        N_("capital inside a sentence"),
        N_("capital inside, a common word"),
        N_("ends a sentence"),
        N_("ends as an organisation does"),
        N_("four letters"),
        N_("goes on as an organisation"),
        N_("in Latin letters"),
        N_("in brackets"),
        N_("in other capitals"),
        N_("in quotes"),
        N_("in the title of a work"),
        N_("in, a place"),
        N_("in, a proper name"),
        N_("its last word goes on"),
        N_("joined by a dot"),
        N_("joined by a hyphen"),
        N_("joined by other signs"),
        N_("known as a company"),
        N_("known as a person"),
        N_("known as a place"),
        N_("learned from use"),
        N_("long"),
        N_("made of ordinary words"),
        N_("named behind @"),
        N_("named here lately"),
        N_("named in full nearby"),
        N_("no word of the language"),
        N_("one common word"),
        N_("one proper name"),
        N_("one word of the whole name"),
        N_("one word, beside another name"),
        N_("only digits"),
        N_("part of a place's or another's name"),
        N_("part of a work's title"),
        N_("possessive"),
        N_("reads as ordinary words"),
        N_("set off"),
        N_("several words"),
        N_("short for a bank"),
        N_("short for a legal name"),
        N_("somebody one deals with"),
        N_("spelled as they do"),
        N_("spelled otherwise"),
        N_("stands in a list"),
        N_("the author's account"),
        N_("the only one here called so"),
        N_("the room is this customer's"),
        N_("three words or more"),
        N_("two characters"),
        N_("up to three letters"),
        N_("what companies do follows"),
        N_("what companies have follows"),
        N_("what one has to do with a customer follows"),
        N_("what shares do follows"),
        N_("whence a share comes"),
        N_("with a digit"),
        N_("words of work around"),
        N_("words of work further off"),
        N_("written large"),
        N_("written small"),
        N_("written small, a common word"),
    )
)

KINDS: dict[str, str] = {
    "title": N_("its own name"),
    "alias": N_("a name it was given"),
    "derived": N_("a short form of its name"),
    "contact": N_("one of its contacts"),
}

LEARNED: dict[str, str] = {
    "wrong": N_("The card was the wrong one: that name counts for less."),
    "none": N_("That name was said not to be a customer: it counts for less."),
    "picked": N_("The customer was picked: that name counts for more."),
    "missed": N_("A card was missed here: that name counts for more."),
    "used": N_("The card was of use: that name counts for a little more."),
}
"""What one use of a card taught."""

SLIPS: dict[str, str] = {
    "one letter off": N_("one letter off"),
    "sounds or looks alike": N_("sounds or looks alike"),
    "pinyin": N_("pinyin"),
    "initials": N_("initials"),
}

PLAIN: frozenset[str] = frozenset((N_("chosen here before"),))

_LESS = re.compile(r"less sure than ([0-9.]+)")
_SEVERAL = re.compile(r"(\d+) (?:customers|here) are called so")
_SIDE = re.compile(r"(for|against): (.+)", re.DOTALL)


def known(reason: str) -> bool:
    """Whether this reason can be told in every language."""
    if reason in KINDS or reason in PLAIN or _LESS.fullmatch(reason) or _SEVERAL.fullmatch(reason):
        return True
    side = _SIDE.fullmatch(reason)
    return side is not None and all(each in PHRASES for each in _parts(side[2]))


def worded(locale: str, reason: str) -> str:
    """One reason as a person reads it; one of a newer model as it is."""
    if side := _SIDE.fullmatch(reason):
        return _sided(locale, side[1], side[2])
    if several := _SEVERAL.fullmatch(reason):
        return say(locale, "{count} are called so", count=several[1])
    if less := _LESS.fullmatch(reason):
        return say(locale, "less sure than {percent} %", percent=round(float(less[1]) * 100))
    return say(locale, KINDS.get(reason, reason))


def sure(locale: str, facts: Mapping[str, Json]) -> str:
    """How sure a step was, for which reasons, and what use has taught about the name."""
    why, score, learned = facts.get("why"), facts.get("score"), facts.get("learned")
    parts = (
        [say(locale, "{percent} % sure", percent=min(99, round(score * 100)))] if isinstance(score, int | float) else []
    )
    parts += [worded(locale, str(each)) for each in why] if isinstance(why, list) else []
    if isinstance(learned, int | float) and learned:
        parts.append(say(locale, "what use taught weighs {weight}", weight=f"{learned:+.2f}"))
    return joined(locale, parts)


def told(locale: str, reasons: Iterable[str]) -> str:
    return joined(locale, [worded(locale, reason) for reason in reasons])


def joined(locale: str, parts: Iterable[str]) -> str:
    """Apart by semicolons: a reason has commas of its own."""
    return ("；" if locale.startswith("zh") else "; ").join(parts)


def _sided(locale: str, side: str, phrase: str) -> str:
    parts = [say(locale, each) for each in _parts(phrase)]
    reason = parts[0] if len(parts) == 1 else say(locale, "{one}, and {other}", one=parts[0], other=parts[1])
    return say(locale, "for: {reason}", reason=reason) if side == "for" else _against(locale, reason)


def _against(locale: str, reason: str) -> str:
    return say(locale, "against: {reason}", reason=reason)


def _parts(phrase: str) -> list[str]:
    """Two features weighed together are told as both."""
    one, joined, other = phrase.partition(", and ")
    return [one, other] if joined and phrase not in PHRASES else [phrase]
