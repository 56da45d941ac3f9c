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
from gateway.http.around import JSON, Take, around_door
from gateway.http.entrance import Entrance
from gateway.metrics import RECEIVED, child
from gateway.services import Services
from gateway.telemetry import begun

log = logging.getLogger("floatcard.http")

_in_this_turn = nullcontext()


class Door:
    def __init__(self, services: Services) -> None:
        self._s = services
        self._address = services.config.public_url.rstrip("/")
        self._asked = Asked(services)
        self._takes: dict[str, Take] = {
            name: partial(self._take, name, channel) for name, channel in services.channels.items()
        }

    def routes(self) -> list[web.RouteDef]:
        return [
            web.route("*", "/in/{channel}", self.receive),
            web.route("*", "/in/{channel}/{path:.+}", self.page),
        ]

    def entrance(self, others: web.Server) -> Entrance:
        """To the same, for a server's lines; `others` answer all that is not simply posted."""
        config = self._s.config
        takes = {name: around_door(config, name, take) for name, take in self._takes.items()}
        return Entrance(takes, self._address, config.server.body_limit, others)

    async def receive(self, request: web.Request) -> web.StreamResponse:
        take = self._takes.get(request.match_info["channel"])
        if take is None:
            raise web.HTTPNotFound(text="There is no channel of that name in the configuration.")
        return _response(await take(await self._inbound(request)))

    async def _take(self, name: str, channel: Channel, inbound: Inbound) -> Reply:
        try:
            reply = await channel.receive(inbound)
        except Rejected as why:
            RECEIVED.labels(name, "rejected").inc()
            log.warning("a request to %s was rejected: %s", name, why)
            return _UNSIGNED
        except Unreadable as why:
            RECEIVED.labels(name, "unreadable").inc()
            log.warning("a request to %s was not understood: %s", name, why)
            return _NOT_UNDERSTOOD
        except Retry as tired:
            return _later(tired)
        child(RECEIVED, name, "accepted").inc()
        return await self._accept(name, channel, reply)

    async def _inbound(self, request: web.Request) -> Inbound:
        return Inbound(request.method, self._address + request.raw_path, request.headers, await request.read())

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
            return _response(_later(tired))

    async def _accept(self, name: str, channel: Channel, reply: Reply) -> Reply:
        try:
            for event in reply.events[1 if reply.wait else 0 :]:
                with _in_this_turn if event is reply.events[0] else begun():
                    await self._asked.store(name, event)
            for letter in reply.letters:
                with _in_this_turn if letter is reply.letters[0] else begun():
                    await self._asked.put_by(name, letter)
            if reply.wait and reply.events:
                return await self._answered(name, channel, reply.events[0])
        except Retry as tired:
            return _later(tired)
        return reply

    async def _answered(self, name: str, channel: Channel, event: Event) -> Reply:
        try:
            answer = await self._asked.answer(name, event)
        except Rejected:
            RECEIVED.labels(name, "rejected").inc()
            return _UNSIGNED
        if answer is None:
            answer = self._asked.toast(event, N_("Received. This takes a little longer; the card will follow."))
        return channel.answer(event, answer) if isinstance(channel, Answers) else Reply()


_UNSIGNED = Reply(
    status=401,
    headers={"Content-Type": "text/plain; charset=utf-8"},
    body=b"The signature is missing, wrong or too old.",
)
_NOT_UNDERSTOOD = Reply(headers=JSON, body=b'{"ok": false, "error": "not understood"}')


def _later(tired: Retry) -> Reply:
    """Not stored, so not acknowledged: the network brings it again."""
    return Reply(status=503, headers={"Retry-After": str(max(1, round(tired.after)))})


def _response(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, headers=dict(reply.headers), body=reply.body)
