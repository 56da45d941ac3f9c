"""Telegram's text: offsets in UTF-16 units, and markup as a small HTML (core.telegram.org/bots/api#html-style)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field

from channels.wire import Body

Count = Annotated[int, Field(ge=0, le=2**31)]
QUOTES = frozenset({"blockquote", "expandable_blockquote"})
# An e-mail address has letters before its @, a mention has none.
_CALL = re.compile(r"(?<![\w@])@(?=\w)")
_AROUND = re.compile(r"[\s,:\uff0c\uff1a]*")


class Entity(Body):
    type: Annotated[str, Field(max_length=60)]
    offset: Count
    length: Count
    user: dict[str, Any] | None = None


def units(text: str) -> int:
    """As Telegram counts: characters outside the first plane count two."""
    return len(text) + sum(char > "\uffff" for char in text)


def spans(text: str, entities: Iterable[Entity]) -> list[tuple[Entity, int, int]]:
    """Each entity with where it begins and ends in code points; what lies outside the text is cut to it."""
    wanted = list(entities)
    if not wanted:
        return []
    at = [0]  # by UTF-16 unit: the code point that holds it
    for index, char in enumerate(text):
        at += [index + 1] if char <= "\uffff" else [index, index + 1]
    last = len(at) - 1
    return [(each, at[min(each.offset, last)], at[min(each.offset + each.length, last)]) for each in wanted]


def said_plainly(
    text: str, entities: Iterable[Entity], username: str, bot: str
) -> tuple[str, tuple[tuple[int, int], ...], bool]:
    """The text without a leading call of the bot, its quoted stretches (code points), and whether it calls the bot."""
    quoted: list[tuple[int, int]] = []
    called, start = False, 0
    for entity, first, last in spans(text, entities):
        if entity.type in QUOTES:
            quoted.append((first, last))
        elif _calls(entity, text[first:last], username, bot):
            called = True
            if not text[:first].strip() and entity.type != "bot_command":
                start = last
    if start:
        found = _AROUND.match(text, start)
        start = found.end() if found else start
    moved = ((max(first - start, 0), last - start) for first, last in quoted)
    return text[start:], tuple(span for span in moved if span[0] < span[1]), called


def _calls(entity: Entity, words: str, username: str, bot: str) -> bool:
    """`@our_bot`, somebody without a name pointed at, and a command that is for us or for whoever hears it."""
    ours = f"@{username}".casefold()
    if entity.type == "mention":
        return words.casefold() == ours
    if entity.type == "text_mention":
        return str((entity.user or {}).get("id", "")) == bot
    if entity.type == "bot_command":
        _, at, name = words.partition("@")
        return not at or f"@{name}".casefold() == ours
    return False


def escaped(text: str) -> str:
    """For where Telegram reads HTML. Nothing in it calls anybody: an @ that would is replaced by its wide twin."""
    return html.escape(_CALL.sub("\uff20", text), quote=False)


def attribute(url: str) -> str:
    return html.escape(url, quote=True)
