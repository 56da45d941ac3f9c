"""Shapes Slack sends that are not among the payloads: each ends as it should, and none in a crash.

Composed from docs.slack.dev/reference/events/message (its subtypes) and block-kit/blocks/rich-text-block.
"""

from __future__ import annotations

from typing import Any

import pytest

from channels import model
from channels.slack import parse
from channels.slack.events import decode
from channels.wire import Source
from gateway.errors import Unreadable

TEAM, BOT = "T0FLOAT01", "U0FLOATBT"
SOURCE = Source("slack", TEAM, 1795228320000)
RICH = [
    {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [
                    {"type": "user", "user_id": BOT},
                    {"type": "text", "text": " meet "},
                    {"type": "link", "url": "https://acme.example", "text": "Acme & <Co>"},
                ],
            },
            {"type": "rich_text_quote", "elements": [{"type": "text", "text": "Globex\nsaid"}]},
            {
                "type": "rich_text_list",
                "style": "bullet",
                "elements": [
                    {
                        "type": "rich_text_section",
                        "elements": [{"type": "text", "text": "one"}, {"type": "emoji", "name": "ok"}],
                    }
                ],
            },
        ],
    },
    {"type": "image", "image_url": "x"},
    None,
    {"type": "rich_text", "elements": [7, {"elements": None}]},
]


def told(**event: Any) -> tuple[model.Event, ...]:
    usual = {"type": "message", "channel": "C1", "ts": "1795228320.000100", "user": "U1"}
    authorized = [{"team_id": TEAM, "user_id": BOT, "is_bot": True}]
    payload = {"type": "event_callback", "team_id": TEAM, "event_id": "Ev1", "authorizations": authorized}
    return parse(SOURCE, {**payload, "event": {**usual, **event}})


@pytest.mark.parametrize(
    "subtype",
    [
        *("channel_join", "group_join", "channel_topic", "channel_name", "channel_archive", "channel_canvas_updated"),
        *("channel_convert_to_private", "channel_convert_to_public", "channel_posting_permissions", "document_mention"),
        *("assistant_app_thread", "huddle_thread", "sh_room_created", "ekm_access_denied", "mpdm_move", "tombstone"),
        *("bot_add", "bot_disable", "unpinned_item", "pinned_item", "reply_broadcast", "file_comment", "reminder_add"),
    ],
)
def test_what_slack_says_by_itself_is_nothing_to_us(subtype: str) -> None:
    assert told(subtype=subtype, text="<@U1> did something at 华星医疗", room={"id": "R1"}, message={}) == ()


@pytest.mark.parametrize(
    ("event", "kind", "text"),
    [
        ({"subtype": "file_share", "text": "华星", "files": [{"id": "F1", "mode": "tombstone"}]}, "unknown", "华星"),
        (
            {"subtype": "thread_broadcast", "text": "华星", "thread_ts": "1795228319.0001", "root": {"text": "x"}},
            "unknown",
            "华星",
        ),
        ({"subtype": "bot_message", "user": None, "bot_id": "B1", "username": None, "text": "华星"}, "bot", "华星"),
        ({"bot_id": "B1", "bot_profile": {"is_workflow_bot": True}, "text": "华星"}, "bot", "华星"),
        ({"user": "USLACKBOT", "text": "Reminder: 华星"}, "bot", "Reminder: 华星"),
        ({"text": "华星", "user_team": "T0OTHER", "source_team": "T0OTHER", "team": TEAM}, "outsider", "华星"),
        ({"text": "", "attachments": [{"is_share": True, "text": "华星", "fallback": "华星"}]}, "unknown", ""),
        ({"text": None, "attachments": None, "blocks": None}, "unknown", ""),
        (
            {"text": "hi", "channel": "D1", "channel_type": "im", "assistant_thread": {"action_token": "1"}},
            "unknown",
            "hi",
        ),
        ({"text": "hi", "metadata": {"event_type": "x", "event_payload": {}}}, "unknown", "hi"),
    ],
)
def test_who_said_what(event: dict[str, Any], kind: str, text: str) -> None:
    (said,) = told(**event)
    assert isinstance(said, model.Said)
    assert (said.who.kind, said.text) == (kind, text)


def test_a_message_of_blocks_alone_is_read() -> None:
    (said,) = told(text="", blocks=RICH)
    assert isinstance(said, model.Said) and said.addressed
    assert said.text == "meet Acme & <Co>\n>Globex\n>said\none:ok:"
    assert [said.text[first:last] for first, last in said.quoted] == [">Globex", ">said"]


@pytest.mark.parametrize("kind", ["reaction_added", "user_huddle_changed", "function_executed", "channel_rename"])
def test_what_nobody_asked_for_is_not_understood(kind: str) -> None:
    with pytest.raises(Unreadable):
        told(type=kind)


BY = {"team": {"id": TEAM}, "user": {"id": "U1", "username": "a", "team_id": TEAM}, "trigger_id": "1.2"}
AT = {"container": {"type": "message", "message_ts": "1.1"}, "channel": {"id": "C1", "name": "c"}}
PRESS = {"type": "button", "action_id": "0:edit", "value": "d", "action_ts": "1.1"}


@pytest.mark.parametrize(
    ("body", "kinds"),
    [
        ({"type": "block_actions", **AT, "actions": [PRESS], "message": None, "response_url": "x"}, [model.Pressed]),
        ({"type": "block_actions", **AT, "actions": [{**PRESS, "url": "https://x", "value": None}]}, [model.Pressed]),
        ({"type": "block_actions", **AT, "actions": [{"type": "overflow", "action_id": "x"}]}, []),
        (
            {"type": "block_actions", **AT, "actions": [PRESS], "container": {"app_unfurl_url": None}},
            [model.Pressed],
        ),
        ({"type": "block_actions", **AT, "actions": [PRESS], "enterprise": None, "team": None}, [model.Pressed]),
        ({"type": "shortcut", "callback_id": "help", "action_ts": "1.1"}, [model.Said]),
        ({"type": "view_closed", "view": {}, "is_cleared": True}, []),
        ({"type": "block_suggestion", "action_id": "x", "value": "a"}, None),
        ({"type": "interactive_message", "callback_id": "x", "actions": []}, None),
        ({"type": "workflow_step_edit", "callback_id": "x"}, None),
    ],
)
def test_what_is_done_with_blocks(body: dict[str, Any], kinds: Any) -> None:
    if kinds is None:
        with pytest.raises(Unreadable):
            parse(SOURCE, {**BY, **body})
    else:
        assert [type(each) for each in parse(SOURCE, {**BY, **body})] == kinds


@pytest.mark.parametrize("form", [b"ssl_check=1&token=x", b"payload=%7B%7D", b"payload=[]", b"", b"command=%2Fcard"])
def test_a_form_that_is_none_of_ours_is_not_understood(form: bytes) -> None:
    with pytest.raises(Unreadable):
        parse(SOURCE, decode(form, "application/x-www-form-urlencoded"))
