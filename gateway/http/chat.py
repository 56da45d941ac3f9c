"""The demo's chat over HTTP: its page, the page's API, its live stream, and the signed API of the `web` channel."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.chat.messenger import Messenger
from gateway.chat.model import Declined
from gateway.chat.ports import CrmDesk, DemoClock, TrailSource
from gateway.console.chat.page import STATIC, chat_page
from gateway.http.chat_bodies import (
    PAGE_LIMIT,
    B,
    Fill,
    Handler,
    Jump,
    Move,
    Press,
    Rewrite,
    Say,
    Write,
    parsed,
    raw,
    reply,
    worded,
)
from gateway.http.chat_bot import bot_routes
from gateway.http.chat_feed import stream
from gateway.http.chat_views import entry_view, record_view, snapshot_view

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE_HEADERS = {
    "Content-Security-Policy": CSP,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def chat_app(
    chat: Messenger, desk: CrmDesk | None, trail: TrailSource | None, clock: DemoClock | None
) -> web.Application:
    """To be mounted at `/demo`. What is None is not shown on the page."""
    app = web.Application()
    app.add_routes([*bot_routes(chat), *ChatRoutes(chat, desk, trail, clock).routes()])
    app.router.add_static("/static", STATIC, append_version=False)
    app.on_response_prepare.append(_guard_static)

    async def leave(_: web.Application) -> None:
        chat.windows.close()

    app.on_shutdown.append(leave)
    return app


async def _guard_static(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if isinstance(response, web.FileResponse):
        response.headers["Cache-Control"] = "no-cache"  # revalidated, so an upgrade is seen at once


class ChatRoutes:
    def __init__(
        self, chat: Messenger, desk: CrmDesk | None, trail: TrailSource | None, clock: DemoClock | None
    ) -> None:
        self._chat = chat
        self._desk = desk
        self._trail = trail
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/api/page/state", self.state),
            ("GET", "/api/page/rooms/{room}/entries", self.entries),
            ("POST", "/api/page/entries", self.say),
            ("PUT", "/api/page/entries/{id}", self.edit),
            ("DELETE", "/api/page/entries/{id}", self.delete),
            ("POST", "/api/page/rooms/{room}/members", self.invite),
            ("DELETE", "/api/page/rooms/{room}/members/{person}", self.remove),
            ("POST", "/api/page/press", self.press),
            ("POST", "/api/page/form", self.fill),
            ("POST", "/api/page/clock", self.jump),
            ("GET", "/api/page/crm", self.crm_search),
            ("GET", "/api/page/crm/{id}", self.crm_read),
            ("PUT", "/api/page/crm/{id}", self.crm_write),
            ("POST", "/api/page/crm/{id}/risk", self.crm_risk),
            ("GET", "/events", self.events),
        ]
        pages = [web.get("", self.page), web.get("/", self.page)]
        return [*pages, *(web.route(method, path, worded(_same_site(handler))) for method, path, handler in table)]

    async def page(self, request: web.Request) -> web.StreamResponse:
        base = request.path.rstrip("/")
        return web.Response(text=chat_page(base), content_type="text/html", headers=_PAGE_HEADERS)

    async def state(self, request: web.Request) -> web.StreamResponse:
        snapshot = await self._chat.snapshot(_who(request))
        crm = self._desk is not None and snapshot.me.kind == "member"
        features = {"crm": crm, "trail": self._trail is not None, "clock": self._clock is not None}
        return reply(snapshot_view(snapshot, self._now(), features))

    async def entries(self, request: web.Request) -> web.StreamResponse:
        me, before = _who(request), request.query.get("before", "")
        if before and not (before.isascii() and before.isdigit() and len(before) < 19):
            raise Declined(400, "bad_cursor", "before: a number is expected.")
        page = await self._chat.history(me, request.match_info["room"], int(before) if before else None)
        return reply({"entries": [entry_view(entry, me) for entry in page.entries], "more": page.more})

    async def say(self, request: web.Request) -> web.StreamResponse:
        body, me = await _body(request, Say), _who(request)
        entry = await self._chat.say(me, body.room, body.text, quote=body.quote, locale=_locale(request))
        return reply(entry_view(entry, me), 201)

    async def edit(self, request: web.Request) -> web.StreamResponse:
        body, me = await _body(request, Rewrite), _who(request)
        return reply(
            entry_view(await self._chat.edit(me, request.match_info["id"], body.text, locale=_locale(request)), me)
        )

    async def delete(self, request: web.Request) -> web.StreamResponse:
        me = _who(request)
        return reply(entry_view(await self._chat.delete(me, request.match_info["id"], locale=_locale(request)), me))

    async def invite(self, request: web.Request) -> web.StreamResponse:
        body, me = await _body(request, Move), _who(request)
        entry = await self._chat.invite(me, request.match_info["room"], body.person, locale=_locale(request))
        return reply(entry_view(entry, me), 201)

    async def remove(self, request: web.Request) -> web.StreamResponse:
        me, match = _who(request), request.match_info
        return reply(
            entry_view(await self._chat.remove(me, match["room"], match["person"], locale=_locale(request)), me)
        )

    async def press(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request, Press)
        answer = await self._chat.press(
            _who(request),
            body.room,
            message=body.message,
            action=body.action,
            data=body.data,
            window=body.window,
            locale=_locale(request),
        )
        return reply({"answer": answer})

    async def fill(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request, Fill)
        answer = await self._chat.submit(
            _who(request),
            body.room,
            message=body.message,
            data=body.data,
            values=body.values,
            tokens=body.tokens,
            locale=_locale(request),
        )
        return reply({"answer": answer})

    async def jump(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request, Jump)
        if self._clock is None:
            raise Declined(404, "no_clock", "This house keeps the real time.")
        self._clock.advance(body.seconds)
        await self._chat.announce_clock()
        return reply({"now": self._now()})

    async def crm_search(self, request: web.Request) -> web.StreamResponse:
        hits = await (await self._crm(request)).search(request.query.get("q", "")[:200])
        return reply({"hits": [{"id": hit[0], "title": hit[1], "city": hit[2]} for hit in hits]})

    async def crm_read(self, request: web.Request) -> web.StreamResponse:
        return reply(record_view(await (await self._crm(request)).read(request.match_info["id"])))

    async def crm_write(self, request: web.Request) -> web.StreamResponse:
        body, id = await _body(request, Write), request.match_info["id"]
        desk = await self._crm(request)
        await desk.write(id, body.field, body.value, await self._name(request))
        return reply(record_view(await desk.read(id)))

    async def crm_risk(self, request: web.Request) -> web.StreamResponse:
        id = request.match_info["id"]
        desk = await self._crm(request)
        await desk.raise_risk(id, await self._name(request))
        return reply(record_view(await desk.read(id)))

    async def events(self, request: web.Request) -> web.StreamResponse:
        return await stream(self._chat, self._trail, request)

    async def _crm(self, request: web.Request) -> CrmDesk:
        if not (await self._chat.sight(_who(request))).inside:
            raise Declined(403, "no_crm", "The CRM's own screen is for colleagues only.")
        if self._desk is None:
            raise Declined(404, "no_crm", "This house has no CRM screen of its own.")
        return self._desk

    async def _name(self, request: web.Request) -> str:
        return (await self._chat.snapshot(_who(request))).me.name

    def _now(self) -> int:
        return self._chat.now() if self._clock is None else self._clock.now()


def _same_site(handler: Handler) -> Handler:
    """Another site's page cannot act here: a browser says where a request comes from."""

    async def wrapped(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            raise Declined(403, "other_site", "Only the chat's own page may do this.")
        return await handler(request)

    return wrapped


def _who(request: web.Request) -> str:
    return request.query.get("as", "")


def _locale(request: web.Request) -> str:
    locale: Any = request.query.get("locale", "")
    return locale if locale in ("en", "zh-CN") else ""


async def _body(request: web.Request, model: type[B]) -> B:
    return parsed(model, await raw(request, PAGE_LIMIT))
