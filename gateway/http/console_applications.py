"""`/console/audit/applications`: what each channel and token may read and write, who read what, and a token ended."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web

from gateway.console import applications
from gateway.http.console_mentions import Around
from gateway.http.console_paging import Lists, html, see
from gateway.http.console_session import Form, Session
from gateway.services import Services
from gateway.store.tokens import TokenStore

HERE = "/console/audit/applications"


class ApplicationsPage(Lists):
    page = "audit"

    def __init__(self, services: Services, around: Around) -> None:
        super().__init__(services, around)
        self._tokens = TokenStore(services.store, services.clock)

    def routes(self) -> list[web.RouteDef]:
        acts = {"end": self.end, "export": self.export}
        around = self._around
        return [
            web.get(HERE, self._paged(self.look)),
            *(web.post(f"{HERE}/{path}", around.paged(around.acting(act))) for path, act in acts.items()),
        ]

    async def look(self, request: web.Request, session: Session) -> web.Response:
        frame = self._frame(request, session)
        it = await applications.page(self._eyes(frame, session), self._tokens)
        return html("applications", frame, it=it, admin="admin" in session.person.roles, days=applications.DAYS)

    async def end(self, request: web.Request, session: Session, form: Form) -> web.Response:
        """For good: a new one is made with `floatcard token`."""
        name = await self._tokens.end_one(form.get("id")[:64])
        if name is None:
            return see(HERE, "over")
        await self._audit.note(session.person.id, "token_ended", name, id=form.get("id")[:64])
        return see(HERE, "ended")

    async def export(self, request: web.Request, session: Session, form: Form) -> web.Response:
        body, count = await applications.exported(self._s)
        await self._audit.note(session.person.id, "exported", "applications", rows=count)
        day = datetime.fromtimestamp(self._s.clock.now() / 1000, UTC).date()
        headers = {"Content-Disposition": f'attachment; filename="floatcard-applications-{day}.csv"'}
        return web.Response(body=body, headers=headers, content_type="text/csv", charset="utf-8")
