"""/healthz: the process lives. /readyz: it can do its work. /metrics: what it counted."""

from __future__ import annotations

from aiohttp import web

from gateway.errors import Retry
from gateway.measure import Gauges
from gateway.metrics import exposition
from gateway.services import Services
from gateway.worker import Worker


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
        if not self.ready:
            return web.json_response({"status": "starting or stopping"}, status=503)
        try:
            await self._s.due.next_at()
        except Retry:
            return web.json_response({"status": "the store does not answer"}, status=503)
        return web.json_response({"status": "ready"})

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        await self._gauges.refresh()
        return web.Response(body=exposition(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})
