"""How Telegram lets itself be known, and two judges of what it is sent: our reading of its HTML, and its sizes."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from telegram import InlineKeyboardMarkup
from telegram.constants import InlineKeyboardMarkupLimit, MessageLimit

from channels.model import Limits
from tests.channels.harness import unseen

NAME = "telegram"
TEXT = "Meet Acme & Söhne tomorrow"
"""What the payload `message` says."""
SECRET = "a_secret-of-this-test_0123"
SEALS_WHOLE = False
"""Its token says who sends, and nothing of when or of what."""
BOT = 7_000_000_001
CONFIG = {"bot_token": f"{BOT}:not-a-real-token-0123456789", "username": "FloatBot", "secret": SECRET}
UNKNOWN = [
    b'{"update_id":1}',
    b'{"update_id":1,"brand_new":{}}',
    b'{"update_id":1,"message":{}}',
    b'{"message":{"message_id":1}}',
    b'{"update_id":"1","message":{"message_id":1,"date":1,"chat":{"id":1,"type":"private"},"text":"x"}}',
    b'{"update_id":1,"callback_query":{"id":"1","from":{"id":1}}}',
    b'{"update_id":1,"message":{"message_id":1,"date":1,"chat":{"id":1,"type":"planet"},"text":"x"}}',
]
TAGS = {"b", "i", "a", "code"}


def seal(method: str, url: str, body: bytes, seconds: int) -> dict[str, str]:
    return {"x-telegram-bot-api-secret-token": SECRET}


def last(drawn: Any) -> Any:
    return drawn["text"].split("\n\n")[-1]


class Reader(HTMLParser):
    """Reads as Telegram does, which refuses a message whose tags do not match: plain text, and what was wrong."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.plain, self.faults, self.open = "", list[str](), list[str]()
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.faults.append(f"<{tag}> is none of ours")
        for name, value in attrs:
            if (tag, name) != ("a", "href") or not (value or "").startswith(("http://", "https://")):
                self.faults.append(f"<{tag} {name}={value!a}> leads nowhere good")
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        self.plain += data


def inert(drawn: Any) -> Iterator[str]:
    json.dumps(drawn, ensure_ascii=False).encode()
    read = Reader(drawn["text"])
    yield from read.faults
    if unseen(read.plain):
        yield f"the text holds {unseen(read.plain)}: pass it through cards.inert"
    if not read.plain.strip():
        yield "the text is empty, which Telegram refuses: draw EMPTY"
    if any(f"{before}@{letter}" in f" {read.plain}" for before in " \n(" for letter in "aeAE"):
        yield "the text calls somebody: pass it through telegram.text.escaped"
    for row in drawn["reply_markup"]["inline_keyboard"]:
        for key in row:
            if unseen(key["text"]) or not key["text"].strip():
                yield f"a button says {key['text']!a}"


def within(drawn: Any, limits: Limits) -> Iterator[str]:
    plain = html.unescape(Reader(drawn["text"]).plain)
    size = len(plain.encode("utf-16-le")) // 2
    if size > MessageLimit.MAX_TEXT_LENGTH:
        yield f"{size} units of text, {MessageLimit.MAX_TEXT_LENGTH} fit"
    rows = drawn["reply_markup"]["inline_keyboard"]
    if sum(map(len, rows)) > InlineKeyboardMarkupLimit.TOTAL_BUTTON_NUMBER:
        yield f"{sum(map(len, rows))} buttons, {InlineKeyboardMarkupLimit.TOTAL_BUTTON_NUMBER} fit"
    if any(len(row) > InlineKeyboardMarkupLimit.BUTTONS_PER_ROW for row in rows):
        yield "a row has too many buttons"
    if any(len(key["text"]) > limits.button_label for row in rows for key in row):
        yield f"a button's label has more than {limits.button_label} characters"
    if rows and InlineKeyboardMarkup.de_json(drawn["reply_markup"]).to_dict() != drawn["reply_markup"]:
        yield "python-telegram-bot reads another keyboard than was drawn"
