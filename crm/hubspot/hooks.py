"""HubSpot's webhooks: the signature of version 3, and which records they speak of."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator

from crm.model import Hook
from gateway.errors import Rejected, Unreadable
from reconcile.model import Json

OLDEST_MS = 300_000
AHEAD_MS = 60_000
MOST = 1000
"""Events in one request; HubSpot sends a hundred."""
_DECODED = {
    "%3A": ":",
    "%2F": "/",
    "%3F": "?",
    "%40": "@",
    "%21": "!",
    "%24": "$",
    "%27": "'",
    "%28": "(",
    "%29": ")",
    "%2A": "*",
    "%2C": ",",
    "%3B": ";",
}
"""What HubSpot writes plainly in the address it signs."""
TYPES = {"company": ("company", "0-2"), "contact": ("contact", "0-1")}


def verify(hook: Hook, secret: str, now: int) -> None:
    """`now` in milliseconds, by the wall. Raises `Rejected`."""
    if not secret:
        raise Rejected("no client_secret is configured, so nothing can be verified")
    stamp, given = hook.headers.get("x-hubspot-request-timestamp", ""), hook.headers.get("x-hubspot-signature-v3", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 15):
        raise Rejected("X-HubSpot-Request-Timestamp is missing")
    if not -AHEAD_MS <= now - int(stamp) <= OLDEST_MS:
        raise Rejected("the request is more than 300 s old")
    if not hmac.compare_digest(signature(hook, secret, stamp).encode(), given.encode("utf-8", "replace")):
        raise Rejected("X-HubSpot-Signature-v3 does not match")


def signature(hook: Hook, secret: str, stamp: str) -> str:
    url = hook.url
    for written, plain in _DECODED.items():
        url = url.replace(written, plain).replace(written.lower(), plain)
    signed = hook.method.encode() + url.encode("utf-8", "replace") + hook.body + stamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


def spoken_of(body: bytes, kind: str, portal: int) -> Iterator[str]:
    """Ids of records of `kind`, of this account. Raises `Unreadable`."""
    try:
        told: Json = json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable("not JSON") from None
    events = told if isinstance(told, list) else [told]
    if len(events) > MOST or not all(isinstance(event, dict) for event in events):
        raise Unreadable("not a list of events")
    for event in events:
        ids = list(_ids(event, kind)) if isinstance(event, dict) else []
        if isinstance(event, dict) and (not portal or event.get("portalId") in (portal, str(portal))):
            yield from ids


def _ids(event: dict[str, Json], kind: str) -> Iterator[str]:
    type_ = str(event.get("subscriptionType") or "")
    name, generic = TYPES[kind]
    about, _, what = type_.partition(".")
    if not what:
        raise Unreadable("subscriptionType is missing")
    if about == name or (about == "object" and event.get("objectTypeId") == generic):
        found = [event.get("objectId"), *_ends(event), event.get("primaryObjectId"), event.get("newObjectId")]
        merged = event.get("mergedObjectIds")
        yield from filter(_is_id, map(str, [*found, *(merged if isinstance(merged, list) else [])]))


def _ends(event: dict[str, Json]) -> list[Json]:
    """An association was made or ended: either end may be ours."""
    return [event.get("fromObjectId"), event.get("toObjectId")]


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 20
