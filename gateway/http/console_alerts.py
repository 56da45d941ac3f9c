"""`/console/alerts`: those that wait, and what becomes of several at once."""

from __future__ import annotations

import logging
from typing import cast

from aiohttp import web

from gateway.console import alerts
from gateway.console.audit import cursor
from gateway.handlers import desk
from gateway.http.console_mentions import Around
from gateway.http.console_paging import Lists, asked, attached, html, see, several
from gateway.http.console_session import Form, Session
from gateway.services import Services
from gateway.store.console import ConsoleStore

_HERE = "/console/alerts"
log = logging.getLogger("floatcard.console")
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
            web.post(f"{_HERE}/export", self._around.paged(self._around.acting(self.export))),
        ]

    async def look(self, request: web.Request, session: Session) -> web.Response:
        frame = self._frame(request, session)
        chosen, told = _chosen(asked(request, "which", 16), asked(request, "rule", 32))
        eyes = self._eyes(frame, session)
        it = await alerts.listed(eyes, self._store, chosen, told, cursor(asked(request, "after", 100)))
        rules = [(name, frame.reader.say(words)) for name, words in alerts.RULES.items()]
        return html("alerts", frame, it=it, rules=rules, most=alerts.MOST)

    async def export(self, request: web.Request, session: Session, form: Form) -> web.Response:
        """As the list was asked for, with what this reader may see; it is noted who took how many."""
        frame, (which, rule) = self._frame(request, session), _chosen(form.get("which"), form.get("rule"))
        body, count = await alerts.exported(self._eyes(frame, session), self._store, which, rule)
        await self._audit.note(session.person.id, "exported", "alerts", rows=count)
        log.warning("alerts were exported", extra={"person": session.person.id, "count": count})
        return attached(body, "alerts", frame.reader)

    async def move(self, request: web.Request, session: Session, form: Form) -> web.Response:
        """Each stands or falls alone: one that is over meanwhile is left as it is."""
        chosen, to = several(form, "alert"), form.get("to")
        kept = {"which": form.get("which")[:16], "rule": form.get("rule")[:32]}
        if not chosen or to not in _SAID:
            return see(_HERE, "nothing", **kept)
        moved = await desk.move(self._s, session.person, chosen, to)  # type: ignore[arg-type]
        return see(_HERE, f"{_SAID[to]}={moved}" if moved else "over", **kept)


def _chosen(which: str, rule: str) -> tuple[alerts.Which, str]:
    chosen = cast("alerts.Which", which) if which in alerts.WHICH else "waiting"
    return chosen, rule if rule in alerts.RULES else ""
