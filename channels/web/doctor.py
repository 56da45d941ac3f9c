"""What the chat says we can do there."""

from __future__ import annotations

from urllib.parse import quote

from channels.doctor import Finding
from channels.model import Place
from channels.web.calls import NO_ROOM, Calls, Room, answer_of
from gateway.errors import Refused

NOWHERE = "-"
"""A room that is not there: a chat that says so takes our signature."""
_EACH = tuple(Finding(what, "yes") for what in ("hear", "speak", "edit", "whisper"))


async def examine(calls: Calls, place: Place | None) -> tuple[Finding, ...]:
    what = "connect" if place is None else "hear"
    try:
        told = await calls.call("GET", f"/rooms/{quote(place.room if place else NOWHERE, safe='')}", None, NO_ROOM)
    except Refused as refused:
        if place is None and refused.say == NO_ROOM(404).say:
            return (Finding("connect", "yes"), *_EACH)
        facts = {name: str(fact) for name, fact in refused.facts.items()}
        return (Finding(what, "no", refused.say, facts),)  # type: ignore[arg-type]
    if place is None:
        return (Finding("connect", "yes"), *_EACH)
    return (*_EACH, Finding("members", "yes" if answer_of(Room, told).complete else "partly"))
