"""`/console`: signing in, what is connected, and the identities. Other pages are beside this file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal
from urllib.parse import urlencode

from aiohttp import web

from cards.words import N_, Reader, match
from gateway.console import figures, views
from gateway.console.checks import Checks
from gateway.console.page import FILES, NAVIGATION, Frame, render
from gateway.errors import Refused, Retry
from gateway.handlers import desk
from gateway.http.console_access import AccessPage
from gateway.http.console_alerts import AlertsPage
from gateway.http.console_applications import ApplicationsPage
from gateway.http.console_audit import AuditPage
from gateway.http.console_bringing import BringPage
from gateway.http.console_conflicts import ConflictsPage
from gateway.http.console_customers import CustomersPage
from gateway.http.console_deeds import DeedsPage
from gateway.http.console_erase import ErasePage
from gateway.http.console_joining import JoinPage
from gateway.http.console_login import SignIn, local
from gateway.http.console_mentions import MentionsPage
from gateway.http.console_people import PeoplePage
from gateway.http.console_policy import PoliciesPage
from gateway.http.console_roles import may
from gateway.http.console_rooms import RoomsPage
from gateway.http.console_session import LANGUAGE, LANGUAGES, Again, Form, Session, Sessions, Turned, form_of
from gateway.http.console_sources import PATH as EPOCH
from gateway.http.console_sources import SourcesPage
from gateway.http.console_stages import StagesPage
from gateway.http.linking import Linking, new_person_id
from gateway.services import Services
from gateway.spine import Spine
from gateway.store.tokens import TokenStore
from identity.model import Person

Serve = Callable[[web.Request], Awaitable[web.Response]]
Act = Callable[[web.Request, Session, Form], Awaitable[web.Response]]

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
SAID = {
    "linked": N_("Linked: {n}. Their cards are drawn again."),
    "taken": N_(
        "Not linked: {n}. The account is somebody else's, the person is gone or has one on that network already, or it "
        "is a bot."
    ),
    "merged": N_("They are one person now. It can be taken back below."),
    "split": N_("They are two persons now. It can be taken back below."),
    "revoked": N_("The device is revoked: none of its keys opens anything any more."),
    "nothing": N_("Nothing was chosen."),
    "unlinked": N_("The link is undone. The account belongs to nobody now."),
    "gone": N_("That link had ended already."),
    "saved": N_("The person is saved."),
    "own": N_("You cannot take the role admin from yourself, nor deactivate yourself: somebody else has to."),
    "unnamed": N_("A person needs a name."),
    "undone": N_("It is taken back."),
    "kept": N_("Your word on that name is kept."),
    "heard": N_("The customer is heard by that name now."),
    "unheard": N_("The customer is never meant by that name now."),
    "unfit": N_("This cannot be a name: two to 200 signs, with a letter or digit."),
    "unknown": N_("There is no such customer."),
    "erased": N_("The customer is erased. The cards go within seconds."),
    "joined": N_("They are one customer from now on. Cards follow within seconds."),
    "parted": N_("It is a customer of its own again. Cards follow within seconds."),
    "settled": N_("It is settled."),
    "again": desk.REOPENED,
    "newer": desk.KEPT,
    "beaten": desk.BEATEN,
    "proposed": desk.PROPOSED,
    "built": desk.BUILT_ON,
    "assigned": N_("Conflicts somebody is asked to look at: {n}."),
    "unassigned": N_("Conflicts nobody is asked to look at any more: {n}."),
    "nobody": N_("There is no such person who could look at it."),
    "acked": N_("Acknowledged: {n}. They can be opened again."),
    "snoozed": N_("Snoozed: {n}. They come back by themselves."),
    "reopened": N_("Open again: {n}."),
    "over": N_("Nothing was changed: what you chose is over, or is so already."),
    "noroom": N_("There is no such room."),
    "quieted": N_("The room is quiet now. You can end that here."),
    "hushed": N_("Rooms that are quiet now: {n}. You can end that here."),
    "louder": N_("Rooms in which cards may float again: {n}."),
    "settledmany": N_("Settled: {n}. Each can be undone under Settled."),
    "nonesettled": N_("None was settled: they are over, changed since, or not yours to decide."),
    "takenback": N_("Taken back: {n}."),
    "keptmany": N_("Your word is kept on names: {n}."),
    "loud": N_("Cards may float in the room again."),
    "set": N_("It is set."),
    "elsewhere": N_("Sessions that are ended: {n}. Whoever had them open is signed out."),
    "ended": N_("The token is ended: it opens nothing any more."),
    "staged": N_("It is set. Cards that are up follow within seconds."),
    "epoch": N_("A new epoch has begun: what the source says is taken in again."),
}
YEAR_S = 365 * 86_400
_WRONG = frozenset(
    {"taken", "gone", "own", "unnamed", "unfit", "unknown", "newer", "built", "nobody", "over", "noroom", "nonesettled"}
)


class Console:
    def __init__(self, services: Services, spine: Spine, tokens: TokenStore) -> None:
        self._s = services
        self._tokens = tokens
        self._sessions = Sessions(services, tokens)
        self._linking = Linking(services, spine)
        self._checks = Checks(services)
        self._signing = SignIn(services, tokens, self)
        self._mentions = MentionsPage(services, self)
        self._policies = PoliciesPage(services, self)
        self._access = AccessPage(services, self)
        self._lists = (
            PeoplePage(services, self._linking, self),
            BringPage(services, self._linking, self),
            RoomsPage(services, self),
            StagesPage(services, self),
            CustomersPage(services, spine, self),
            ErasePage(services, self),
            JoinPage(services, self),
            ConflictsPage(services, spine, self),
            AlertsPage(services, self),
            AuditPage(services, self),
            ApplicationsPage(services, self),
            DeedsPage(services, self),
        )

    def routes(self) -> list[web.RouteDef]:
        acts: dict[str, Act] = {
            "/console/logout": self.logout,
            "/console/identities/map": self.map,
            "/console/identities/unlink": self.unlink,
            "/console/identities/person": self.person,
            EPOCH: SourcesPage(self._s).begin,
        }
        return [
            web.get("/console", self._page(self.overview)),
            web.get("/console/", self._page(self.without_slash)),
            web.get("/console/identities", self._page(self.identities)),
            web.get("/console/login", self._page(self.login_page)),
            web.get("/console/static/{file}", self.static),
            web.post("/console/login", self._page(self.login)),
            web.post("/console/enter", self._page(self.enter)),
            *(web.post(path, self._page(self._act(act))) for path, act in acts.items()),
            *self._signing.routes(),
            *self._mentions.routes(),
            *self._access.routes(),
            *self._policies.routes(),
            *(route for page in self._lists for route in page.routes()),
            web.get("/console/{nowhere:(?!static/).+}", self._page(self.nowhere)),
        ]

    # -- around every page

    def paged(self, serve: Serve) -> Serve:
        return self._page(serve)

    def acting(self, act: Act) -> Serve:
        return self._act(act)

    def framed(self, request: web.Request, session: Session | None, page: str = "") -> Frame:
        return self._frame(request, session, page)

    @property
    def sessions(self) -> Sessions:
        return self._sessions

    async def session(self, request: web.Request) -> Session | None:
        return await self._sessions.of(request)

    def _page(self, serve: Serve) -> Serve:
        async def page(request: web.Request) -> web.Response:
            response = await self._answered(serve, request)
            if (asked := request.query.get("lang")) in LANGUAGES:
                response.set_cookie(LANGUAGE, asked, path="/console", httponly=True, samesite="Strict", max_age=YEAR_S)
            response.headers.update(HEADERS)
            return response

        return page

    async def _answered(self, serve: Serve, request: web.Request) -> web.Response:
        try:
            return await serve(request)
        except Turned as turned:
            return self._message(request, turned)
        except Again as again:
            return _see(f"/console/again?{urlencode({'to': again.to})}")
        except web.HTTPRequestEntityTooLarge:
            text = N_("This form is larger than what is taken.")
            return self._message(request, Turned(413, N_("Too large"), text))
        except Retry:
            text = N_("The store does not answer just now. Nothing was changed; try again in a moment.")
            return self._message(request, Turned(503, N_("Try again"), text))

    def _act(self, act: Act) -> Serve:
        """A form of somebody signed in, sent by the console's own page."""

        async def serve(request: web.Request) -> web.Response:
            form = await form_of(request)
            session = await self._sessions.of(request)
            if session is None:
                raise Turned(403, N_("You are signed out"), N_("Sign in again; nothing was changed."))
            self._sessions.checked(session, form)
            return await act(request, session, form)

        return serve

    def _frame(self, request: web.Request, session: Session | None, page: str = "") -> Frame:
        person = session.person if session is not None else None
        reader = Reader(self._locale(request, person), self._zone(person), self._s.clock.now())
        code = next((code for code in SAID if code in request.query), "")
        count = request.query.get(code, "")[:6]
        return Frame(
            reader=reader,
            me=person.name if person is not None else "",
            csrf=self._sessions.csrf(session) if session is not None else "",
            page=page,
            demo=self._s.config.demo,
            said=reader.say(SAID[code], n=count) if code else "",
            wrong=code in _WRONG,
            nav=_nav(reader, person),
            here=_here(request),
        )

    def _locale(self, request: web.Request, person: Person | None) -> str:
        chosen = request.query.get("lang") or request.cookies.get(LANGUAGE, "")
        if chosen in LANGUAGES:
            return chosen
        told = request.headers.get("Accept-Language", "").partition(",")[0].partition(";")[0][:32]
        return match((person.locale if person is not None else "") or told or self._s.config.locale)

    def _zone(self, person: Person | None) -> str:
        return (person.zone if person is not None else "") or self._s.config.zone

    def _message(self, request: web.Request, turned: Turned) -> web.Response:
        frame = self._frame(request, None)
        title, text = frame.reader.say(turned.title), frame.reader.say(turned.text, **turned.facts)
        return _html(render("message", frame, title=title, text=text), turned.status)

    async def static(self, request: web.Request) -> web.StreamResponse:
        found = FILES.get(request.match_info["file"])
        if found is None:
            raise web.HTTPNotFound
        headers = {"Content-Type": found[1], "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
        return web.FileResponse(found[0], headers=headers)

    async def nowhere(self, request: web.Request) -> web.Response:
        """Any other address that is looked at: told to whoever is signed in; everybody else is asked to sign in."""
        if await self._sessions.of(request) is None:
            return _see("/console")
        raise Turned(404, N_("There is no such page"), N_("The address may have been mistyped, or the page is gone."))

    # -- signing in

    async def without_slash(self, request: web.Request) -> web.Response:
        return _see("/console")

    async def overview(self, request: web.Request) -> web.Response:
        session = await self._sessions.of(request)
        frame = self._frame(request, session, "overview")
        if session is None:
            admins = self._admins() if self._s.config.demo else ()
            return _html(render("signin", frame, admins=admins, label=self._signing.label))
        more = {"past": await figures.past(self._s, frame.reader), "checked": await self._checks.look(frame.reader)}
        return _html(render("overview", frame, it=await views.overview(self._s, frame.reader, session.person), **more))

    def _admins(self) -> list[Person]:
        return [each for each in self._s.people.persons() if "admin" in each.roles and self._sessions.entering(each.id)]

    async def login_page(self, request: web.Request) -> web.Response:
        """Shows a button and uses nothing up: whatever previews links may fetch it."""
        return _html(render("login", self._frame(request, None), link=request.query.get("link", "")[:200]))

    async def login(self, request: web.Request) -> web.Response:
        self._signing.slow(request)
        form = await form_of(request)
        opened = await self._tokens.open_session(form.get("link")[:200])
        person = self._sessions.entering(opened[1]) if opened is not None else None
        if opened is None or person is None:
            text = N_("It was used, is older than fifteen minutes, or its person is no admin. Make a new one.")
            raise Turned(403, N_("This link opens nothing"), text)
        await self._tokens.end_session(opened[0])
        return await self._signing.enter(request, person, local(form.get("to")), "link")

    async def enter(self, request: web.Request) -> web.Response:
        """The demo's own door, without a link."""
        form = await form_of(request)
        person = self._sessions.entering(form.get("person"))
        if not self._s.config.demo or person is None:
            raise Turned(403, N_("This door is closed"), N_("Only in the demo can one enter like this."))
        return await self._signing.enter(request, person, local(form.get("to")), "demo")

    async def logout(self, request: web.Request, session: Session, form: Form) -> web.Response:
        response = _see("/console")
        await self._sessions.end(request, response)
        return response

    # -- identities

    async def identities(self, request: web.Request) -> web.Response:
        session = await self._sessions.of(request)
        if session is None:
            return _see("/console")
        frame = self._frame(request, session, "identities")
        it = await views.identities(self._s, frame.reader, session.person, request.query.get("q", "")[:100])
        words = {
            name: {key: frame.reader.say(msgid) for key, msgid in table.items()}
            for name, table in (("kinds", views.KINDS), ("link_kinds", views.LINK_KINDS), ("steps", views.STEPS))
        }
        return _html(render("identities", frame, it=it, **words))

    async def map(self, request: web.Request, session: Session, form: Form) -> web.Response:
        """Every account for which somebody was chosen; each stands or falls alone."""
        waiting = {each.im for each in await self._s.people.unmapped()}
        chosen = {im: who.strip() for im, who in form.pairs if im not in ("csrf", "also") and who.strip()}
        also = bool(form.get("also"))
        linked = taken = 0
        for im, who in chosen.items():
            try:
                if im not in waiting:
                    raise Refused("This account belongs to somebody else already. End that link first.")
                by = session.person.id
                await self._linking.link(who, "im", im, by=by, evidence="chosen in the console", second=also)
                linked += 1
            except Refused:
                taken += 1
        counts = [f"{name}={n}" for name, n in (("taken", taken), ("linked", linked)) if n]
        return _see(f"/console/identities?{counts[0] if counts else 'nothing'}")

    async def unlink(self, request: web.Request, session: Session, form: Form) -> web.Response:
        done = await self._linking.unlink(form.get("link"), by=session.person.id)
        return _see("/console/identities?" + ("unlinked" if done else "gone"))

    async def person(self, request: web.Request, session: Session, form: Form) -> web.Response:
        return _see("/console/identities?" + await self._save(session, form))

    async def _save(self, session: Session, form: Form) -> Literal["saved", "own", "unnamed"]:
        who = _person(form, self._s.people.person(form.get("id")))
        if not who.name:
            return "unnamed"
        if who.id == session.person.id and not (who.active and "admin" in who.roles):
            return "own"
        await self._linking.put(who, by=session.person.id)
        return "saved"


def _plain(text: str, longest: int) -> str:
    """Without what nobody can see or type: NUL, line ends, marks that turn the direction of writing."""
    return "".join(sign for sign in text if sign.isprintable()).strip()[:longest]


def _person(form: Form, known: Person | None) -> Person:
    emails = [_plain(each, 254) for each in form.get("emails")[:1000].split(",")]
    return Person(
        id=known.id if known is not None else new_person_id(),
        name=_plain(form.get("name"), 200),
        roles=frozenset(role for each in form.all("role") if (role := _plain(each, 32))),
        team=_plain(form.get("team"), 100),
        region=_plain(form.get("region"), 100),
        external=bool(form.get("external")),
        active=bool(form.get("active")),
        locale=known.locale if known is not None else "",
        zone=known.zone if known is not None else "",
        emails=tuple(each for each in emails if each),
    )


def _nav(reader: Reader, person: Person | None) -> list[tuple[str, str, str]]:
    roles = person.roles if person is not None else frozenset[str]()
    return [(name, address, reader.say(words)) for name, address, words in NAVIGATION if may(roles, "GET", address)]


def _here(request: web.Request) -> str:
    """The query without the language and without what was told once. Empty, or ends with `&`."""
    kept = [(name, value[:512]) for name, value in request.query.items() if name not in ("lang", "link", *SAID)]
    return urlencode(kept[:10], errors="replace") + "&" if kept and request.method == "GET" else ""


def _html(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="text/html", charset="utf-8")


def _see(where: str) -> web.Response:
    return web.Response(status=303, headers={"Location": where})
