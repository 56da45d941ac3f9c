"""A small chat server on loopback: what the `web` channel calls. It remembers every request it was sent."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from gateway.chat.wire import verify

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sent:
    """One request of the gateway's."""

    method: str
    path: str
    room: str
    text: str
    """The raw body."""
    at: float
    """When it came, in seconds of the machine."""

    @property
    def writes(self) -> bool:
        return self.method != "GET"


@dataclass(slots=True)
class Message:
    id: str
    room: str
    card: Json
    to: str
    deleted: bool = False
    paints: int = 1


@dataclass(slots=True)
class Room:
    members: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By id: name and kind."""
    kind: str = "group"
    external: bool = False
    complete: bool = True
    status: int = 200
    """What every request about this room is answered with, when it is not 200."""
    retry_after: str = "0"
    """What it says then."""
    lists: int = 200
    """The same for its list of members alone."""
    open: asyncio.Event = field(default_factory=asyncio.Event)
    """Requests wait here; set unless a test holds them."""
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a request waits, or is turned away."""


class FakeChat:
    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.rooms: dict[str, Room] = {}
        self.messages: dict[str, Message] = {}
        self.onces: dict[str, str] = {}
        self.sent: list[Sent] = []
        self.forms: list[Json] = []
        self.serial = itertools.count(1)

    def room(self, id_: str, members: dict[str, tuple[str, str]], **more: Any) -> Room:
        room = self.rooms[id_] = Room(dict(members), **more)
        room.open.set()
        return room

    def app(self) -> web.Application:
        app = web.Application(client_max_size=4 << 20)
        app.router.add_route("*", "/demo/api/{rest:.*}", self._take)
        return app

    async def _take(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        verify(self._secret, request.method, request.raw_path, request.headers, raw)
        body = json.loads(raw) if raw else {}
        what, _, id_ = request.match_info["rest"].partition("/")
        room = self._room_of(what, id_, body)
        self.sent.append(Sent(request.method, "/" + request.match_info["rest"], room, raw.decode(), time.monotonic()))
        return await self._answer(request.method, what, id_, body, room)

    def _room_of(self, what: str, id_: str, body: Json) -> str:
        if what == "rooms":
            return id_
        if what == "messages" and id_:
            return self.messages[id_].room if id_ in self.messages else ""
        return str(body.get("room", ""))

    async def _answer(self, method: str, what: str, id_: str, body: Json, name: str) -> web.StreamResponse:
        if what == "direct":
            return web.json_response({"room": f"d_{body['to']}"})
        if what == "forms":
            self.forms.append(body)
            return web.json_response({"ok": True})
        room = self.rooms.get(name)
        if room is None:
            return web.json_response({}, status=404)
        if not room.open.is_set():
            room.reached.set()
            await room.open.wait()
        status = room.lists if what == "rooms" else room.status
        if status != 200:
            room.reached.set()
            return web.json_response({}, status=status, headers={"Retry-After": room.retry_after})
        return web.json_response(self._roster(room) if what == "rooms" else self._write(method, what, id_, body))

    def _roster(self, room: Room) -> Json:
        members = [{"id": id_, "name": name, "kind": kind} for id_, (name, kind) in room.members.items()]
        about = {"title": "", "kind": room.kind, "external": room.external, "complete": room.complete}
        return {**about, "members": members}

    def _write(self, method: str, what: str, id_: str, body: Json) -> Json:
        if method == "POST":
            return {"id": self._post(body)}
        message = self.messages.get(id_)
        if message is None or message.deleted:
            raise web.HTTPNotFound
        if method == "PUT":
            message.card = body["card"]
            message.paints += 1
        else:
            message.deleted = True
        return {"ok": True}

    def _post(self, body: Json) -> str:
        if body["once"] in self.onces:
            return self.onces[body["once"]]
        id_ = self.onces[body["once"]] = f"b{len(self.messages) + 1}"
        self.messages[id_] = Message(id_, body["room"], body["card"], body.get("to", ""))
        return id_

    # what people see -------------------------------------------------------------------------------------------

    def cards(self, room: str) -> list[Message]:
        """What everybody in the room sees."""
        return [one for one in self.messages.values() if one.room == room and not one.deleted and not one.to]

    def whispers(self, room: str, to: str) -> list[Message]:
        return [one for one in self.messages.values() if one.room == room and not one.deleted and one.to == to]

    def written(self, room: str) -> list[Sent]:
        """What was sent into the room, oldest first; lists of members apart."""
        return [one for one in self.sent if one.room == room and one.writes]


def text(card: Json) -> str:
    """Every string a reader of the card could see."""
    return "\n".join(_strings(card))


_SILENT = frozenset({"data", "token", "action", "name", "type", "style", "kind", "tone", "locale"})


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for each in node:
            yield from _strings(each)
    elif isinstance(node, dict):
        for key, each in node.items():
            if key not in _SILENT:
                yield from _strings(each)


def buttons(card: Json, action: str) -> list[Json]:
    """Every button of that action, in the card's order."""
    return [each for each in _dicts(card) if each.get("action") == action and "data" in each]


def _dicts(node: Any) -> Iterator[Json]:
    if isinstance(node, dict):
        yield node
        for each in node.values():
            yield from _dicts(each)
    elif isinstance(node, list):
        for each in node:
            yield from _dicts(each)


def form(card: Json) -> Json:
    (found,) = [each for each in _dicts(card) if each.get("type") == "form"]
    return found
