"""Another reads what we read: python-telegram-bot's own parser, over every payload."""

from __future__ import annotations

from typing import Any

import pytest
from telegram import Message, Update

from channels.model import Edited, Event, Joined, Left, Moved, Pressed, Said
from channels.telegram.events import SKIPPED, WANTED
from channels.wire import Source
from tests.channels.harness import NOW, Payload, payloads
from tests.channels.telegram.recipe import BOT, CONFIG

EVERY = payloads("telegram")


def events(payload: Payload) -> tuple[Update, tuple[Event, ...]]:
    from channels.telegram import parse

    body = payload.data["request"]["json"]
    return Update.de_json(body), parse(Source("telegram", str(BOT), NOW), body, CONFIG["username"])


@pytest.mark.parametrize("payload", EVERY, ids=str)
def test_the_library_means_the_same(payload: Payload) -> None:
    update, found = events(payload)
    for event in found:
        assert update.effective_chat is not None
        if not isinstance(event, Moved):
            assert event.where.room == str(update.effective_chat.id)
        judged: dict[type, Any] = {Said: said, Edited: said, Pressed: pressed, Joined: membership, Left: membership}
        judged.get(type(event), moved)(update, event)


def said(update: Update, event: Said | Edited) -> None:
    message = update.effective_message
    assert message is not None
    assert event.message.id == str(message.message_id)
    assert event.where.thread == (str(message.message_thread_id) if message.is_topic_message else "")
    assert (message.text or message.caption or "").endswith(event.text)
    assert event.at == int((message.edit_date or message.date).timestamp()) * 1000
    speaker = message.sender_chat or message.from_user
    assert speaker is not None and event.who.id.id == str(speaker.id)
    for first, last in event.quoted if message.forward_origin is None and message.via_bot is None else ():
        entity = next(each for each in message.entities if each.type == "blockquote")
        assert event.text[first:last] == message.parse_entity(entity)


def pressed(update: Update, event: Pressed) -> None:
    query = update.callback_query
    assert query is not None and query.message is not None and event.message is not None
    assert (event.trigger, event.who.id.id) == (query.id, str(query.from_user.id))
    assert f"{event.action}:{event.data}" == query.data
    assert event.message.id == str(query.message.message_id)


def membership(update: Update, event: Joined | Left) -> None:
    change = update.chat_member or update.my_chat_member
    if change is not None:
        assert event.who.id.id == str(change.new_chat_member.user.id)
        assert event.at == int(change.date.timestamp()) * 1000
        return
    message = update.message
    assert message is not None
    people = [*message.new_chat_members, *([message.left_chat_member] if message.left_chat_member else [])]
    assert event.who.id.id in {str(user.id) for user in people}


def moved(update: Update, event: Moved) -> None:
    message = update.message
    assert isinstance(message, Message)
    told = {message.chat.id, message.migrate_to_chat_id, message.migrate_from_chat_id} - {None}
    assert {event.where.room, event.to.room} == {str(each) for each in told}


def test_every_kind_the_library_knows_is_wanted_or_skipped() -> None:
    assert set(Update.ALL_TYPES) == {*WANTED, *SKIPPED}
