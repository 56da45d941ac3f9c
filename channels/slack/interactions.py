"""What people press, submit and call: interactivity, shortcuts and slash commands into events. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from channels import model
from channels.slack import bodies
from channels.slack.places import EPHEMERAL, link_in, page_of, room_of
from channels.slack.text import said_plainly
from channels.wire import Source, json_object, read
from gateway.errors import Unreadable

Events = tuple[model.Event, ...]
ON_MESSAGES = ("card", "why")
"""Shortcuts in a message's menu, by their callback ids: the commands they stand for."""
ANYWHERE = ("link", "help")
SLACKBOT = "USLACKBOT"
"""Reminders and notices of Slack's own, in the shape of a person's words."""
ONE_FOR_ALL = "/floatcard"
"""`/floatcard quiet 2h`, for where a workspace has another use for `/quiet`."""


def person(source: Source, id_: str, team: str, name: str = "") -> model.Sender:
    """A message does not say who is a guest, so nobody is called a member here; a room's roster does."""
    kind = "outsider" if team and team != source.scope else "unknown"
    kind = "bot" if id_ == SLACKBOT else kind
    return model.Sender(model.ImId(source.channel, source.scope, "user", id_), name, kind)  # type: ignore[arg-type]


def trigger(id_: str, room: str, thread: str = "", message: str = "") -> str:
    """Slack's trigger with where it was given: a submitted view does not say in which room it was opened."""
    return json.dumps([id_, room, thread, message], separators=(",", ":"))


def home(source: Source, metadata: Mapping[str, Any]) -> tuple[model.Place, model.MessageRef | None]:
    where = metadata.get("w")
    if not (isinstance(where, list) and len(where) == 3 and all(isinstance(part, str) for part in where)):
        raise Unreadable("private_metadata: not one of our views")
    place = model.Place(source.channel, where[0], where[1])
    return place, model.MessageRef(place, where[2]) if where[2] else None


def carried(view: bodies.View) -> dict[str, Any]:
    """What our view carries unseen: `private_metadata`, continued in block ids of the form `~0:…`, `~1:…`."""
    found = (re.fullmatch(r"~([0-9]{1,3}):(.*)", str(block.get("block_id", "")), re.DOTALL) for block in view.blocks)
    rest = sorted((int(match[1]), match[2]) for match in found if match)
    return json_object(view.private_metadata + "".join(piece for _, piece in rest))


def pressed(source: Source, payload: Mapping[str, Any]) -> Events:
    body = read(bodies.Interaction, payload)
    where, ref = _pressed_at(source, body)
    who = person(source, body.user.id, body.user.team_id, body.user.name or body.user.username)
    given = trigger(body.trigger_id, where.room, where.thread, ref.id if ref else "")
    once = f"{source.channel}:{source.scope}:block_actions:{_digest(body.trigger_id)}"
    return tuple(
        model.Pressed(
            f"{once}:{at}",
            where,
            who,
            action.action_id.partition(":")[2],
            action.value,
            bodies.millis(action.action_ts) if action.action_ts else source.at,
            ref,
            given,
        )
        for at, action in enumerate(body.actions)
        if action.type == "button" and ":" in action.action_id
    )


def _pressed_at(source: Source, body: bodies.Interaction) -> tuple[model.Place, model.MessageRef | None]:
    if body.channel is None:
        return home(source, carried(body.view) if body.view else {})
    stamp = body.container.message_ts or (body.message.ts if body.message else "")
    thread = body.container.thread_ts or (body.message.thread_ts if body.message else None) or ""
    if body.container.app_unfurl_url and stamp:
        place = link_in(source, body.channel.id, stamp, body.container.app_unfurl_url)
        return place, model.MessageRef(place, stamp)
    place = model.Place(source.channel, room_of(source, body.channel.id), thread)
    if not stamp:
        return place, None
    return place, model.MessageRef(place, f"{EPHEMERAL}{stamp}" if body.container.is_ephemeral else stamp)


def submitted(source: Source, payload: Mapping[str, Any]) -> Events:
    body = read(bodies.Interaction, payload)
    if body.view is None:
        raise Unreadable("view: missing")
    metadata = carried(body.view)
    place, ref = home(source, metadata)
    data, tokens = metadata.get("d"), metadata.get("t", {})
    if not isinstance(data, str) or not isinstance(tokens, dict):
        raise Unreadable("private_metadata: not one of our forms")
    values = _values(body.view.state)
    once = f"{source.channel}:{source.scope}:view_submission:{_digest(body.trigger_id)}"
    who = person(source, body.user.id, body.user.team_id, body.user.name or body.user.username)
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


def command(source: Source, payload: Mapping[str, Any]) -> Events:
    body = read(bodies.Command, payload)
    place = model.Place(source.channel, room_of(source, body.channel_id))
    digest = _digest(body.trigger_id)
    who = person(source, body.user_id, body.team_id, body.user_name)
    whole = f"/{body.text or 'help'}" if body.command == ONE_FOR_ALL else f"{body.command} {body.text}"
    once = f"{source.channel}:{source.scope}:slash_command:{digest}"
    ref = model.MessageRef(place, f"command:{digest}")
    given = trigger(body.trigger_id, place.room)
    return (model.Said(once, place, who, ref, whole.strip(), source.at, addressed=True, trigger=given),)


def _digest(trigger_id: str) -> str:
    # Unique per interaction, and not the trigger itself, which is never stored.
    return hashlib.sha256(trigger_id.encode()).hexdigest()[:32]


def message_action(source: Source, payload: Mapping[str, Any]) -> Events:
    """A shortcut on a message is the command, with the message's words, by whoever chose it."""
    body = read(bodies.Interaction, payload)
    if body.callback_id not in ON_MESSAGES or body.channel is None or body.message is None:
        raise Unreadable("callback_id: not a shortcut of ours")
    words = said_plainly(body.message.markup(), "")[0] if body.callback_id == "card" else ""
    place = model.Place(source.channel, room_of(source, body.channel.id), body.message.thread_ts or body.message.ts)
    return _as_command(source, body, place, f"/{body.callback_id} {' '.join(words.split())}")


def shortcut(source: Source, payload: Mapping[str, Any]) -> Events:
    """Chosen anywhere, so nowhere: the answer goes to the person's own room with the bot."""
    body = read(bodies.Interaction, payload)
    if body.callback_id not in ANYWHERE:
        raise Unreadable("callback_id: not a shortcut of ours")
    return _as_command(source, body, page_of(source, body.user.id), f"/{body.callback_id}")


def _as_command(source: Source, body: bodies.Interaction, place: model.Place, text: str) -> Events:
    digest = _digest(body.trigger_id)
    once, ref = f"{source.channel}:{source.scope}:shortcut:{digest}", model.MessageRef(place, f"command:{digest}")
    given = trigger(body.trigger_id, place.room, place.thread)
    who = person(source, body.user.id, body.user.team_id, body.user.name or body.user.username)
    return (model.Said(once, place, who, ref, text.strip(), source.at, addressed=True, trigger=given),)
