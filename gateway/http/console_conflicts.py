"""`/console/conflicts`: the queue; one side taken, somebody asked to look, what was settled undone."""

from __future__ import annotations

import logging
from typing import cast

from aiohttp import web

from gateway.console import conflicts
from gateway.console.audit import cursor
from gateway.errors import Refused
from gateway.handlers import assigned, desk
from gateway.http.console_mentions import Around
from gateway.http.console_paging import Lists, asked, attached, html, refused, see, several
from gateway.http.console_session import Form, Session
from gateway.http.console_sure import surely
from gateway.services import Services
from gateway.spine import Spine
from gateway.store.console import ConsoleStore

_HERE = "/console/conflicts"
log = logging.getLogger("floatcard.console")


class ConflictsPage(Lists):
    page = "conflicts"

    def __init__(self, services: Services, spine: Spine, around: Around) -> None:
        super().__init__(services, around)
        self._spine = spine
        self._store = ConsoleStore(services.store)

    def routes(self) -> list[web.RouteDef]:
        acts = {
            "several": self.several,
            "settle": self.settle,
            "undo": self.undo,
            "assign": self.assign,
            "export": self.export,
        }
        around = self._around
        return [
            web.get(_HERE, self._paged(self.look)),
            *(web.post(f"{_HERE}/{path}", around.paged(around.acting(act))) for path, act in acts.items()),
        ]

    async def look(self, request: web.Request, session: Session) -> web.Response:
        which, after, field = asked(request, "which", 16), asked(request, "after", 100), asked(request, "field", 64)
        return await self._listed(request, session, which, after, field=field)

    async def _listed(
        self, request: web.Request, session: Session, which: str, after: str = "", wrong: str = "", field: str = ""
    ) -> web.Response:
        frame = self._frame(request, session)
        chosen = _which(which)
        eyes = self._eyes(frame, session)
        fields = conflicts.fields(eyes)
        named = field if field in dict(fields) else ""
        it = await conflicts.listed(eyes, self._store, chosen, cursor(after), named)
        tabs = [(name, frame.reader.say(words)) for name, words in conflicts.WHICH.items()]
        more = {"fields": fields, "wrong": wrong, "most": conflicts.MOST}
        return html("conflicts", frame, 409 if wrong else 200, it=it, tabs=tabs, **more)

    async def export(self, request: web.Request, session: Session, form: Form) -> web.Response:
        """As the list was asked for, with what this reader may see; it is noted who took how many."""
        frame, which = self._frame(request, session), _which(form.get("which"))
        eyes, field = self._eyes(frame, session), form.get("field")[:64]
        named = field if field in dict(conflicts.fields(eyes)) else ""
        body, count = await conflicts.exported(eyes, self._store, which, named)
        await self._audit.note(session.person.id, "exported", "conflicts", rows=count)
        log.warning("conflicts were exported", extra={"person": session.person.id, "count": count})
        return attached(body, "conflicts", frame.reader)

    async def settle(self, request: web.Request, session: Session, form: Form) -> web.Response:
        try:
            said = await surely(self._spine, desk.settle(self._s, session.person, form.get("data")))
        except Refused as why:
            return await self._refused(request, session, form, why)
        return see(_HERE, said, which=form.get("which")[:16])

    async def several(self, request: web.Request, session: Session, form: Form) -> web.Response:
        """Each that was chosen for one side, as its page showed it; each stands or falls alone, and can be undone."""
        kept = {"which": form.get("which")[:16], "field": form.get("field")[:64]}
        side = next((each for each in ("crm", "newest") if each == form.get("to")), "")
        chosen = [data for id_ in several(form, "conflict") if (data := form.get(f"{side}-{id_}"))] if side else []
        done = sum([await self._settled(session, data) for data in chosen])
        if not chosen:
            return see(_HERE, "nothing", **kept)
        return see(_HERE, f"{'settledmany' if done else 'nonesettled'}={done}", **kept)

    async def _settled(self, session: Session, data: str) -> bool:
        try:
            return await surely(self._spine, desk.settle(self._s, session.person, data)) == "settled"
        except Refused:
            return False

    async def undo(self, request: web.Request, session: Session, form: Form) -> web.Response:
        try:
            said = await surely(self._spine, desk.undo(self._s, session.person, form.get("data")))
        except Refused as why:
            return await self._refused(request, session, form, why)
        return see(_HERE, said, which="settled")

    async def _refused(self, request: web.Request, session: Session, form: Form, why: Refused) -> web.Response:
        told = refused(self._frame(request, session).reader, why)
        return await self._listed(request, session, form.get("which")[:16], wrong=told)

    async def assign(self, request: web.Request, session: Session, form: Form) -> web.Response:
        """Several at once to one person; to nobody takes them back."""
        chosen, who, which = several(form, "conflict"), form.get("person")[:64], form.get("which")[:16]
        person = self._s.people.person(who)
        if not chosen:
            return see(_HERE, "nothing", which=which)
        if who and (person is None or not person.active or person.external):
            return see(_HERE, "nobody", which=which)
        found = [await self._s.ledger.conflict(id_) for id_ in chosen]
        known, now = [case for case in found if case is not None], self._s.clock.now()
        await self._store.assign([case.id for case in known], who, session.person.id, now)
        for case in known:
            await self._audit.note(session.person.id, "asked", case.id, person=who)
            if person is not None and person.id != session.person.id and case.closed_at is None:
                await assigned.ask(self._s, case.id, case.record, case.field, person, now)
        return see(_HERE, f"{'assigned' if who else 'unassigned'}={len(known)}", which=which)


def _which(said: str) -> conflicts.Which:
    return cast("conflicts.Which", said) if said in conflicts.WHICH else "open"
