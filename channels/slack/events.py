"""What Slack tells us: Events API, interactivity and slash commands into events. Pure; read before written for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from channels import model
from channels.slack import bodies, interactions
from channels.slack.interactions import Events, person
from channels.slack.places import link_in, page_of, room_of
from channels.slack.text import said_plainly
from channels.wire import Source, json_object, read, storable
from gateway.errors import Unreadable

Reader = Callable[[Source, Mapping[str, Any]], Events]
LONGEST_LINK = 250
"""Characters of an address that may be a customer's page: it is part of where its preview is kept."""
_FORM = "application/x-www-form-urlencoded"
_OTHER_TEAM = "team_id: not the workspace this channel is configured for"


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


def _envelope(source: Source, payload: Mapping[str, Any]) -> bodies.Envelope:
    envelope = read(bodies.Envelope, payload)
    if not envelope.meant_for(source.scope):
        raise Unreadable(_OTHER_TEAM)
    return envelope


def _author(source: Source, message: bodies.Message) -> model.Sender:
    if message.bot_id is None and message.user:
        return person(source, message.user, message.user_team or message.team)
    kind, id_ = ("user", message.user) if message.user else ("bot", message.bot_id or "unknown")
    return model.Sender(model.ImId(source.channel, source.scope, kind, id_), message.username, "bot")


def _thread(source: Source, room: str, message: bodies.Message, direct: bool = False) -> model.Place:
    """A card answers in the message's own thread; in a direct room only where there is a thread already."""
    return model.Place(source.channel, room_of(source, room), message.thread_ts or ("" if direct else message.ts))


def once_of(source: Source, stamp: str, room: str) -> str:
    """One message comes as `message` and as `app_mention`: both have this. Its time stands first, so that what is new
    is remembered side by side: a name that falls anywhere among all those seen costs a page of its own."""
    return f"{source.channel}:{source.scope}:message:{stamp}:{room}"


def _said(source: Source, payload: Mapping[str, Any]) -> Events:
    envelope = _envelope(source, payload)
    message = read(bodies.Posted, envelope.event)
    direct = message.channel_type == "im" or message.channel.startswith("D")
    where = _thread(source, message.channel, message, direct)
    text, quoted, called = said_plainly(message.markup(), envelope.bot())
    once = once_of(source, message.ts, message.channel)
    addressed = direct or called or envelope.event.get("type") == "app_mention"
    ref = model.MessageRef(where, message.ts)
    said = model.Said(once, where, _author(source, message), ref, text, bodies.millis(message.ts), quoted, addressed)
    return (said,)


def _changed(source: Source, payload: Mapping[str, Any]) -> Events:
    envelope = _envelope(source, payload)
    change = read(bodies.Changed, envelope.event)
    once = f"{source.channel}:{source.scope}:message_changed:{envelope.event_id}"
    now = change.message
    where = _thread(source, change.channel, now, change.channel.startswith("D"))
    who, ref = _author(source, now), model.MessageRef(where, now.ts)
    if now.subtype == "tombstone":  # a deleted message whose thread lives on
        return (model.Deleted(once, where, who, ref, bodies.millis(change.ts)),)
    if not _is_edit(now, change.previous_message):
        return ()
    text, quoted, _ = said_plainly(now.markup(), envelope.bot())
    return (model.Edited(once, where, who, ref, text, bodies.millis(change.ts), quoted),)


def _is_edit(now: bodies.Message, before: bodies.Message | None) -> bool:
    """An unfurled link or a recognised language changes a message too; only its author's edit is one."""
    if now.edited is None:
        return False
    return before is None or (before.edited != now.edited and before.markup() != now.markup())


def _deleted(source: Source, payload: Mapping[str, Any]) -> Events:
    envelope = _envelope(source, payload)
    gone = read(bodies.Removed, envelope.event)
    before = gone.previous_message or bodies.Message(ts=gone.deleted_ts)
    where = _thread(source, gone.channel, before, gone.channel.startswith("D"))
    once = f"{source.channel}:{source.scope}:message_deleted:{envelope.event_id}"
    ref = model.MessageRef(where, gone.deleted_ts)
    return (model.Deleted(once, where, _author(source, before), ref, bodies.millis(gone.ts)),)


def _came(source: Source, payload: Mapping[str, Any]) -> Events:
    who = _membership(source, payload)
    return (model.Joined(*who, ourselves=who[2].kind == "bot"),)


def _went(source: Source, payload: Mapping[str, Any]) -> Events:
    who = _membership(source, payload)
    return (model.Left(*who, ourselves=who[2].kind == "bot"),)


def _put_out(source: Source, payload: Mapping[str, Any]) -> Events:
    """Nobody else is told when the bot itself is removed, and it as this."""
    envelope = _envelope(source, payload)
    room = read(bodies.Ours, envelope.event)
    who = model.Sender(model.ImId(source.channel, source.scope, "user", envelope.bot() or "bot"), "", "bot")
    once = f"{source.channel}:{source.scope}:{envelope.event['type']}:{envelope.event_id}"
    at = bodies.millis(room.event_ts) if room.event_ts else source.at
    return (model.Left(once, model.Place(source.channel, room_of(source, room.channel)), who, at, ourselves=True),)


def _opened_up(source: Source, payload: Mapping[str, Any]) -> Events:
    """A room that another company may read from now on: until its list says who, somebody from outside came."""
    envelope = _envelope(source, payload)
    room = read(bodies.Ours, envelope.event)
    id_ = model.ImId(source.channel, source.scope, "team", room.connected_team_id or "unknown")
    once = f"{source.channel}:{source.scope}:channel_shared:{envelope.event_id}"
    at = bodies.millis(room.event_ts) if room.event_ts else source.at
    place = model.Place(source.channel, room_of(source, room.channel))
    return (model.Joined(once, place, model.Sender(id_, "", "outsider"), at),)


def _membership(source: Source, payload: Mapping[str, Any]) -> tuple[str, model.Place, model.Sender, int]:
    envelope = _envelope(source, payload)
    member = read(bodies.Member, envelope.event)
    who = person(source, member.user, member.team)
    if member.user == envelope.bot():
        who = model.Sender(who.id, who.name, "bot")
    at = bodies.millis(member.event_ts) if member.event_ts else source.at
    once = f"{source.channel}:{source.scope}:{envelope.event['type']}:{envelope.event_id}"
    return once, model.Place(source.channel, room_of(source, member.channel)), who, at


def _shared(source: Source, payload: Mapping[str, Any]) -> Events:
    """One for each link. What is only being typed has no room yet, so nobody knows who would read its preview."""
    envelope = _envelope(source, payload)
    if envelope.event.get("source") == "composer":
        return ()
    shared = read(bodies.Shared, envelope.event)
    once = f"{source.channel}:{source.scope}:link_shared:{envelope.event_id}"
    who, at = person(source, shared.user, ""), bodies.millis(shared.message_ts)
    urls = [link.url for link in shared.links if len(link.url) <= LONGEST_LINK]
    places = [link_in(source, shared.channel, shared.message_ts, url) for url in urls]
    return tuple(
        model.Linked(f"{once}:{n}", place, who, model.MessageRef(place, shared.message_ts), url, at)
        for n, (place, url) in enumerate(zip(places, urls, strict=True))
    )


def _opened(source: Source, payload: Mapping[str, Any]) -> Events:
    envelope = _envelope(source, payload)
    opened = read(bodies.HomeOpened, envelope.event)
    if opened.tab != "home":
        return ()
    once = f"{source.channel}:{source.scope}:app_home_opened:{envelope.event_id}"
    return (model.Opened(once, page_of(source, opened.user), person(source, opened.user, ""), source.at),)


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
    "channel_left": _put_out,
    "group_left": _put_out,
    "channel_shared": _opened_up,
    "link_shared": _shared,
    "app_home_opened": _opened,
    "block_actions": interactions.pressed,
    "view_submission": interactions.submitted,
    "slash_command": interactions.command,
    "message_action": interactions.message_action,
    "shortcut": interactions.shortcut,
}

_NEWS = ("topic", "purpose", "name", "archive", "unarchive", "join", "leave")
SKIPPED = frozenset(
    {f"message/{room}_{kind}" for room in ("channel", "group") for kind in _NEWS}
    | {
        f"message/{kind}"
        for kind in ("message_replied", "reply_broadcast", "pinned_item", "unpinned_item", "tombstone")
    }
    | {f"message/bot_{kind}" for kind in ("add", "remove", "enable", "disable")}
    | {f"message/channel_{kind}" for kind in ("convert_to_private", "convert_to_public", "posting_permissions")}
    | {f"message/{kind}" for kind in ("reminder_add", "assistant_app_thread", "huddle_thread", "sh_room_created")}
    | {f"message/{kind}" for kind in ("ekm_access_denied", "document_mention", "channel_canvas_updated", "mpdm_move")}
    | {"message/file_comment", "message/file_mention", "assistant_thread_started", "assistant_thread_context_changed"}
    | {"app_rate_limited", "app_uninstalled", "tokens_revoked", "view_closed", "url_verification"}
)
"""Known, and nothing to us."""


def teams_of(payload: Mapping[str, Any]) -> Iterator[str]:
    """The workspaces a delivery may be meant for, the likeliest first; of most nobody reads more than that one."""
    listed = payload.get("authorizations")
    for each in listed if isinstance(listed, list) else ():
        yield from _team(each, "team_id")
    yield from _team(payload.get("view"), "app_installed_team_id")
    yield from _team(payload, "team_id")
    yield from _team(payload.get("team"), "id")
    yield from _team(payload.get("user"), "team_id")


def _team(told: object, key: str) -> tuple[str, ...]:
    id_ = told.get(key) if isinstance(told, dict) else None
    return (id_,) if isinstance(id_, str) and id_ else ()


def uninstalled(payload: Mapping[str, Any]) -> int | None:
    """When (ms) the app lost its token in that workspace; None when this says nothing of it."""
    event = payload.get("event")
    if payload.get("type") != "event_callback" or not isinstance(event, dict):
        return None
    tokens = event.get("tokens")
    revoked = event.get("type") == "tokens_revoked" and isinstance(tokens, dict) and bool(tokens.get("bot"))
    at = payload.get("event_time")
    return at * 1000 if (revoked or event.get("type") == "app_uninstalled") and isinstance(at, int) else None


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
