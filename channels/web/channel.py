"""The chat's side of the protocols: verify, read, post, repaint, whisper, ask who is there, open a form."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import aiohttp

from cards.tree import Card
from channels import model
from channels.doctor import Doctor, Finding
from channels.seal import verify
from channels.web import doctor
from channels.web.answers import words
from channels.web.calls import (
    JSON,
    NO_MESSAGE,
    NO_PERSON,
    NO_ROOM,
    NO_TRIGGER,
    Calls,
    Direct,
    Made,
    Room,
    answer_of,
    encode,
)
from channels.web.cards import LIMITS, draw
from channels.web.config import Config
from channels.web.events import parse
from channels.wire import Source, json_object, wall_clock


class Channel:
    """Both clocks give milliseconds since the epoch. The session is the gateway's and stays open after `close`."""

    limits = LIMITS

    def __init__(
        self,
        name: str,
        config: Config,
        *,
        session: aiohttp.ClientSession,
        clock: Callable[[], int],
        wall: Callable[[], int] = wall_clock,
    ) -> None:
        self.name = name
        self._config = config
        self._secret = config.secret.get_secret_value()
        self._clock = clock
        self._wall = wall
        self.calls = Calls(config, session, wall)

    async def receive(self, request: model.Inbound) -> model.Reply:
        verify(self._secret, request, self._wall())
        events = parse(Source(self.name, self._config.scope, self._clock()), json_object(request.body))
        wait = isinstance(events[0], model.Pressed | model.Submitted)
        return model.Reply(events, headers=JSON, body=b'{"ok":true}', wait=wait)

    def answer(self, event: model.Event, answer: model.Answer) -> model.Reply:
        return model.Reply(headers=JSON, body=encode({"answer": words(answer)}))

    async def send(self, place: model.Place, card: Card, *, once: str) -> model.MessageRef:
        body = {"room": place.room, "thread": place.thread, "card": draw(card), "once": once}
        made = answer_of(Made, await self.calls.call("POST", "/messages", body, NO_ROOM))
        return model.MessageRef(place, made.id)

    async def edit(self, message: model.MessageRef, card: Card) -> None:
        await self.calls.call("PUT", f"/messages/{quote(message.id, safe='')}", {"card": draw(card)}, NO_MESSAGE)

    async def delete(self, message: model.MessageRef) -> None:
        await self.calls.call("DELETE", f"/messages/{quote(message.id, safe='')}", None, NO_MESSAGE)

    async def whisper(self, place: model.Place, to: model.ImId, card: Card, *, once: str) -> model.MessageRef:
        body = {"room": place.room, "thread": place.thread, "to": to.id, "card": draw(card), "once": once}
        made = answer_of(Made, await self.calls.call("POST", "/whispers", body, NO_ROOM))
        return model.MessageRef(place, made.id)

    async def members(self, place: model.Place) -> model.Roster:
        room = answer_of(Room, await self.calls.call("GET", f"/rooms/{quote(place.room, safe='')}", None, NO_ROOM))
        people = tuple(
            model.Sender(model.ImId(self.name, self._config.scope, "user", who.id), who.name, who.kind)
            for who in room.members
        )
        return model.Roster(people, room.complete, self._clock(), room.title, room.kind, room.external)

    async def direct(self, to: model.ImId) -> model.Place:
        room = answer_of(Direct, await self.calls.call("POST", "/direct", {"to": to.id}, NO_PERSON))
        return model.Place(self.name, room.room)

    async def open(self, trigger: str, card: Card) -> None:
        await self.calls.call("POST", "/forms", {"trigger": trigger, "card": draw(card)}, NO_TRIGGER)

    async def examine(self, place: model.Place | None) -> tuple[Finding, ...]:
        return await doctor.examine(self.calls, place)

    async def close(self) -> None:
        return None


def _claims(channel: Channel) -> None:
    """For the type checker: what this channel can do."""
    _channel: model.Channel = channel
    _edits: model.Edits = channel
    _deletes: model.Deletes = channel
    _whispers: model.Whispers = channel
    _members: model.Members = channel
    _directs: model.Directs = channel
    _forms: model.Forms = channel
    _answers: model.Answers = channel
    _doctor: Doctor = channel
