"""What every channel needs to read and to call: bytes to a payload, statuses to errors by what happens next."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from cards.inert import safe_url
from channels.value import value
from gateway.errors import Refused, Retry, Unreadable

BodyT = TypeVar("BodyT", bound=BaseModel)

TIRED = 5.0
"""Seconds until the next try when the other side is down and named no time."""
LONGEST = 3600.0
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_NUL = b"\\u0000"


@value
class Source:
    """What a pure parse needs beside the payload: the channel's configured name, its workspace, when it came (ms)."""

    channel: str
    scope: str
    at: int


class Body(BaseModel):
    """A stretch of somebody else's JSON: what we read is typed, what we don't know is left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


def wall_clock() -> int:
    """Milliseconds. Signatures are judged by it and not by the injected clock, since the sender knows no other."""
    return time.time_ns() // 1_000_000


def json_object(raw: bytes | str) -> dict[str, Any]:
    """NUL and lone surrogates, which no database takes, become U+FFFD one for one, escaped or as they are. Raises
    `Unreadable`."""
    try:
        payload = _plain(raw)
    except (ValueError, RecursionError):
        payload = _odd(raw)
    if not isinstance(payload, dict):
        raise Unreadable("not a JSON object")
    return payload


def _plain(raw: bytes | str) -> Any:
    """Raises ValueError for what is no JSON, and for much that is but holds what no database takes."""
    data = raw if isinstance(raw, bytes) else raw.encode()
    if _NUL in data:
        raise ValueError
    return orjson.loads(data)


def _odd(raw: bytes | str) -> Any:
    try:
        data = raw if isinstance(raw, str) else raw.decode("utf-8", "surrogatepass").removeprefix("\ufeff")
        return _storable(json.loads(data))
    except (ValueError, RecursionError) as fault:
        raise Unreadable(f"not JSON: {type(fault).__name__}") from None


def json_bytes(payload: object) -> bytes:
    """What an HTTP body is made of. Half a surrogate, which has no UTF-8, goes as an escape."""
    try:
        return orjson.dumps(payload)
    except TypeError:
        return json.dumps(payload).encode()


def storable(text: str) -> str:
    return _UNSTORABLE.sub("\ufffd", text)


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): _storable(item) for key, item in value.items()}
    return value


def read(model: type[BodyT], payload: object) -> BodyT:
    """Raises `Unreadable` naming the keys at fault, never their values."""
    try:
        return model.model_validate(payload)
    except ValidationError as fault:
        keys = ", ".join(".".join(str(part) for part in error["loc"]) for error in fault.errors()[:5])
        raise Unreadable(f"{model.__name__.strip('_')}: {keys}") from None


def base_address(url: str) -> str:
    """For configuration: an http(s) address without a slash at its end. Raises ValueError."""
    parts = urlsplit(url)
    if not safe_url(url) or parts.query or parts.fragment or parts.username is not None:
        raise ValueError("give an http:// or https:// address without query, fragment or password")
    return url.rstrip("/")


def retry_after(header: str | None, now: int) -> float:
    """Seconds, from either form of the header (RFC 9110 §10.2.3); `now` in milliseconds."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return min(max(float(text[:9]), 0.5), LONGEST)
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return TIRED
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return min(max((when - datetime.fromtimestamp(now / 1000, UTC)).total_seconds(), 0.5), LONGEST)


def settle(status: int, headers: Mapping[str, str], now: int, refusal: Callable[[int], Refused]) -> None:
    """Returns when the call succeeded; else raises what happens next."""
    if 200 <= status < 300:
        return
    if status == 429:
        raise Retry(retry_after(headers.get("Retry-After"), now), "answered 429", limit="room")
    if status == 503 and "Retry-After" in headers:
        raise Retry(retry_after(headers.get("Retry-After"), now), "answered 503", limit="network")
    if status >= 500 or status in (408, 425):
        raise Retry(TIRED, f"answered {status}")
    raise refusal(status)
