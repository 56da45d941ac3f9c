"""Shapes Telegram sends that are not among the payloads: each ends as it should, and none in a crash.

Composed from core.telegram.org/bots/api (Message, ChatMemberUpdated, MessageOrigin, InaccessibleMessage).
"""

from __future__ import annotations

from typing import Any

import pytest

from channels import model
from channels.telegram import parse
from channels.wire import Source
from gateway.errors import Unreadable

BOT = {"id": 700, "is_bot": True, "first_name": "Float"}
SOURCE = Source("telegram", "700", 1795228320000)
CHAT = {"id": -1001, "type": "supergroup", "title": "Sales"}
NEWS = {"id": -1002, "type": "channel", "title": "News"}
ANN = {"id": 5, "is_bot": False, "first_name": "Ann"}
HEAD = {"message_id": 1, "date": 1795228320, "chat": CHAT, "from": ANN}
WHOLE = ((0, 2),)


def told(**update: Any) -> tuple[model.Event, ...]:
    return parse(SOURCE, {"update_id": 1, **update}, "FloatBot")


@pytest.mark.parametrize(
    "service",
    [
        *("forum_topic_created", "forum_topic_closed", "forum_topic_edited", "general_forum_topic_hidden", "poll"),
        *(
            "video_chat_started",
            "message_auto_delete_timer_changed",
            "users_shared",
            "web_app_data",
            "giveaway_created",
        ),
        *(
            "pinned_message",
            "boost_added",
            "checklist",
            "gift",
            "suggested_post_approved",
            "story",
            "write_access_allowed",
        ),
    ],
)
def test_what_holds_no_words_is_nothing_to_us(service: str) -> None:
    assert told(message={**HEAD, service: {"name": "华星", "question": "华星?"}}) == ()


@pytest.mark.parametrize(
    "update",
    [
        {"channel_post": {"message_id": 1, "date": 1, "chat": NEWS, "text": "华星"}},
        {"edited_channel_post": {"message_id": 1, "date": 1, "chat": NEWS, "sender_chat": NEWS, "text": "华星"}},
        {"business_message": {**HEAD, "business_connection_id": "b", "text": "华星"}},
        {
            "message_reaction": {
                "chat": CHAT,
                "message_id": 1,
                "user": ANN,
                "date": 1,
                "old_reaction": [],
                "new_reaction": [],
            }
        },
        {"poll": {"id": "1", "question": "华星?", "options": []}},
        {"chat_join_request": {"chat": CHAT, "from": ANN, "user_chat_id": 5, "date": 1}},
        {"message": {**HEAD, "chat": {**CHAT, "is_direct_messages": True}, "text": "华星"}},
    ],
)
def test_what_is_said_elsewhere_is_nothing_to_us(update: dict[str, Any]) -> None:
    assert told(**update) == ()


@pytest.mark.parametrize(
    ("more", "kind", "quoted"),
    [
        ({"from": {"id": 1087968824, "is_bot": True, "first_name": "Group"}, "sender_chat": CHAT}, "outsider", ()),
        (
            {
                "sender_chat": NEWS,
                "is_automatic_forward": True,
                "forward_origin": {"type": "channel", "chat": NEWS, "message_id": 4, "date": 1},
            },
            "outsider",
            WHOLE,
        ),
        ({"forward_origin": {"type": "hidden_user", "sender_user_name": "X", "date": 1}}, "account", WHOLE),
        ({"forward_origin": {"type": "user", "sender_user": ANN, "date": 1}}, "account", WHOLE),
        ({"forward_origin": {"type": "chat", "sender_chat": CHAT, "date": 1}}, "account", WHOLE),
        ({"via_bot": {"id": 9, "is_bot": True, "first_name": "gif"}}, "account", WHOLE),
        (
            {
                "reply_to_message": {"message_id": 2, "date": 1, "chat": CHAT, "text": "青岚"},
                "quote": {"text": "青岚", "position": 0},
            },
            "account",
            (),
        ),
        ({"external_reply": {"origin": {"type": "user", "sender_user": ANN, "date": 1}}}, "account", ()),
        ({"reply_to_story": {"chat": CHAT, "id": 3}}, "account", ()),
        ({"entities": [{"type": "custom_emoji", "offset": 0, "length": 1, "custom_emoji_id": "1"}]}, "account", ()),
    ],
)
def test_who_said_it_and_whose_words_they_are(more: dict[str, Any], kind: str, quoted: Any) -> None:
    (said,) = told(message={**HEAD, "text": "华星", **more})
    assert isinstance(said, model.Said)
    assert (said.who.kind, said.text, said.quoted) == (kind, "华星", quoted)


@pytest.mark.parametrize(
    ("chat", "was", "now", "event"),
    [
        (CHAT, {"status": "member"}, {"status": "kicked", "until_date": 0}, model.Left),
        (CHAT, {"status": "member"}, {"status": "restricted", "is_member": True, "can_send_messages": False}, None),
        (CHAT, {"status": "member"}, {"status": "restricted", "is_member": False}, model.Left),
        (CHAT, {"status": "kicked"}, {"status": "administrator"}, model.Joined),
        (NEWS, {"status": "left"}, {"status": "administrator"}, None),
        ({"id": 5, "type": "private"}, {"status": "member"}, {"status": "kicked"}, None),
    ],
)
def test_what_becomes_of_the_bot_itself(chat: Any, was: Any, now: Any, event: Any) -> None:
    change = {"old_chat_member": {"user": BOT, **was}, "new_chat_member": {"user": BOT, **now}}
    found = told(my_chat_member={"chat": chat, "from": ANN, "date": 1, **change})
    assert [type(each) for each in found] == ([event] if event else [])
    assert all(each.ourselves for each in found if isinstance(each, model.Joined | model.Left))


def test_a_button_under_a_message_that_is_too_old_to_be_told_is_pressed() -> None:
    old = {"chat": CHAT, "message_id": 1, "date": 0}
    (pressed,) = told(callback_query={"id": "1", "from": ANN, "message": old, "chat_instance": "1", "data": "name"})
    assert isinstance(pressed, model.Pressed) and pressed.message is not None


@pytest.mark.parametrize("more", [{"inline_message_id": "x", "data": "d"}, {"message": HEAD, "game_short_name": "g"}])
def test_a_button_that_is_none_of_ours_is_not_understood(more: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        told(callback_query={"id": "1", "from": ANN, "chat_instance": "1", **more})


@pytest.mark.parametrize(
    "more",
    [
        {"entities": [{"type": "date_time", "offset": 0, "length": 2, "unix_time": 1}]},
        {"is_paid_post": True, "paid_star_count": 5, "effect_id": "1"},
        {"reply_to_message": {"message_id": 2, "date": 0, "chat": CHAT}},
        {"link_preview_options": {"is_disabled": True}, "sender_boost_count": 1},
        {"sender_business_bot": {"id": 9, "is_bot": True, "first_name": "b"}},
        {"message_id": 0},
        {"direct_messages_topic": {"topic_id": 1}, "reply_to_checklist_task_id": 1},
        {"is_from_offline": True, "media_group_id": "1", "message_thread_id": 7},
    ],
)
def test_what_stands_beside_the_words_does_not_matter(more: dict[str, Any]) -> None:
    (said,) = told(message={**HEAD, "text": "华星", **more})
    assert isinstance(said, model.Said) and (said.text, said.where.thread, said.quoted) == ("华星", "", ())


@pytest.mark.parametrize(
    "beside", [{"via_join_request": True}, {"via_chat_folder_invite_link": True}, {"invite_link": {"invite_link": "x"}}]
)
def test_however_somebody_came_they_came(beside: dict[str, Any]) -> None:
    was, now = {"user": ANN, "status": "left"}, {"user": ANN, "status": "member", "until_date": 0, "tag": "x"}
    change = {"chat": CHAT, "from": ANN, "date": 1, "old_chat_member": was, "new_chat_member": now}
    assert [type(each) for each in told(chat_member={**change, **beside})] == [model.Joined]
