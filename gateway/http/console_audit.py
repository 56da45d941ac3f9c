"""`/console/audit`: decisions by code, person or customer, the chain verified, and rows to take away."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from gateway.console import audit
from gateway.errors import Retry
from gateway.http.console_mentions import Around
from gateway.http.console_paging import Lists, asked, attached, html, see
from gateway.http.console_session import Form, Session
from gateway.services import Services
from gateway.store.console import ConsoleStore

_HERE = "/console/audit"
PATIENCE_S = 2.0
"""For so long the answer to *verify* is waited for; a longer chain is looked through beside."""

log = logging.getLogger("floatcard.console")


@dataclass(frozen=True, slots=True)
class Verified:
    """`what`: of a fault, in the ledger's own words, where and what; else how many decisions there are."""

    state: Literal["running", "sound", "fault", "failed"]
    at: int
    decisions: int = 0
    shard: int = 0
    seq: int = 0
    what: str = ""


class AuditPage(Lists):
    page = "audit"

    def __init__(self, services: Services, around: Around) -> None:
        super().__init__(services, around)
        self._store = ConsoleStore(services.store)
        self._verified: Verified | None = None
        self._running: asyncio.Task[None] | None = None

    def routes(self) -> list[web.RouteDef]:
        acts = {"verify": self.verify, "export": self.export}
        around = self._around
        return [
            web.get(_HERE, self._paged(self.look)),
            *(web.post(f"{_HERE}/{path}", around.paged(around.acting(act))) for path, act in acts.items()),
        ]

    async def look(self, request: web.Request, session: Session) -> web.Response:
        frame = self._frame(request, session)
        query, record, person = (asked(request, name) for name in ("q", "record", "person"))
        eyes, after = self._eyes(frame, session), asked(request, "after", 1000)
        it = await audit.found(eyes, self._store, query, record, person, after)
        return html("audit", frame, it=it, chain=self._verified, most=audit.MOST)

    async def verify(self, request: web.Request, session: Session, form: Form) -> web.Response:
        """One at a time; who comes meanwhile is shown that it runs."""
        if self._running is None or self._running.done():
            self._verified = Verified("running", self._s.clock.now())
            self._running = asyncio.create_task(self._verify())
        await asyncio.wait({self._running}, timeout=PATIENCE_S)
        return see(_HERE, part="#chain")

    async def _verify(self) -> None:
        began = self._s.clock.now()
        try:
            fault = await self._s.ledger.verify()
            count = await self._store.audit_count()
            altered = await self._audit.verify()
        except Retry:
            self._verified = Verified("failed", began)
            return
        if fault is not None:
            log.error("the chain of decisions is broken at decision %s of shard %s", fault.seq, fault.shard)
            self._verified = Verified("fault", began, count, fault.shard, fault.seq, fault.what)
        elif altered is not None:
            log.error("the record of what admins did is broken at row %s", altered)
            self._verified = Verified("fault", began, count, -1, altered, "the record of what admins did was altered")
        else:
            self._verified = Verified("sound", began, count)

    async def export(self, request: web.Request, session: Session, form: Form) -> web.Response:
        """Values as this reader may see them; who took how many rows is in the log."""
        frame = self._frame(request, session)
        record, person = form.get("record")[:512], form.get("person")[:64]
        body, count = await audit.exported(self._eyes(frame, session), self._store, record, person)
        await self._audit.note(session.person.id, "exported", record or person, rows=count)
        log.warning("rows of the audit were exported", extra={"person": session.person.id, "count": count})
        return attached(body, "audit", frame.reader)
