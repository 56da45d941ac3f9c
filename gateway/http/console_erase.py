"""`/console/customers/erase`: what goes with a customer, in numbers; then it goes. For an admin just signed in."""

from __future__ import annotations

from aiohttp import web

from gateway.console import erasing
from gateway.http.console_mentions import Around
from gateway.http.console_paging import Lists, asked, html, see
from gateway.http.console_session import Form, Session
from gateway.services import Services
from gateway.store.erasing import EraseStore
from gateway.store.vault import Vault

_HERE = "/console/customers/erase"
_LIST = "/console/customers"
SURE = "yes"


class ErasePage(Lists):
    page = "customers"

    def __init__(self, services: Services, around: Around) -> None:
        super().__init__(services, around)
        self._store = EraseStore(services.store, Vault(services.keys.vault), services.clock)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(_HERE, self._paged(self.look)),
            web.post(_HERE, self._around.paged(self._around.acting(self.erase))),
        ]

    async def look(self, request: web.Request, session: Session) -> web.Response:
        return await self._look(request, session, asked(request, "ref"))

    async def _look(self, request: web.Request, session: Session, ref: str, wrong: str = "") -> web.Response:
        frame = self._frame(request, session)
        it = await erasing.weighed(self._eyes(frame, session), self._store, ref)
        if it is None:
            return see(_LIST, "unknown")
        return html("erase", frame, 409 if wrong else 200, it=it, sure=SURE, wrong=wrong)

    async def erase(self, request: web.Request, session: Session, form: Form) -> web.Response:
        """Nothing goes without the box being ticked, and nothing that the page did not count."""
        ref, frame = form.get("ref")[:512], self._frame(request, session)
        it = await erasing.weighed(self._eyes(frame, session), self._store, ref)
        if it is None:
            return see(_LIST, "unknown")
        if form.get("sure") != SURE:
            return await self._look(request, session, ref, frame.reader.say("Tick the box first. Nothing was erased."))
        if form.get("counted") != it.counted:
            say = frame.reader.say("It became more meanwhile: look at the numbers again. Nothing was erased.")
            return await self._look(request, session, ref, say)
        return see(_LIST, "erased" if await self._store.erase(ref, session.person.id) is not None else "unknown")
