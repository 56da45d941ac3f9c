"""Which of Slack's deliveries are letters: a plain message in a room that calls nobody."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from channels.letter import Letter
from channels.model import Place
from channels.slack.events import once_of
from channels.slack.places import room_of
from channels.wire import Source

_ROOM = re.compile("[CG][A-Z0-9]{1,39}").fullmatch
_STAMP = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}").fullmatch
_KEPT = ("type", "team_id", "event_id", "authorizations", "event")
"""What is read of a delivery. Slack's verification token is none of it."""


def sealed(source: Source, payload: Mapping[str, Any]) -> Letter | None:
    """None for what is to be read at once: it is something else, or whoever said it may wait for what it brings."""
    event = payload.get("event")
    if not isinstance(event, dict) or payload.get("type") != "event_callback":
        return None
    if event.get("type") != "message" or "subtype" in event or event.get("channel_type") == "im":
        return None
    room, stamp, text = event.get("channel"), event.get("ts"), event.get("text")
    if not (isinstance(room, str) and isinstance(stamp, str) and isinstance(text, str)):
        return None
    if not text or "<@" in text or not (_ROOM(room) and _STAMP(stamp)):
        return None
    try:
        body = orjson.dumps({key: payload[key] for key in _KEPT if key in payload})
    except TypeError:  # numbers or depths that another parser let pass
        return None
    return Letter(once_of(source, stamp, room), Place(source.channel, room_of(source, room)).room_key, body)
