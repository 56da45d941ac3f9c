"""What Matrix tells us: events of a room's timeline into events of ours. Pure; what they need is gathered before."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from channels import model
from channels.matrix import text
from channels.matrix.cards import KEY
from channels.wire import Body, Source, read, storable
from gateway.errors import Unreadable

Id = Annotated[str, Field(min_length=2, max_length=255)]
Millis = Annotated[int, Field(ge=0, le=2**53)]
Json = Mapping[str, Any]


class _Who(Body):
    id: Id
    name: Annotated[str, Field(max_length=1_000)] = ""
    kind: Literal["member", "guest", "outsider"]


class _Bot(Body):
    id: Id
    names: tuple[str, ...] = ()


class _Reply(Body):
    event_id: Id


# Whatever is not as it should be says nothing; the words beside it are read all the same.
def _told(value: Any) -> Any:
    return value if isinstance(value, dict) else {}


def _word(value: Any) -> Any:
    return value if isinstance(value, str) else ""


def _id(value: Any) -> Any:
    return value if isinstance(value, str) and 2 <= len(value) <= 255 else None


def _ids(value: Any) -> Any:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _answer(value: Any) -> Any:
    return value if isinstance(value, dict) and _id(value.get("event_id")) else None


class _Relates(Body):
    rel_type: Annotated[str, BeforeValidator(_word)] = ""
    event_id: Annotated[Id | None, BeforeValidator(_id)] = None
    is_falling_back: bool = False
    in_reply_to: Annotated[_Reply | None, BeforeValidator(_answer)] = Field(default=None, alias="m.in_reply_to")


class _Mentions(Body):
    user_ids: Annotated[tuple[str, ...], BeforeValidator(_ids)] = ()


class _Content(Body):
    msgtype: str = ""
    body: str = ""
    filename: Annotated[str | None, BeforeValidator(lambda told: told if isinstance(told, str) else None)] = None
    relates: Annotated[_Relates, BeforeValidator(_told)] = Field(default=_Relates(), alias="m.relates_to")
    mentions: Annotated[_Mentions, BeforeValidator(_told)] = Field(default=_Mentions(), alias="m.mentions")
    new: dict[str, Any] | None = Field(default=None, alias="m.new_content")


class _Event(Body):
    event_id: Id
    sender: Id
    origin_server_ts: Millis
    content: dict[str, Any] = Field(default_factory=dict)
    state_key: str | None = None
    redacts: str | None = None
    unsigned: dict[str, Any] = Field(default_factory=dict)


class _Heard(Body):
    """`original`: what an edit edits or a reply answers, its newest version's content under `latest`. `root`: which
    message that is, where the event takes back an edit of it. `moved_to`, `moved_from`: by the word of both rooms."""

    room_id: Id
    direct: bool = False
    bot: _Bot
    who: _Who
    event: dict[str, Any]
    original: dict[str, Any] | None = None
    root: str = ""
    moved_to: str = ""
    moved_from: str = ""


class _Original(Body):
    sender: Id
    content: dict[str, Any] = Field(default_factory=dict)
    latest: dict[str, Any] = Field(default_factory=dict)
    at: Millis = 0


class _Press(Body):
    label: str
    action: Annotated[str, Field(min_length=1, max_length=100)]
    data: str


class _Card(Body):
    presses: tuple[_Press, ...] = ()
    where: tuple[str, str] | None = None


Events = tuple[model.Event, ...]
_SPOKEN = ("m.text", "m.emote", "m.notice")
_FILES = ("m.image", "m.file", "m.video", "m.audio")
_SILENT = ("m.location", "m.server_notice", "m.key.verification.request")


def read_original(heard: Json) -> _Original | None:
    original = heard.get("original")
    return read(_Original, original) if original is not None else None


def _head(source: Source, kind: str, heard: _Heard, event: _Event) -> tuple[str, model.Sender]:
    id_ = model.ImId(source.channel, source.scope, "user", heard.who.id)
    return f"{source.channel}:{source.scope}:{kind}:{event.event_id}", model.Sender(
        id_, storable(heard.who.name), heard.who.kind
    )


def thread_of(content: Mapping[str, Any]) -> str:
    """The root of the thread a message stands in, empty for none."""
    relates = read(_Content, content).relates
    return relates.event_id or "" if relates.rel_type == "m.thread" else ""


def _message(source: Source, payload: Json) -> Events:
    heard = read(_Heard, payload)
    event = read(_Event, heard.event)
    content = read(_Content, event.content)
    said = _spoken(content)
    if event.sender == heard.bot.id or said is None:
        return ()
    once, who = _head(source, "message", heard, event)
    who = replace(who, kind="bot") if content.msgtype == "m.notice" else who
    where = model.Place(source.channel, heard.room_id, thread_of(event.content))
    body = text.without_fallback(said) if content.relates.in_reply_to else said
    body, called = text.uncalled(body, (heard.bot.id, *heard.bot.names))
    said_ = model.Said(once, where, who, model.MessageRef(where, event.event_id), body, event.origin_server_ts)
    answered = read_original(payload)
    if answered is not None and answered.sender == heard.bot.id and who.kind != "bot":
        return (_replied(said_, heard, answered),)
    command = text.as_command(body)
    addressed = heard.direct or called or heard.bot.id in content.mentions.user_ids or command is not None
    return (replace(said_, text=command or body, quoted=text.quoted_spans(body), addressed=addressed),)


def _spoken(content: _Content) -> str | None:
    """The words of a message; None where there are none, as in a picture without a caption."""
    if content.msgtype in _SPOKEN:
        return storable(content.body)
    if content.msgtype in _FILES:
        return storable(content.body) if content.filename not in (None, content.body) else None
    if content.msgtype in _SILENT or not content.msgtype:  # a message that was redacted has neither type nor body
        return None
    if not content.msgtype.startswith("m."):  # a client's own: what it says is its body (spec: m.room.message)
        return storable(content.body)
    raise Unreadable("a message type that is not known")


def replied_to(content: Mapping[str, Any]) -> str:
    """The message that is answered: a reply's, or the root of a thread that nobody replied in by name."""
    relates = read(_Content, content).relates
    if relates.in_reply_to is not None and not relates.is_falling_back:
        return relates.in_reply_to.event_id
    return relates.event_id or "" if relates.rel_type == "m.thread" else ""


def _replied(said: model.Said, heard: _Heard, answered: _Original) -> model.Event:
    """A reply to a card presses what it names; else it is a word to the bot."""
    card = read(_Card, answered.latest.get(KEY) or answered.content.get(KEY) or {})
    found = text.pressed(said.text, [text.Press(each.label, each.action, each.data) for each in card.presses])
    if found is None:
        command = text.replied_command(said.text)
        return replace(said, text=command or said.text, quoted=text.quoted_spans(said.text), addressed=True)
    press, typed = found
    # What was a 2 when it was said may be another button by now: nobody knows any more which was meant.
    data = "" if text.is_number(said.text) and answered.at > said.at else press.data
    where, who = said.where, said.who
    if card.where is not None and heard.direct:  # a whisper of a room: whether they are in it, its list says
        where, who = model.Place(where.channel, *card.where), replace(who, kind="unknown")
    message = model.MessageRef(said.where, replied_to(heard.event["content"]))
    once = said.once.replace(":message:", ":pressed:", 1)
    return model.Pressed(once, where, who, press.action, data, said.at, message, typed=typed, painted_at=answered.at)


def _edited(source: Source, payload: Json) -> Events:
    heard = read(_Heard, payload)
    event = read(_Event, heard.event)
    edit, original = read(_Content, event.content), read_original(payload)
    # Whoever did not write it cannot edit it, whatever their server lets through; and an edit cannot be edited.
    if original is None or original.sender != event.sender or _is_edit(original):
        return ()
    return _reads(source, heard, event, original, edit.relates.event_id or "", read(_Content, edit.new or {}))


def _is_edit(original: _Original) -> bool:
    return read(_Content, original.content).relates.rel_type == "m.replace"


def _reads(source: Source, heard: _Heard, event: _Event, original: _Original, root: str, content: _Content) -> Events:
    """The message `root` reads otherwise from now on."""
    said = _spoken(content)
    if original.sender == heard.bot.id or said is None:
        return ()
    once, who = _head(source, "edited", heard, event)
    where = model.Place(source.channel, heard.room_id, thread_of(original.content))
    body, _ = text.uncalled(text.without_fallback(said), (heard.bot.id, *heard.bot.names))
    who = replace(who, kind="bot") if content.msgtype == "m.notice" else who
    ref, at = model.MessageRef(where, root), event.origin_server_ts
    return (model.Edited(once, where, who, ref, body, at, text.quoted_spans(body)),)


def redacts(event: Mapping[str, Any]) -> str:
    """What a redaction takes away; told in its content since rooms of version 11."""
    content = event.get("content")
    gone = event.get("redacts") or (content.get("redacts") if isinstance(content, dict) else None)
    return gone if isinstance(gone, str) else ""


def _redacted(source: Source, payload: Json) -> Events:
    heard = read(_Heard, payload)
    event = read(_Event, heard.event)
    gone, original = redacts(heard.event), read_original(payload)
    if not gone:
        raise Unreadable("redacts: missing")
    if event.sender == heard.bot.id:
        return ()
    if heard.root and original is not None:
        return _reads(source, heard, event, original, heard.root, read(_Content, original.latest))
    once, who = _head(source, "redacted", heard, event)
    where = model.Place(source.channel, heard.room_id)
    return (model.Deleted(once, where, who, model.MessageRef(where, gone), event.origin_server_ts),)


def _came(source: Source, payload: Json) -> Events:
    heard = read(_Heard, payload)
    event = read(_Event, heard.event)
    if _before(event) == "join":  # a new name or picture
        return ()
    once, who, ourselves = _member(source, heard, event)
    where = model.Place(source.channel, heard.room_id)
    if ourselves and heard.moved_from:
        return (_goes_on(source, who, heard.moved_from, heard.room_id, event),)
    return (model.Joined(once, where, who, event.origin_server_ts, ourselves),)


def _went(source: Source, payload: Json) -> Events:
    heard = read(_Heard, payload)
    event = read(_Event, heard.event)
    if _before(event) not in ("join", None):  # an invitation declined or taken back
        return ()
    once, who, ourselves = _member(source, heard, event)
    where = model.Place(source.channel, heard.room_id)
    return (model.Left(once, where, who, event.origin_server_ts, ourselves),)


def _upgraded(source: Source, payload: Json) -> Events:
    heard = read(_Heard, payload)
    event = read(_Event, heard.event)
    if not heard.moved_to:
        return ()
    _, who = _head(source, "moved", heard, event)
    return (_goes_on(source, who, heard.room_id, heard.moved_to, event),)


def _goes_on(source: Source, who: model.Sender, old: str, new: str, event: _Event) -> model.Moved:
    """Told by the end of the old room or by our coming into the new one, or by both: it is the same."""
    once = f"{source.channel}:{source.scope}:moved:{old}:{new}"
    there = (model.Place(source.channel, room) for room in (old, new))
    return model.Moved(once, next(there), who, next(there), event.origin_server_ts)


def _member(source: Source, heard: _Heard, event: _Event) -> tuple[str, model.Sender, bool]:
    """`heard.who` is whom the event is about, who may not be who sent it: a kick."""
    if event.state_key != heard.who.id:
        raise Unreadable("state_key: not who this is about")
    once, who = _head(source, "member", heard, event)
    ourselves = heard.who.id == heard.bot.id
    return once, replace(who, kind="bot") if ourselves else who, ourselves


def _before(event: _Event) -> str | None:
    before = event.unsigned.get("prev_content")
    return str(before.get("membership")) if isinstance(before, dict) else None


EVENTS: Mapping[str, Callable[[Source, Json], Events]] = {
    "m.room.message": _message,
    "m.room.message/m.replace": _edited,
    "m.room.redaction": _redacted,
    "m.room.member/join": _came,
    "m.room.member/leave": _went,
    "m.room.member/ban": _went,
    "m.room.tombstone": _upgraded,
}
_OWN = re.compile(r"(?!m\.)[a-z0-9-]+\.[a-z0-9._-]+$")
"""A client's or a server's own kinds are named like its domain, and so is what the protocol is yet to take."""
SKIPPED = frozenset(
    {"m.room.member/invite", "m.room.member/knock", "m.room.encrypted", "m.reaction", "m.sticker"}
    | {f"m.room.{what}" for what in ("create", "name", "topic", "avatar", "power_levels", "join_rules")}
    | {f"m.room.{what}" for what in ("history_visibility", "guest_access", "canonical_alias", "pinned_events")}
    | {f"m.room.{what}" for what in ("encryption", "server_acl", "third_party_invite", "retention")}
    | {"m.call.invite", "m.call.hangup", "m.rtc.notification", "m.rtc.member", "m.beacon_info", "m.beacon"}
    | {"m.poll.start", "m.poll.response", "m.poll.end", "m.space.child", "m.space.parent", "m.bridge"}
)
"""Known, and nothing to us."""


def name(event: Mapping[str, Any]) -> str:
    """The key of `EVENTS`: the event's type, with its membership or its relation after a slash."""
    kind, content = event.get("type"), event.get("content")
    content = content if isinstance(content, dict) else {}
    if kind == "m.room.member":
        return f"{kind}/{content.get('membership')}"
    relates = content.get("m.relates_to")
    replaces = isinstance(relates, dict) and relates.get("rel_type") == "m.replace"
    return f"{kind}/m.replace" if kind == "m.room.message" and replaces else str(kind)


def parse(source: Source, payload: Json) -> tuple[model.Event, ...]:
    """`()` for what is known and skipped. Raises `Unreadable` for what is not known."""
    event = payload.get("event")
    if not isinstance(event, dict):
        raise Unreadable("event: missing")
    kind = name(event)
    if kind in SKIPPED or _OWN.match(kind):
        return ()
    if kind not in EVENTS:
        raise Unreadable("an event type that is not known")
    return EVENTS[kind](source, payload)
