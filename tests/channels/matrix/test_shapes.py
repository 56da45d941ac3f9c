"""Shapes Matrix sends that are not among the payloads: each ends as it should, and none in a crash.

Composed from spec.matrix.org/latest/client-server-api (events) and the clients' own kinds.
"""

from __future__ import annotations

from typing import Any

import pytest

from channels import model
from channels.matrix import parse
from channels.wire import Source
from gateway.errors import Unreadable

SOURCE = Source("matrix", "example.org", 1795228320000)
ANN, BOT = "@ann:example.org", "@floatcard:example.org"
WORDS = {"msgtype": "m.text", "body": "华星"}


def told(type_: str, content: dict[str, Any], original: Any = None, **more: Any) -> tuple[model.Event, ...]:
    event = {"type": type_, "event_id": "$e1", "sender": ANN, "origin_server_ts": 1, "content": content, **more}
    about = more.get("state_key") if type_ == "m.room.member" else ANN
    who = {"id": about, "name": "Ann", "kind": "member"}
    heard = {"room_id": "!r:example.org", "bot": {"id": BOT, "names": ["float"]}, "who": who, "event": event}
    return parse(SOURCE, heard if original is None else {**heard, "original": original})


def message(relates: dict[str, Any] | None = None, original: Any = None, **more: Any) -> tuple[model.Event, ...]:
    return told("m.room.message", {**WORDS, **more, **({"m.relates_to": relates} if relates else {})}, original)


@pytest.mark.parametrize(
    "kind",
    [
        *("m.room.encrypted", "m.sticker", "m.reaction", "m.poll.start", "m.poll.end", "m.room.tombstone"),
        *("m.space.child", "m.space.parent", "m.beacon_info", "m.room.third_party_invite", "m.room.server_acl"),
        *("org.matrix.msc3381.poll.start", "org.matrix.msc3401.call.member", "im.vector.modular.widgets", "m.bridge"),
    ],
)
def test_what_holds_no_words_is_nothing_to_us(kind: str) -> None:
    assert told(kind, {"body": "华星", "replacement_room": "!n:example.org"}, state_key="") == ()


@pytest.mark.parametrize("kind", ["m.message", "m.room.hologram", "hologram", ""])
def test_what_the_protocol_has_next_year_is_not_understood(kind: str) -> None:
    with pytest.raises(Unreadable):
        told(kind, {"m.text": [{"body": "华星"}]})


@pytest.mark.parametrize(
    ("more", "kind", "text"),
    [
        ({"msgtype": "m.notice"}, "bot", "华星"),
        ({"m.mentions": {"room": True}, "body": "@room 华星"}, "member", "@room 华星"),
        ({"com.beeper.per_message_profile": {"id": "x", "displayname": "Boss"}}, "member", "华星"),
        ({"msgtype": "dm.filament.gallery"}, "member", "华星"),
        ({"relates": {"rel_type": "m.reference", "event_id": "$r"}}, "member", "华星"),
        ({"relates": {"rel_type": "m.thread", "event_id": "$r"}}, "member", "华星"),
        ({"relates": {"rel_type": "m.annotation", "event_id": "$r", "key": "x"}}, "member", "华星"),
        ({"relates": {"rel_type": None, "event_id": None, "m.in_reply_to": {}}}, "member", "华星"),
        ({"m.mentions": {"user_ids": None}}, "member", "华星"),
        ({"m.mentions": {"user_ids": [7, BOT]}}, "member", "华星"),
        ({"msgtype": "m.file", "filename": "a.pdf", "file": {"url": "mxc://x/y"}, "info": None}, "member", "华星"),
        ({"filename": 7, "format": "org.matrix.custom.html", "formatted_body": None}, "member", "华星"),
        ({"org.matrix.msc1767.text": "x", "m.new_content": None}, "member", "华星"),
    ],
)
def test_who_said_what(more: dict[str, Any], kind: str, text: str) -> None:
    (said,) = message(**more)
    assert isinstance(said, model.Said)
    assert (said.who.kind, said.text) == (kind, text)


@pytest.mark.parametrize("more", [{"msgtype": "m.audio", "org.matrix.msc3245.voice": {}}, {"msgtype": "m.location"}])
def test_a_voice_and_a_place_say_nothing(more: dict[str, Any]) -> None:
    assert message(**more) == ()


def test_what_a_reply_repeats_is_not_said_again() -> None:
    html = "<mx-reply><blockquote>青岚</blockquote></mx-reply>华星"
    body = {"body": "> <@bob:example.org> 青岚\n> 北陌\n\n华星", "formatted_body": html}
    other = {"sender": "@bob:example.org", "content": {**WORDS, "body": "青岚"}, "latest": {}}
    (said,) = message({"m.in_reply_to": {"event_id": "$q"}}, other, **body)
    assert isinstance(said, model.Said) and said.text == "华星"


def test_an_edit_of_an_edit_and_one_without_words_change_nothing() -> None:
    relates = {"rel_type": "m.replace", "event_id": "$e0"}
    edit = {"sender": ANN, "content": {**WORDS, "m.relates_to": {**relates, "event_id": "$e9"}}, "latest": {}}
    assert message(relates, edit, **{"m.new_content": WORDS}) == ()
    assert message(relates, {"sender": ANN, "content": WORDS, "latest": {}}) == ()


def test_an_edit_may_make_words_of_a_picture() -> None:
    new = {"msgtype": "m.image", "body": "华星", "filename": "a.png", "url": "mxc://x/y"}
    relates = {"rel_type": "m.replace", "event_id": "$e0"}
    (edited,) = message(relates, {"sender": ANN, "content": WORDS, "latest": {}}, **{"m.new_content": new})
    assert isinstance(edited, model.Edited) and edited.text == "华星"


@pytest.mark.parametrize("more", [{"content": {"redacts": "$x", "reason": None}}, {"content": {}, "redacts": "$x"}])
def test_a_redaction_names_what_it_takes_in_either_place(more: dict[str, Any]) -> None:
    (gone,) = told("m.room.redaction", **more)
    assert isinstance(gone, model.Deleted) and gone.message.id == "$x"


def test_who_comes_by_another_rooms_membership_came() -> None:
    by = {"membership": "join", "displayname": None, "join_authorised_via_users_server": ANN, "reason": "x"}
    (came,) = told("m.room.member", by, state_key="@eve:example.org")
    assert isinstance(came, model.Joined)


@pytest.mark.parametrize("membership", ["invite", "knock"])
def test_who_is_not_in_yet_is_nobody(membership: str) -> None:
    assert told("m.room.member", {"membership": membership}, state_key="@eve:example.org") == ()
