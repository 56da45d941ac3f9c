"""What every network's drawing does to raw text before its own encoding, so that no string acts, hides or floods.

`inert` is meant for text that is about to be shown. Values in forms are not passed through it: what a person
saves again must be what was there.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import urlsplit

from cards.graphemes import cut

# What XML 1.0 cannot carry: most C0 controls, lone surrogates, two noncharacters.
_ILLEGAL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NEWLINES: Final = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Controls, surrogates, noncharacters; zero-width, bidi and tag characters that only hide or reorder. ZWJ, ZWNJ,
# LRM, RLM and ALM stay: names and emoji need them.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u180e\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000))
    + "]"
)
_STACKED: Final = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{4})"
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
_REPEATED: Final = re.compile(r"(.{1,8}?)\1{39,}", re.DOTALL)
_SHORTEST: Final = 40
"""The characters that what is repeated has at least."""
_BLANK_LINES: Final = re.compile(r"\n(?:[ \t]*\n){2,}")
# What needs nothing done to it: no control, no mark, nothing that is unseen or reads to the left.
_SEEN: Final = (
    "\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2100-\u2bff"
    "\u3001-\u3029\u4e00-\u9fff\uff01-\uff5e"
)
_odd: Final = re.compile(f"[^ -~{_SEEN}]").search
_odd_in_lines: Final = re.compile(f"[^\n -~{_SEEN}]").search
_LEFTWARD: Final = re.compile(
    "["
    + "".join(
        chr(code)
        for first, last in (
            (0x0590, 0x0900),
            (0x200F, 0x2010),
            (0xFB1D, 0xFF00),
            (0x10800, 0x11000),
            (0x1E800, 0x1F000),
        )
        for code in range(first, last)
        if unicodedata.bidirectional(chr(code)) in {"R", "AL"}
    )
    + "]"
)
# Most addresses: nothing in it that `_judged` would refuse, no user or brackets before the path, nothing but ASCII.
_is_everyday: Final = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:[/?#][!#-&(-;=?-Z\]\[_a-z~]*)?").fullmatch
KEPT: Final = 10
"""How many of an absurd repetition stay."""
LIMIT: Final = 3000


def legal(text: str) -> str:
    """`text` without the characters XML 1.0 cannot carry; everything else exactly as it was."""
    return _ILLEGAL.sub("", text) if _ILLEGAL.search(text) else text


def inert(text: str, *, limit: int = LIMIT, lines: bool = True) -> str:
    """`text` fit to be shown, in at most `limit` characters, whole graphemes, `…` at the end of what was cut.

    Control, zero-width and tag characters and every bidi embedding, override and isolate go; text that holds
    right-to-left letters is put into one isolate of its own, so that it cannot reorder what stands beside it.
    More than 4 stacked marks, 40 and more repetitions and runs of blank lines shrink. Without `lines` newlines
    and tabs become spaces. Idempotent for one `limit`. Markup is left to the network's own encoding.
    """
    if len(text) <= limit and _plain(text, lines):
        return text
    text = _UNSEEN.sub("", _NEWLINES.sub("\n", text[: limit * 20 + 10_000]))
    text = _BLANK_LINES.sub("\n\n", text) if lines else " ".join(text.split("\n"))
    text = _STACKED.sub(r"\1", text.replace("\t", " "))
    if _may_repeat(text):
        text = _REPEATED.sub(lambda run: run[1] * KEPT + "…", text)
    return _isolated(text, limit)


def _plain(text: str, lines: bool) -> bool:
    """Whether `inert` would leave it as it is, found out at a fraction of the cost."""
    printable = text.isascii() and text.isprintable()
    if not printable and ((_odd_in_lines if lines else _odd)(text) or _has_blank_lines(text)):
        return False
    return len(text) < _SHORTEST or not _may_repeat(text) or _REPEATED.search(text) is None


def _has_blank_lines(text: str) -> bool:
    return text.count("\n") > 2 and _BLANK_LINES.search(text) is not None


def _may_repeat(text: str) -> bool:
    """Whether it is worth a search, which is dear: of what is repeated forty times, one of these stretches of eight
    characters comes again within the next eight."""
    for at in range(0, len(text) - 15, _SHORTEST - 16):  # noqa: SIM110 -- a generator costs as much as all of it
        if text[at : at + 8] in text[at + 1 : at + 16]:
            return True
    return False


def _isolated(text: str, limit: int) -> str:
    if not _reads_leftward(text):
        return cut(text, limit)
    inside = cut(text, max(limit - 2, 0))
    return f"\u2068{inside}\u2069" if _reads_leftward(inside) else inside


def _reads_leftward(text: str) -> bool:
    return _LEFTWARD.search(text) is not None


def safe_url(url: str) -> str:
    """`url` when it is a plain http(s) address with a host, else `""`: what is no address becomes no link."""
    return url if _is_everyday(url) else _judged(url)


def _judged(url: str) -> str:
    if not url.isprintable() or any(char in url for char in " <>\"'`\\|^{}"):
        return ""
    try:
        parts = urlsplit(url)
        return url if parts.scheme in {"http", "https"} and parts.hostname else ""
    except ValueError:
        return ""
