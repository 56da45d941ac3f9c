"""/healthz: the process lives. /readyz: it can do its work. /metrics: what it counted."""

from __future__ import annotations

import asyncio

from aiohttp import web

from gateway.errors import Retry
from gateway.measure import Gauges
from gateway.metrics import exposition
from gateway.services import Services
from gateway.worker import Worker

PATIENCE_S = 2.0
"""A balancer asks every few seconds: an engine that hangs must not keep it waiting."""


class Health:
    def __init__(self, services: Services, worker: Worker) -> None:
        self._s = services
        self._gauges = Gauges(services, worker)
        self.ready = False
        """Set once everything is started; unset while stopping."""

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/healthz", self.healthz),
            web.get("/readyz", self.readyz),
            web.get("/metrics", self.metrics),
        ]

    async def healthz(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"status": "ok"})

    async def readyz(self, request: web.Request) -> web.StreamResponse:
        status = await self._status()
        return web.json_response({"status": status}, status=200 if status == "ready" else 503)

    async def _status(self) -> str:
        if not self.ready:
            return "starting or stopping"
        for what, ask in (("the store", self._s.due.next_at), ("the queue", self._s.bus.epoch)):
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await ask()
            except (Retry, TimeoutError):
                return f"{what} does not answer"
        return "ready"

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        await self._gauges.refresh()
        return web.Response(body=exposition(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})
