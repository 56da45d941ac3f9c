"""What goes wrong between hearing and saying, with the whole gateway on a home server of a few lines."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from channels.matrix import LIMITS
from channels.model import ImId
from crm.model import RecordRef
from gateway.asked import Asked
from tests.channels.fake_server import Fake, Heard, serving
from tests.channels.matrix.server import number
from tests.gateway.house import HERO, LI, NAME, Json, Live, opened

BOT, ANN, ROOM, OTHER = "@floatcard:example.org", "@ann:example.org", "!sales:example.org", "!other:example.org"


@dataclass
class Home:
    """Takes what is sent; an edit is told along with what it edits."""

    events: dict[str, Json] = field(default_factory=dict)
    rooms: dict[str, list[str]] = field(default_factory=lambda: {ROOM: [BOT, ANN], OTHER: [BOT, ANN]})
    direct: Json = field(default_factory=dict)
    limited: bool = False
    tried: list[str] = field(default_factory=list)
    news: list[Json] = field(default_factory=list)

    def __call__(self, heard: Heard) -> web.StreamResponse:
        path = unquote(heard.target.partition("?")[0])
        if "/sync" in path:
            return web.json_response({"next_batch": "s", "rooms": {"join": self._told()}})
        if path.endswith("/createRoom"):
            self.rooms["!two:example.org"] = [BOT, *heard.body["invite"]]
            return web.json_response({"room_id": "!two:example.org"})
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
            return web.json_response({"joined": {each: {} for each in self.rooms[room]}})
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

    async def say(self, text: str, room: str = ROOM, to: str = "", at: int = 0) -> None:
        """It is heard, and stored."""
        relates = {"m.relates_to": {"m.in_reply_to": {"event_id": to}}} if to else {}
        id_, ts = f"$said{len(self.home.events)}.{len(text)}", at or self.live.clock.now()
        content = {"msgtype": "m.text", "body": text, **relates}
        event = {"type": "m.room.message", "event_id": id_, "sender": ANN, "origin_server_ts": ts, "content": content}
        self.home.events[id_] = dict(event)
        self.home.news.append({"room": room, **event})
        await self.listen()

    async def listen(self) -> None:
        channel: Any = self.live.s.channels["matrix"]
        await channel._listener.once(Asked(self.live.s, self.live.house.spine).put)


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
            person = live.s.people.linked("im", ImId("web", "demo", "user", LI).key)
            assert person is not None
            await live.s.people.link(
                person.id, "im", f"matrix/example.org/user/{ANN}", step="admin", evidence="test", made_by="test"
            )
            world = World(live, home)
            await world.listen()
            yield world


async def test_an_answer_to_a_card_whose_customer_was_merged_away_saves_nothing(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        await world.say(NAME)
        await world.live.settle()
        ((card, content),) = world.home.cards(ROOM).items()
        record = await world.live.crm.get(RecordRef.parse(HERO))
        await world.live.s.records.put([replace(record, deleted=True, version=record.version + 1)])
        for words in ("edit phone +86 512 3333 3333", number(content, "edit"), "edit"):
            await world.say(words, to=card)
            await world.live.settle()
        assert await world.live.there("phone") != "+86 512 3333 3333"
        alone = json.dumps(world.home.cards("!two:example.org"), ensure_ascii=False)
        assert alone != "{}" and "3333 3333" not in alone and "/form/" not in alone, "they are told, and given no form"


async def test_a_number_from_before_the_card_was_painted_again_presses_nothing(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        await world.say(NAME)
        await world.live.settle()
        ((card, content),) = world.home.cards(ROOM).items()
        pressed = number(content, "show_me")
        for version in ("+86 512 0000 0001", "+86 512 0000 0002", "+86 512 0000 0003"):
            await world.live.natively("phone", version)
            await world.live.settle()
        assert "0000 0003" in world.home.cards(ROOM)[card]["body"]
        newest = world.home.events[card]["unsigned"]["m.relations"]["m.replace"]
        newest["origin_server_ts"] = world.live.clock.now()
        await world.say(pressed, to=card, at=newest["origin_server_ts"] - 1)
        await world.live.settle()
        alone = [each["body"] for each in world.home.cards("!two:example.org").values()]
        assert len(alone) == 1 and NAME not in alone[0], "it is said that the card is another by now"
        await world.say(pressed, to=card, at=newest["origin_server_ts"] + 1)
        await world.live.settle()
        assert any(NAME in each["body"] for each in world.home.cards("!two:example.org").values())


async def test_put_out_between_hearing_and_speaking(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        await world.say(NAME)
        world.home.rooms[ROOM].remove(BOT)
        await world.live.settle()
        await world.say(NAME, OTHER)
        await world.live.settle()
        assert len(world.home.cards(OTHER)) == 1, "another room goes on"
        assert await world.live.rows("job") == 0, "and nothing is tried for ever"


async def test_429_for_an_hour_loses_nothing_and_asks_once(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        world.home.limited = True
        await world.say(NAME)
        async with asyncio.timeout(30):
            while not world.home.tried:
                await asyncio.sleep(0.01)
        await world.say(NAME, OTHER)
        await asyncio.sleep(0.2)
        assert len(world.home.tried) == 1, "a server that said when is not asked before, whatever for"
        assert await world.live.rows("job") >= 2, "and what is to be said waits in the queue"
