"""What goes between the chat and the gateway: the signature of both directions, and the events' bodies."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.chat.model import ChatPerson, Entry
from gateway.errors import Rejected

TIMESTAMP = "X-Floatcard-Timestamp"
SIGNATURE = "X-Floatcard-Signature"
TOLERANCE = 300
SCOPE = "demo"

_STAMP = re.compile(r"[0-9]{1,12}\Z")
_MENTION = re.compile(r"(?<![a-z0-9_.@])@floatcard(?![a-z0-9_])", re.IGNORECASE)


def signature(secret: bytes, stamp: str, method: str, target: str, body: bytes) -> str:
    """`v1=` and the hex HMAC-SHA256 of `stamp.METHOD.path?query.body`."""
    message = f"{stamp}.{method}.{target}.".encode() + body
    return "v1=" + hmac.new(secret, message, hashlib.sha256).hexdigest()


def signed(secret: bytes, method: str, target: str, body: bytes) -> dict[str, str]:
    stamp = str(int(time.time()))
    return {TIMESTAMP: stamp, SIGNATURE: signature(secret, stamp, method, target, body)}


def verify(secret: bytes, method: str, target: str, headers: Mapping[str, str], body: bytes) -> None:
    """Raises `Rejected`. `headers` answers to any case of a name, as HTTP does."""
    stamp = headers.get(TIMESTAMP, "")
    if not _STAMP.match(stamp) or abs(time.time() - int(stamp)) > TOLERANCE:
        raise Rejected("no timestamp of the last five minutes")
    expected = signature(secret, stamp, method, target, body)
    if not hmac.compare_digest(expected.encode(), headers.get(SIGNATURE, "").encode("utf-8", "replace")):
        raise Rejected("the signature does not match")


def token() -> str:
    return secrets.token_hex(8)


def addressed(text: str, direct: bool) -> bool:
    return direct or text.startswith("/") or _MENTION.search(text) is not None


def event(kind: str, room: str, who: ChatPerson, at: int, locale: str, **more: Any) -> dict[str, Any]:
    sender = {"id": who.id, "name": who.name, "kind": who.kind}
    head = {"type": kind, "id": f"evt_{token()}", "scope": SCOPE, "room": room, "thread": "", "at": at}
    return {**head, "who": sender, "locale": locale or who.locale, **more}


def said(entry: Entry, who: ChatPerson, locale: str, direct: bool) -> dict[str, Any]:
    return _texted("message", entry, who, entry.at, locale, direct)


def edited(entry: Entry, who: ChatPerson, locale: str, direct: bool) -> dict[str, Any]:
    return _texted("message_edited", entry, who, entry.edited_at, locale, direct)


def _texted(kind: str, entry: Entry, who: ChatPerson, at: int, locale: str, direct: bool) -> dict[str, Any]:
    quotes: Sequence[list[int]] = [list(span) for span in entry.quotes]
    more = {"message": entry.id, "text": entry.text, "quotes": quotes}
    return event(kind, entry.room, who, at, locale, **more, addressed=addressed(entry.own_text, direct))


def dumps(value: object) -> bytes:
    """ASCII JSON, so that even a lone surrogate inside a card survives the way."""
    return json.dumps(value, separators=(",", ":")).encode("ascii")
