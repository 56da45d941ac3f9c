"""What Slack tells us: Events API, interactivity and slash commands into events. Pure; read before written for."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any
from urllib.parse import parse_qsl

from pydantic import Field

from channels import model
from channels.slack.text import said_plainly
from channels.wire import Body, Source, json_object, read, storable
from gateway.errors import Unreadable

Id = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,40}$")]
Stamp = Annotated[str, Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,9})?$")]
_FORM = "application/x-www-form-urlencoded"


class _Authorization(Body):
    team_id: str | None = None
    user_id: str | None = None
    is_bot: bool = False


class _Envelope(Body):
    team_id: str = ""
    event_id: Annotated[str, Field(min_length=1, max_length=100)]
    authorizations: tuple[_Authorization, ...] = ()
    event: dict[str, Any]

    def bot(self) -> str:
        return next((each.user_id or "" for each in self.authorizations if each.is_bot), "")

    def teams(self) -> set[str]:
        return {self.team_id, *(each.team_id or "" for each in self.authorizations)}


class _Edit(Body):
    ts: Stamp


class _Message(Body):
    ts: Stamp
    thread_ts: Stamp | None = None
    text: str = ""
    subtype: str = ""
    user: Id | None = None
    bot_id: Id | None = None
    username: str = ""
    user_team: str = ""
    team: str = ""
    edited: _Edit | None = None


class _Posted(_Message):
    channel: Id
    channel_type: str = ""


class _Changed(Body):
    channel: Id
    ts: Stamp
    message: _Message
    previous_message: _Message | None = None


class _Removed(Body):
    channel: Id
    ts: Stamp
    deleted_ts: Stamp
    previous_message: _Message | None = None


class _Member(Body):
    user: Id
    channel: Id
    team: str = ""
    event_ts: Stamp | None = None


class _User(Body):
    id: Id
    name: str = ""
    username: str = ""
    team_id: str = ""


class _Room(Body):
    id: Id


class _Container(Body):
    message_ts: Stamp | None = None
    thread_ts: Stamp | None = None
    is_ephemeral: bool = False


class _Action(Body):
    type: str = ""
    action_id: str = ""
    value: str = ""
    action_ts: Stamp | None = None


class _View(Body):
    id: str = ""
    private_metadata: str = ""
    blocks: tuple[dict[str, Any], ...] = ()
    state: dict[str, Any] = Field(default_factory=dict)


class _Interaction(Body):
    user: _User
    trigger_id: Annotated[str, Field(min_length=1, max_length=300, repr=False)]
    channel: _Room | None = None
    container: _Container = _Container()
    message: _Message | None = None
    actions: tuple[_Action, ...] = ()
    view: _View | None = None


class _Command(Body):
    team_id: str = ""
    channel_id: Id
    user_id: Id
    user_name: str = ""
    command: Annotated[str, Field(min_length=1, max_length=100)]
    text: str = ""
    trigger_id: Annotated[str, Field(min_length=1, max_length=300, repr=False)]


Events = tuple[model.Event, ...]
Reader = Callable[[Source, Mapping[str, Any]], Events]


def decode(body: bytes, content_type: str) -> dict[str, Any]:
    """JSON as it is; a form's `payload`, or a slash command's own fields under `type`. Raises `Unreadable`."""
    if not content_type.startswith(_FORM):
        return json_object(body)
    try:
        form = dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=60))
    except ValueError:
        raise Unreadable("not a form") from None
    if "payload" in form:
        return json_object(form["payload"])
    return {**{key: storable(value) for key, value in form.items()}, "type": "slash_command"}


def millis(stamp: str) -> int:
    """Slack's seconds with a fraction as milliseconds."""
    seconds, _, fraction = stamp.partition(".")
    return int(seconds) * 1000 + int(fraction[:3].ljust(3, "0"))


def _envelope(source: Source, payload: Mapping[str, Any]) -> _Envelope:
    envelope = read(_Envelope, payload)
    if source.scope not in envelope.teams():
        raise Unreadable("team_id: not the workspace this channel is configured for")
    return envelope


def _person(source: Source, id_: str, team: str, name: str = "") -> model.Sender:
    """A message does not say who is a guest, so nobody is called a member here; a room's roster does."""
    kind = "outsider" if team and team != source.scope else "unknown"
    return model.Sender(model.ImId(source.channel, source.scope, "user", id_), name, kind)  # type: ignore[arg-type]


def _author(source: Source, message: _Message) -> model.Sender:
    if message.bot_id is None and message.user:
        return _person(source, message.user, message.user_team or message.team)
    kind, id_ = ("user", message.user) if message.user else ("bot", message.bot_id or "unknown")
    return model.Sender(model.ImId(source.channel, source.scope, kind, id_), message.username, "bot")


def _thread(source: Source, room: str, message: _Message, direct: bool = False) -> model.Place:
    """A card answers in the message's own thread; in a direct room only where there is a thread already."""
    return model.Place(source.channel, room, message.thread_ts or ("" if direct else message.ts))


def _said(source: Source, payload: Mapping[str, Any]) -> Events:
    envelope = _envelope(source, payload)
    message = read(_Posted, envelope.event)
    direct = message.channel_type == "im" or message.channel.startswith("D")
    where = _thread(source, message.channel, message, direct)
    text, quoted, called = said_plainly(message.text, envelope.bot())
    # One message comes as `message` and as `app_mention`: both have this `once`.
    once = f"{source.channel}:{source.scope}:message:{message.channel}:{message.ts}"
    addressed = direct or called or envelope.event.get("type") == "app_mention"
    ref = model.MessageRef(where, message.ts)
    said = model.Said(once, where, _author(source, message), ref, text, millis(message.ts), quoted, addressed)
    return (said,)


def _changed(source: Source, payload: Mapping[str, Any]) -> Events:
    envelope = _envelope(source, payload)
    change = read(_Changed, envelope.event)
    once = f"{source.channel}:{source.scope}:message_changed:{envelope.event_id}"
    now = change.message
    where = _thread(source, change.channel, now, change.channel.startswith("D"))
    who, ref = _author(source, now), model.MessageRef(where, now.ts)
    if now.subtype == "tombstone":  # a deleted message whose thread lives on
        return (model.Deleted(once, where, who, ref, millis(change.ts)),)
    if not _is_edit(now, change.previous_message):
        return ()
    text, quoted, _ = said_plainly(now.text, envelope.bot())
    return (model.Edited(once, where, who, ref, text, millis(change.ts), quoted),)


def _is_edit(now: _Message, before: _Message | None) -> bool:
    """An unfurled link or a recognised language changes a message too; only its author's edit is one."""
    if now.edited is None:
        return False
    return before is None or (before.edited != now.edited and before.text != now.text)


def _deleted(source: Source, payload: Mapping[str, Any]) -> Events:
    envelope = _envelope(source, payload)
    gone = read(_Removed, envelope.event)
    before = gone.previous_message or _Message(ts=gone.deleted_ts)
    where = _thread(source, gone.channel, before, gone.channel.startswith("D"))
    once = f"{source.channel}:{source.scope}:message_deleted:{envelope.event_id}"
    ref = model.MessageRef(where, gone.deleted_ts)
    return (model.Deleted(once, where, _author(source, before), ref, millis(gone.ts)),)


def _came(source: Source, payload: Mapping[str, Any]) -> Events:
    return (model.Joined(*_membership(source, payload)),)


def _went(source: Source, payload: Mapping[str, Any]) -> Events:
    return (model.Left(*_membership(source, payload)),)


def _membership(source: Source, payload: Mapping[str, Any]) -> tuple[str, model.Place, model.Sender, int]:
    envelope = _envelope(source, payload)
    member = read(_Member, envelope.event)
    who = _person(source, member.user, member.team)
    if member.user == envelope.bot():
        who = model.Sender(who.id, who.name, "bot")
    at = millis(member.event_ts) if member.event_ts else source.at
    once = f"{source.channel}:{source.scope}:{envelope.event['type']}:{envelope.event_id}"
    return once, model.Place(source.channel, member.channel), who, at


def trigger(id_: str, room: str, thread: str = "", message: str = "") -> str:
    """Slack's trigger with where it was given: a submitted view does not say in which room it was opened."""
    return json.dumps([id_, room, thread, message], separators=(",", ":"))


def home(source: Source, metadata: Mapping[str, Any]) -> tuple[model.Place, model.MessageRef | None]:
    where = metadata.get("w")
    if not (isinstance(where, list) and len(where) == 3 and all(isinstance(part, str) for part in where)):
        raise Unreadable("private_metadata: not one of our views")
    place = model.Place(source.channel, where[0], where[1])
    return place, model.MessageRef(place, where[2]) if where[2] else None


def carried(view: _View) -> dict[str, Any]:
    """What our view carries unseen: `private_metadata`, continued in block ids of the form `~0:…`, `~1:…`."""
    found = (re.fullmatch(r"~([0-9]{1,3}):(.*)", str(block.get("block_id", "")), re.DOTALL) for block in view.blocks)
    rest = sorted((int(match[1]), match[2]) for match in found if match)
    return json_object(view.private_metadata + "".join(piece for _, piece in rest))


def _pressed(source: Source, payload: Mapping[str, Any]) -> Events:
    body = read(_Interaction, payload)
    where, ref = _pressed_at(source, body)
    who = _person(source, body.user.id, body.user.team_id, body.user.name or body.user.username)
    given = trigger(body.trigger_id, where.room, where.thread, ref.id if ref else "")
    once = f"{source.channel}:{source.scope}:block_actions:{_digest(body.trigger_id)}"
    return tuple(
        model.Pressed(
            f"{once}:{at}",
            where,
            who,
            action.action_id.partition(":")[2],
            action.value,
            millis(action.action_ts) if action.action_ts else source.at,
            ref,
            given,
        )
        for at, action in enumerate(body.actions)
        if action.type == "button" and ":" in action.action_id
    )


def _pressed_at(source: Source, body: _Interaction) -> tuple[model.Place, model.MessageRef | None]:
    if body.channel is None:
        return home(source, carried(body.view) if body.view else {})
    stamp = body.container.message_ts or (body.message.ts if body.message else "")
    thread = body.container.thread_ts or (body.message.thread_ts if body.message else None) or ""
    place = model.Place(source.channel, body.channel.id, thread)
    if not stamp:
        return place, None
    return place, model.MessageRef(place, f"ephemeral:{stamp}" if body.container.is_ephemeral else stamp)


def _submitted(source: Source, payload: Mapping[str, Any]) -> Events:
    body = read(_Interaction, payload)
    if body.view is None:
        raise Unreadable("view: missing")
    metadata = carried(body.view)
    place, ref = home(source, metadata)
    data, tokens = metadata.get("d"), metadata.get("t", {})
    if not isinstance(data, str) or not isinstance(tokens, dict):
        raise Unreadable("private_metadata: not one of our forms")
    values = _values(body.view.state)
    once = f"{source.channel}:{source.scope}:view_submission:{_digest(body.trigger_id)}"
    who = _person(source, body.user.id, body.user.team_id, body.user.name or body.user.username)
    tokens = {name: str(token) for name, token in tokens.items() if name in values}
    return (model.Submitted(once, place, who, data, values, tokens, source.at, ref),)


def _values(state: Mapping[str, Any]) -> dict[str, str]:
    """Field name (the block's id) to what was typed, picked or cleared."""
    inputs = state.get("values")
    if not isinstance(inputs, dict):
        raise Unreadable("state.values: missing")
    return {name: _typed(next(iter(block.values()), {})) for name, block in inputs.items() if isinstance(block, dict)}


def _typed(element: Any) -> str:
    if not isinstance(element, dict):
        raise Unreadable("state.values: not an input")
    option = element.get("selected_option")
    value = option.get("value") if isinstance(option, dict) else element.get("value") or element.get("selected_date")
    return value if isinstance(value, str) else ""


def _command(source: Source, payload: Mapping[str, Any]) -> Events:
    body = read(_Command, payload)
    place = model.Place(source.channel, body.channel_id)
    digest = _digest(body.trigger_id)
    who = _person(source, body.user_id, body.team_id, body.user_name)
    text = f"{body.command} {body.text}".strip()
    once = f"{source.channel}:{source.scope}:slash_command:{digest}"
    ref = model.MessageRef(place, f"command:{digest}")
    given = trigger(body.trigger_id, place.room)
    return (model.Said(once, place, who, ref, text, source.at, addressed=True, trigger=given),)


def _digest(trigger_id: str) -> str:
    # Unique per interaction, and not the trigger itself, which is never stored.
    return hashlib.sha256(trigger_id.encode()).hexdigest()[:32]


EVENTS: Mapping[str, Reader] = {
    "message": _said,
    "message/bot_message": _said,
    "message/file_share": _said,
    "message/me_message": _said,
    "message/thread_broadcast": _said,
    "message/message_changed": _changed,
    "message/message_deleted": _deleted,
    "app_mention": _said,
    "member_joined_channel": _came,
    "member_left_channel": _went,
    "block_actions": _pressed,
    "view_submission": _submitted,
    "slash_command": _command,
}

_NEWS = ("topic", "purpose", "name", "archive", "unarchive", "join", "leave")
SKIPPED = frozenset(
    {f"message/{room}_{kind}" for room in ("channel", "group") for kind in _NEWS}
    | {f"message/{kind}" for kind in ("message_replied", "pinned_item", "bot_add", "bot_remove", "reminder_add")}
    | {"app_rate_limited", "app_uninstalled", "tokens_revoked", "app_home_opened", "view_closed", "url_verification"}
)
"""Known, and nothing to us."""


def name(payload: Mapping[str, Any]) -> str:
    """The key of `EVENTS`: the interaction's type, or the event's with its subtype after a slash."""
    kind, event = payload.get("type"), payload.get("event")
    if kind == "event_callback" and isinstance(event, dict):
        subtype = event.get("subtype")
        return f"{event.get('type')}/{subtype}" if subtype else str(event.get("type"))
    return str(kind)


def parse(source: Source, payload: Mapping[str, Any]) -> tuple[model.Event, ...]:
    """`()` for what is known and skipped. Raises `Unreadable` for what is not known."""
    kind = name(payload)
    if kind in SKIPPED:
        return ()
    if kind not in EVENTS:
        raise Unreadable("an event type that is not known")
    return EVENTS[kind](source, payload)
