"""The door for CRMs: what a webhook speaks of is read anew, soon and durably; nothing it says is taken over."""

from __future__ import annotations

import logging
from collections.abc import Callable

from aiohttp import web

from crm.model import Crm, Hook, Hooks
from gateway.errors import Rejected, Retry, Unreadable
from gateway.metrics import RECEIVED
from gateway.services import Services
from gateway.sweep import heard

log = logging.getLogger("floatcard.http")


class HookDoor:
    """`nudge`: what is due is looked at at once."""

    def __init__(self, services: Services, nudge: Callable[[], None]) -> None:
        self._s = services
        self._nudge = nudge

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/hooks/{crm}", self.receive)]

    async def receive(self, request: web.Request) -> web.StreamResponse:
        crm: Crm | None = self._s.crms.get(request.match_info["crm"])
        if not isinstance(crm, Hooks):
            raise web.HTTPNotFound(text="There is no CRM of that name that sends webhooks.")
        try:
            refs = await crm.hear(await self._hook(request))
            await heard(self._s, refs)
        except Rejected as why:
            RECEIVED.labels(crm.name, "rejected").inc()
            log.warning("a request to %s was rejected: %s", crm.name, why)
            return web.Response(status=401, text="The signature is missing, wrong or too old.")
        except Unreadable as why:
            RECEIVED.labels(crm.name, "unreadable").inc()
            log.warning("a request to %s was not understood: %s", crm.name, why)
            return web.json_response({"ok": False, "error": "not understood"})
        except Retry as tired:
            return web.Response(status=503, headers={"Retry-After": str(max(1, round(tired.after)))})
        RECEIVED.labels(crm.name, "accepted").inc()
        self._nudge()
        return web.json_response({"ok": True})

    async def _hook(self, request: web.Request) -> Hook:
        headers = {key.lower(): value for key, value in request.headers.items()}
        url = self._s.config.public_url.rstrip("/") + request.raw_path
        return Hook(request.method, url, headers, await request.read())
