"""The signature of our own wire, both ways: `v1=` and hex HMAC-SHA256 of `seconds.METHOD.path?query.body`."""

from __future__ import annotations

import hashlib
import hmac
import re
from urllib.parse import urlsplit

from channels.model import Inbound
from gateway.errors import Rejected

TOLERANCE = 300
"""Seconds a timestamp may be off, either way."""


def sign(secret: str, timestamp: int | str, method: str, target: str, body: bytes) -> str:
    """`target` is path and query as they stand in the request line."""
    signed = f"{timestamp}.{method.upper()}.{target}.".encode("utf-8", "surrogateescape") + body
    return "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def verify(secret: str, request: Inbound, now: int) -> None:
    """`now` in milliseconds. Raises `Rejected`; compares in constant time, on the raw body."""
    timestamp = request.headers.get("x-floatcard-timestamp", "")
    if not re.fullmatch(r"[0-9]{1,12}", timestamp):
        raise Rejected("no readable X-Floatcard-Timestamp")
    if abs(now / 1000 - int(timestamp)) > TOLERANCE:
        raise Rejected(f"X-Floatcard-Timestamp is more than {TOLERANCE} s from our clock")
    wanted = sign(secret, timestamp, request.method, _target(request.url), request.body)
    given = request.headers.get("x-floatcard-signature", "")
    if not hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace")):
        raise Rejected("X-Floatcard-Signature does not match")


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
