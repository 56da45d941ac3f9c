"""A home server of a few lines, and the whole gateway on it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from channels.matrix import LIMITS
from channels.model import ImId
from gateway.asked import Asked
from tests.channels.fake_server import Fake, Heard, serving
from tests.gateway.house import LI, Json, Live, opened

BOT, ANN, ROOM, OTHER = "@floatcard:example.org", "@ann:example.org", "!sales:example.org", "!other:example.org"


def two(who: str) -> str:
    """The room that the bot makes for itself and that person."""
    return f"!two-{who[1:].partition(':')[0]}:example.org"


@dataclass
class Home:
    """Takes what is sent; an edit is told along with what it edits."""

    events: dict[str, Json] = field(default_factory=dict)
    rooms: dict[str, list[str]] = field(default_factory=lambda: {ROOM: [BOT, ANN], OTHER: [BOT, ANN]})
    direct: Json = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    limited: bool = False
    tried: list[str] = field(default_factory=list)
    news: list[Json] = field(default_factory=list)

    def __call__(self, heard: Heard) -> web.StreamResponse:
        path = unquote(heard.target.partition("?")[0])
        if "/sync" in path:
            return web.json_response({"next_batch": "s", "rooms": {"join": self._told()}})
        if path.endswith("/createRoom"):
            (who,) = heard.body["invite"]
            self.rooms[two(who)] = [BOT, who]
            return web.json_response({"room_id": two(who)})
        if path.endswith("/account_data/m.direct"):
            self.direct = heard.body if heard.method == "PUT" else self.direct
            return web.json_response(self.direct)
        room, _, rest = path.partition("/rooms/")[2].partition("/")
        if BOT not in self.rooms.get(room, ()):
            return web.json_response({"errcode": "M_FORBIDDEN", "error": "not in it"}, status=403)
        return self._in_room(room, rest.split("/"), heard)

    def _told(self) -> Json:
        told: Json = {}
        while self.news:
            event = self.news.pop(0)
            told.setdefault(event.pop("room"), {"timeline": {"events": []}})["timeline"]["events"].append(event)
        return told

    def _in_room(self, room: str, rest: list[str], heard: Heard) -> web.StreamResponse:
        if rest[0] == "joined_members":
            return web.json_response(
                {"joined": {each: {"display_name": self.names.get(each, "")} for each in self.rooms[room]}}
            )
        if rest[0] == "members":
            chunk = [{"state_key": each, "content": {"membership": "join"}} for each in self.rooms[room]]
            return web.json_response({"chunk": chunk})
        if rest[0] == "event":
            return web.json_response(self.events[rest[1]])
        if rest[0] == "relations":
            return web.json_response({"chunk": []})
        if rest[0] in ("send", "redact"):
            self.tried.append(room)
            if self.limited:
                return web.json_response({"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 3_600_000}, status=429)
            return self._said(room, heard.body, len(self.tried)) if rest[0] == "send" else web.json_response({})
        return web.json_response({"errcode": "M_NOT_FOUND", "error": "?"}, status=404)

    def _said(self, room: str, content: Json, at: int) -> web.StreamResponse:
        id_ = f"$sent{at}"
        made = {"event_id": id_, "room_id": room, "sender": BOT, "origin_server_ts": at, "content": content}
        self.events[id_] = made
        about = content.get("m.relates_to", {})
        if about.get("rel_type") == "m.replace":
            self.events[about["event_id"]]["unsigned"] = {"m.relations": {"m.replace": made}}
        return web.json_response({"event_id": id_})

    def cards(self, room: str) -> dict[str, Json]:
        newest = {id_: each.get("unsigned", {}).get("m.relations", {}) for id_, each in self.events.items()}
        painted = {id_: told["m.replace"] for id_, told in newest.items() if told}
        return {id_: each["content"]["m.new_content"] for id_, each in painted.items() if each["room_id"] == room}


@dataclass
class World:
    live: Live
    home: Home

    async def say(self, text: str, room: str = ROOM, to: str = "", at: int = 0, who: str = ANN) -> None:
        """It is heard, and stored."""
        relates = {"m.relates_to": {"m.in_reply_to": {"event_id": to}}} if to else {}
        id_, ts = f"$said{len(self.home.events)}.{len(text)}", at or self.live.clock.now()
        content = {"msgtype": "m.text", "body": text, **relates}
        event = {"type": "m.room.message", "event_id": id_, "sender": who, "origin_server_ts": ts, "content": content}
        self.home.events[id_] = dict(event)
        name = {"membership": "join", "displayname": self.home.names.get(who, "")}
        told = {"type": "m.room.member", "state_key": who, "sender": who, "event_id": f"$m{who}", "origin_server_ts": 1}
        before = {"unsigned": {"prev_content": {"membership": "join"}}, "content": name}
        self.home.news += [{"room": room, **told, **before}, {"room": room, **event}]
        await self.listen()

    async def known(self, who: str, demo: str) -> None:
        """As that person of the sample company."""
        people = self.live.s.people
        person = people.linked("im", ImId("web", "demo", "user", demo).key)
        assert person is not None
        key = ImId("matrix", "example.org", "user", who).key
        await people.link(person.id, "im", key, step="admin", evidence="test", made_by="test")

    async def listen(self) -> None:
        channel: Any = self.live.s.channels["matrix"]
        await channel._listener.once(Asked(self.live.s).put)


@contextlib.asynccontextmanager
async def around(folder: Path) -> AsyncIterator[World]:
    home = Home()
    fake = Fake(home)
    (folder / "token").write_text("not-a-real-token")
    async with serving(fake):
        told = f'type = "matrix"\nurl = "{fake.url}"\nuser = "{BOT}"\naccess_token = "file:{folder / "token"}"\n'
        async with opened(folder, extra=f"[channels.matrix]\n{told}") as live:
            quick = replace(LIMITS, room_rate=1_000.0, room_burst=1_000, total_rate=1_000.0, total_burst=1_000)
            live.s.channels["matrix"].limits = quick
            world = World(live, home)
            await world.known(ANN, LI)
            await world.listen()
            yield world
