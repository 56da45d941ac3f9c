"""`/console/rooms`: what the bot can do where, what is hidden there because of whom, and a room's own settings."""

from __future__ import annotations

from aiohttp import web

from cards.words import N_
from channels.model import Place
from gateway.config.model import seconds
from gateway.console import rooms, stages
from gateway.console.page import Frame
from gateway.console.seeing import Eyes
from gateway.errors import Refused
from gateway.handlers.behaving import behaved
from gateway.http.console_mentions import Around
from gateway.http.console_paging import Lists, asked, html, refused, see, several
from gateway.http.console_session import Form, Session
from gateway.services import Services
from gateway.store.console import ConsoleStore, RoomsWhich

_HERE = "/console/rooms"
_ONE = f"{_HERE}/one"
QUIETS = {"1h": N_("for 1 hour"), "4h": N_("for 4 hours"), "1d": N_("for 1 day"), "7d": N_("for 7 days")}
BUDGET = 1000


class RoomsPage(Lists):
    page = "rooms"

    def __init__(self, services: Services, around: Around) -> None:
        super().__init__(services, around)
        self._store = ConsoleStore(services.store)

    def routes(self) -> list[web.RouteDef]:
        acts = {"hush": self.hush, "quiet": self.quiet, "bind": self.bind, "budget": self.budget}
        around = self._around
        return [
            web.get(_HERE, self._paged(self.look)),
            web.get(_ONE, self._paged(self.one)),
            *(web.post(f"{_HERE}/{path}", around.paged(around.acting(act))) for path, act in acts.items()),
        ]

    async def look(self, request: web.Request, session: Session) -> web.Response:
        frame = self._frame(request, session)
        eyes = self._eyes(frame, session)
        said = asked(request, "which", 16)
        which: RoomsWhich = next((each for each in rooms.WHICH if each == said), "all")
        it = await rooms.listed(eyes, self._store, asked(request, "q", 200), asked(request, "after"), which)
        tabs = [(name, frame.reader.say(words)) for name, words in rooms.WHICH.items()]
        return html("rooms", frame, it=it, tabs=tabs, quiets=_spans(frame), proposed=await stages.proposals(eyes))

    async def one(self, request: web.Request, session: Session) -> web.Response:
        return await self._one(request, session, asked(request, "room"), asked(request, "customer", 200))

    async def _one(
        self, request: web.Request, session: Session, key: str, about: str = "", wrong: str = ""
    ) -> web.Response:
        frame = self._frame(request, session)
        eyes = self._eyes(frame, session)
        try:
            ref = await _surely(eyes, about) if about else ""
        except Refused as why:
            ref, wrong = "", refused(frame.reader, why)
        it = await rooms.one(eyes, self._store, key, ref)
        if it is None:
            return see(_HERE, "noroom")
        return html("room", frame, 409 if wrong else 200, it=it, quiets=_spans(frame), about=about, wrong=wrong)

    async def hush(self, request: web.Request, session: Session, form: Form) -> web.Response:
        """Several rooms at once, and taken back in the same way."""
        chosen = [each for each in several(form, "room", longest=512) if await self._store.room(each) is not None]
        kept, span = {"which": form.get("which")[:16], "q": form.get("q")[:200]}, form.get("for")
        if not chosen:
            return see(_HERE, "nothing", **kept)
        for key in chosen:
            await self._hush(session, key, span)
        return see(_HERE, f"{'hushed' if span in QUIETS else 'louder'}={len(chosen)}", **kept)

    async def quiet(self, request: web.Request, session: Session, form: Form) -> web.Response:
        key = form.get("room")[:512]
        if await self._store.room(key) is None:
            return see(_HERE, "noroom")
        until = await self._hush(session, key, form.get("for"))
        return see(_ONE, "quieted" if until else "loud", room=key)

    async def _hush(self, session: Session, key: str, span: str) -> int:
        until = self._s.clock.now() + seconds(span) * 1000 if span in QUIETS else 0
        await self._s.rooms.store.quiet(key, until)
        await self._audit.note(session.person.id, "quieted", key, until=until)
        if until:
            await behaved(self._s, Place.parse(f"{key}/"), "muted")
        return until

    async def budget(self, request: web.Request, session: Session, form: Form) -> web.Response:
        """Empty is as configured."""
        key, text = form.get("room")[:512], form.get("cards").strip()
        if await self._store.room(key) is None:
            return see(_HERE, "noroom")
        if text and not (text.isascii() and text.isdigit() and len(text) < 6 and int(text) <= BUDGET):
            wrong = self._frame(request, session).reader.say("Write a number from 0 to {most}.", most=BUDGET)
            return await self._one(request, session, key, wrong=wrong)
        await self._s.mentioning.budget(key, int(text) if text else None)
        await self._audit.note(session.person.id, "budgeted", key, cards=text or "configured")
        return see(_ONE, "set", room=key)

    async def bind(self, request: web.Request, session: Session, form: Form) -> web.Response:
        """Empty: about nobody in particular."""
        key, said = form.get("room")[:512], form.get("customer")[:200].strip()
        frame = self._frame(request, session)
        if await self._store.room(key) is None:
            return see(_HERE, "noroom")
        try:
            ref = await _surely(self._eyes(frame, session), said) if said else ""
        except Refused as why:
            return await self._one(request, session, key, wrong=refused(frame.reader, why))
        await self._s.mentioning.bind(key, ref, session.person.id, self._s.clock.now())
        await self._audit.note(session.person.id, "bound", key, record=ref)
        return see(_ONE, "set", room=key)


async def _surely(eyes: Eyes, said: str) -> str:
    """The one customer of that key or name whom this reader may see. Raises `Refused`."""
    named = [each.ref for mention in eyes.s.records.names.find(said) for each in mention.candidates]
    keys = [said] if said.count(":") >= 2 else list(dict.fromkeys(named))[:10]
    found = [each for each in [await eyes.heard(key) for key in keys] if each is not None]
    if not found:
        raise Refused("No customer of that name that you may see. Try the full name.")
    if len(found) > 1:
        titles = [f"{each.record.title} ({each.record.ref.key})" for each in found]
        raise Refused("Several customers bear that name: {names}. Write the key.", names=titles)
    return found[0].record.ref.key


def _spans(frame: Frame) -> list[tuple[str, str]]:
    return [(span, frame.reader.say(words)) for span, words in QUIETS.items()]
