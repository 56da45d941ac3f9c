"""A Bot API on the loopback: rooms, people, messages, and the answers core.telegram.org/bots/api describes.

It refuses what Telegram refuses: HTML that does not match, too much text, too much behind a button, a direct message to
somebody who never pressed Start, an edit that changes nothing, an old group's id.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.channels.telegram.recipe import BOT, CONFIG, Reader

Json = dict[str, Any]
ME = {"id": BOT, "is_bot": True, "first_name": "Float", "username": "FloatBot", "can_join_groups": True}
TOKEN = CONFIG["bot_token"]
_RIGHTS = (
    *("manage_chat", "delete_messages", "manage_video_chats", "restrict_members", "promote_members", "change_info"),
    *("invite_users", "post_stories", "edit_stories", "delete_stories"),
)


class Refusal(Exception):
    def __init__(self, code: int, words: str, **parameters: Any) -> None:
        super().__init__(words)
        self.code, self.words, self.parameters = code, words, parameters


@dataclass
class Room:
    id: int
    members: dict[int, str]
    """By id: the status of each. The bot is one of them."""
    title: str = "Sales"
    type: str = "supergroup"
    username: str = ""
    moved_to: int = 0
    about: Json = field(default_factory=dict)
    """What else `getChat` tells."""


@dataclass
class Message:
    id: int
    room: int
    text: str
    thread: int | None
    keys: list[list[Json]]
    edits: int = 0
    gone: bool = False

    @property
    def plain(self) -> str:
        return Reader(self.text).plain

    def key(self, label: str) -> str:
        """The data behind the button that says so."""
        return str(next(key["callback_data"] for row in self.keys for key in row if label in key["text"]))


@dataclass
class FakeApi:
    rooms: dict[int, Room] = field(default_factory=dict)
    people: dict[int, str] = field(default_factory=dict)
    started: set[int] = field(default_factory=set)
    """Who pressed Start: nobody else is written to directly."""
    messages: dict[int, Message] = field(default_factory=dict)
    calls: list[tuple[str, Json]] = field(default_factory=list)
    refuse: list[Refusal] = field(default_factory=list)
    """The next calls end with these, one each; with `always` below, all of them."""
    always: Refusal | None = None
    updates: list[Json] = field(default_factory=list)
    reads_all: bool = False
    token: str = TOKEN
    serial: Iterator[int] = field(default_factory=lambda: itertools.count(100))
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/bot{token}/{method}", self._take)
        return app

    def called(self, method: str) -> list[Json]:
        return [body for name, body in self.calls if name == method]

    def in_room(self, room: int) -> list[Message]:
        return [each for each in self.messages.values() if each.room == room and not each.gone]

    def last(self, room: int) -> Message:
        return self.in_room(room)[-1]

    async def _take(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        body: Json = json.loads(await request.read() or b"{}")
        self.calls.append((method, body))
        try:
            if request.match_info["token"] != self.token:
                raise Refusal(401, "Unauthorized")
            if self.always is not None or self.refuse:
                raise self.always or self.refuse.pop(0)
            result = await getattr(self, f"_{method}")(body)
        except Refusal as no:
            told = {"ok": False, "error_code": no.code, "description": no.words}
            told |= {"parameters": no.parameters} if no.parameters else {}
            return web.json_response(told, status=no.code)
        return web.json_response({"ok": True, "result": result})

    async def _getMe(self, body: Json) -> Json:  # noqa: N802
        return {**ME, "can_read_all_group_messages": self.reads_all, "supports_inline_queries": False}

    async def _setMyCommands(self, body: Json) -> bool:  # noqa: N802
        return True

    async def _setWebhook(self, body: Json) -> bool:  # noqa: N802
        return True

    async def _deleteWebhook(self, body: Json) -> bool:  # noqa: N802
        return True

    async def _getWebhookInfo(self, body: Json) -> Json:  # noqa: N802
        return {"url": "https://crm.example/in/telegram", "has_custom_certificate": False, "pending_update_count": 0}

    async def _answerCallbackQuery(self, body: Json) -> bool:  # noqa: N802
        if len(body.get("text", "")) > 200:
            raise Refusal(400, "Bad Request: MESSAGE_TOO_LONG")
        return True

    async def _getUpdates(self, body: Json) -> list[Json]:  # noqa: N802
        offset = body.get("offset") or 0
        self.updates = [each for each in self.updates if each["update_id"] >= offset]
        if not self.updates:
            self.came.clear()
            await asyncio.wait({asyncio.ensure_future(self.came.wait())}, timeout=min(body.get("timeout", 0), 0.2))
        return self.updates[: body.get("limit", 100)]

    async def _sendMessage(self, body: Json) -> Json:  # noqa: N802
        room = self._room(body["chat_id"])
        message = Message(next(self.serial), room.id, _text(body), body.get("message_thread_id"), _keys(body))
        self.messages[message.id] = message
        return self._told(message)

    async def _editMessageText(self, body: Json) -> Json:  # noqa: N802
        message = self._message(body, "edit")
        if (message.text, message.keys) == (_text(body), _keys(body)):
            raise Refusal(400, "Bad Request: message is not modified: specified new message content and reply markup")
        message.text, message.keys = _text(body), _keys(body)
        message.edits += 1
        return self._told(message)

    async def _deleteMessage(self, body: Json) -> bool:  # noqa: N802
        self._message(body, "delete").gone = True
        return True

    async def _getChat(self, body: Json) -> Json:  # noqa: N802
        room = self._room(body["chat_id"])
        chat = {"id": room.id, "type": room.type, "accent_color_id": 1, "max_reaction_count": 11}
        chat |= {"accepted_gift_types": dict.fromkeys(_GIFTS, False)}
        if room.type == "private":
            return {**chat, "first_name": self.people.get(room.id, "?")}
        return {**chat, **room.about, "title": room.title, **({"username": room.username} if room.username else {})}

    async def _getChatMemberCount(self, body: Json) -> int:  # noqa: N802
        return len(self._room(body["chat_id"]).members)

    async def _getChatAdministrators(self, body: Json) -> list[Json]:  # noqa: N802
        room = self._room(body["chat_id"])
        return [self._member(room, id_) for id_, status in room.members.items() if status in _ADMINS]

    async def _getChatMember(self, body: Json) -> Json:  # noqa: N802
        return self._member(self._room(body["chat_id"]), body["user_id"])

    def _room(self, id_: int) -> Room:
        if id_ > 0:
            if id_ not in self.started:
                raise Refusal(403, "Forbidden: bot can't initiate conversation with a user")
            return Room(id_, {id_: "member"}, type="private")
        room = self.rooms.get(id_)
        if room is None:
            raise Refusal(400, "Bad Request: chat not found")
        if room.moved_to:
            raise Refusal(
                400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=room.moved_to
            )
        if BOT not in room.members:
            raise Refusal(403, "Forbidden: bot was kicked from the supergroup chat")
        return room

    def _message(self, body: Json, what: str) -> Message:
        self._room(body["chat_id"])
        message = self.messages.get(body["message_id"])
        if message is None or message.gone or message.room != body["chat_id"]:
            raise Refusal(400, f"Bad Request: message to {what} not found")
        return message

    def _member(self, room: Room, id_: int) -> Json:
        status = room.members.get(id_, "left")
        user = ME if id_ == BOT else {"id": id_, "is_bot": False, "first_name": self.people.get(id_, "?")}
        member: Json = {"user": user, "status": status}
        if status in _ADMINS:
            member |= {"can_be_edited": False, "is_anonymous": False, **{f"can_{right}": True for right in _RIGHTS}}
        return member

    def _told(self, message: Message) -> Json:
        kind = "private" if message.room > 0 else "supergroup"
        return {"message_id": message.id, "date": 1, "chat": {"id": message.room, "type": kind}, "text": message.plain}


_ADMINS = ("creator", "administrator")
_GIFTS = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")


def _text(body: Json) -> str:
    text: str = body["text"]
    read = Reader(text)
    if body.get("parse_mode") != "HTML" or read.faults:
        raise Refusal(400, f"Bad Request: can't parse entities: {read.faults}")
    if not 0 < len(read.plain.encode("utf-16-le")) // 2 <= 4096:
        raise Refusal(400, "Bad Request: message is too long")
    return text


def _keys(body: Json) -> list[list[Json]]:
    rows: list[list[Json]] = (body.get("reply_markup") or {}).get("inline_keyboard", [])
    if any(not 0 < len(key["callback_data"].encode()) <= 64 for row in rows for key in row):
        raise Refusal(400, "Bad Request: BUTTON_DATA_INVALID")
    return rows
