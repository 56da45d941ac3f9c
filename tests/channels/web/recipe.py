"""How the built-in chat signs, and what judges what it is sent."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any, get_args
from urllib.parse import urlsplit

from cards import tree
from channels.model import Limits
from tests.channels.harness import unseen

NAME = "chat"
TEXT = "明天去华星医疗谈续约"
"""What the payload `message` says."""
SECRET = "the secret both sides share"
CONFIG = {"url": "http://127.0.0.1:1/chat", "secret": SECRET}
UNKNOWN = [b'{"type":"poke","id":"e1"}', b'{"id":"e1"}', b'{"type":["message"]}', b'{"type":"message"}']
WORDS = {
    "type": {"".join("_" + c.lower() if c.isupper() else c for c in t.__name__)[1:] for t in get_args(tree.Block)},
    "tone": {"neutral", "info", "warning", "danger"},
    "level": {"low", "medium", "high"},
    "style": {"default", "primary", "danger"},
    "kind": {"text", "phone", "email", "decimal", "date", "choice", "long"},
}
RAW = {"name", "action", "data", "token", "locale"}
KEYS = {"summary", "blocks", "badges", "source", "button", "columns", "buttons", "fields", "options", "option_labels"}
KEYS |= {"text", "url", "label", "value", "date", "who", "when", "at", "due", "overdue", "done", "word", "title"}
KEYS |= {"editable", "undecided", "hint", "error", "max_length", "submit", "cancel", "as_of", "trace", *WORDS, *RAW}


def seal(method: str, url: str, body: bytes, seconds: int) -> dict[str, str]:
    message = f"{seconds}.{method}.{urlsplit(url).path}.".encode() + body
    signature = "v1=" + hmac.new(SECRET.encode(), message, hashlib.sha256).hexdigest()
    return {"x-floatcard-timestamp": str(seconds), "x-floatcard-signature": signature}


def inert(drawn: Any) -> Iterator[str]:
    """The client shows every string as text, so what is left to go wrong is keys, addresses and characters."""
    json.dumps(drawn, ensure_ascii=False).encode()
    yield from _inert(drawn, "card", form=False)


def _inert(value: Any, at: str, form: bool) -> Iterator[str]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _inert(item, f"{at}[{index}]", form)
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in KEYS:
                yield f"{at}: the key {key!a} is none of the card's"
            yield from _string(key, item, at, "max_length" in value)
            yield from _inert(item, f"{at}.{key}", "max_length" in value)


def _string(key: str, value: Any, at: str, form: bool) -> Iterator[str]:
    if not isinstance(value, str):
        return
    if key in WORDS and value not in WORDS[key]:
        yield f"{at}.{key} is {value!a}, none of {sorted(WORDS[key])}"
    if key == "url" and value and urlsplit(value).scheme not in ("http", "https"):
        yield f"{at}.url is {value!a}: only http and https may be followed"
    if not (form and key == "value") and key not in RAW and unseen(value):
        yield f"{at}.{key} holds {unseen(value)}: pass it through cards.inert"


def within(drawn: Any, limits: Limits) -> Iterator[str]:
    if len(drawn["blocks"]) > limits.blocks:
        yield f"{len(drawn['blocks'])} blocks, {limits.blocks} fit"
    size = len(json.dumps(drawn, ensure_ascii=False, separators=(",", ":")).encode())
    if size > limits.bytes:
        yield f"{size} bytes, {limits.bytes} fit"
    yield from _sizes(drawn["blocks"], limits)


def _sizes(value: Any, limits: Limits) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _sizes(item, limits)
    if isinstance(value, dict):
        longest = {"label": limits.button_label, "data": limits.button_data} if "action" in value else {}
        longest |= {"text": limits.title} if value.get("type") == "title" else {}
        for key, item in value.items():
            raw = key == "token" or (key == "value" and "max_length" in value)
            if isinstance(item, str) and not raw and len(item) > longest.get(key, limits.text):
                yield f"{key} has {len(item)} characters, {longest.get(key, limits.text)} fit"
            yield from _sizes(item, limits)
