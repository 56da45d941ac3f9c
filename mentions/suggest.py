"""What an author may have meant: names misspelled by a letter, written with a homophone or a look-alike character, or
typed in pinyin. Never more than a suggestion to the author; no card comes of it.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import islice
from typing import Literal, NamedTuple

from mentions.bounds import Spans, protected, touches
from mentions.lexicon import english, readings
from mentions.model import Name
from mentions.normal import normalise, normalise_name
from mentions.segment import Strings
from mentions.words import ALIKE_ZH

LEAST_LATIN = 6  # letters of a name that may be misspelled
LEAST_HAN = 4  # characters of a name that may be misheard
MOST_HAN = 10
INITIALS = range(3, 7)  # letters of a name typed by its pinyin's initials
MOST_WORDS = 3
MOST_REFS = 8
MOST_TEXT = 2000

Reason = Literal["one letter off", "sounds or looks alike", "pinyin", "initials"]
_WORDS = re.compile(r"[^\W\d_]+(?:['&.-][^\W\d_]+)*")
_HAN = re.compile(r"[\u4e00-\u9fa5]+")
_LATIN = re.compile(r"[a-z]+")
_ALIKE = {one: group[0] for group in ALIKE_ZH for one in group[1:]}


class Suggestion(NamedTuple):
    """`text[start:end]`, code points of the original, may mean `refs`, whose own spelling is `name`."""

    start: int
    end: int
    name: str
    refs: tuple[str, ...]
    reason: Reason


class Suggester:
    """Built in bulk beside an index, from its names; 12 bytes a key, some ten keys a name. Not changed afterwards."""

    def __init__(self, items: Iterable[tuple[str, Sequence[Name]]]) -> None:
        refs: list[str] = []
        names: list[str] = []
        self._owner = array("I")
        keys: list[tuple[int, int]] = []
        for ref, ref_names in items:
            refs.append(ref)
            for name in ref_names:
                if name.kind != "never":
                    keys += [(_hash(key), len(names)) for key in _keys(normalise_name(name.text))]
                    names.append(name.text)
                    self._owner.append(len(refs) - 1)
        keys.sort()
        self._keys = array("Q", (key for key, _ in keys))
        self._name = array("I", (name for _, name in keys))
        self._names, self._refs = Strings(names), Strings(refs)

    def suggest(self, text: str, quoted: Spans = ()) -> list[Suggestion]:
        """In order, at most one for a stretch; none in what is protected. Looks at the first 2,000 characters."""
        normal = normalise(text[:MOST_TEXT])
        spans = protected(text[:MOST_TEXT], quoted)
        found: list[Suggestion] = []
        for start, end, keys, reason in _tries(normal.text):
            if normal.whole(start, end) and not touches(spans, *normal.span(start, end)):
                known = self._known(normal.text[start:end], keys, reason)
                found += [Suggestion(*normal.span(start, end), name, refs, reason) for name, refs in known]
        return _apart(found)

    def _known(self, written: str, keys: Iterable[str], reason: Reason) -> Iterator[tuple[str, tuple[str, ...]]]:
        names = sorted({name for key in keys for name in self._under(_hash(key))})
        likely = [at for at in names if _likely(written, normalise_name(self._names[at]), reason)][:MOST_REFS]
        if likely:
            refs = dict.fromkeys(self._refs[self._owner[at]] for at in likely)
            yield self._names[likely[0]], tuple(refs)

    def _under(self, key: int) -> Iterator[int]:
        at = bisect_left(self._keys, key)
        while at < len(self._keys) and self._keys[at] == key:
            yield self._name[at]
            at += 1


def _keys(pattern: str) -> Iterator[str]:
    if pattern.isascii():
        if len(pattern) >= LEAST_LATIN and len(pattern.split()) <= MOST_WORDS:
            yield from _shortened(pattern)
    elif _HAN.fullmatch(pattern) and len(pattern) <= MOST_HAN:
        if len(pattern) >= LEAST_HAN:
            yield f"={sound(pattern)}"
        if len(pattern) in INITIALS:
            yield f"!{initials(pattern)}"


def _shortened(word: str) -> Iterator[str]:
    """The word, and the word without each of its letters: words one letter apart share one of these."""
    yield f"~{word}"
    yield from {f"~{word[:at]}{word[at + 1 :]}" for at in range(len(word))}


def sound(text: str) -> str:
    """How Chinese is read, one reading each; look-alike characters are read alike."""
    known = readings()
    return "".join(known.get(_ALIKE.get(c, c), (c,))[0] for c in text)


def initials(text: str) -> str:
    """华星医疗: hxyl."""
    known = readings()
    return "".join(known.get(c, (c,))[0][0] for c in text)


def _hash(key: str) -> int:
    return int.from_bytes(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _tries(text: str) -> Iterator[tuple[int, int, Iterable[str], Reason]]:
    words = list(_WORDS.finditer(text))
    for at, first in enumerate(words):
        for last in islice(words, at, at + MOST_WORDS):
            start, end = first.start(), last.end()
            if text[start:end].isascii() and end - start >= LEAST_LATIN - 1 and end - start < 60:
                yield start, end, _shortened(text[start:end]), "one letter off"
    for run in _LATIN.finditer(text):
        if run[0] not in english():
            yield run.start(), run.end(), (f"={run[0]}",), "pinyin"
            yield run.start(), run.end(), (f"!{run[0]}",), "initials"
    for run in _HAN.finditer(text):
        for start in range(run.start(), run.end() - LEAST_HAN + 1):
            for end in range(start + LEAST_HAN, min(run.end(), start + MOST_HAN) + 1):
                yield start, end, (f"={sound(text[start:end])}",), "sounds or looks alike"


def _likely(written: str, name: str, reason: Reason) -> bool:
    """Whether this is such a slip, and not the name itself or another word of the language."""
    if reason == "one letter off":
        return written != name and len(name) >= LEAST_LATIN and written not in english() and one_edit(written, name)
    if reason == "sounds or looks alike":
        same = sum(a == b for a, b in zip(written, name, strict=False))
        return written != name and len(written) == len(name) and same * 2 >= len(name)
    return True


def one_edit(one: str, other: str) -> bool:
    """Whether one letter added, left out, changed, or two neighbours swapped make `other` of `one`."""
    if abs(len(one) - len(other)) > 1 or one == other:
        return False
    same = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    left, right = one[same:], other[same:]
    if len(left) != len(right):
        return left[1:] == right if len(left) > len(right) else left == right[1:]
    return left[1:] == right[1:] or (left[2:] == right[2:] and left[:2] == right[1::-1])


def _apart(found: Sequence[Suggestion]) -> list[Suggestion]:
    """The longest of those that overlap."""
    kept: list[Suggestion] = []
    for one in sorted(found, key=lambda each: (each.start - each.end, each.start)):
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    return sorted(kept)
