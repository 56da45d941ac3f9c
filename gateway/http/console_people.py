"""`/console/identities/one`: one person, with what is theirs; merged with another, split, and their devices."""

from __future__ import annotations

from aiohttp import web

from gateway.config.model import seconds
from gateway.console import people
from gateway.errors import Refused
from gateway.http.console_mentions import Around
from gateway.http.console_paging import Lists, asked, html, refused, see, several
from gateway.http.console_session import Form, Session
from gateway.http.device import device_codes
from gateway.http.linking import Linking
from gateway.services import Services
from gateway.store.devices import SCOPES, DeviceStore
from identity.codes import code_hash, new_code

_HERE = "/console/identities"
_ONE = f"{_HERE}/one"


class PeoplePage(Lists):
    page = "identities"

    def __init__(self, services: Services, linking: Linking, around: Around) -> None:
        super().__init__(services, around)
        self._linking = linking
        self._devices = DeviceStore(services.store, services.people, services.clock)

    def routes(self) -> list[web.RouteDef]:
        acts = {
            "merge": self.merge,
            "split": self.split,
            "undo": self.undo,
            "device": self.device,
            "revoke": self.revoke,
        }
        around = self._around
        return [
            web.get(_ONE, self._paged(self.one)),
            *(web.post(f"{_HERE}/{path}", around.paged(around.acting(act))) for path, act in acts.items()),
        ]

    async def one(self, request: web.Request, session: Session) -> web.Response:
        return await self._one(request, session, asked(request, "person", 64), asked(request, "other", 64).strip())

    async def _one(
        self, request: web.Request, session: Session, id_: str, other: str = "", wrong: str = "", code: str = ""
    ) -> web.Response:
        person = self._s.people.person(id_)
        if person is None:
            return see(_HERE, "nobody")
        frame = self._frame(request, session)
        gone = self._s.people.person(other) if other and other != id_ else None
        if other and gone is None and not wrong:
            wrong = frame.reader.say("There is no such person to merge with. Write the id of somebody else.")
        it = await people.one(
            self._s,
            frame.reader,
            person,
            gone,
            await self._linking.weight(gone.id) if gone is not None else None,
            [each for each in await self._linking.changes() if id_ in (each.person, each.other)],
            await self._devices.listed(id_),
        )
        days = seconds(self._s.config.devices.overlap) // 86_400
        facts = {"it": it, "other": other, "wrong": wrong, "code": code, "days": days, "scopes": SCOPES}
        return html("person", frame, 409 if wrong else 200, **facts)

    async def merge(self, request: web.Request, session: Session, form: Form) -> web.Response:
        kept, gone = form.get("person")[:64], form.get("other")[:64]
        if gone == session.person.id:
            return see(_ONE, "own", person=kept)
        try:
            await self._linking.merge(kept, gone, by=session.person.id)
        except Refused as why:
            return await self._again(request, session, kept, why)
        return see(_ONE, "merged", person=kept)

    async def split(self, request: web.Request, session: Session, form: Form) -> web.Response:
        from_ = form.get("person")[:64]
        name = "".join(sign for sign in form.get("name") if sign.isprintable()).strip()[:200]
        emails = [each[:254] for each in form.all("email")[:50]]
        try:
            await self._linking.split(from_, several(form, "link"), name=name, by=session.person.id, emails=emails)
        except Refused as why:
            return await self._again(request, session, from_, why)
        return see(_ONE, "split", person=from_)

    async def undo(self, request: web.Request, session: Session, form: Form) -> web.Response:
        person = form.get("person")[:64]
        try:
            await self._linking.undo(form.get("change")[:32], by=session.person.id)
        except Refused as why:
            return await self._again(request, session, person, why)
        return see(_ONE, "undone", person=person)

    async def device(self, request: web.Request, session: Session, form: Form) -> web.Response:
        """The code is shown once, on the page that answers."""
        person, scopes = form.get("person")[:64], frozenset(form.all("scope")) & frozenset(SCOPES)
        name = "".join(sign for sign in form.get("name") if sign.isprintable()).strip()[:100]
        try:
            if not name:
                raise Refused("Write a name.")
            made = await self._devices.add(person, name, scopes or frozenset({"read"}), by=session.person.id)
        except Refused as why:
            return await self._again(request, session, person, why)
        code = new_code()
        await self._devices.code(made.id, code_hash(code, device_codes(self._s)))
        return await self._one(request, session, person, code=code)

    async def revoke(self, request: web.Request, session: Session, form: Form) -> web.Response:
        done = await self._devices.revoke(form.get("device")[:32], by=session.person.id)
        return see(_ONE, "revoked" if done else "over", person=form.get("person")[:64])

    async def _again(self, request: web.Request, session: Session, id_: str, why: Refused) -> web.Response:
        return await self._one(request, session, id_, wrong=refused(self._frame(request, session).reader, why))
