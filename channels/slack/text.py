"""Slack's message text: from its markup to plain words, and from plain words to its markup.

Inbound, `&`, `<` and `>` come as entities and everything special as `<…>`; a line that starts with `>` quotes
somebody (docs.slack.dev/messaging/formatting-message-text).
"""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"<([^<>]*)>")
_QUOTE = "&gt;"
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


def escaped(text: str) -> str:
    """For where Slack reads markup: its three entities, and look-alikes for the marks, which have no escape."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.translate(_LOOKALIKES)
