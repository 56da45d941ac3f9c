"""Signed bodies, each another event: what the networks would send, spelt once before a round."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import time
from pathlib import Path
from typing import Any

SECRET = "bench-signing-secret"
TEAM = "T0BENCH"
_SERIAL = itertools.count(1)
_TEXT = "Morning all, the slides for the offsite are in the shared folder now; please have a look before lunch ({n})"


def slack_event(n: int, text: str = "", room: str = "") -> dict[str, Any]:
    stamp = f"{int(time.time())}.{n:06d}"
    event = {
        "type": "message",
        "channel": room or f"C0ROOM{n % 200:04d}",
        "user": f"U0USER{n % 50:04d}",
        "text": text or _TEXT.format(n=n),
        "ts": stamp,
        "channel_type": "channel",
        "team": TEAM,
    }
    who = {"enterprise_id": None, "team_id": TEAM, "user_id": "U0BOT", "is_bot": True, "is_enterprise_install": False}
    head = {"token": "unused", "team_id": TEAM, "api_app_id": "A0BENCH", "event": event, "type": "event_callback"}
    return {**head, "authorizations": [who], "event_id": f"Ev{n:010d}", "event_time": int(time.time())}


def slack_headers(body: bytes) -> dict[str, str]:
    at = str(int(time.time()))
    mac = hmac.digest(SECRET.encode(), b"v0:" + at.encode() + b":" + body, "sha256").hex()
    return {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": at,
        "X-Slack-Signature": f"v0={mac}",
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
    }


def onebot_event(n: int) -> dict[str, Any]:
    text = _TEXT.format(n=n)
    sender = {
        "user_id": 10_000 + n % 50,
        "nickname": "somebody",
        "card": "",
        "role": "member",
        "sex": "unknown",
        "age": 0,
    }
    return {
        "time": int(time.time()),
        "self_id": 1,
        "post_type": "message",
        "message_type": "group",
        "sub_type": "normal",
        "message_id": n,
        "group_id": 1000 + n % 200,
        "user_id": 10_000 + n % 50,
        "message": [{"type": "text", "data": {"text": text}}],
        "raw_message": text,
        "font": 0,
        "sender": sender,
    }


def onebot_headers(body: bytes) -> dict[str, str]:
    mac = hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
    return {"Content-Type": "application/json", "X-Self-ID": "1", "X-Signature": f"sha1={mac}"}


def one(kind: str) -> tuple[dict[str, str], bytes]:
    """The headers and the body of an event that was not before."""
    event, headers = (slack_event, slack_headers) if kind == "slack" else (onebot_event, onebot_headers)
    body = json.dumps(event(next(_SERIAL)), separators=(",", ":")).encode()
    return headers(body), body


def write(path: Path, kind: str, count: int) -> None:
    """Whole HTTP requests are made of these by whoever sends them: a line of headers (JSON), a line of body."""
    with path.open("wb") as out:
        for _ in range(count):
            headers, body = one(kind)
            out.write(json.dumps(headers).encode() + b"\n" + body + b"\n")
