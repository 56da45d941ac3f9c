"""Which of Slack's deliveries are letters: a plain message in a room that calls nobody."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from channels.letter import Letter
from channels.model import Event, Place
from channels.slack.events import once_of, parse
from channels.slack.places import Elsewhere, room_of
from channels.wire import Source
from gateway.errors import Unreadable

_ROOM = re.compile("[CG][A-Z0-9]{1,39}").fullmatch
_STAMP = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}").fullmatch
_HEAD = frozenset({"type", "team_id", "event_id", "authorizations"})
_EVENT = frozenset(
    {"type", "channel", "channel_type", "ts", "thread_ts", "text", "user", "bot_id", "username", "user_team", "team"}
)
"""What is read of a delivery, and so of what is kept: no token of Slack's, and nothing that somebody else said."""
_ODD = frozenset({"subtype", "edited"})


def sealed(source: Source, payload: Mapping[str, Any]) -> Letter | None:
    """None for what is to be read at once: it is something else, or whoever said it may wait for what it brings."""
    event = payload.get("event")
    if not isinstance(event, dict) or payload.get("type") != "event_callback" or not _meant_for(source.scope, payload):
        return None
    if event.get("type") != "message" or not _ODD.isdisjoint(event) or event.get("channel_type") == "im":
        return None
    room, stamp, text = event.get("channel"), event.get("ts"), event.get("text")
    if not (isinstance(room, str) and isinstance(stamp, str) and isinstance(text, str)):
        return None
    if not text or "<@" in text or not (_ROOM(room) and _STAMP(stamp)) or not isinstance(event.get("blocks", []), list):
        return None
    kept: dict[str, Any] = {key: told for key, told in payload.items() if key in _HEAD}
    kept["event"] = {key: told for key, told in event.items() if key in _EVENT}
    try:
        body = orjson.dumps([source.scope, isinstance(source, Elsewhere), kept])
    except TypeError:  # numbers or depths that another parser let pass
        return None
    return Letter(once_of(source, stamp, room), Place(source.channel, room_of(source, room)).room_key, body)


def _meant_for(team: str, payload: Mapping[str, Any]) -> bool:
    if payload.get("team_id") == team:
        return True
    listed = payload.get("authorizations")
    return isinstance(listed, list) and any(isinstance(each, dict) and each.get("team_id") == team for each in listed)


def unsealed(channel: str, letter: bytes, now: int) -> tuple[Event, ...]:
    """Of the workspace that it was sealed for, whatever became of that since. Raises `Unreadable`."""
    try:
        content = orjson.loads(letter)
    except ValueError:
        content = None
    match content:
        case [str(scope), bool(elsewhere), dict(payload)]:
            return parse((Elsewhere if elsewhere else Source)(channel, scope, now), payload)
    raise Unreadable("no letter of ours")
