"""What the console's pages of lists share: who looks, what a form chose, and where one goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

from aiohttp import web

from cards.words import Reader
from gateway.console.page import Frame, render
from gateway.console.seeing import Eyes
from gateway.errors import Refused
from gateway.http.console_mentions import Around
from gateway.http.console_session import Form, Session
from gateway.services import Services
from gateway.store.auditing import AuditStore

Look = Callable[[web.Request, Session], Awaitable[web.Response]]
LONGEST = 512


class Lists:
    """A page of the console that lists. Its forms answer with a redirection, or with the page and what was wrong."""

    page = ""

    def __init__(self, services: Services, around: Around) -> None:
        self._s = services
        self._around = around
        self._audit = AuditStore(services.store, services.clock)

    def _paged(self, look: Look) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def serve(request: web.Request) -> web.Response:
            session = await self._around.session(request)
            return see("/console") if session is None else await look(request, session)

        return self._around.paged(serve)

    def _frame(self, request: web.Request, session: Session) -> Frame:
        return self._around.framed(request, session, self.page)

    def _eyes(self, frame: Frame, session: Session) -> Eyes:
        return Eyes(self._s, session.person, frame.reader)


def refused(reader: Reader, why: Refused) -> str:
    return reader.say(why.say, **why.facts)


def asked(request: web.Request, name: str, longest: int = LONGEST) -> str:
    return request.query.get(name, "")[:longest]


def html(template: str, frame: Frame, status: int = 200, **facts: object) -> web.Response:
    body = render(template, frame, **facts)
    return web.Response(body=body, status=status, content_type="text/html", charset="utf-8")


def see(where: str, said: str = "", part: str = "", **query: str) -> web.Response:
    """`said`: what the page tells, a code of the console's with or without a count."""
    kept: Mapping[str, str] = {name: value for name, value in query.items() if value}
    told = "&".join(each for each in (urlencode(kept, errors="replace"), said) if each)
    return web.Response(status=303, headers={"Location": f"{where}{'?' if told else ''}{told}{part}"})


def several(form: Form, name: str, most: int = 100, longest: int = 64) -> list[str]:
    return [each[:longest] for each in form.all(name)[:most] if each]


def attached(body: bytes, what: str, reader: Reader) -> web.Response:
    """A file to keep, named by what it is and its day."""
    day = datetime.fromtimestamp(reader.now / 1000, UTC).date()
    headers = {"Content-Disposition": f'attachment; filename="floatcard-{what}-{day}.csv"'}
    return web.Response(body=body, headers=headers, content_type="text/csv", charset="utf-8")
