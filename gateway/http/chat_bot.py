"""The half of the demo chat that the gateway's `web` channel calls. Every request is signed."""

from __future__ import annotations

from aiohttp import web

from gateway.chat.messenger import Messenger
from gateway.chat.model import Declined, Json
from gateway.http.chat_bodies import (
    CARD_LIMIT,
    B,
    CardBody,
    Direct,
    OpenForm,
    Post,
    Whisper,
    parsed,
    raw,
    reply,
    worded,
)


def bot_routes(chat: Messenger) -> list[web.RouteDef]:
    bot = BotRoutes(chat)
    return [
        web.post("/api/messages", worded(bot.post)),
        web.put("/api/messages/{id}", worded(bot.repaint)),
        web.delete("/api/messages/{id}", worded(bot.remove)),
        web.post("/api/whispers", worded(bot.whisper)),
        web.get("/api/rooms/{room}", worded(bot.roster)),
        web.post("/api/direct", worded(bot.direct)),
        web.post("/api/forms", worded(bot.form)),
    ]


class BotRoutes:
    def __init__(self, chat: Messenger) -> None:
        self._chat = chat

    async def post(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request, Post)
        id = await self._chat.bot.post(body.room, body.thread, _card(body), body.once)
        return reply({"id": id}, 201)

    async def whisper(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request, Whisper)
        id = await self._chat.bot.post(body.room, body.thread, _card(body), body.once, body.to)
        return reply({"id": id}, 201)

    async def repaint(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request, CardBody)
        await self._chat.bot.repaint(request.match_info["id"], _card(body))
        return reply({"ok": True})

    async def remove(self, request: web.Request) -> web.StreamResponse:
        await self._verified(request)
        await self._chat.bot.remove(request.match_info["id"])
        return reply({"ok": True})

    async def roster(self, request: web.Request) -> web.StreamResponse:
        await self._verified(request)
        return reply(await self._chat.bot.roster(request.match_info["room"]))

    async def direct(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request, Direct)
        return reply({"room": await self._chat.bot.direct(body.to)})

    async def form(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request, OpenForm)
        await self._chat.bot.open_form(body.trigger, _card(body))
        return reply({"ok": True})

    async def _verified(self, request: web.Request) -> bytes:
        body = await raw(request, CARD_LIMIT)
        self._chat.verify(request.method, request.raw_path, request.headers, body)
        return body

    async def _body(self, request: web.Request, model: type[B]) -> B:
        return parsed(model, await self._verified(request))


def _card(body: CardBody) -> Json:
    blocks = body.card.get("blocks")
    if not isinstance(blocks, list) or not all(isinstance(block, dict) and "type" in block for block in blocks):
        raise Declined(400, "bad_card", "card.blocks: a list of objects, each with a type, is expected.")
    return body.card
