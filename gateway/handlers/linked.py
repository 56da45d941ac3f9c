"""The address of a customer's page, shared in a room: its preview is a card like any other, through the same gate."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

from channels.model import Linked
from crm.model import Addresses
from gateway.handlers.cards import room_card
from gateway.services import Services
from gateway.turn import Outcome, Slot, Turn
from reconcile.model import Json


async def linked(s: Services, turn: Turn) -> Outcome:
    event = turn.event
    assert isinstance(event, Linked)
    ref = await _meant(s, event.url)
    if event.who.kind == "bot" or ref is None:
        return Outcome()
    if (await s.rooms.store.state(event.where.room_key)).quiet_until > turn.now:
        turn.trail.note("quiet", turn.now)
        return Outcome()
    mark = hashlib.sha256(event.url.encode("utf-8", "replace")).hexdigest()[:16]
    state: dict[str, Json] = {
        "message": event.message.id,
        "author": turn.person.id if turn.person is not None else "",
        "locale": turn.locale or s.config.locale,
        "turn": turn.id,
        "kind": "preview",
    }
    slot = Slot(event.where, "card", f"{event.message.id}:{mark}")
    show = await room_card(s, slot, (ref,), state, turn.trail)
    return Outcome(acts=(show,) if show is not None else ())


async def _meant(s: Services, url: str) -> str | None:
    """The key of the customer whose page it is: the CRM reads the address, and its record has no other."""
    for crm in s.crms.values():
        ref = crm.addressed(url) if isinstance(crm, Addresses) else None
        record = await s.records.mirrored(ref.key) if ref is not None else None
        if record is not None and not record.deleted and (not record.url or _same(record.url, url)):
            return s.records.joined.of(record.ref.key)
    return None


def _same(one: str, other: str) -> bool:
    mine, theirs = urlsplit(one), urlsplit(other)
    return (mine.scheme, mine.netloc.lower(), mine.path.rstrip("/")) == (
        theirs.scheme,
        theirs.netloc.lower(),
        theirs.path.rstrip("/"),
    )
