"""Signed tokens inside cards: what an editor had seen, and what a button means.

A token proves what was seen or offered; never who presses.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

from gateway.errors import Rejected
from reconcile.model import Json

_PARENTS: Final = "p1"
_BUTTON: Final = "b1"
_MAX_CHARS: Final = 65_536

Status = Literal["ok", "expired", "missing", "bad", "foreign"]


@dataclass(frozen=True, slots=True)
class Parents:
    """The heads and open proposals of one field as one card showed them. `expires` in ms since the epoch."""

    deployment: str
    record: str
    field: str
    heads: tuple[str, ...]
    proposals: tuple[str, ...]
    card: str
    expires: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What a token proves. `heads` and `proposals` are empty unless `status` is ok or expired.

    expired: the MAC is good, so it is still evidence. foreign: made by another deployment; counts as absent.
    """

    status: Status
    heads: tuple[str, ...] = ()
    proposals: tuple[str, ...] = ()

    @property
    def parents(self) -> frozenset[str]:
        return frozenset(self.heads + self.proposals)


def sign(parents: Parents, key: bytes) -> str:
    body = [
        parents.deployment,
        parents.record,
        parents.field,
        list(parents.heads),
        list(parents.proposals),
        parents.card,
        parents.expires,
    ]
    return _seal(_PARENTS, cast("Json", body), key)


def read(token: str | None, key: bytes, *, deployment: str, record: str, field: str, now: int) -> Seen:
    """Never raises. A token of another record or field is bad; without evidence an edit has no parents."""
    if not token:
        return Seen("missing")
    try:
        good, body = _open(_PARENTS, token, key)
        parents = _parents(body)
    except ValueError:
        return Seen("bad")
    if parents.deployment != deployment:
        return Seen("foreign")
    if not good or (parents.record, parents.field) != (record, field):
        return Seen("bad")
    return Seen("ok" if now <= parents.expires else "expired", parents.heads, parents.proposals)


def sign_button(payload: Mapping[str, Json], key: bytes) -> str:
    return _seal(_BUTTON, dict(payload), key)


def read_button(token: str, key: bytes) -> dict[str, Json]:
    """Raises Rejected for anything not signed here as a button."""
    try:
        good, body = _open(_BUTTON, token, key)
    except ValueError:
        raise Rejected("an unreadable button token") from None
    if not good or not isinstance(body, dict):
        raise Rejected("a button token with a bad MAC")
    return body


def _parents(body: Json) -> Parents:
    match body:
        case [str(deployment), str(record), str(field), list(heads), list(proposals), str(card), int(expires)]:
            return Parents(deployment, record, field, _ids(heads), _ids(proposals), card, expires)
    raise ValueError("not a parents token")


def _ids(items: list[Json]) -> tuple[str, ...]:
    ids = tuple(item for item in items if isinstance(item, str))
    if len(ids) != len(items):
        raise ValueError("an id that is no string")
    return ids


def _seal(domain: str, body: Json, key: bytes) -> str:
    raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return f"{domain}.{_text(raw)}.{_text(_mac(domain, raw, key))}"


def _open(domain: str, token: str, key: bytes) -> tuple[bool, Json]:
    """Whether the MAC is good, and the body. Raises ValueError when it is no token of this domain at all."""
    if not isinstance(token, str) or len(token) > _MAX_CHARS or not token.isascii():
        raise ValueError("not a token")
    kind, body, mac = token.split(".")
    if kind != domain:
        raise ValueError("another kind of token")
    raw, given = _bytes(body), _bytes(mac)
    good = hmac.compare_digest(given, _mac(domain, raw, key))
    try:
        return good, json.loads(raw.decode("utf-8", "surrogatepass"))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _mac(domain: str, raw: bytes, key: bytes) -> bytes:
    return hmac.digest(key, f"floatcard {domain}\0".encode() + raw, "sha256")


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    """Only the one spelling `_text` makes: two tokens are never the same token spelt differently."""
    raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _text(raw) != text:
        raise ValueError("not base64url")
    return raw
