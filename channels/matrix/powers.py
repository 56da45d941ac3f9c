"""Power levels (spec.matrix.org/latest/client-server-api, m.room.power_levels): what an account has, what a deed takes.

A room's moderators may say of `org.floatcard.quiet` and `org.floatcard.bind` what they take, as of any event. Else to
hush the bot takes what speaking does, since it ends by itself and anybody can end it; to say what the room is about,
what its topic takes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from channels.matrix.calls import Json, path
from channels.model import ImId, Place
from channels.ranks import What
from gateway.errors import Gone, Refused

if TYPE_CHECKING:
    from channels.matrix.channel import Channel

_LIKE: Final[Mapping[What, tuple[str, str, int]]] = {
    "quiet": ("m.room.message", "events_default", 0),
    "bind": ("m.room.topic", "state_default", 50),
}
_LISTED: Final = frozenset(str(version) for version in range(1, 12))
"""Rooms whose creators have a level like everybody else; since version 12 theirs is above all others."""
_LONGEST: Final = 2**53
_QUOTED: Final = re.compile(r"[+-]?[0-9]{1,20}")


async def allow(channel: Channel, place: Place, who: ImId, what: What) -> None:
    levels = await state(channel, place.room, "m.room.power_levels") or {}
    takes = _takes(levels, what)
    if of(levels, who.id) >= takes or await _made(channel, place.room, who.id):
        return
    raise Refused("In this room that takes the power level {level}. Ask one of its moderators.", level=takes)


def of(levels: Json, who: str) -> int:
    return _level(_map(levels, "users").get(who), _level(levels.get("users_default"), 0))


def to_speak(levels: Json) -> int:
    """And to redact one's own."""
    usual, events = _level(levels.get("events_default"), 0), _map(levels, "events")
    return max(_level(events.get(each), usual) for each in ("m.room.message", "m.room.redaction"))


async def state(channel: Channel, room: str, type_: str) -> Json | None:
    """None where the room has no such state."""
    try:
        return await channel.calls.call("GET", path("rooms", room, "state", type_))
    except Gone:
        return None


def _takes(levels: Json, what: What) -> int:
    like, default, usual = _LIKE[what]
    events = _map(levels, "events")
    return _level(events.get(f"org.floatcard.{what}", events.get(like)), _level(levels.get(default), usual))


async def _made(channel: Channel, room: str, who: str) -> bool:
    to = path("rooms", room, "state", "m.room.create")
    told = await channel.calls.call("GET", to, query={"format": "event"})
    content = _map(told, "content")
    if str(content.get("room_version", "1")) in _LISTED:
        return False
    further = content.get("additional_creators")
    return who == told.get("sender") or (isinstance(further, list) and who in further)


def _map(told: Json, key: str) -> Mapping[str, Any]:
    found = told.get(key)
    return found if isinstance(found, dict) else {}


def _level(told: Any, usual: int) -> int:
    """Rooms before version 10 take numbers in quotes."""
    if isinstance(told, str) and _QUOTED.fullmatch(told.strip()):
        told = int(told)
    if isinstance(told, bool) or not isinstance(told, int | float) or not abs(told) <= _LONGEST:
        return usual
    return int(told)
