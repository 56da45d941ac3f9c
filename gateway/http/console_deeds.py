"""`/console/audit/deeds`: what people did to the gateway itself, by kind and by whom; and to take away."""

from __future__ import annotations

import logging

from aiohttp import web

from gateway.console import deeds
from gateway.http.console_paging import Lists, asked, attached, html
from gateway.http.console_session import Form, Session

HERE = "/console/audit/deeds"
log = logging.getLogger("floatcard.console")


class DeedsPage(Lists):
    page = "audit"

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(HERE, self._paged(self.look)),
            web.post(f"{HERE}/export", self._around.paged(self._around.acting(self.export))),
        ]

    async def look(self, request: web.Request, session: Session) -> web.Response:
        frame, what, by = self._frame(request, session), asked(request, "what", 32), asked(request, "by", 128)
        eyes, after = self._eyes(frame, session), asked(request, "after", 18)
        it = await deeds.listed(eyes, self._audit, what, by.strip(), after)
        return html("deeds", frame, it=it, most=deeds.MOST)

    async def export(self, request: web.Request, session: Session, form: Form) -> web.Response:
        frame, what, by = self._frame(request, session), form.get("what")[:32], form.get("by")[:128].strip()
        body, count = await deeds.exported(self._eyes(frame, session), self._audit, what, by)
        await self._audit.note(session.person.id, "exported", "deeds", rows=count)
        log.warning("rows of the audit were exported", extra={"person": session.person.id, "count": count})
        return attached(body, "deeds", frame.reader)
