"""How Slack signs, and two judges of what it is sent: slack_sdk's models for sizes, our reading of its markup."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from channels.model import Limits
from tests.channels.harness import unseen

NAME = "slack"
TEXT = "Meet Acme &amp; Söhne tomorrow"
"""What the payload `message` says."""
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
CONFIG = {"team": "T0FLOAT01", "signing_secret": SECRET, "bot_token": "xoxb-not-a-real-token"}
_ENVELOPE = b'{"type":"event_callback","team_id":"T0FLOAT01","event_id":"Ev1","event":%s}'
UNKNOWN = [
    b'{"type":"event_callback"}',
    b'{"type":"brand_new"}',
    _ENVELOPE % b'{"type":"emoji_changed"}',
    _ENVELOPE % b'{"type":"message","subtype":"brand_new"}',
    _ENVELOPE % b'{"type":"message"}',
    _ENVELOPE.replace(b"T0FLOAT01", b"T0OTHER01") % b'{"type":"message","channel":"C1","user":"U1","ts":"1.0"}',
]
LINK = re.compile(r"<https?://[^<>|\s]+\|[^<>|]+>")


def seal(method: str, url: str, body: bytes, seconds: int) -> dict[str, str]:
    signature = "v0=" + hmac.new(SECRET.encode(), f"v0:{seconds}:".encode() + body, hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": str(seconds), "x-slack-signature": signature}


def inert(drawn: Any) -> Iterator[str]:
    json.dumps(drawn, ensure_ascii=False).encode()
    if "text" in drawn:
        yield from _markup(drawn["text"], "text")
    yield from _texts(drawn, "card")


def _texts(value: Any, at: str) -> Iterator[str]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{at}[{index}]")
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield from _text_object(value, at)
        for key, item in value.items():
            yield from _texts(item, f"{at}.{key}")


def _text_object(value: dict[str, Any], at: str) -> Iterator[str]:
    text = value["text"]
    if unseen(text):
        yield f"{at} holds {unseen(text)}: pass it through cards.inert"
    if not text.strip():
        yield f"{at} is empty, which Slack refuses: draw EMPTY"
    if value.get("type") == "mrkdwn":
        yield from _markup(text, at)
        if value.get("verbatim") is not True:
            yield f"{at} is not verbatim: Slack would look for names and links in it"
    elif value.get("type") == "plain_text" and value.get("emoji") is not False:
        yield f"{at} turns :codes: into emoji: set emoji to False"


def _markup(text: str, at: str) -> Iterator[str]:
    """Nothing but our own link, one bold heading, and escaped text may be left."""
    rest = LINK.sub("", text)
    if "<" in rest or ">" in rest:
        yield f"{at} is read as markup and holds < or >: {text[:80]!a}; pass it through slack.text.escaped"
    if re.search(r"&(?!amp;|lt;|gt;)", rest):
        yield f"{at} is read as markup and holds a bare &: {text[:80]!a}; pass it through slack.text.escaped"
    if re.search(r"[*_~`]", re.sub(r"^\*([^*]+)\*$", r"\1", rest)):
        yield f"{at} is read as markup and holds a formatting mark: {text[:80]!a}; pass it through slack.text.escaped"


def within(drawn: Any, limits: Limits) -> Iterator[str]:
    modal = drawn.get("type") == "modal"
    if len(drawn["blocks"]) > (100 if modal else limits.blocks):
        yield f"{len(drawn['blocks'])} blocks, {100 if modal else limits.blocks} fit"
    size = len(json.dumps(drawn, ensure_ascii=False, separators=(",", ":")).encode())
    if not modal and size > limits.bytes:
        yield f"{size} bytes, {limits.bytes} fit"
    yield from _sdk(drawn, modal)
    for block in drawn["blocks"]:
        yield from _unseen_by_the_sdk(block)
    ids = [block["block_id"] for block in drawn["blocks"] if "block_id" in block]
    if len(ids) != len(set(ids)):
        yield "a block_id is there twice"


def _sdk(drawn: Any, modal: bool) -> Iterator[str]:
    try:
        if modal:
            View(**drawn).to_dict()
        for block in drawn["blocks"]:
            parsed = Block.parse(block)
            if parsed is None:
                yield f"slack_sdk does not know a block of type {block['type']}"
            elif parsed.to_dict() != block:
                yield f"slack_sdk reads another block than was drawn: {block}"
    except SlackObjectFormationError as fault:
        yield f"slack_sdk refuses it: {fault}"


def _unseen_by_the_sdk(block: dict[str, Any]) -> Iterator[str]:
    for field in block.get("fields", []):
        if len(field["text"]) > 2000:
            yield f"a field has {len(field['text'])} characters, 2000 fit"
    for element in block.get("elements", []):
        if len(element.get("text", "")) > 3000 and block["type"] == "context":
            yield "a context element has more than 3000 characters"
    element = block.get("element", {})
    if len(element.get("initial_value", "")) > min(element.get("max_length", 3000), 3000):
        yield "an input's first value is longer than the input takes"
    ids = [each.get("action_id") for each in block.get("elements", []) if "action_id" in each]
    if len(ids) != len(set(ids)):
        yield "an action_id is there twice in one block"
