"""What an author may have meant: names misspelled by a letter, written with a homophone or a look-alike character, or
typed in pinyin. Never more than a suggestion to the author; no card comes of it.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from hashlib import blake2b
from itertools import islice
from typing import Literal, NamedTuple, Protocol, TypeAlias

from mentions.bounds import Spans, protected, touches
from mentions.lexicon import english, readings
from mentions.model import Name
from mentions.normal import normalise, normalise_name
from mentions.segment import Strings
from mentions.words import ALIKE_ZH

LEAST_LATIN = 6  # letters of a name that may be misspelled
LEAST_HAN = 4  # characters of a name that may be misheard
MOST_HAN = 10
MOST_LATIN = 60
LEAST_PINYIN = 5  # letters of a short name that may be typed in pinyin
MOST_PINYIN = 60
LONGEST = 6  # letters of a syllable
INITIALS = range(3, 7)  # letters of a name typed by its pinyin's initials
SHORT = 11  # letters up to which a misspelled word is found by leaving out each; a longer one by its halves
MOST_WORDS = 3
MOST_UNDER = 500  # names looked at that share a key
PLACES = 26  # bits of a name's place, under the 38 of its key's hash
MOST_NAMES = (1 << PLACES) - 1
MOST_REFS = 8
MOST_TEXT = 2000

Buffer: TypeAlias = "bytes | array[int] | memoryview"
Reason = Literal["one letter off", "sounds or looks alike", "pinyin", "initials"]
_WORDS = re.compile(r"[^\W\d_]+(?:['&.-][^\W\d_]+)*")
_HAN = re.compile(r"[\u4e00-\u9fa5]+")
_LATIN = re.compile(r"[a-z]+")
_JOINTS = (" ", "'", "-")
_ALIKE = {one: group[0] for group in ALIKE_ZH for one in group[1:]}


class Suggestion(NamedTuple):
    """`text[start:end]`, code points of the original, may mean `refs`, whose own spelling is `name`."""

    start: int
    end: int
    name: str
    refs: tuple[str, ...]
    reason: Reason


class Knows(Protocol):
    """Names by keys: those that a slip has in common with the name it is a slip of."""

    def under(self, key: int) -> Iterable[tuple[str, str]]:
        """(name, ref) of each."""
        ...


class Suggester:
    """Built in bulk, of arrays; eight bytes a key, some fifteen keys a name. Not changed afterwards."""

    __slots__ = ("_keys", "_names", "_owner", "_refs")

    def __init__(self, items: Iterable[tuple[str, Sequence[Name]]] = ()) -> None:
        refs: list[str] = []
        names: list[str] = []
        owner, keys = array("I"), list[int]()
        for ref, name in _each(items):
            if not refs or refs[-1] != ref:
                refs.append(ref)
            keys += [key << PLACES | len(names) for key in keys_of(name)]
            names.append(name)
            owner.append(len(refs) - 1)
        keys.sort()
        self._keys: Sequence[int] = array("Q", keys)
        self._owner: Sequence[int] = owner
        self._names, self._refs = Strings(names), Strings(refs)

    def under(self, key: int) -> Iterator[tuple[str, str]]:
        at = bisect_left(self._keys, key << PLACES)
        while at < len(self._keys) and self._keys[at] >> PLACES == key:
            name = self._keys[at] & MOST_NAMES
            yield self._names[name], self._refs[self._owner[name]]
            at += 1

    def suggest(self, text: str, quoted: Spans = ()) -> list[Suggestion]:
        return suggest((self,), text, quoted)

    def sections(self) -> tuple[Buffer, ...]:
        """All of it, as it is kept in a file."""
        return (self._keys, self._owner, *self._names.parts, *self._refs.parts)  # type: ignore[return-value]

    @classmethod
    def of(cls, sections: Sequence[memoryview]) -> Suggester:
        """Of a file's sections, which stay where they are. Raises ValueError when they do not fit together."""
        keys, owner, names, names_at, refs, refs_at = sections
        made = cls()
        made._keys, made._owner = keys.cast("Q"), owner.cast("I")
        made._names = Strings.of(names, names_at.cast("I"))  # type: ignore[arg-type]
        made._refs = Strings.of(refs, refs_at.cast("I"))  # type: ignore[arg-type]
        if len(made._names) != len(made._owner):
            raise ValueError("names are missing")
        return made


class Changing:
    """A few names that come and go; some five kilobytes a customer."""

    __slots__ = ("_by", "names")

    def __init__(self) -> None:
        self.names: dict[str, Sequence[Name]] = {}
        self._by: dict[int, tuple[tuple[str, str], ...]] = {}

    def put(self, ref: str, names: Sequence[Name]) -> None:
        self._without(ref)
        self.names[ref] = names
        for _, name in _each([(ref, names)]):
            for key in keys_of(name):
                self._by[key] = (*self._by.get(key, ()), (name, ref))

    def under(self, key: int) -> Iterable[tuple[str, str]]:
        return self._by.get(key, ())

    def _without(self, ref: str) -> None:
        for _, name in _each([(ref, self.names.pop(ref, ()))]):
            for key in keys_of(name):
                if rest := tuple(each for each in self._by.pop(key, ()) if each[1] != ref):
                    self._by[key] = rest


def _each(items: Iterable[tuple[str, Sequence[Name]]]) -> Iterator[tuple[str, str]]:
    for ref, names in items:
        yield from ((ref, name.text) for name in names if name.kind != "never")


def suggest(known: Sequence[Knows], text: str, quoted: Spans = ()) -> list[Suggestion]:
    """In order, at most one for a stretch; none in what is protected. Looks at the first 2,000 characters."""
    normal = normalise(text[:MOST_TEXT])
    spans = protected(text[:MOST_TEXT], quoted)
    found: list[Suggestion] = []
    for start, end, keys, reason in _tries(known, normal.text):
        if normal.whole(start, end) and not touches(spans, *normal.span(start, end)):
            meant = _meant(known, normal.text[start:end], keys, reason)
            found += [Suggestion(*normal.span(start, end), name, refs, reason) for name, refs in meant]
    return _apart(found)


def _meant(
    known: Sequence[Knows], written: str, keys: Iterable[str], reason: Reason
) -> Iterator[tuple[str, tuple[str, ...]]]:
    under = {each for key in map(_hash, keys) for one in known for each in islice(one.under(key), MOST_UNDER)}
    likely = [each for each in sorted(under) if _likely(written, normalise_name(each[0]), reason)][:MOST_REFS]
    if likely:
        yield likely[0][0], tuple(dict.fromkeys(ref for _, ref in likely))


def _any(known: Sequence[Knows], keys: Iterable[str]) -> bool:
    hashed = [_hash(key) for key in keys]
    return any(True for one in known for key in hashed for _ in one.under(key))


def keys_of(name: str) -> set[int]:
    return {_hash(key) for key in _keys(normalise_name(name))}


def _keys(pattern: str) -> Iterator[str]:
    if pattern.isascii():
        if len(pattern) >= LEAST_LATIN and len(pattern.split()) <= MOST_WORDS:
            if len(pattern) <= SHORT + 1:
                yield from _shortened(pattern)
            yield from (end for length in range(-1, 2) for end in _ends(pattern, len(pattern) + length))
    elif _HAN.fullmatch(pattern) and len(pattern) <= MOST_HAN:
        if len(pattern) >= LEAST_HAN or len(sound(pattern)) >= LEAST_PINYIN:
            yield f"={sound(pattern)}"
        if len(pattern) >= LEAST_HAN:
            yield f"^{sound(pattern[:LEAST_HAN])}"
        if len(pattern) in INITIALS:
            yield f"!{initials(pattern)}"


def _shortened(word: str) -> Iterator[str]:
    """The word, and the word without each of its letters: words one letter apart share one of these."""
    yield f"~{word}"
    yield from {f"~{word[:at]}{word[at + 1 :]}" for at in range(len(word))}


def _ends(word: str, length: int) -> tuple[str, str]:
    """Its beginning and its end: a slip in a word of that length leaves one of them whole."""
    half = (length - 1) // 2
    return f"<{length}{word[:half]}", f">{length}{word[-half:]}"


def sound(text: str) -> str:
    """How Chinese is read, one reading each; look-alike characters are read alike."""
    known = readings()
    return "".join(known.get(_ALIKE.get(c, c), (c,))[0] for c in text)


def initials(text: str) -> str:
    """华星医疗: hxyl."""
    known = readings()
    return "".join(known.get(c, (c,))[0][0] for c in text)


def _hash(key: str) -> int:
    return int.from_bytes(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=5).digest(), "big") >> 2


def _tries(known: Sequence[Knows], text: str) -> Iterator[tuple[int, int, Iterable[str], Reason]]:
    yield from _misspelled(known, text)
    for run in _LATIN.finditer(text):
        if run[0] not in english() and len(run[0]) <= MOST_PINYIN:
            yield run.start(), run.end(), (f"={run[0]}",), "pinyin"
            yield run.start(), run.end(), (f"!{run[0]}",), "initials"
    yield from _spaced(text)
    for run in _HAN.finditer(text):
        yield from _misheard(known, run[0], run.start())


def _spaced(text: str) -> Iterator[tuple[int, int, Iterable[str], Reason]]:
    """Pinyin in several words: `hua xing yi liao`."""
    words = list(_LATIN.finditer(text))
    for at, first in enumerate(words):
        written, end, strange = "", first.start(), False
        for word in words[at : at + MOST_HAN]:
            if len(written) + len(word[0]) > MOST_PINYIN or not _read_so(word[0]):
                break
            if written and text[end : word.start()] not in _JOINTS:
                break
            written, end, strange = written + word[0], word.end(), strange or not _usual(word[0])
            if strange and word is not first:
                yield first.start(), end, (f"={written}",), "pinyin"


@lru_cache(4096)
def _read_so(word: str) -> bool:
    """Whether these letters are syllables of Chinese."""
    ends = {0}
    for at in range(len(word)):
        if at in ends:
            ends |= {at + length for length in range(1, LONGEST + 1) if word[at : at + length] in _syllables()}
    return len(word) in ends


@cache
def _syllables() -> frozenset[str]:
    return frozenset(each for several in readings().values() for each in several)


def _misspelled(known: Sequence[Knows], text: str) -> Iterator[tuple[int, int, Iterable[str], Reason]]:
    """Words of which at least one is none of the language, and of which some name has the beginning or the end."""
    words = list(_WORDS.finditer(text))
    strange = [not _usual(word[0]) for word in words]
    for at, first in enumerate(words):
        for last in range(at, min(at + MOST_WORDS, len(words))):
            start, end = first.start(), words[last].end()
            tried = text[start:end]
            if not any(strange[at : last + 1]) or not LEAST_LATIN - 1 <= len(tried) < MOST_LATIN:
                continue
            if tried.isascii() and _any(known, _ends(tried, len(tried))):
                keys = _shortened(tried) if len(tried) <= SHORT else _ends(tried, len(tried))
                yield start, end, keys, "one letter off"


def _usual(word: str) -> bool:
    entry = english().get(word)
    return entry is not None and entry[1] == "common"


def _misheard(known: Sequence[Knows], run: str, at: int) -> Iterator[tuple[int, int, Iterable[str], Reason]]:
    sounds = [sound(character) for character in run]
    for start in range(len(run) - LEAST_HAN + 1):
        if _any(known, ("^" + "".join(sounds[start : start + LEAST_HAN]),)):
            for end in range(start + LEAST_HAN, min(len(run), start + MOST_HAN) + 1):
                yield at + start, at + end, ("=" + "".join(sounds[start:end]),), "sounds or looks alike"


def _likely(written: str, name: str, reason: Reason) -> bool:
    """Whether this is such a slip, and not the name itself or another word of the language."""
    if reason == "one letter off":
        return written != name and len(name) >= LEAST_LATIN and written not in english() and one_edit(written, name)
    if reason == "sounds or looks alike":
        same = sum(a == b for a, b in zip(written, name, strict=False))
        return written != name and len(written) == len(name) and same * 2 >= len(name)
    if reason == "pinyin":
        return _joined(written) == sound(name)
    return written == initials(name)


def _joined(written: str) -> str:
    return "".join(_LATIN.findall(written))


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
