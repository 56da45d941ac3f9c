"""The door for the networks: verify, store, only then acknowledge; a press is answered in the same request."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from aiohttp import web

from cards.words import N_, say
from channels.model import Answer, Answers, Channel, Event, Inbound, Reply, Toast
from gateway.errors import Refused, Rejected, Retry, Unreadable
from gateway.metrics import DUPLICATES, EVENTS, RECEIVED
from gateway.services import Services
from gateway.spine import Broken, Spine, Waiter

log = logging.getLogger("floatcard.http")

MARGIN_S = 0.4
"""Of the network's deadline, kept for the way back."""


class Door:
    def __init__(self, services: Services, spine: Spine) -> None:
        self._s = services
        self._spine = spine

    def routes(self) -> list[web.RouteDef]:
        return [web.route("*", "/in/{channel}", self.receive)]

    async def receive(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["channel"]
        channel = self._s.channels.get(name)
        if channel is None:
            raise web.HTTPNotFound(text="There is no channel of that name in the configuration.")
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
        RECEIVED.labels(name, "accepted").inc()
        return await self._accept(name, channel, reply)

    async def _inbound(self, request: web.Request) -> Inbound:
        headers = {key.lower(): value for key, value in request.headers.items()}
        url = self._s.config.public_url.rstrip("/") + request.raw_path
        return Inbound(request.method, url, headers, await request.read())

    async def _accept(self, name: str, channel: Channel, reply: Reply) -> web.Response:
        try:
            for event in reply.events[1 if reply.wait else 0 :]:
                await self._store(name, event)
            if reply.wait and reply.events:
                return await self._answered(name, channel, reply.events[0])
        except Retry as tired:
            # Not stored, so not acknowledged: the network brings it again.
            return web.Response(status=503, headers={"Retry-After": str(max(1, round(tired.after)))})
        return _response(reply)

    async def _store(self, name: str, event: Event, waiter: Waiter | None = None) -> bool:
        EVENTS.labels(name, type(event).__name__.lower()).inc()
        fresh = await self._spine.accept(event, waiter)
        if not fresh:
            DUPLICATES.labels(name).inc()
        return fresh

    async def _answered(self, name: str, channel: Channel, event: Event) -> web.Response:
        """Stored first; then the answer, if it comes before the network's patience ends."""
        waiter = Waiter(asyncio.get_running_loop().create_future())
        patience = asyncio.get_running_loop().time() + channel.limits.deadline - MARGIN_S
        if not await self._store(name, event, waiter):
            return _response(self._worded(channel, event, self._toast(event, N_("This was received already."))))
        try:
            answer = await _within(waiter, patience)
        except Retry:
            answer = self._toast(event, N_("Received, but something is slow just now. It is kept and will be done."))
        except Refused as refused:
            answer = Toast(say(self._locale(event), refused.say, **refused.facts), "warning")
        except Rejected:
            RECEIVED.labels(name, "rejected").inc()
            return web.Response(status=401, text="The signature is missing, wrong or too old.")
        except Unreadable:
            answer = self._toast(event, N_("This was made by an older version. Ask for the card again."))
        except Broken as bug:
            answer = Toast(say(self._locale(event), "Something broke, reference {turn}.", turn=str(bug)), "danger")
        if answer is None:
            answer = self._toast(event, N_("Received. This takes a little longer; the card will follow."))
        return _response(self._worded(channel, event, answer))

    def _toast(self, event: Event, msgid: str) -> Toast:
        return Toast(say(self._locale(event), msgid), "info")

    def _locale(self, event: Event) -> str:
        person = self._s.people.linked("im", event.who.id.key)
        return (person.locale if person is not None else "") or self._s.config.locale

    def _worded(self, channel: Channel, event: Event, answer: Any) -> Reply:
        shown: Answer = answer
        return channel.answer(event, shown) if isinstance(channel, Answers) else Reply()


async def _within(waiter: Waiter, patience: float) -> Answer | None:
    """None when the answer is late: from then on it goes its own way."""
    left = max(patience - asyncio.get_running_loop().time(), 0.1)
    await asyncio.wait({waiter.answer}, timeout=left)
    return waiter.answer.result() if not waiter.answer.cancel() else None


def _response(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, headers=dict(reply.headers), body=reply.body)
