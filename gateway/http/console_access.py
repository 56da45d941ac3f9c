"""`/console/policies/access`: who may see what, as versions: looked at, changed, approved, taken back, simulated."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from aiohttp import web

from gateway.access_changes import AccessChanges
from gateway.access_comparing import compare
from gateway.access_looking import Looking, moment
from gateway.access_sets import access_of, files_of
from gateway.access_simulating import who_sees
from gateway.access_words import field
from gateway.console import access
from gateway.errors import Refused
from gateway.http.console_mentions import Around
from gateway.http.console_paging import Lists, asked, html, refused, see
from gateway.http.console_session import Form, Session
from gateway.services import Services
from gateway.store.access_versions import AccessVersion
from identity.access import AccessPolicy
from identity.policy_diff import diff

_HERE = "/console/policies/access"
_TEXT = 200_000


class AccessPage(Lists):
    page = "policies"

    def __init__(self, services: Services, around: Around) -> None:
        super().__init__(services, around)
        self._changes = AccessChanges(services.store, services.people, services.config.zone)
        self._looking = Looking.of(services)

    def routes(self) -> list[web.RouteDef]:
        acts = {"propose": self.propose, "apply": self.apply, "rollback": self.rollback, "withdraw": self.withdraw}
        around = self._around
        return [
            web.get(_HERE, self._paged(self.look)),
            web.get(f"{_HERE}/edit", self._paged(self.edit)),
            web.get(f"{_HERE}/simulate", self._paged(self.simulate)),
            web.get(f"{_HERE}/{{n}}", self._paged(self.one)),
            *(web.post(f"{_HERE}/{path}", around.paged(around.acting(act))) for path, act in acts.items()),
        ]

    # -- looked at

    async def look(self, request: web.Request, session: Session) -> web.Response:
        return await self._look(request, session)

    async def _look(self, request: web.Request, session: Session, wrong: str = "") -> web.Response:
        frame = self._frame(request, session)
        rows = [
            access.row(self._s, frame.reader, each, session.person.id) for each in await self._changes.versions.all()
        ]
        files = await files_of("force", self._changes.versions, self._s.config)
        return html(
            "access",
            frame,
            409 if wrong else 200,
            rows=rows,
            policies=access.ruling(self._s, frame.reader),
            files=sorted(files),
            fields=self._fields(frame.reader.locale),
            may=self._admin(session),
            wrong=wrong,
        )

    def _fields(self, locale: str) -> list[tuple[str, str]]:
        names = dict.fromkeys(self._looking.classes.named())
        return [(name, field(self._looking, name, locale)) for name in names]

    def _admin(self, session: Session) -> bool:
        return "admin" in session.person.roles

    async def one(self, request: web.Request, session: Session) -> web.Response:
        said = request.match_info["n"]
        n = int(said) if said.isascii() and said.isdigit() and len(said) < 10 else 0
        return await self._one(request, session, n)

    async def _one(self, request: web.Request, session: Session, n: int, wrong: str = "") -> web.Response:
        frame, versions = self._frame(request, session), self._changes.versions
        it, now = await versions.get(n), await versions.in_force()
        if it is None or now is None:
            return see(_HERE)
        base = await versions.get(it.base) if it.state != "proposed" else now
        found = diff(base.files if base is not None else {}, it.files)
        told = await self._compared(frame.reader, now, it) if asked(request, "look") else None
        facts: dict[str, Any] = {
            "it": access.row(self._s, frame.reader, it, session.person.id),
            "against": base.n if base is not None else 0,
            "over": now.n,
            "changes": access.differences(frame.reader, found),
            "compared": told,
            "only": self._changes.only(session.person.id),
            "past": it.force > 0 and it.hash != now.hash,
            "may": self._admin(session),
        }
        return html("access_version", frame, 409 if wrong else 200, wrong=wrong, **facts)

    async def _compared(self, reader: Any, now: AccessVersion, it: AccessVersion) -> access.Compared | None:
        try:
            old, new = access_of(now.files), access_of(it.files)
        except Refused:
            return None
        found = await compare(self._looking, old, new, self._s.clock.now(), self._s.config.zone)
        return access.compared(self._looking, reader, found)

    async def simulate(self, request: web.Request, session: Session) -> web.Response:
        frame = self._frame(request, session)
        said = {name: asked(request, name, 200) for name in ("room", "field", "at", "customer", "version")}
        wrong, told = "", None
        if said["room"]:
            try:
                told = await self._simulated(frame.reader, session, said)
            except Refused as why:
                wrong = refused(frame.reader, why)
        facts = {"fields": self._fields(frame.reader.locale), "asked": said, "it": told, "wrong": wrong}
        return html("access_simulate", frame, 409 if wrong else 200, zone=self._s.config.zone, **facts)

    async def _simulated(self, reader: Any, session: Session, said: dict[str, str]) -> access.Simulated:
        """Raises `Refused`."""
        zone = self._s.config.zone
        at = moment(said["at"], zone, self._s.clock.now())
        room, name = await self._looking.named(said["room"]), self._looking.field(said["field"])
        policies, customer = await self._policies(said["version"]), said["customer"].strip()
        names = self._admin(session)
        found = await who_sees(self._looking, policies, room, name, at, zone, customer, names=names)
        return access.simulated(self._looking, reader, found)

    async def _policies(self, version: str) -> AccessPolicy:
        """Raises `Refused`."""
        if not version:
            return self._s.access
        return access_of(await files_of(version, self._changes.versions, self._s.config))

    async def edit(self, request: web.Request, session: Session) -> web.Response:
        return await self._edit(request, session, asked(request, "file", 80))

    async def _edit(
        self,
        request: web.Request,
        session: Session,
        file: str,
        text: str | None = None,
        reason: str = "",
        wrong: str = "",
    ) -> web.Response:
        files = await files_of("force", self._changes.versions, self._s.config)
        frame = self._frame(request, session)
        shown = files.get(file, "") if text is None else text
        facts = {"file": file, "text": shown, "known": file in files, "reason": reason, "wrong": wrong}
        return html("access_edit", frame, 409 if wrong else 200, may=self._admin(session), **facts)

    # -- done

    async def propose(self, request: web.Request, session: Session, form: Form) -> web.Response:
        file, text, reason = form.get("file")[:80].strip(), form.get("text")[:_TEXT], form.get("reason")[:1000]
        try:
            files = await self._changes.laid_over({file: None if form.get("away") else text})
            made = await self._changes.propose(files, session.person.id, reason, self._s.clock.now())
        except Refused as why:
            reader = self._frame(request, session).reader
            return await self._edit(request, session, file, text, reason, refused(reader, why))
        return see(f"{_HERE}/{made.n}")

    async def apply(self, request: web.Request, session: Session, form: Form) -> web.Response:
        n, over, reason = _number(form.get("n")), _number(form.get("over")), form.get("reason")[:1000]
        now = self._s.clock.now()
        return await self._done(request, session, n, self._changes.apply(n, session.person.id, reason, now, over=over))

    async def rollback(self, request: web.Request, session: Session, form: Form) -> web.Response:
        n, reason, now = _number(form.get("n")), form.get("reason")[:1000], self._s.clock.now()
        return await self._done(request, session, n, self._changes.back(n, session.person.id, reason, now))

    async def withdraw(self, request: web.Request, session: Session, form: Form) -> web.Response:
        n = _number(form.get("n"))
        work = self._changes.versions.withdraw(n, session.person.id, self._s.clock.now())
        return await self._done(request, session, n, work)

    async def _done(
        self, request: web.Request, session: Session, n: int, work: Awaitable[AccessVersion]
    ) -> web.Response:
        try:
            done = await work
        except Refused as why:
            return await self._one(request, session, n, refused(self._frame(request, session).reader, why))
        return see(f"{_HERE}/{done.n}", "set" if done.state == "applied" else "")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
