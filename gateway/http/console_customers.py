"""`/console/customers`: found by a part of the name, one with each value's source and how it came, undone."""

from __future__ import annotations

import logging
from collections.abc import Awaitable

from aiohttp import web

from gateway.console import customers
from gateway.errors import Refused
from gateway.handlers import desk
from gateway.http.console_mentions import Around
from gateway.http.console_paging import Lists, asked, attached, html, refused, see
from gateway.http.console_roles import may
from gateway.http.console_session import Form, Session
from gateway.http.console_sure import surely
from gateway.services import Services
from gateway.spine import Spine
from gateway.store.console import ConsoleStore

log = logging.getLogger("floatcard.console")

_HERE = "/console/customers"
_ONE = f"{_HERE}/one"


class CustomersPage(Lists):
    page = "customers"

    def __init__(self, services: Services, spine: Spine, around: Around) -> None:
        super().__init__(services, around)
        self._spine = spine
        self._store = ConsoleStore(services.store)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(_HERE, self._paged(self.look)),
            web.get(_ONE, self._paged(self.one)),
            web.post(f"{_HERE}/undo", self._around.paged(self._around.acting(self.undo))),
            web.post(f"{_HERE}/take", self._around.paged(self._around.acting(self.take))),
            web.post(f"{_HERE}/export", self._around.paged(self._around.acting(self.export))),
        ]

    async def look(self, request: web.Request, session: Session) -> web.Response:
        frame = self._frame(request, session)
        which, query = _which(asked(request, "which", 16)), asked(request, "q", 200)
        it = await customers.listed(self._eyes(frame, session), self._store, which, query, asked(request, "after"))
        tabs = [(name, frame.reader.say(words)) for name, words in customers.WHICH.items()]
        return html("customers", frame, it=it, tabs=tabs, most=customers.MOST)

    async def export(self, request: web.Request, session: Session, form: Form) -> web.Response:
        """The list as it was asked for, with the values this reader may see; it is noted who took how many."""
        frame, which, query = self._frame(request, session), _which(form.get("which")), form.get("q")[:200]
        body, count = await customers.exported(self._eyes(frame, session), self._store, which, query)
        await self._audit.note(session.person.id, "exported", "customers", rows=count)
        log.warning("customers were exported", extra={"person": session.person.id, "count": count})
        return attached(body, "customers", frame.reader)

    async def one(self, request: web.Request, session: Session) -> web.Response:
        before = asked(request, "before", 18)
        n = int(before) if before.isascii() and before.isdigit() else None
        return await self._one(request, session, asked(request, "ref"), asked(request, "field", 64), n)

    async def _one(
        self, request: web.Request, session: Session, ref: str, field: str, before: int | None = None, wrong: str = ""
    ) -> web.Response:
        frame = self._frame(request, session)
        it = await customers.one(self._eyes(frame, session), ref, field, before)
        if it is None:
            return see(_HERE, "unknown")
        erases = may(session.person.roles, "POST", f"{_HERE}/erase")
        joins = self._s.records.joined.several
        return html("customer", frame, 409 if wrong else 200, it=it, wrong=wrong, erases=erases, joins=joins)

    async def undo(self, request: web.Request, session: Session, form: Form) -> web.Response:
        return await self._decided(request, session, form, desk.undo(self._s, session.person, form.get("data")))

    async def take(self, request: web.Request, session: Session, form: Form) -> web.Response:
        """An open proposal becomes the value."""
        return await self._decided(request, session, form, desk.settle(self._s, session.person, form.get("data")))

    async def _decided(
        self, request: web.Request, session: Session, form: Form, work: Awaitable[desk.Ended]
    ) -> web.Response:
        ref, field = form.get("ref")[:512], form.get("field")[:64]
        try:
            said = await surely(self._spine, work)
        except Refused as why:
            reader = self._frame(request, session).reader
            return await self._one(request, session, ref, field, wrong=refused(reader, why))
        return see(_ONE, said, ref=ref, field=field)


def _which(said: str) -> customers.Which:
    return next((each for each in customers.WHICH if each == said), "all")
