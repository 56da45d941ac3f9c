"""The door for the networks: verify, store, only then acknowledge; a press is answered in the same request."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from functools import partial

from aiohttp import web

from cards.words import N_, say
from channels.model import Answers, Channel, Event, Inbound, Pages, Reply
from gateway.asked import Asked
from gateway.errors import Refused, Rejected, Retry, Unreadable
from gateway.http.brief import brief
from gateway.metrics import RECEIVED, child
from gateway.services import Services
from gateway.telemetry import begun

log = logging.getLogger("floatcard.http")

_in_this_turn = nullcontext()


class Door:
    def __init__(self, services: Services) -> None:
        self._s = services
        self._address = services.config.public_url.rstrip("/")
        self._limit = services.config.server.body_limit
        self._asked = Asked(services)
        self.takes = {name: partial(self._take, name, channel) for name, channel in services.channels.items()}
        """What takes a request to a channel, by its name."""

    def routes(self) -> list[web.RouteDef]:
        return [
            web.route("*", "/in/{channel}", self.receive),
            web.route("*", "/in/{channel}/{path:.+}", self.page),
        ]

    async def receive(self, request: web.Request) -> web.StreamResponse:
        take = self.takes.get(request.match_info["channel"])
        if take is None:
            raise web.HTTPNotFound(text="There is no channel of that name in the configuration.")
        return await take(request)

    async def _take(self, name: str, channel: Channel, request: web.Request) -> web.StreamResponse:
        inbound = await self._inbound(request)
        try:
            reply = await channel.receive(inbound)
        except Rejected as why:
            RECEIVED.labels(name, "rejected").inc()
            log.warning("a request to %s was rejected: %s", name, why)
            return web.Response(status=401, text="The signature is missing, wrong or too old.")
        except Unreadable as why:
            RECEIVED.labels(name, "unreadable").inc()
            log.warning("a request to %s was not understood: %s", name, why)
            return web.json_response({"ok": False, "error": "not understood"})
        except Retry as tired:
            return _later(tired)
        child(RECEIVED, name, "accepted").inc()
        return await self._accept(request, name, channel, reply)

    async def _inbound(self, request: web.Request) -> Inbound:
        body = request.content
        # Mostly it is all there, and takes no asking for more.
        whole = body.is_eof() and body.total_bytes <= self._limit
        read = body.read_nowait() if whole else await request.read()
        return Inbound(request.method, self._address + request.raw_path, request.headers, read)

    async def page(self, request: web.Request) -> web.StreamResponse:
        """A page of the network's own, such as the end of an installation."""
        channel = self._s.channels.get(request.match_info["channel"])
        if not isinstance(channel, Pages):
            raise web.HTTPNotFound(text="There is no such page.")
        try:
            return _response(await channel.page(request.match_info["path"], await self._inbound(request)))
        except Rejected as why:
            log.warning("a request to a page of %s was rejected: %s", channel.name, why)
            return web.Response(status=401, text="The link or the signature is missing, wrong or too old.")
        except (Unreadable, Refused) as why:
            told = say(self._s.config.locale, why.say, **why.facts) if isinstance(why, Refused) else "not understood"
            return web.Response(status=400, text=told)
        except Retry as tired:
            return _later(tired)

    async def _accept(self, request: web.Request, name: str, channel: Channel, reply: Reply) -> web.StreamResponse:
        try:
            for event in reply.events[1 if reply.wait else 0 :]:
                await self._asked.store(name, event)
            for letter in reply.letters:
                with begun() if letter is not reply.letters[0] else _in_this_turn:
                    await self._asked.put_by(name, letter)
            if reply.wait and reply.events:
                return await self._answered(name, channel, reply.events[0])
        except Retry as tired:
            return _later(tired)
        return _response(reply) if reply.body or reply.headers or reply.status != 200 else brief(request)

    async def _answered(self, name: str, channel: Channel, event: Event) -> web.Response:
        try:
            answer = await self._asked.answer(name, event)
        except Rejected:
            RECEIVED.labels(name, "rejected").inc()
            return web.Response(status=401, text="The signature is missing, wrong or too old.")
        if answer is None:
            answer = self._asked.toast(event, N_("Received. This takes a little longer; the card will follow."))
        reply = channel.answer(event, answer) if isinstance(channel, Answers) else Reply()
        return _response(reply)


def _later(tired: Retry) -> web.Response:
    """Not stored, so not acknowledged: the network brings it again."""
    return web.Response(status=503, headers={"Retry-After": str(max(1, round(tired.after)))})


def _response(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, headers=dict(reply.headers), body=reply.body)
