"""What a home server tells, gathered as the listener does it, and two judges of what it is sent: an HTML parser and a
look for whatever a client might call somebody by."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from channels.matrix.cards import KEY
from channels.model import Limits
from tests.channels.harness import unseen

NAME = "matrix"
SCOPE = "example.org"
ASKS = True
"""Nothing is sent to us: `parse` is fed by `listen`."""
TEXT = "Meet Acme & Söhne tomorrow"
"""What the payload `message` says."""
CONFIG = {"url": "http://127.0.0.1:1", "user": "@floatcard:example.org", "access_token": "not-a-real-token"}
_HEARD: dict[str, Any] = {
    "room_id": "!sales:example.org",
    "bot": {"id": "@floatcard:example.org"},
    "who": {"id": "@ann:example.org", "kind": "member"},
}
_EVENT = {"event_id": "$1", "sender": "@ann:example.org", "origin_server_ts": 1, "content": {}}
_NEXT_YEAR = {"msgtype": "m.hologram", "body": "x"}
UNKNOWN = [
    json.dumps(_HEARD | {"event": event}).encode()
    for event in (
        None,
        {},
        _EVENT,
        _EVENT | {"type": "m.room.next_year"},
        _EVENT | {"type": ["m.room.message"]},
        _EVENT | {"type": "m.room.member", "content": {"membership": "hover"}, "state_key": "@ann:example.org"},
        _EVENT | {"type": "m.room.message", "content": _NEXT_YEAR},
        _EVENT | {"type": "m.room.redaction"},
    )
]
TAGS = frozenset(("p", "strong", "em", "a", "code", "br", "hr"))
"""Of those a client is told to show (spec: `m.room.message` msgtypes) the ones that we use."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.faults.append(f"formatted_body has <{tag}>: escape it")
        if tag not in ("br", "hr"):
            self.open.append(tag)
        for name, value in attrs:
            parts = urlsplit(value or "")
            if (tag, name) != ("a", "href") or parts.scheme not in ("http", "https") or parts.hostname == "matrix.to":
                self.faults.append(f"formatted_body has {name}={value!a} on <{tag}>")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"formatted_body closes {tag} where nothing like it is open")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.faults.append("formatted_body has a comment")

    def handle_decl(self, decl: str) -> None:
        self.faults.append("formatted_body has a declaration")

    def handle_pi(self, data: str) -> None:
        self.faults.append("formatted_body has an instruction")


def inert(drawn: Any) -> Iterator[str]:
    json.dumps(drawn, ensure_ascii=False).encode()
    reader = _Reader()
    reader.feed(drawn["formatted_body"])
    reader.close()
    yield from reader.faults
    if reader.open:
        yield f"formatted_body leaves {reader.open} open"
    labels = [press["label"] for press in drawn.get(KEY, {}).get("presses", ())]
    for text in (drawn["body"], "".join(reader.texts), *labels):
        if unseen(text):
            yield f"{text[:60]!a} holds {unseen(text)}: pass it through cards.inert"
        if re.search(r"@room|matrix\.to|matrix:", text, re.IGNORECASE):
            yield f"{text[:60]!a} may call somebody"
    if drawn["m.mentions"] != {} or drawn["msgtype"] != "m.notice":
        yield "it calls somebody, or other bots answer it"


def within(drawn: Any, limits: Limits) -> Iterator[str]:
    size = len(json.dumps(drawn, ensure_ascii=False, separators=(",", ":")).encode())
    if size > limits.bytes:
        yield f"{size} bytes, {limits.bytes} fit"
    if not drawn["body"].strip() or not drawn["formatted_body"].strip():
        yield "an empty message"
    for press in drawn.get(KEY, {}).get("presses", ()):
        if len(press["label"]) > limits.button_label:
            yield f"a label has {len(press['label'])} characters, {limits.button_label} fit"


def last(drawn: Any) -> Any:
    """What stands at the end of a card."""
    return drawn["body"].split("\n")[-1]
