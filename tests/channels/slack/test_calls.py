"""Slack's Web API through slack_sdk, against a server on the loopback that answers as the vendor's pages say."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession, web
from pydantic import ValidationError

from cards import tree
from channels import model
from channels.doctor import Doctor
from channels.keeper import Keeps
from channels.model import ImId, MessageRef, Place
from channels.slack import Channel, Config, draw
from channels.slack.interactions import trigger
from gateway.errors import Refused, Retry
from tests.channels.fake_server import Fake, Heard, mute, nobody, serving
from tests.channels.harness import NOW, make
from tests.channels.slack.recipe import CONFIG

ROOM = Place("slack", "C0SALES01", "1795228320.000200")
ANN = ImId("slack", "T0FLOAT01", "user", "U0ANN0001")
CARD = tree.Card("customer", "华星 <!channel> & co", (tree.Title("华星医疗"), tree.Footer("10:32")))
FORM = tree.Card("edit_form", "s", (tree.Title("Edit"), tree.Form("v1.f", (tree.FormField("a", "A"),), "Save")))

PEOPLE: dict[str, dict[str, Any]] = {
    "U1": {"team_id": "T0FLOAT01", "profile": {"display_name": "ann"}},
    "U2": {"team_id": "T0FLOAT01", "is_restricted": True, "real_name": "Guest"},
    "U3": {"team_id": "T0FLOAT01", "is_ultra_restricted": True, "name": "one-room"},
    "U4": {"team_id": "T9OTHER01", "is_stranger": True},
    "U5": {"team_id": "T9OTHER01"},
    "U6": {"team_id": "T0FLOAT01", "is_bot": True},
    "U7": {"team_id": "E0GRID001", "enterprise_user": {"teams": ["T1", "T0FLOAT01"]}},
    "USLACKBOT": {"team_id": "T0FLOAT01"},
}
KINDS = ["member", "guest", "guest", "outsider", "outsider", "bot", "member", "bot"]


def slack(heard: Heard) -> web.StreamResponse:
    method = urlsplit(heard.target).path.removeprefix("/api/")
    form = heard.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    asked = {key: each[0] for key, each in parse_qs(heard.raw.decode()).items()} if form else {}
    return web.json_response({"ok": True} | answers(method, asked))


def answers(method: str, asked: dict[str, str]) -> dict[str, Any]:
    if method == "conversations.members":
        ids, later = [*PEOPLE, "U0FLOAT01"], asked.get("cursor") == "page2"
        more = "" if later else "page2"
        return {"members": ids[4:] if later else ids[:4], "response_metadata": {"next_cursor": more}}
    if method == "conversations.info":
        return {"channel": {"id": "C", "name": "sales", "is_channel": True, "is_private": True, "is_ext_shared": True}}
    if method == "users.info":
        return {"user": {"id": asked["user"], **PEOPLE[asked["user"]]}}
    if method == "auth.test":
        return {"user_id": "U0FLOAT01"}
    if method == "conversations.open":
        return {"channel": {"id": "D0ANN0001"}}
    return {"chat.postMessage": {"ts": "1.5"}, "chat.postEphemeral": {"message_ts": "2.5"}}.get(method, {})


@pytest.fixture
def fake() -> Fake:
    return Fake(slack)


@pytest.fixture
async def channel(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Channel]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with serving(fake) as session:
        yield made(session, f"{fake.url}/api")


def made(session: ClientSession, url: str, **settings: Any) -> Channel:
    config = Config.model_validate({**CONFIG, "base_url": url, **settings})
    return Channel("slack", config, session=session, clock=lambda: NOW, wall=lambda: NOW)


async def test_a_card_is_posted_into_the_messages_thread_and_calls_nobody(channel: Channel, fake: Fake) -> None:
    assert await channel.send(ROOM, CARD, once="o") == MessageRef(ROOM, "1.5")
    (heard,) = fake.heard
    assert (heard.method, heard.target) == ("POST", "/api/chat.postMessage")
    assert heard.headers["authorization"] == f"Bearer {CONFIG['bot_token']}"
    assert (heard.body["channel"], heard.body["thread_ts"]) == ("C0SALES01", "1795228320.000200")
    assert heard.body["text"] == "华星 &lt;!channel&gt; &amp; co"
    assert heard.body["blocks"] == draw(CARD)["blocks"]
    quiet = {"parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False, "mrkdwn": False}
    assert quiet.items() <= heard.body.items()


async def test_in_a_direct_room_there_is_no_thread(channel: Channel, fake: Fake) -> None:
    await channel.send(Place("slack", "D0ANN0001"), CARD, once="o")
    assert "thread_ts" not in fake.heard[0].body


async def test_a_card_is_repainted_and_removed(channel: Channel, fake: Fake) -> None:
    ref = MessageRef(ROOM, "1.5")
    await channel.edit(ref, CARD)
    await channel.delete(ref)
    assert [heard.target for heard in fake.heard] == ["/api/chat.update", "/api/chat.delete"]
    assert all((heard.body["channel"], heard.body["ts"]) == ("C0SALES01", "1.5") for heard in fake.heard)


async def test_a_whisper_is_ephemeral_and_cannot_be_changed(channel: Channel, fake: Fake) -> None:
    ref = await channel.whisper(ROOM, ANN, CARD, once="o")
    assert fake.heard[0].target == "/api/chat.postEphemeral"
    assert fake.heard[0].body["user"] == "U0ANN0001"
    for call in (channel.edit(ref, CARD), channel.delete(ref)):
        with pytest.raises(Refused, match="whisper"):
            await call
    assert len(fake.heard) == 1


async def test_a_direct_room(channel: Channel, fake: Fake) -> None:
    assert await channel.direct(ANN) == Place("slack", "D0ANN0001")
    assert fake.heard[0].body == {"users": "U0ANN0001"}


async def test_a_form_opens_as_a_modal_that_knows_its_place(channel: Channel, fake: Fake) -> None:
    await channel.open(trigger("tr.1", "C0SALES01", "1.0", "1.5"), FORM)
    body = fake.heard[0].body
    assert fake.heard[0].target == "/api/views.open"
    assert body["trigger_id"] == "tr.1"
    assert json.loads(body["view"]["private_metadata"])["w"] == ["C0SALES01", "1.0", "1.5"]


async def test_who_can_read_a_room_over_all_pages(channel: Channel) -> None:
    roster = await channel.members(ROOM)
    assert [who.kind for who in roster.members] == KINDS
    assert [who.id.id for who in roster.members] == list(PEOPLE)
    assert [who.name for who in roster.members][:3] == ["ann", "Guest", "one-room"]
    assert (roster.complete, roster.title, roster.kind, roster.external) == (True, "sales", "group", True)


async def test_people_are_asked_about_once_in_five_minutes(fake: Fake) -> None:
    now = NOW
    async with serving(fake) as session:
        config = Config.model_validate({**CONFIG, "base_url": f"{fake.url}/api"})
        channel = Channel("slack", config, session=session, clock=lambda: now)
        for minutes, asked in ((0, 8), (5, 8), (6, 16)):
            now = NOW + minutes * 60_000
            await channel.members(ROOM)
            assert sum("users.info" in heard.target for heard in fake.heard) == asked


async def test_beyond_the_look_ups_nobody_is_taken_for_a_member(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.slack.members.LOOKUPS", 2)
    kinds = [who.kind for who in (await channel.members(ROOM)).members]
    assert kinds == ["member", "guest", *["unknown"] * 6]


@pytest.mark.parametrize(
    ("room", "kind"),
    [
        ({"is_im": True}, "direct"),
        ({"is_channel": True}, "public"),
        ({"is_channel": True, "is_private": True}, "group"),
        ({"is_mpim": True}, "group"),
        ({}, "group"),
    ],
)
async def test_kinds_of_rooms(channel: Channel, fake: Fake, room: dict[str, Any], kind: str) -> None:
    fake.will_say(200, {"ok": True, "channel": room})
    assert (await channel.members(ROOM)).kind == kind


@pytest.mark.parametrize(
    ("status", "body", "headers", "after"),
    [
        (429, {"ok": False, "error": "ratelimited"}, {"Retry_After": "30"}, 30),
        (429, {}, {}, 5),
        (200, {"ok": False, "error": "ratelimited"}, {}, 5),
        (500, {}, {}, 5),
        (503, {"ok": False, "error": "service_unavailable"}, {}, 5),
        (200, {"ok": False, "error": "internal_error"}, {}, 5),
        (200, {}, {}, 5),
    ],
)
async def test_a_tired_slack_is_tried_again(
    channel: Channel, fake: Fake, status: int, body: dict[str, Any], headers: dict[str, str], after: float
) -> None:
    fake.will_say(status, body, **headers)
    with pytest.raises(Retry) as again:
        await channel.send(ROOM, CARD, once="o")
    assert again.value.after == after
    assert len(fake.heard) == 1, "trying again is the bus's business"


@pytest.mark.parametrize("status", [200, 502])
async def test_an_answer_that_is_a_page_is_asked_for_again(channel: Channel, fake: Fake, status: int) -> None:
    fake.will_say_raw(status, "<html>gateway</html>")
    with pytest.raises(Retry):
        await channel.send(ROOM, CARD, once="o")


async def test_a_slack_that_is_down_or_silent_is_tried_again() -> None:
    async with ClientSession() as session, mute() as silent:
        for url in (nobody(), silent):
            with pytest.raises(Retry):
                await made(session, url, timeout=0.2).send(ROOM, CARD, once="o")


async def test_a_broken_connection_is_the_buss_business_too(channel: Channel, fake: Fake) -> None:
    fake.drops = True
    with pytest.raises(Retry):
        await channel.send(ROOM, CARD, once="o")
    assert len(fake.heard) == 1


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("token_revoked", "Install the app again"),
        ("not_in_channel", "the bot is not in it"),
        ("message_not_found", "message is not there"),
        ("expired_trigger_id", "Press the button again"),
        ("user_not_in_channel", "not in the room"),
        ("missing_scope", "lacks the scope {scope}"),
        ("brand_new", "Slack refused this: {reason}."),
    ],
)
async def test_what_a_person_must_mend_is_said(channel: Channel, fake: Fake, error: str, says: str) -> None:
    fake.will_say(200, {"ok": False, "error": error, "needed": "users:read"})
    with pytest.raises(Refused) as refused:
        await channel.send(ROOM, CARD, once="o")
    assert says in refused.value.say
    assert refused.value.facts in ({"reason": error}, {"scope": "users:read"})


async def test_neither_tokens_nor_cards_reach_the_log(
    channel: Channel, fake: Fake, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await channel.send(ROOM, CARD, once="o")
    fake.will_say(200, {"ok": False, "error": "brand_new", "message": "华星医疗"})
    with pytest.raises(Refused) as refused:
        await channel.send(ROOM, CARD, once="o")
    logged = caplog.text + repr(refused.value.__cause__)
    assert "华星" not in logged
    assert str(CONFIG["bot_token"]) not in logged


@pytest.mark.parametrize(
    "wrong", [{"team": "acme"}, {"bot_token": ""}, {"signing_secret": ""}, {"base_url": "slack.com"}, {"colour": 1}]
)
def test_a_wrong_setting_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({**CONFIG, **wrong})


def test_it_does_what_it_claims() -> None:
    claims = (model.Edits, model.Deletes, model.Whispers, model.Members, model.Directs, model.Forms, model.Answers)
    more = (model.Holds, model.Listens, model.Pages, Keeps, Doctor)
    assert all(isinstance(make("slack"), claim) for claim in (*claims, *more))
