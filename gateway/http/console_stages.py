"""`/console/rooms/stages`: how much cards show by kind of room, the evidence, and an admin's word."""

from __future__ import annotations

from aiohttp import web

from gateway.console import stages
from gateway.errors import Refused
from gateway.http.console_paging import Lists, html, refused, see
from gateway.http.console_session import Form, Session

HERE = "/console/rooms/stages"


class StagesPage(Lists):
    page = "rooms"

    def routes(self) -> list[web.RouteDef]:
        acts = {"set": self.set, "undo": self.undo}
        around = self._around
        return [
            web.get(HERE, self._paged(self.look)),
            *(web.post(f"{HERE}/{path}", around.paged(around.acting(act))) for path, act in acts.items()),
        ]

    async def look(self, request: web.Request, session: Session) -> web.Response:
        return await self._drawn(request, session)

    async def _drawn(self, request: web.Request, session: Session, wrong: str = "") -> web.Response:
        frame = self._frame(request, session)
        it = await stages.page(self._eyes(frame, session))
        admin = "admin" in session.person.roles
        return html("stages", frame, 409 if wrong else 200, it=it, wrong=wrong, admin=admin)

    async def set(self, request: web.Request, session: Session, form: Form) -> web.Response:
        try:
            await self._s.stages.decide(form.get("kind"), form.get("stage"), _run(form), session.person.id)
        except Refused as why:
            return await self._drawn(request, session, refused(self._frame(request, session).reader, why))
        return see(HERE, "staged")

    async def undo(self, request: web.Request, session: Session, form: Form) -> web.Response:
        try:
            await self._s.stages.undo(form.get("kind"), _run(form), session.person.id)
        except Refused as why:
            return await self._drawn(request, session, refused(self._frame(request, session).reader, why))
        return see(HERE, "undone")


def _run(form: Form) -> int:
    """On which the form was made; what was never one is the run of nobody."""
    text = form.get("run")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else -1
