"""Text as it is compared, with a way back to the offsets of the text as it was written.

Folded away: NFKC, letter case, full and half width, traditional characters, accents on Latin letters, kinds of
quotes, dashes and spaces, and characters without a width. Characters are folded one by one, whatever stands beside
them, so that a name and a message always meet in the same form.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from functools import cache
from typing import NamedTuple

import opencc

_ODD = "\ue000"  # stands for a character that does not fold to exactly one; then the slow way is taken
_PUNCTUATION = {
    **dict.fromkeys("‘’ʼ´′", "'"),
    **dict.fromkeys("“”″", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    **dict.fromkeys("・•‧∙⋅", "·"),
    **dict.fromkeys("\t\x0b\x0c\x1f\u1680", " "),
    **dict.fromkeys("\r\x1c\x1d\x1e\x85\u2028\u2029", "\n"),
}
_ASCII_ODD = re.compile(r"[\t\r\x0b\x0c\x1c-\x1f]")
_INVISIBLE = [
    0xAD,
    0x34F,
    0x61C,
    0x180E,
    0xFEFF,
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x206A),
]
_IDEOGRAPHS = ((0x3400, 0xA000), (0xF900, 0xFB00), (0x20000, 0x2FA20))
# Only here can a character fold to something else; a test walks every code point to hold this to the truth.
_ASTRAL = (
    (0x10400, 0x107C0),
    (0x10C80, 0x10CC0),
    (0x11080, 0x11A00),
    (0x16E40, 0x16EE0),
    (0x1BC00, 0x1F300),
    (0x1FB00, 0x1FC00),
)


class Normal(NamedTuple):
    """`starts[i]`, `ends[i]`: where the i-th folded character came from; None when offsets did not move."""

    text: str
    starts: array[int] | None = None
    ends: array[int] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """A folded stretch, not empty, as code points of the original."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]

    def whole(self, start: int, end: int) -> bool:
        """Whether a folded stretch takes no character of the original in part: all of "㍿" or nothing."""
        if (starts := self.starts) is None:
            return True
        return (start == 0 or starts[start - 1] != starts[start]) and (
            end == len(starts) or starts[end] != starts[end - 1]
        )


class _Tables(NamedTuple):
    fold: dict[str, str]
    fast: dict[str, str]
    changes: re.Pattern[str]
    cluster: re.Pattern[str]


@cache
def _simplified() -> dict[str, str]:
    characters = [chr(code) for low, high in _IDEOGRAPHS for code in range(low, high)]
    simple = opencc.OpenCC("t2s").convert("\n".join(characters)).split("\n")
    return {was: now for was, now in zip(characters, simple, strict=True) if was != now}


def _plain_letter(character: str) -> str:
    parts = unicodedata.normalize("NFD", character)
    if len(parts) > 1 and parts[0].isascii() and parts[0].isalpha():
        return parts[0]
    return character


def fold_piece(piece: str) -> str:
    """A character with its combining marks, folded; the definition the tables are made from."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", piece).casefold())
    simple = _simplified()
    plain = (_plain_letter(simple.get(c, c)) for c in folded)
    return "".join("" if ord(c) in _DROPPED else _replaced(c) for c in plain)


def _replaced(character: str) -> str:
    if "\ud800" <= character <= "\udfff":
        return "\ufffd"
    return _PUNCTUATION.get(character, character)


_DROPPED = frozenset(_INVISIBLE)


def _marks() -> set[str]:
    """Characters that NFKC may join to the one before."""
    ranges = ((0x300, 0x370), (0x1161, 0x1200), (0x3099, 0x309B), (0xFF9E, 0xFFA0))
    joined = {chr(code) for low, high in ranges for code in range(low, high)}
    for code in (*range(0xC0, 0x3400), *range(0xFB1D, 0xFB50), *range(0x11080, 0x11A00)):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            joined.add(chr(int(parts[1], 16)))
    return joined


def _folded_codes() -> list[int]:
    ranges = ((0x00, 0xAC00), (0xD800, 0xE000), (0xF900, 0x10000), (0x2F800, 0x2FA20), *_ASTRAL)
    return [code for low, high in ranges for code in range(low, high)]


@cache
def _tables() -> _Tables:
    simple, marks = _simplified(), _marks()
    fold = dict(simple)
    for code in _folded_codes():
        character = chr(code)
        if 0x3400 <= code < 0xA000:
            continue
        if (folded := fold_piece(character)) != character:
            fold[character] = folded
    fast = {was: now if len(now) == 1 else _ODD for was, now in fold.items()} | dict.fromkeys(marks, _ODD)
    low = "".join(re.escape(c) for c in fast if ord(c) < 0x10000 and not "A" <= c <= "Z")
    spaces = " \t\x0b\x0c\x1f" + "".join(c for c, now in fold.items() if now == " ")
    cluster = f"[{re.escape(spaces)}]+|[^{(inner := ''.join(map(re.escape, sorted(marks))))}][{inner}]*|[{inner}]+"
    return _Tables(fold, fast, re.compile(f"[{low}\U00010000-\U0010ffff]"), re.compile(cluster, re.DOTALL))


def normalise(text: str) -> Normal:
    """Linear in the text; most text takes the first or second way, both made of C loops."""
    lowered = text.lower()
    if not text.isascii():
        tables = _tables()
        fast = tables.fast
        lowered = tables.changes.sub(lambda found: fast.get(found[0], found[0]), lowered)
        if _ODD in lowered or len(lowered) != len(text):
            return _slow(text)
    elif not lowered.isprintable() and _ASCII_ODD.search(lowered):
        return _slow(text)
    return _slow(text) if "  " in lowered else Normal(lowered)


def _slow(text: str) -> Normal:
    tables = _tables()
    pieces: list[str] = []
    starts, ends = array("I"), array("I")
    for found in tables.cluster.finditer(text):
        piece = _fold_cluster(found[0], tables.fold)
        pieces.append(piece)
        starts.extend([found.start()] * len(piece))
        ends.extend([found.end()] * len(piece))
    return Normal("".join(pieces), starts, ends)


def _fold_cluster(piece: str, fold: dict[str, str]) -> str:
    if len(piece) == 1:
        return fold.get(piece, piece)
    return fold_piece(piece) if not piece.isspace() else " "


def normalise_name(name: str) -> str:
    """A name as it is looked for: folded, every run of blanks one space, none around."""
    return " ".join(normalise(name).text.split())
