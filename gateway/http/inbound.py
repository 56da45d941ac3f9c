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
from gateway.spine import Spine, Waiter
from gateway.worker import Worker

log = logging.getLogger("floatcard.http")

MARGIN_S = 0.4
"""Of the network's deadline, kept for the way back."""


class Door:
    def __init__(self, services: Services, spine: Spine, worker: Worker) -> None:
        self._s = services
        self._spine = spine
        self._worker = worker

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
            if reply.wait and reply.events:
                return await self._answered(name, channel, reply)
            for event in reply.events:
                await self._store(name, event)
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

    async def _answered(self, name: str, channel: Channel, reply: Reply) -> web.Response:
        """Stored first; then the answer, if it comes before the network's patience ends."""
        event = reply.events[0]
        waiting = self._worker.expect(event.once)
        waiter = Waiter()
        if not await self._store(name, event, waiter):
            waiting.cancel()
            return _response(self._worded(channel, event, self._toast(event, N_("This was received already."))))
        try:
            answer = await asyncio.wait_for(waiting, max(channel.limits.deadline - MARGIN_S, 0.1))
        except TimeoutError:
            waiter.gone = True
            answer = self._toast(event, N_("Received. This takes a little longer; the card will follow."))
        except Retry:
            answer = self._toast(event, N_("Received, but something is slow just now. It is kept and will be done."))
        except Refused as refused:
            answer = Toast(say(self._locale(event), refused.say, **refused.facts), "warning")
        except Rejected:
            RECEIVED.labels(name, "rejected").inc()
            return web.Response(status=401, text="The signature is missing, wrong or too old.")
        except Unreadable:
            answer = self._toast(event, N_("This was made by an older version. Ask for the card again."))
        except Exception:
            answer = Toast(say(self._locale(event), "Something broke. Try again, or tell an admin."), "danger")
        return _response(self._worded(channel, event, answer))

    def _toast(self, event: Event, msgid: str) -> Toast:
        return Toast(say(self._locale(event), msgid), "info")

    def _locale(self, event: Event) -> str:
        person = self._s.people.linked("im", event.who.id.key)
        return (person.locale if person is not None else "") or self._s.config.locale

    def _worded(self, channel: Channel, event: Event, answer: Any) -> Reply:
        shown: Answer = answer
        return channel.answer(event, shown) if isinstance(channel, Answers) else Reply()


def _response(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, headers=dict(reply.headers), body=reply.body)
