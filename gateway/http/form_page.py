"""`/form/…`: an edit form, a conflict to settle and an undo, for somebody whose network has none of them.

A link is opened once, by a press on a page that says nothing, so that whatever previews links uses nothing up; from
then on it is that browser's alone. What is sent goes the way of a form in a chat: the same event, the same handlers,
the same disclosure, judged at that moment for the account the link was given to.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace

from aiohttp import web

from cards import tree
from cards.words import N_, Reader, match
from channels.model import Answer, FieldErrors, OpenForm, Pressed, Sender, ShowCard, Submitted, Toast
from gateway.asked import Asked
from gateway.console.page import Frame, render
from gateway.errors import Refused, Rejected, Retry, Unreadable
from gateway.handlers import conflicts, forms
from gateway.handlers.undo import undo_button
from gateway.http.console import HEADERS
from gateway.http.console_session import Form, Turned, elsewhere, form_of
from gateway.pages import FormLink, read_link
from gateway.services import Services
from gateway.store.tokens import PAGE_MS, TokenStore
from gateway.turn import Turn, new_trail
from identity.model import Person

LONGEST = 4_000
"""Of a link: what is longer was not made here."""
CONFLICTS = 5
"""So many are settled on one page."""
_OVER = N_("This link is over. Ask for a new one: press Edit on the card again.")


@dataclass(frozen=True, slots=True)
class Opened:
    """A page in the browser that opened it, and whose it is."""

    link: FormLink
    secret: str
    person: Person


class FormPage:
    def __init__(self, services: Services, tokens: TokenStore) -> None:
        self._s = services
        self._asked = Asked(services)
        self._tokens = tokens

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/form/{link}", self._served), web.post("/form/{link}", self._served)]

    async def _served(self, request: web.Request) -> web.Response:
        try:
            response = await (self._post if request.method == "POST" else self._get)(request)
        except Turned as turned:
            response = self._message(turned)
        except web.HTTPRequestEntityTooLarge:
            response = self._message(Turned(413, N_("Too large"), N_("This form is larger than what is taken.")))
        except Retry:
            text = N_("The store does not answer just now. Nothing was changed; try again in a moment.")
            response = self._message(Turned(503, N_("Try again"), text))
        response.headers.update(HEADERS)
        return response

    # -- who it is

    def _link(self, request: web.Request) -> FormLink:
        token = request.match_info["link"]
        try:
            link = read_link(self._s, token) if len(token) <= LONGEST else None
        except (Rejected, Unreadable, ValueError):
            link = None
        if link is None:
            raise Turned(404, N_("There is no such page"), N_("The link is not whole. Copy all of it, or ask again."))
        return link

    async def _opened(self, request: web.Request, link: FormLink) -> Opened | None:
        """None when it was not opened in this browser, or the account belongs to somebody else by now."""
        secret, person = request.cookies.get(_cookie(link), ""), self._owner(link)
        held = await self._tokens.paged(link.once, secret) if 0 < len(secret) <= 100 else None
        if person is None or held != person.id:
            return None
        return Opened(link, secret, person)

    def _owner(self, link: FormLink) -> Person | None:
        """Whom it was made for, while they are here and the account is theirs."""
        person = self._s.people.linked("im", link.im.key)
        return person if person is not None and person.active and person.id == link.person else None

    async def _get(self, request: web.Request) -> web.Response:
        link = self._link(request)
        opened = await self._opened(request, link)
        if opened is not None:
            return await self._shown(opened)
        if self._s.clock.now() > link.expires:
            raise Turned(410, N_("This link is over"), _OVER)
        return self._page(self._frame(self._s.people.person(link.person)), "form_open")

    async def _post(self, request: web.Request) -> web.Response:
        link, form = self._link(request), await form_of(request)
        opened = await self._opened(request, link)
        if form.get("open"):  # again: a browser that comes from elsewhere shows its cookie only with this press
            return _see(request) if opened is not None else await self._open(request, link)
        if opened is None:
            raise Turned(410, N_("This link is over"), _OVER)
        if not hmac.compare_digest(form.get("csrf").encode("utf-8", "replace"), self._csrf(opened).encode()):
            raise elsewhere()
        return await self._told(opened, form)

    async def _open(self, request: web.Request, link: FormLink) -> web.Response:
        secret = await self._tokens.open_page(link.once) if self._owner(link) is not None else None
        if secret is None:
            raise Turned(410, N_("This link is over"), _OVER)
        response = _see(request)
        secure = self._s.config.public_url.startswith("https://")
        response.set_cookie(
            _cookie(link),
            secret,
            path="/form/",
            httponly=True,
            secure=secure,
            samesite="Strict",
            max_age=PAGE_MS // 1000,
        )
        return response

    def _csrf(self, opened: Opened) -> str:
        said = b"form page\0" + opened.secret.encode()
        return hmac.digest(self._s.keys.buttons, said, "sha256").hex()

    # -- what is done

    def _event(self, opened: Opened, action: str, data: str, once: str) -> Pressed:
        who = Sender(opened.link.im, opened.person.name, "unknown")
        return Pressed(once, opened.link.place, who, action, data, self._s.clock.now())

    async def _shown(self, opened: Opened) -> web.Response:
        """The form as it is now, as a press on *Edit* in that room would give it."""
        data = self._s.buttons.data("edit", r=opened.link.record)
        answer = await self._answer(self._event(opened, "edit", data, self._once(opened, secrets.token_hex(16))))
        return await self._answered(opened, answer)

    async def _told(self, opened: Opened, form: Form) -> web.Response:
        """A page sent twice is one event: its own number makes its name."""
        once = self._once(opened, form.get("once")[:64])
        if form.get("data"):
            values, tokens = _prefixed(form, "v."), _prefixed(form, "t.")
            pressed = self._event(opened, "", "", once)
            sent = Submitted(once, pressed.where, pressed.who, form.get("data"), values, tokens, pressed.at)
            return await self._answered(opened, await self._answer(sent), sent)
        name, _, data = form.get("press").partition(" ")
        if not data:
            raise elsewhere()
        return await self._answered(opened, await self._answer(self._event(opened, name, data, once)))

    def _once(self, opened: Opened, number: str) -> str:
        link = hashlib.sha256(opened.link.once.encode()).hexdigest()[:32]
        mark = hashlib.sha256(number.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return f"{opened.link.place.channel}:page:{link}:{mark}"

    async def _answer(self, event: Pressed | Submitted) -> Answer | None:
        try:
            return await self._asked.answer(event.where.channel, event)
        except Rejected:
            raise elsewhere() from None

    # -- what is shown

    async def _answered(self, opened: Opened, answer: Answer | None, sent: Submitted | None = None) -> web.Response:
        if isinstance(answer, FieldErrors) and sent is not None:
            form = _again(await self._form(opened), sent, answer)
            return await self._whole(opened, (form,) if form is not None else (), None)
        if isinstance(answer, OpenForm | ShowCard):
            return await self._whole(opened, (answer.card,), None, settle=isinstance(answer, OpenForm))
        toast = answer if isinstance(answer, Toast) else Toast("")
        if answer is None:
            reader = self._frame(opened.person).reader
            toast = Toast(reader.say(N_("Received. This takes a little longer; the card will follow.")), "info")
        return await self._whole(opened, (), toast)

    async def _form(self, opened: Opened) -> tree.Card | None:
        """None when there is nothing they may edit any more."""
        turn = await self._turn(opened)
        try:
            each = await forms.editable_record(self._s, turn, opened.person, opened.link.record)
        except Refused:
            return None
        return await forms.draw(self._s, turn, opened.person, each)

    async def _turn(self, opened: Opened) -> Turn:
        event = self._event(opened, "edit", "", "")
        event = replace(event, who=await self._s.rooms.standing(event.where, event.who))
        return Turn(event, opened.person, self._s.clock.now(), new_trail(opened.link.place.room_key))

    async def _whole(
        self, opened: Opened, shown: tuple[tree.Card, ...], toast: Toast | None, *, settle: bool = True
    ) -> web.Response:
        """What was asked for, and beside it what waits to be settled and what can be undone."""
        beside = await self._beside(opened) if settle else ()
        frame = self._frame(opened.person, self._csrf(opened))
        once = secrets.token_hex(16)
        return self._page(frame, "form", cards=(*shown, *beside), toast=toast, once=once)

    async def _beside(self, opened: Opened) -> tuple[tree.Card, ...]:
        turn, locale = await self._turn(opened), self._locale(opened.person)
        try:
            each = await forms.editable_record(self._s, turn, opened.person, opened.link.record)
        except Refused:
            return ()
        undecided = [name for name in sorted(each.editable) if name in each.record.fields]
        undecided = [name for name in undecided if each.record.fields[name].undecided][:CONFLICTS]
        found = [await conflicts.personal(self._s, turn, opened.person, opened.link.record, name) for name in undecided]
        undo = undo_button(self._s, each, locale) if not undecided else None
        last = tree.Card("undo", "", (tree.Actions((undo,)),)) if undo is not None else None
        return tuple(card for card in (*found, last) if card is not None)

    def _locale(self, person: Person | None) -> str:
        return match((person.locale if person is not None else "") or self._s.config.locale)

    def _frame(self, person: Person | None, csrf: str = "") -> Frame:
        zone = (person.zone if person is not None else "") or self._s.config.zone
        reader = Reader(self._locale(person), zone, self._s.clock.now())
        return Frame(reader=reader, me=person.name if person is not None and csrf else "", csrf=csrf)

    def _message(self, turned: Turned) -> web.Response:
        frame = self._frame(None)
        facts = {"title": frame.reader.say(turned.title), "text": frame.reader.say(turned.text)}
        return self._page(frame, "form_message", turned.status, **facts)

    def _page(self, frame: Frame, template: str, status: int = 200, **facts: object) -> web.Response:
        body = render(template, frame, **facts)
        return web.Response(body=body, status=status, content_type="text/html", charset="utf-8")


def _cookie(link: FormLink) -> str:
    """One for each link: two forms in one browser do not shut each other."""
    return "floatcard_form_" + hashlib.sha256(b"cookie\0" + link.once.encode()).hexdigest()[:16]


def _see(request: web.Request) -> web.Response:
    return web.Response(status=303, headers={"Location": request.rel_url.raw_path})


def _prefixed(form: Form, prefix: str) -> dict[str, str]:
    """A browser ends lines with CR LF, whatever was there."""
    found = {key.removeprefix(prefix): value for key, value in form.pairs if key.startswith(prefix)}
    return {key: value.replace("\r\n", "\n") for key, value in found.items()}


def _again(card: tree.Card | None, sent: Submitted, wrong: FieldErrors) -> tree.Card | None:
    """The form with what was typed, and with the tokens it had: nobody has seen a newer value by being corrected."""
    if card is None:
        return None
    return replace(card, blocks=tuple(_refilled(block, sent, wrong) for block in card.blocks))


def _refilled(block: tree.Block, sent: Submitted, wrong: FieldErrors) -> tree.Block:
    if not isinstance(block, tree.Form):
        return block
    fields = tuple(
        replace(
            field,
            value=sent.values[field.name],
            token=sent.tokens.get(field.name, ""),
            error=wrong.errors.get(field.name, ""),
        )
        for field in block.fields
        if field.name in sent.values
    )
    return replace(block, data=sent.data, fields=fields)
