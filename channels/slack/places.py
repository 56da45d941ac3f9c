"""Where a `Place` is on Slack. Rooms, threads and messages are opaque outside of here.

A room is `C…`, `G…` or `D…`, and `@U…` for the page the app has for one person; of a workspace other than the
configured one, with its id before it (`T…:C…`). A thread is a message's timestamp, or `link:…` for a link's preview.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from channels.model import MessageRef, Place
from channels.value import value
from channels.wire import Source
from gateway.errors import Fixed

EPHEMERAL = "ephemeral:"
HOME = "home"
_STAMP = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")


@value
class Elsewhere(Source):
    """A workspace besides the configured one: its rooms carry its id."""


@dataclass(frozen=True, slots=True)
class Spot:
    """`team` is empty for the configured workspace; `room` as Slack calls it, or a person's id for their page."""

    team: str
    room: str
    thread: str
    link: str = ""
    page: bool = False


def room_of(source: Source, id_: str) -> str:
    return f"{source.scope}:{id_}" if isinstance(source, Elsewhere) else id_


def page_of(source: Source, user: str) -> Place:
    return Place(source.channel, room_of(source, f"@{user}"))


def link_in(source: Source, channel: str, stamp: str, url: str) -> Place:
    return Place(source.channel, room_of(source, channel), f"link:{stamp}:{url}")


def spot(place: Place) -> Spot:
    team, _, room = place.room.rpartition(":")
    if room.startswith("@"):
        return Spot(team, room[1:], "", page=True)
    if place.thread.startswith("link:"):
        _, stamp, url = place.thread.split(":", 2)
        return Spot(team, room, stamp, link=url)
    return Spot(team, room, place.thread if _STAMP.fullmatch(place.thread) else "")


def stamp(message: MessageRef) -> str:
    """Raises `Fixed` for a whisper, which Slack lets nobody change."""
    if message.id.startswith(EPHEMERAL):
        raise Fixed("Slack cannot change a whisper once it is shown.")
    return message.id
