"""What the chat tells us: its requests into events. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from channels import model
from channels.wire import Body, Source, read
from gateway.errors import Unreadable

Id = Annotated[str, Field(min_length=1, max_length=400)]
Millis = Annotated[int, Field(ge=0, le=2**53)]


class Who(Body):
    id: Id
    name: Annotated[str, Field(max_length=1_000)] = ""
    kind: Literal["member", "guest", "outsider", "bot"]


class _Any(Body):
    id: Id
    scope: Id
    room: Id
    thread: Annotated[str, Field(max_length=400)] = ""
    at: Millis
    who: Who
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
