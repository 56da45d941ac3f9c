"""Where a name may not be found: inside a word, an address, a handle, code, or what somebody else said."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from mentions.quotes import quoted as by_form

# Scripts written without spaces between words (Thai to Myanmar, Khmer) or with particles joined on (Hangul).
_UNSPACED = ((0x0E00, 0x0F00), (0x1000, 0x10A0), (0x1100, 0x1200), (0x1780, 0x1800))

# A handle is all Latin. Behind @ in Chinese stands somebody as everybody calls them, run on into the sentence;
# what a network itself marks as a mention comes as a quoted stretch.
# Every repetition is possessive or begins where the one before cannot reach, so the scan stays linear.
_PROTECTED = re.compile(
    r"""
    (?P<code>```.*?```|`[^`\n]++`)
  | (?P<url>(?:(?:https?|ftps?|wss?|ssh|git|file|slack|tg)://|(?<![a-z0-9])www\.)(?:[!-;=?-_a-z|~]|[\u3040-\u9fff]{1,40}+(?=[/?&=\#])|(?<=[/=])[\u3040-\u9fff]{1,40}+(?=\s|$))++)
  | (?P<mail>(?<![\w.+-])[\w.+-]++@(?=[\w-]+\.)[\w.-]++)
  | (?P<handle>(?<![a-z0-9_.])[@＠](?:[a-z0-9_.-])++(?!\w))
  | (?P<host>(?<![\w.@/-])(?=[a-z0-9-]{1,63}\.)[a-z0-9][a-z0-9.-]*+(?<=[a-z])(?:[/?\#][!-;=?-_a-z|~]*+))
  | (?P<quote>^>[^\n]*+)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL | re.MULTILINE,
)
_MARKS = ("`", "://", "www.", "WWW.", "@", "＠", "/", ">", "?", "#")

Spans = Sequence[tuple[int, int]]


def is_word(character: str) -> bool:
    """Whether words of this character's script are told apart by what stands beside them."""
    if character >= "\u2e80" or not (character.isalnum() or character == "_"):
        return False
    code = ord(character)
    return code < 0x0E00 or not any(low <= code < high for low, high in _UNSPACED)


def opens(text: str, start: int) -> bool:
    """Whether a name may begin at `start`."""
    if start == 0 or not is_word(text[start]):
        return True
    before = text[start - 1]
    if text[start].isdigit() and before in ".,:" and start > 1 and text[start - 2].isdigit():
        return False
    return not is_word(before)


def closes(text: str, end: int) -> bool:
    """Whether a name may end before `end`."""
    if end >= len(text) or not is_word(text[end - 1]):
        return True
    after = text[end]
    if text[end - 1].isdigit() and after in ".,:%" and (after == "%" or text[end + 1 : end + 2].isdigit()):
        return False
    return not is_word(after) or text.startswith(("http://", "https://"), end)


def protected(text: str, quoted: Spans = ()) -> list[tuple[int, int]]:
    """Stretches of the original text in which no customer is named, ordered and apart."""
    spans = [(start, end) for start, end in (*quoted, *by_form(text)) if start < end]
    if any(mark in text for mark in _MARKS):
        spans += [found.span() for found in _PROTECTED.finditer(text)]
    return _merged(spans)


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    spans.sort()
    apart: list[tuple[int, int]] = []
    for start, end in spans:
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def touches(spans: list[tuple[int, int]], start: int, end: int) -> bool:
    """Whether a stretch shares a character with one of `spans` (ordered, apart)."""
    at = bisect_right(spans, (start, end))
    return (at < len(spans) and spans[at][0] < end) or (at > 0 and spans[at - 1][1] > start)
