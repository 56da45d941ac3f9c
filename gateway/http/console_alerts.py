"""`/console/alerts`: those that wait, and what becomes of several at once."""

from __future__ import annotations

from typing import cast

from aiohttp import web

from gateway.console import alerts
from gateway.console.audit import cursor
from gateway.handlers import desk
from gateway.http.console_mentions import Around
from gateway.http.console_paging import Lists, asked, html, see, several
from gateway.http.console_session import Form, Session
from gateway.services import Services
from gateway.store.console import ConsoleStore

_HERE = "/console/alerts"
_SAID = {"acknowledge": "acked", "snooze": "snoozed", "reopen": "reopened"}


class AlertsPage(Lists):
    page = "alerts"

    def __init__(self, services: Services, around: Around) -> None:
        super().__init__(services, around)
        self._store = ConsoleStore(services.store)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(_HERE, self._paged(self.look)),
            web.post(f"{_HERE}/move", self._around.paged(self._around.acting(self.move))),
        ]

    async def look(self, request: web.Request, session: Session) -> web.Response:
        frame, which, rule = self._frame(request, session), asked(request, "which", 16), asked(request, "rule", 32)
        chosen = cast("alerts.Which", which) if which in alerts.WHICH else "waiting"
        told = rule if rule in alerts.RULES else ""
        eyes = self._eyes(frame, session)
        it = await alerts.listed(eyes, self._store, chosen, told, cursor(asked(request, "after", 100)))
        rules = [(name, frame.reader.say(words)) for name, words in alerts.RULES.items()]
        return html("alerts", frame, it=it, rules=rules)

    async def move(self, request: web.Request, session: Session, form: Form) -> web.Response:
        """Each stands or falls alone: one that is over meanwhile is left as it is."""
        chosen, to = several(form, "alert"), form.get("to")
        kept = {"which": form.get("which")[:16], "rule": form.get("rule")[:32]}
        if not chosen or to not in _SAID:
            return see(_HERE, "nothing", **kept)
        moved = await desk.move(self._s, session.person, chosen, to)  # type: ignore[arg-type]
        return see(_HERE, f"{_SAID[to]}={moved}" if moved else "over", **kept)
