"""Slack's message text: from its markup to plain words, and from plain words to its markup.

Inbound, `&`, `<` and `>` come as entities and everything special as `<…>`; a line that starts with `>` quotes
somebody (docs.slack.dev/messaging/formatting-message-text).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_SPECIAL = re.compile(r"<([^<>]*)>")
_QUOTE = "&gt;"
_is_markup = re.compile("[&<>*_~`]").search
_LOOKALIKES = str.maketrans({"*": "∗", "_": "ˍ", "~": "∼", "`": "ˋ"})


def said_plainly(text: str, bot: str) -> tuple[str, tuple[tuple[int, int], ...], bool]:
    """Plain text, its quoted stretches (code points), and whether it calls the bot."""
    if "<" not in text and _QUOTE not in text:
        return _entities(text), (), False
    called = bool(bot) and re.search(rf"<@{re.escape(bot)}(\|[^<>]*)?>", text) is not None
    if called:
        text = re.sub(rf"^\s*<@{re.escape(bot)}(\|[^<>]*)?>[\s,:\uff0c\uff1a]*", "", text)
    lines, spans, at, rest_quoted = [], [], 0, False
    for line in text.split("\n"):
        rest_quoted = rest_quoted or line.startswith(_QUOTE * 3)
        plain = _entities(_SPECIAL.sub(lambda found: _word(found[1], bot), line))
        if rest_quoted or line.startswith(_QUOTE):
            spans.append((at, at + len(plain)))
        lines.append(plain)
        at += len(plain) + 1
    return "\n".join(lines), tuple(span for span in spans if span[0] < span[1]), called


def _word(special: str, bot: str) -> str:
    """`@U1|Ann`, `#C1|general`, `!here`, `!date^…|soon` and `https://…|label` as a reader sees them."""
    body, _, label = special.partition("|")
    sign, name = body[:1], body[1:]
    if sign == "@":
        return "" if name == bot else "@" + (label or name)
    if sign == "#":
        return "#" + (label or name)
    if sign == "!":
        return label or "@" + name.partition("^")[0]
    return label or body.removeprefix("mailto:")


def _entities(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def written(blocks: Iterable[Any]) -> str:
    """The markup of the rich text among these blocks (docs.slack.dev/reference/block-kit/blocks/rich-text-block)."""
    parts = [part for block in blocks if _is(block, "rich_text") for part in _inside(block)]
    return "\n".join(filter(None, map(_part, parts)))


def _part(part: Any) -> str:
    if _is(part, "rich_text_list"):
        return "\n".join(filter(None, map(_part, _inside(part))))
    words = "".join(map(_element, _inside(part)))
    return "\n".join(_QUOTE + line for line in words.split("\n")) if _is(part, "rich_text_quote") else words


def _element(element: Any) -> str:
    if not isinstance(element, dict):
        return ""
    kind, given = element.get("type"), {key: str(each) for key, each in element.items()}
    marks = {"user": f"<@{given.get('user_id', '')}>", "channel": f"<#{given.get('channel_id', '')}>"}
    marks |= {"broadcast": f"<!{given.get('range', '')}>", "emoji": f":{given.get('name', '')}:"}
    return marks.get(str(kind)) or _kept(given.get("text") or given.get("url") or "")


def _kept(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _is(part: Any, kind: str) -> bool:
    return isinstance(part, dict) and part.get("type") == kind


def _inside(part: Any) -> list[Any]:
    inside = part.get("elements") if isinstance(part, dict) else None
    return inside if isinstance(inside, list) else []


def escaped(text: str) -> str:
    """For where Slack reads markup: its three entities, and look-alikes for the marks, which have no escape."""
    return _kept(text).translate(_LOOKALIKES) if _is_markup(text) else text
