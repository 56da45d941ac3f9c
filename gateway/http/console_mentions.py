"""`/console/mentions`: a message tried, what people reported taken back, and what customers are called."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal, Protocol
from urllib.parse import urlencode

from aiohttp import web

from gateway.console import mentions
from gateway.console.page import Frame, render
from gateway.errors import Refused
from gateway.http.console_session import Form, Session
from gateway.mentioning.naming import KINDS
from gateway.mentioning.spoken import spoken
from gateway.services import Services

Serve = Callable[[web.Request], Awaitable[web.Response]]
Act = Callable[[web.Request, Session, Form], Awaitable[web.Response]]
Said = Literal["undone", "gone", "heard", "unheard", "kept", "unfit", "unknown"]

_HERE = "/console/mentions"
_SAID: dict[str, Said] = {"alias": "heard", "never": "unheard", "": "undone"}
_STATES = {"accept": "accepted", "refuse": "refused", "forget": ""}


class Around(Protocol):
    """What is around every page of the console."""

    def framed(self, request: web.Request, session: Session | None, page: str = "") -> Frame: ...
    def paged(self, serve: Serve) -> Serve: ...
    def acting(self, act: Act) -> Serve: ...
    async def session(self, request: web.Request) -> Session | None: ...


class MentionsPage:
    def __init__(self, services: Services, around: Around) -> None:
        self._s = services
        self._around = around

    def routes(self) -> list[web.RouteDef]:
        acts: dict[str, Act] = {"try": self.try_, "undo": self.undo, "word": self.word, "name": self.name}
        return [
            web.get(_HERE, self._around.paged(self.look)),
            *(web.post(f"{_HERE}/{path}", self._around.paged(self._around.acting(act))) for path, act in acts.items()),
        ]

    async def look(self, request: web.Request) -> web.Response:
        session = await self._around.session(request)
        if session is None:
            return _see("/console")
        return await self._drawn(request, session, query=request.query.get("q", "")[:200])

    async def try_(self, request: web.Request, session: Session, form: Form) -> web.Response:
        text, room = form.get("text")[: mentions.LONGEST], form.get("room")[:512]
        return await self._drawn(request, session, text=text, room=room, tries=bool(text.strip()))

    async def _drawn(
        self,
        request: web.Request,
        session: Session,
        *,
        query: str = "",
        text: str = "",
        room: str = "",
        tries: bool = False,
    ) -> web.Response:
        frame = self._around.framed(request, session, "mentions")
        it = await mentions.page(self._s, frame.reader, session.person, query=query, text=text, room=room, tries=tries)
        tables = {
            "ends": mentions.ENDS,
            "decisions": mentions.DECISIONS,
            "scripts": mentions.SCRIPTS,
            "reports": mentions.REPORTS,
            "name_kinds": mentions.NAME_KINDS,
        }
        words = {name: {key: frame.reader.say(msgid) for key, msgid in table.items()} for name, table in tables.items()}
        body = render("mentions", frame, it=it, **words)
        return web.Response(body=body, content_type="text/html", charset="utf-8")

    async def undo(self, request: web.Request, session: Session, form: Form) -> web.Response:
        """Those chosen count no more; each stands or falls alone."""
        chosen, now = list(dict.fromkeys(each[:64] for each in form.all("report")[:100] if each)), self._s.clock.now()
        done = sum([await self._s.mentioning.end(each, session.person.id, now) for each in chosen])
        if len(chosen) > 1:
            return _back(f"takenback={done}" if done else "gone", "#reports")
        return _back("undone" if done else "gone" if chosen else "nothing", "#reports")

    async def word(self, request: web.Request, session: Session, form: Form) -> web.Response:
        """Whether a name is a common word; `undo` takes back all that use taught about it."""
        several = [spoken(each) for each in form.all("name")[:100]]
        if len(several) > 1 or form.get("word") in ("accepts", "refuses"):
            return await self._words(session, [each for each in several if each], form.get("word").removesuffix("s"))
        name, word = spoken(form.get("name")), form.get("word")
        now, by = self._s.clock.now(), session.person.id
        if not name or "\ufffd" in name or not name.isprintable() or word not in (*_STATES, "undo"):
            return _back("unfit", "#words")
        if word == "undo":
            await self._s.mentioning.take_back(name, by, now)
        else:
            await self._s.mentioning.decide(name, _STATES[word], by, now)
        return _back("kept", "#words")

    async def _words(self, session: Session, names: list[str], word: str) -> web.Response:
        """The same word on several names at once."""
        if not names or word not in _STATES:
            return _back("nothing", "#words")
        for name in names:
            await self._s.mentioning.decide(name, _STATES[word], session.person.id, self._s.clock.now())
        return _back(f"keptmany={len(names)}", "#words")

    async def name(self, request: web.Request, session: Session, form: Form) -> web.Response:
        record, text, kind, query = form.get("record")[:512], form.get("name"), form.get("kind"), form.get("q")[:200]
        return _back(await self._named(session, record, text, kind), "#names", query)

    async def _named(self, session: Session, record: str, text: str, wanted: str) -> Said:
        kind = next((kind for kind in KINDS if kind == wanted), None)
        if kind is None or await self._s.records.mirrored(record) is None:
            return "unknown"
        try:
            await self._s.records.call(record, text, kind, session.person.id)
        except Refused:
            return "unfit"
        return _SAID[kind]


def _back(said: str, part: str, query: str = "") -> web.Response:
    asked = urlencode({"q": query}, errors="replace") + "&" if query else ""
    return _see(f"{_HERE}?{asked}{said}{part}")


def _see(where: str) -> web.Response:
    return web.Response(status=303, headers={"Location": where})
