"""The built-in web chat: a channel like every other, the only one of which both ends are ours. Signed by `seal`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Annotated, Any, Literal
from urllib.parse import quote

import aiohttp
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from yarl import URL

from cards import tree
from cards.inert import inert, legal, safe_url
from cards.tree import Card
from cards.words import N_
from channels import model
from channels.fit import lightest, within
from channels.seal import sign, verify
from channels.wire import TIRED, Body, BodyT, Source, base_address, json_object, read, settle, wall_clock
from gateway.errors import Gone, Refused, Retry, Unreadable

LIMITS = model.Limits(
    text=10_000,
    title=300,
    button_label=80,
    button_data=2_000,
    buttons=10,
    blocks=200,
    bytes=500_000,
    form_fields=50,
    room_rate=1_000.0,  # the other end is ours as well: no more than what keeps one room from taking all of it
    total_rate=4_000.0,
    deadline=5.0,
    editable_for=None,
    room_burst=200,
    total_burst=800,
)
JSON = {"content-type": "application/json; charset=utf-8"}


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, AfterValidator(base_address)]
    """Where the chat takes what the gateway says."""
    secret: Annotated[SecretStr, Field(min_length=16)]
    """Shared with the chat; signs the requests of both."""
    scope: Annotated[str, Field(min_length=1, max_length=200)] = "demo"
    """The workspace the chat's accounts belong to, as it names it in `scope`."""
    timeout: Annotated[float, Field(gt=0, le=120)] = 10.0
    """Seconds for one call to the chat."""


# What the chat tells us ------------------------------------------------------------------------------------------

Id = Annotated[str, Field(min_length=1, max_length=400)]
Millis = Annotated[int, Field(ge=0, le=2**53)]


class _Who(Body):
    id: Id
    name: Annotated[str, Field(max_length=1_000)] = ""
    kind: Literal["member", "guest", "outsider", "bot"]


class _Any(Body):
    id: Id
    scope: Id
    room: Id
    thread: Annotated[str, Field(max_length=400)] = ""
    at: Millis
    who: _Who
    locale: Annotated[str, Field(max_length=40)] = ""


class _Message(_Any):
    message: Id
    text: str
    quotes: tuple[tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]], ...] = ()
    addressed: bool = False
    trigger: str = Field(default="", repr=False)


class _Gone(_Any):
    message: Id


class _Button(_Any):
    message: str | None = None
    action: Id
    data: str
    trigger: str = Field(default="", repr=False)


class _Form(_Any):
    message: str | None = None
    data: str
    values: dict[str, str]
    tokens: dict[str, str] = Field(default_factory=dict)


def _head(source: Source, kind: str, body: _Any) -> tuple[str, model.Place, model.Sender]:
    id_ = model.ImId(source.channel, body.scope, "user", body.who.id)
    where = model.Place(source.channel, body.room, body.thread)
    return f"{source.channel}:{body.scope}:{kind}:{body.id}", where, model.Sender(id_, body.who.name, body.who.kind)


def _ref(where: model.Place, id_: str | None) -> model.MessageRef | None:
    return model.MessageRef(where, id_) if id_ else None


def _quoted(body: _Message) -> tuple[tuple[int, int], ...]:
    end = len(body.text)
    return tuple((first, min(last, end)) for first, last in body.quotes if first < min(last, end))


def _said(source: Source, payload: Mapping[str, Any]) -> model.Event:
    body = read(_Message, payload)
    once, where, who = _head(source, "message", body)
    message, quoted = model.MessageRef(where, body.message), _quoted(body)
    more = (quoted, body.addressed, body.locale, body.trigger)
    return model.Said(once, where, who, message, body.text, body.at, *more)


def _edited(source: Source, payload: Mapping[str, Any]) -> model.Event:
    body = read(_Message, payload)
    once, where, who = _head(source, "message_edited", body)
    return model.Edited(once, where, who, model.MessageRef(where, body.message), body.text, body.at, _quoted(body))


def _deleted(source: Source, payload: Mapping[str, Any]) -> model.Event:
    body = read(_Gone, payload)
    once, where, who = _head(source, "message_deleted", body)
    return model.Deleted(once, where, who, model.MessageRef(where, body.message), body.at)


def _pressed(source: Source, payload: Mapping[str, Any]) -> model.Event:
    body = read(_Button, payload)
    once, where, who = _head(source, "button", body)
    more = (_ref(where, body.message), body.trigger, body.locale)
    return model.Pressed(once, where, who, body.action, body.data, body.at, *more)


def _submitted(source: Source, payload: Mapping[str, Any]) -> model.Event:
    body = read(_Form, payload)
    once, where, who = _head(source, "form", body)
    ref = _ref(where, body.message)
    return model.Submitted(once, where, who, body.data, body.values, body.tokens, body.at, ref, body.locale)


def _joined(source: Source, payload: Mapping[str, Any]) -> model.Event:
    return model.Joined(*_head(source, "joined", body := read(_Any, payload)), body.at)


def _left(source: Source, payload: Mapping[str, Any]) -> model.Event:
    return model.Left(*_head(source, "left", body := read(_Any, payload)), body.at)


EVENTS: Mapping[str, Callable[[Source, Mapping[str, Any]], model.Event]] = {
    "message": _said,
    "message_edited": _edited,
    "message_deleted": _deleted,
    "button": _pressed,
    "form": _submitted,
    "joined": _joined,
    "left": _left,
}


def parse(source: Source, payload: Mapping[str, Any]) -> tuple[model.Event, ...]:
    """Raises `Unreadable` for a type not in `EVENTS`, and for a workspace that is not the configured one."""
    kind = payload.get("type")
    if not isinstance(kind, str) or kind not in EVENTS:
        raise Unreadable("an event type that is not known")
    event = EVENTS[kind](source, payload)
    if event.who.id.scope != source.scope:
        raise Unreadable("scope: not the workspace this channel is configured for")
    return (event,)


# What we show ----------------------------------------------------------------------------------------------------

_RETURNING = frozenset({"action", "data", "name", "token"})  # come back to us as they went out
_ONE_LINE = frozenset({"label", "title", "date", "who", "when", "due", "word", "as_of", "trace"})
_SHORT = {(tree.Title, "text"): LIMITS.title, (tree.Button, "label"): LIMITS.button_label}
_PARTS = (
    *(tree.Title, tree.Text, tree.Heading, tree.Fact, tree.Note, tree.OpenItem, tree.Risk, tree.Row, tree.Columns),
    *(tree.Divider, tree.Link, tree.Code, tree.Actions, tree.Form, tree.Footer),
    *(tree.Badge, tree.Button, tree.Column, tree.FormField),
)


def draw(card: Card) -> dict[str, Any]:
    """The card as JSON, one object per block: `type` and the block's own fields. Text is raw and inert."""
    return lightest(card, _card, LIMITS.bytes)


def _card(card: Card) -> dict[str, Any]:
    blocks = within(card.blocks, LIMITS.blocks, tree.Text("…"))
    return {
        "name": card.name,
        "summary": inert(card.summary, limit=LIMITS.title, lines=False),
        "tone": card.tone,
        "locale": card.locale,
        "blocks": [{"type": _snake(type(block).__name__), **_part(block)} for block in blocks],
    }


def _part(part: object) -> dict[str, Any]:
    if type(part) not in _PARTS:
        raise TypeError(f"channels.web cannot draw a {type(part).__name__}")
    names = [field.name for field in fields(part)]  # type: ignore[arg-type]
    drawn = {name: _value(name, getattr(part, name), _SHORT.get((type(part), name), LIMITS.text)) for name in names}
    if isinstance(part, tree.FormField):
        # What is saved again unchanged must be what was there.
        drawn |= {"value": legal(part.value), "options": [legal(option) for option in part.options]}
    return drawn


def _value(key: str, value: object, limit: int) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return _string(key, value, limit)
    if isinstance(value, tuple):
        return [_value(key, item, limit) for item in value]
    return _part(value)


def _string(key: str, value: str, limit: int) -> str:
    if key in _RETURNING:
        return value
    return safe_url(value) if key == "url" else inert(value, limit=limit, lines=key not in _ONE_LINE)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


# What we say and how ---------------------------------------------------------------------------------------------


def _words(answer: model.Answer) -> dict[str, Any]:
    if isinstance(answer, model.Toast):
        return {"kind": "toast", "text": inert(answer.text, limit=LIMITS.text), "tone": answer.tone}
    if isinstance(answer, model.ShowCard):
        return {"kind": "card", "card": draw(answer.card)}
    if isinstance(answer, model.OpenForm):
        return {"kind": "form", "card": draw(answer.card)}
    if isinstance(answer, model.FieldErrors):
        errors = {name: inert(text, limit=LIMITS.text) for name, text in answer.errors.items()}
        return {"kind": "errors", "errors": errors}
    if isinstance(answer, model.Nothing):
        return {"kind": "nothing"}
    raise TypeError(f"channels.web cannot word a {type(answer).__name__}")


class _Made(Body):
    id: Id


class _Room(Body):
    title: str = ""
    kind: Literal["group", "direct", "public"] = "group"
    external: bool = False
    complete: bool = False
    members: tuple[_Who, ...] = ()


class _Direct(Body):
    room: Id


class Channel:
    """Both clocks give milliseconds since the epoch. The session is the gateway's and stays open after `close`."""

    limits = LIMITS

    def __init__(
        self,
        name: str,
        config: Config,
        *,
        session: aiohttp.ClientSession,
        clock: Callable[[], int],
        wall: Callable[[], int] = wall_clock,
    ) -> None:
        self.name = name
        self._config = config
        self._secret = config.secret.get_secret_value()
        self._session = session
        self._clock = clock
        self._wall = wall

    async def receive(self, request: model.Inbound) -> model.Reply:
        verify(self._secret, request, self._wall())
        events = parse(Source(self.name, self._config.scope, self._clock()), json_object(request.body))
        wait = isinstance(events[0], model.Pressed | model.Submitted)
        return model.Reply(events, headers=JSON, body=b'{"ok":true}', wait=wait)

    def answer(self, event: model.Event, answer: model.Answer) -> model.Reply:
        return model.Reply(headers=JSON, body=_encode({"answer": _words(answer)}))

    async def send(self, place: model.Place, card: Card, *, once: str) -> model.MessageRef:
        body = {"room": place.room, "thread": place.thread, "card": draw(card), "once": once}
        made = _answer(_Made, await self._call("POST", "/messages", body, _no_room))
        return model.MessageRef(place, made.id)

    async def edit(self, message: model.MessageRef, card: Card) -> None:
        await self._call("PUT", f"/messages/{quote(message.id, safe='')}", {"card": draw(card)}, _no_message)

    async def delete(self, message: model.MessageRef) -> None:
        await self._call("DELETE", f"/messages/{quote(message.id, safe='')}", None, _no_message)

    async def whisper(self, place: model.Place, to: model.ImId, card: Card, *, once: str) -> model.MessageRef:
        body = {"room": place.room, "thread": place.thread, "to": to.id, "card": draw(card), "once": once}
        made = _answer(_Made, await self._call("POST", "/whispers", body, _no_room))
        return model.MessageRef(place, made.id)

    async def members(self, place: model.Place) -> model.Roster:
        room = _answer(_Room, await self._call("GET", f"/rooms/{quote(place.room, safe='')}", None, _no_room))
        people = tuple(
            model.Sender(model.ImId(self.name, self._config.scope, "user", who.id), who.name, who.kind)
            for who in room.members
        )
        return model.Roster(people, room.complete, self._clock(), room.title, room.kind, room.external)

    async def direct(self, to: model.ImId) -> model.Place:
        room = _answer(_Direct, await self._call("POST", "/direct", {"to": to.id}, _no_person))
        return model.Place(self.name, room.room)

    async def open(self, trigger: str, card: Card) -> None:
        await self._call("POST", "/forms", {"trigger": trigger, "card": draw(card)}, _no_trigger)

    async def close(self) -> None:
        return None

    async def _call(
        self, method: str, path: str, body: dict[str, Any] | None, refusal: Callable[[int], Refused]
    ) -> bytes:
        url = URL(self._config.url + path, encoded=True)
        raw = b"" if body is None else _encode(body)
        limit = aiohttp.ClientTimeout(total=self._config.timeout)
        try:
            async with self._session.request(
                method, url, data=raw, headers=self._headers(method, url, raw), timeout=limit, allow_redirects=False
            ) as response:
                settle(response.status, response.headers, self._wall(), refusal)
                return await response.read()
        except (aiohttp.ClientError, TimeoutError) as fault:
            raise Retry(TIRED, f"the web chat: {type(fault).__name__}") from fault

    def _headers(self, method: str, url: URL, raw: bytes) -> dict[str, str]:
        timestamp = str(self._wall() // 1000)
        signature = sign(self._secret, timestamp, method, url.raw_path_qs, raw)
        return {**JSON, "X-Floatcard-Timestamp": timestamp, "X-Floatcard-Signature": signature}


def _answer(shape: type[BodyT], raw: bytes) -> BodyT:
    """An answer we cannot read is tried again: `once` keeps the second try from being a second message."""
    try:
        return read(shape, json_object(raw))
    except Unreadable as fault:
        raise Retry(TIRED, f"the web chat answered with {fault}") from fault


def _encode(payload: object) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _refusing(gone: str, absent: type[Refused] = Refused) -> Callable[[int], Refused]:
    def refusal(status: int) -> Refused:
        if status in (404, 409, 410):
            return absent(gone)
        if status in (401, 403):
            return Refused("The chat does not accept our signature. Check the secret and the clock on both sides.")
        return Refused("The chat refused this with status {status}.", status=status)

    return refusal


_no_room = _refusing(N_("The room is not there any more, or the bot is not in it."))
_no_message = _refusing(N_("The message is not there any more."), Gone)
_no_person = _refusing(N_("This person cannot be written to directly."))
_no_trigger = _refusing(N_("The form could not be opened in time. Press the button again."))


def _claims(channel: Channel) -> None:
    """For the type checker: what this channel can do."""
    _channel: model.Channel = channel
    _edits: model.Edits = channel
    _deletes: model.Deletes = channel
    _whispers: model.Whispers = channel
    _members: model.Members = channel
    _directs: model.Directs = channel
    _forms: model.Forms = channel
    _answers: model.Answers = channel
