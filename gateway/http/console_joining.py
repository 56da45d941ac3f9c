"""`/console/customers/join`: what it would mean that two records are one customer; then they are, or two again."""

from __future__ import annotations

from aiohttp import web

from gateway.console import customers
from gateway.console.seeing import Eyes
from gateway.errors import Refused
from gateway.handlers import view
from gateway.http.console_mentions import Around
from gateway.http.console_paging import Lists, asked, html, refused, see
from gateway.http.console_session import Form, Session
from gateway.joining import Joining, Pair
from gateway.services import Services

_HERE = "/console/customers/join"
_LIST = "/console/customers"
_ONE = f"{_LIST}/one"


class JoinPage(Lists):
    page = "customers"

    def __init__(self, services: Services, around: Around) -> None:
        super().__init__(services, around)
        self._joining = Joining(services)

    def routes(self) -> list[web.RouteDef]:
        acting = self._around.acting
        return [
            web.get(_HERE, self._paged(self.look)),
            web.post(_HERE, self._around.paged(acting(self.join))),
            web.post(f"{_HERE}/part", self._around.paged(acting(self.part))),
        ]

    async def look(self, request: web.Request, session: Session) -> web.Response:
        return await self._look(request, session, asked(request, "ref"), asked(request, "other").strip())

    async def _look(
        self, request: web.Request, session: Session, ref: str, other: str, wrong: str = ""
    ) -> web.Response:
        frame = self._frame(request, session)
        eyes = self._eyes(frame, session)
        it = await customers.one(eyes, ref, "", None)
        if it is None:
            return see(_LIST, "unknown")
        pair: Pair | None = None
        if other and not wrong:
            try:
                pair = await self._both(eyes, it.key, other)
            except Refused as why:
                wrong = refused(frame.reader, why)
        fields, locale = self._s.config.fields, frame.reader.locale
        differs = [view.label(fields.get(name), name, locale) for name in pair.differs] if pair is not None else []
        parts = await self._joining.of(it.key)
        title = await eyes.title(other) if pair is not None else ""
        facts = {"it": it, "parts": parts, "other": other, "title": title, "differs": differs, "wrong": wrong}
        return html("join", frame, 409 if wrong else 200, **facts)

    async def _both(self, eyes: Eyes, ref: str, other: str) -> Pair:
        """Raises `Refused` also where this reader may not see one of them."""
        pair = await self._joining.look(ref, other)
        for key in (ref, other):
            if await eyes.heard(key) is None:
                raise Refused("{record} is not known here.", record=key[:200])
        return pair

    async def join(self, request: web.Request, session: Session, form: Form) -> web.Response:
        ref, other = form.get("ref")[:512], form.get("other")[:512]
        try:
            await self._both(self._eyes(self._frame(request, session), session), ref, other)
            await self._joining.join(ref, other, session.person.id)
        except Refused as why:
            reader = self._frame(request, session).reader
            return await self._look(request, session, ref, other, refused(reader, why))
        return see(_ONE, "joined", ref=ref)

    async def part(self, request: web.Request, session: Session, form: Form) -> web.Response:
        ref = form.get("ref")[:512]
        try:
            await self._joining.part(form.get("other")[:512], session.person.id)
        except Refused:
            return see(_ONE, "over", ref=ref)
        return see(_ONE, "parted", ref=ref)
