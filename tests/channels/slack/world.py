"""A Slack that remembers, on the loopback, and a gateway pointed at it. Composed from docs.slack.dev."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

from aiohttp import web
from aiohttp.test_utils import TestServer

from channels.model import ImId
from tests.channels.slack.recipe import SECRET, seal
from tests.gateway.house import Live, opened

Json = dict[str, Any]
TEAM, BOT, TOKEN = "T0FLOAT01", "U0FLOATBT", "xoxb-not-a-real-token"
DEAL, PARTNER = "C0DEAL001", "C0PARTNR1"
LI, CHEN, WANG, ZHAO, NEW, GUEST = "U0LITING1", "U0CHENWE1", "U0WANGMI1", "U0ZHAOLE1", "U0SUNJIA1", "U0GUEST01"
PERSONS = {LI: "p_liting", CHEN: "p_chenwei", WANG: "p_wangmin", ZHAO: "p_zhaolei"}
SCOPES = (
    "chat:write,channels:history,groups:history,im:history,mpim:history,channels:read,groups:read,im:read,mpim:read,"
    "users:read,im:write,commands,app_mentions:read,links:read,links:write"
)


@dataclass
class Posted:
    room: str
    ts: str
    thread: str
    blocks: list[Json]
    edits: int = 0
    deleted: bool = False


@dataclass
class FakeSlack:
    posted: list[Posted] = field(default_factory=list)
    whispers: list[tuple[str, str, list[Json]]] = field(default_factory=list)
    """Room, person, blocks."""
    views: dict[str, Json] = field(default_factory=dict)
    """By trigger or by the id of the view; the latest under `last`."""
    homes: dict[str, Json] = field(default_factory=dict)
    previews: dict[tuple[str, str, str], list[Json]] = field(default_factory=dict)
    calls: list[tuple[str, Json, str]] = field(default_factory=list)
    """Method, body, token."""
    rooms: dict[str, list[str]] = field(default_factory=dict)
    kinds: dict[str, Json] = field(default_factory=dict)
    """What conversations.info says of a room besides."""
    users: dict[str, Json] = field(default_factory=dict)
    wrong: dict[str, Callable[[], web.Response]] = field(default_factory=dict)
    """Methods that answer something else for now."""
    scopes: str = SCOPES
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    serial: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    url: str = ""

    async def handle(self, request: web.Request) -> web.Response:
        method, raw = request.match_info["method"], await request.read()
        form = request.content_type == "application/x-www-form-urlencoded"
        body = {key: each[0] for key, each in parse_qs(raw.decode()).items()} if form else json.loads(raw or b"{}")
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.calls.append((method, body, token))
        if method in self.wrong:
            return self.wrong[method]()
        if token not in self.tokens and method != "oauth.v2.access":
            return self.error("invalid_auth")
        answer = getattr(self, method.replace(".", "_").lower())(body)
        return web.json_response({"ok": "error" not in answer, **answer}, headers={"x-oauth-scopes": self.scopes})

    @staticmethod
    def error(word: str) -> web.Response:
        return web.json_response({"ok": False, "error": word})

    def _there(self, room: str) -> bool:
        return BOT in self.rooms.get(room, ()) or room.startswith("D")

    def auth_test(self, body: Json) -> Json:
        return {"user_id": BOT, "team_id": TEAM}

    def conversations_info(self, body: Json) -> Json:
        room = body["channel"]
        if room not in self.rooms and not room.startswith("D"):
            return {"error": "channel_not_found"}
        told = {"id": room, "name": room.lower(), "is_channel": True, "is_private": True, "is_im": room[0] == "D"}
        return {"channel": {**told, "is_member": self._there(room), **self.kinds.get(room, {})}}

    def conversations_members(self, body: Json) -> Json:
        room, start = body["channel"], int(body.get("cursor") or 0)
        everybody = self.rooms.get(room) or [room.replace("D", "U", 1), BOT]
        more = str(start + 2) if start + 2 < len(everybody) else ""  # pages of two: pagination is always used
        return {"members": everybody[start : start + 2], "response_metadata": {"next_cursor": more}}

    def users_info(self, body: Json) -> Json:
        id_ = body["user"]
        return {"user": {"id": id_, "team_id": TEAM, "name": id_.lower(), "profile": {}, **self.users.get(id_, {})}}

    def users_list(self, body: Json) -> Json:
        ids, start = sorted(self.users), int(body.get("cursor") or 0)
        more = str(start + 2) if start + 2 < len(ids) else ""
        listed = [self.users_info({"user": id_})["user"] for id_ in ids[start : start + 2]]
        return {"members": listed, "response_metadata": {"next_cursor": more}}

    def conversations_open(self, body: Json) -> Json:
        return {"channel": {"id": "D" + body["users"][1:]}}

    def chat_postmessage(self, body: Json) -> Json:
        if not self._there(body["channel"]):
            return {"error": "not_in_channel"}
        made = Posted(
            body["channel"], f"17952{next(self.serial):05d}.000100", body.get("thread_ts", ""), body["blocks"]
        )
        self.posted.append(made)
        return {"ts": made.ts, "channel": made.room}

    def _found(self, body: Json) -> Posted | None:
        fits = (each for each in self.posted if (each.room, each.ts) == (body["channel"], body["ts"]))
        return next((each for each in fits if not each.deleted), None)

    def chat_update(self, body: Json) -> Json:
        found = self._found(body)
        if found is None:
            return {"error": "message_not_found"}
        found.blocks, found.edits = body["blocks"], found.edits + 1
        return {"ts": found.ts}

    def chat_delete(self, body: Json) -> Json:
        found = self._found(body)
        if found is None:
            return {"error": "message_not_found"}
        found.deleted = True
        return {}

    def chat_postephemeral(self, body: Json) -> Json:
        if not self._there(body["channel"]):
            return {"error": "channel_not_found"}
        self.whispers.append((body["channel"], body["user"], body["blocks"]))
        return {"message_ts": f"17952{next(self.serial):05d}.000200"}

    def chat_unfurl(self, body: Json) -> Json:
        for url, shown in body["unfurls"].items():
            self.previews[body["channel"], body["ts"], url] = shown["blocks"]
        return {}

    def views_open(self, body: Json) -> Json:
        id_ = f"V{next(self.serial)}"
        self.views[id_] = self.views[body["trigger_id"]] = self.views["last"] = {**body["view"], "id": id_}
        return {"view": {"id": id_}}

    def views_update(self, body: Json) -> Json:
        self.views[body["view_id"]] = self.views["last"] = {**body["view"], "id": body["view_id"]}
        return {"view": {"id": body["view_id"]}}

    def views_publish(self, body: Json) -> Json:
        self.homes[body["user_id"]] = body["view"]
        return {"view": {"id": "V0"}}

    def cards(self, room: str) -> list[Posted]:
        return [each for each in self.posted if each.room == room and not each.deleted]


def words(blocks: Any) -> str:
    """Every text a reader of these blocks sees."""
    if isinstance(blocks, list):
        return "\n".join(words(each) for each in blocks)
    if isinstance(blocks, dict):
        own = blocks.get("text") if isinstance(blocks.get("text"), str) else ""
        inner = [words(each) for key, each in blocks.items() if key != "value" and isinstance(each, (dict, list))]
        return "\n".join(filter(None, [own or "", *inner]))
    return ""


def buttons(blocks: Any, action: str) -> list[Json]:
    if isinstance(blocks, list):
        return [found for each in blocks for found in buttons(each, action)]
    if not isinstance(blocks, dict):
        return []
    own = [blocks] if str(blocks.get("action_id", "")).partition(":")[2] == action else []
    return own + [found for each in blocks.values() for found in buttons(each, action)]


@dataclass
class World:
    """The gateway and the Slack around it: what people do there."""

    live: Live
    slack: FakeSlack
    serial: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def post(self, raw: bytes, kind: str, seconds: int | None = None) -> tuple[int, str]:
        at = int(time.time()) if seconds is None else seconds
        headers = {"Content-Type": kind, **seal("POST", "", raw, at)}
        async with self.live.session.post(
            f"{self.live.url}/in/slack", data=io.BytesIO(raw), headers=headers
        ) as response:
            return response.status, await response.text()

    async def event(self, event: Json, id_: str = "", team: str = TEAM, **more: Any) -> tuple[int, str]:
        authorized = [{"team_id": team, "user_id": BOT, "is_bot": True}]
        body = {"type": "event_callback", "team_id": team, "event_id": id_ or f"Ev{next(self.serial)}", "event": event}
        stamped = {"event_time": int(time.time()), "authorizations": authorized, **more}
        return await self.post(json.dumps({**body, **stamped}).encode(), "application/json")

    async def interact(self, payload: Json) -> tuple[int, Json]:
        raw = f"payload={quote(json.dumps(payload))}".encode()
        status, text = await self.post(raw, "application/x-www-form-urlencoded")
        return status, json.loads(text) if text.startswith("{") else {}

    async def say(self, who: str, room: str, text: str, ts: str = "", **more: Any) -> str:
        ts = ts or f"17952{next(self.serial):05d}.000300"
        said = {"type": "message", "user": who, "channel": room, "text": text, "ts": ts, "team": TEAM, **more}
        assert (await self.event(said))[0] == 200
        await self.live.settle()
        return ts

    def user(self, who: str) -> Json:
        return {"id": who, "username": who.lower(), "team_id": TEAM}

    async def press(self, who: str, card: Posted, button: Json) -> str:
        """The trigger it had."""
        trigger = f"tr.{next(self.serial)}"
        container = {
            "type": "message",
            "message_ts": card.ts,
            "channel_id": card.room,
            "thread_ts": card.thread or None,
        }
        where = {"container": container, "channel": {"id": card.room}, "message": {"ts": card.ts}}
        await self._press(who, button, trigger, where)
        return trigger

    async def press_in(self, who: str, view: Json, button: Json) -> str:
        trigger = f"tr.{next(self.serial)}"
        shown = {**view, "app_installed_team_id": TEAM, "state": {"values": {}}}
        await self._press(who, button, trigger, {"container": {"type": "view"}, "view": shown})
        return trigger

    async def _press(self, who: str, button: Json, trigger: str, where: Mapping[str, Any]) -> None:
        action = {**button, "action_ts": "1795228360.000600"}
        payload = {"type": "block_actions", "user": self.user(who), "team": {"id": TEAM}, "trigger_id": trigger}
        assert (await self.interact({**payload, **where, "actions": [action]}))[0] == 200
        await self.live.settle()

    async def submit(self, who: str, view: Json, **typed: str) -> Json:
        """What Slack would do with the view then; {} closes it."""
        inputs = [block for block in view["blocks"] if block["type"] == "input"]
        values = {each["block_id"]: {"value": _state(each["element"], typed.get(each["block_id"]))} for each in inputs}
        sent = {**view, "state": {"values": values}, "app_installed_team_id": TEAM}
        head = {"type": "view_submission", "user": self.user(who), "team": {"id": TEAM}}
        status, answer = await self.interact({**head, "trigger_id": f"tr.{next(self.serial)}", "view": sent})
        assert status == 200
        await self.live.settle()
        return answer

    def card(self, room: str = DEAL) -> Posted:
        (found,) = self.slack.cards(room)
        return found


def _state(element: Json, typed: str | None) -> Json:
    if element["type"] == "datepicker":
        return {"type": "datepicker", "selected_date": typed or element.get("initial_date")}
    if element["type"] == "static_select":
        return {"type": "static_select", "selected_option": element.get("initial_option")}
    return {"type": "plain_text_input", "value": typed if typed is not None else element.get("initial_value")}


@contextlib.asynccontextmanager
async def listening(slack: FakeSlack) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_route("*", "/api/{method}", slack.handle)
    async with TestServer(app) as server:
        slack.url = str(server.make_url("")).rstrip("/")
        yield


@contextlib.asynccontextmanager
async def around(folder: Path, more: str = "", slack: FakeSlack | None = None) -> AsyncIterator[World]:
    """The house of the other tests with a Slack beside its own chat: the same people, linked in both."""
    slack = slack or FakeSlack()
    slack.rooms |= {DEAL: [LI, CHEN, WANG, BOT], PARTNER: [LI, WANG, GUEST, BOT]}
    slack.users |= {GUEST: {"is_restricted": True}, BOT: {"is_bot": True}}
    async with listening(slack):
        for name, text in (("signing", SECRET), ("bot", TOKEN), ("client", "the client's secret"), ("app", "xapp-app")):
            (folder / f"{name}.slack").write_text(text)
        own = f'team = "{TEAM}"\nbot_token = "file:bot.slack"\nsigning_secret = "file:signing.slack"\n'
        told = f'[channels.slack]\ntype = "slack"\n{own}base_url = "{slack.url}/api"\n{more}'
        async with opened(folder, extra=told, changed=LINKED) as live:
            for account, person in PERSONS.items():
                key = ImId("slack", TEAM, "user", account).key
                await live.s.people.link(person, "im", key, step="import", evidence="a test", made_by="test")
            await live.settle()
            yield World(live, slack)


LINKED = {'database = "sqlite:///': 'link = "https://crm.example/accounts/{id}"\ndatabase = "sqlite:///'}
