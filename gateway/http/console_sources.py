"""`/console/sources/epoch`: an admin's word that what a source says after it was set back is so."""

from __future__ import annotations

from aiohttp import web

from gateway.errors import Refused
from gateway.http.console_paging import see
from gateway.http.console_session import Form, Session
from gateway.services import Services
from gateway.sources import new_epoch

PATH = "/console/sources/epoch"


class SourcesPage:
    def __init__(self, services: Services) -> None:
        self._s = services

    async def begin(self, request: web.Request, session: Session, form: Form) -> web.Response:
        try:
            await new_epoch(self._s, form.get("source")[:64], session.person.id)
        except Refused:
            return see("/console", "over")
        return see("/console", "epoch")
