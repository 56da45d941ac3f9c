"""The web chat's calls, against a server on the loopback that checks every signature by itself."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, web
from pydantic import ValidationError

from cards import tree
from channels import model
from channels.model import ImId, MessageRef, Place
from channels.web import Channel, Config, draw
from gateway.errors import Refused, Rejected, Retry, Unreadable
from tests.channels.fake_server import Fake, Heard, mute, nobody, serving
from tests.channels.harness import NOW, inbound, make
from tests.channels.web.recipe import CONFIG, SECRET, seal

ROOM = Place("chat", "sales", "t1")
CARD = tree.Card("customer", "华星医疗", (tree.Title("华星医疗"), tree.Footer("10:32")))
LI = ImId("chat", "demo", "user", "u1")
MESSAGE = MessageRef(ROOM, "m1")


def chat(heard: Heard) -> web.StreamResponse:
    """Answers as docs/channels/web.md says, and only what is signed."""
    wanted = seal(heard.method, heard.target, heard.raw, int(heard.headers["x-floatcard-timestamp"]))
    given = heard.headers["x-floatcard-signature"]
    if not hmac.compare_digest(wanted["x-floatcard-signature"], given):
        return web.Response(status=401)
    if heard.method == "GET":
        members = [{"id": "u1", "name": "李婷", "kind": "member"}, {"id": "g1", "name": "Park", "kind": "guest"}]
        return web.json_response(
            {"title": "Sales", "kind": "group", "external": True, "complete": True, "members": members}
        )
    return web.json_response(
        {"room": "d_u1"}
        if heard.target == "/direct"
        else {"id": f"by {heard.body['once']}"}
        if (heard.target in ("/messages", "/whispers"))
        else {}
    )


@pytest.fixture
def fake() -> Fake:
    return Fake(chat)


@pytest.fixture
async def channel(fake: Fake) -> AsyncIterator[Channel]:
    async with serving(fake) as session:
        yield made(session, fake.url)


def made(session: ClientSession, url: str, **settings: Any) -> Channel:
    config = Config.model_validate({**CONFIG, "url": url, **settings})
    return Channel("chat", config, session=session, clock=lambda: NOW, wall=lambda: NOW)


async def test_a_card_is_posted_signed_and_once(channel: Channel, fake: Fake) -> None:
    assert await channel.send(ROOM, CARD, once="o1") == MessageRef(ROOM, "by o1")
    (heard,) = fake.heard
    assert (heard.method, heard.target) == ("POST", "/messages")
    assert heard.body == {"room": "sales", "thread": "t1", "card": draw(CARD), "once": "o1"}
    assert heard.headers["x-floatcard-timestamp"] == str(NOW // 1000)


async def test_a_whisper_names_the_one_who_sees_it(channel: Channel, fake: Fake) -> None:
    assert (await channel.whisper(ROOM, LI, CARD, once="o2")).id == "by o2"
    assert fake.heard[0].target == "/whispers"
    assert fake.heard[0].body["to"] == "u1"


async def test_a_card_is_repainted_and_removed(channel: Channel, fake: Fake) -> None:
    await channel.edit(MESSAGE, CARD)
    await channel.delete(MESSAGE)
    assert [(heard.method, heard.target) for heard in fake.heard] == [
        ("PUT", "/messages/m1"),
        ("DELETE", "/messages/m1"),
    ]
    assert fake.heard[0].body == {"card": draw(CARD)}
    assert fake.heard[1].raw == b""


async def test_an_id_of_any_characters_stays_one_segment(channel: Channel, fake: Fake) -> None:
    await channel.edit(MessageRef(ROOM, "a/b?c#d%é 华"), CARD)
    await channel.members(Place("chat", "r/../x"))
    assert [heard.target for heard in fake.heard] == [
        "/messages/a%2Fb%3Fc%23d%25%C3%A9%20%E5%8D%8E",
        "/rooms/r%2F..%2Fx",
    ]


async def test_who_can_read_a_room(channel: Channel) -> None:
    roster = await channel.members(ROOM)
    guest = model.Sender(ImId("chat", "demo", "user", "g1"), "Park", "guest")
    assert roster == model.Roster((model.Sender(LI, "李婷", "member"), guest), True, NOW, "Sales", "group", True)


async def test_a_list_that_does_not_say_it_is_whole_is_not(channel: Channel, fake: Fake) -> None:
    fake.will_say(200, {"members": []})
    assert not (await channel.members(ROOM)).complete


async def test_a_direct_room_and_a_form(channel: Channel, fake: Fake) -> None:
    assert await channel.direct(LI) == Place("chat", "d_u1")
    await channel.open("tr1", CARD)
    assert fake.heard[0].body == {"to": "u1"}
    assert (fake.heard[1].target, fake.heard[1].body) == ("/forms", {"trigger": "tr1", "card": draw(CARD)})


@pytest.mark.parametrize(
    ("status", "headers", "after"),
    [
        (429, {"Retry_After": "7"}, 7),
        (429, {"Retry_After": "Sat, 21 Nov 2026 02:34:10 GMT"}, 50),
        (429, {"Retry_After": "99999999"}, 3600),
        (429, {"Retry_After": "soon"}, 5),
        (429, {}, 5),
        (503, {"Retry_After": "2"}, 2),
        (500, {}, 5),
        (502, {}, 5),
        (408, {}, 5),
    ],
)
async def test_a_tired_chat_is_tried_again(
    channel: Channel, fake: Fake, status: int, headers: dict[str, str], after: float
) -> None:
    fake.will_say(status, **headers)
    with pytest.raises(Retry) as again:
        await channel.send(ROOM, CARD, once="o")
    assert again.value.after == after


@pytest.mark.parametrize("text", ["", "{", "[]", '{"id": ""}', '{"id": 7}', "<html>"])
async def test_an_answer_nobody_can_read_is_asked_for_again(channel: Channel, fake: Fake, text: str) -> None:
    fake.will_say_raw(200, text)
    with pytest.raises(Retry):
        await channel.send(ROOM, CARD, once="o")


async def test_a_chat_that_is_down_or_silent_is_tried_again() -> None:
    async with ClientSession() as session, mute() as silent:
        for url in (nobody(), silent):
            with pytest.raises(Retry):
                await made(session, url, timeout=0.2).send(ROOM, CARD, once="o")


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (404, "not there any more"),
        (410, "not there any more"),
        (401, "Check the secret"),
        (403, "Check the secret"),
        (413, "status {status}"),
        (302, "status {status}"),
    ],
)
async def test_what_a_person_must_mend_is_said(channel: Channel, fake: Fake, status: int, says: str) -> None:
    for call in (channel.edit(MESSAGE, CARD), channel.delete(MESSAGE), channel.send(ROOM, CARD, once="o")):
        fake.will_say(status, Location="/elsewhere")
        with pytest.raises(Refused) as refused:
            await call
        assert says in refused.value.say
        assert refused.value.facts.get("status", status) == status
    assert len(fake.heard) == 3, "a redirect is not followed: the signature is for this address"


async def test_a_late_form_says_press_again(channel: Channel, fake: Fake) -> None:
    for status in (404, 409, 410):
        fake.will_say(status)
        with pytest.raises(Refused, match="Press the button again"):
            await channel.open("tr1", CARD)


ANSWERS: list[tuple[model.Answer, dict[str, Any]]] = [
    (model.Toast("Saved\u202e.", "info"), {"kind": "toast", "text": "Saved.", "tone": "info"}),
    (model.ShowCard(CARD), {"kind": "card", "card": draw(CARD)}),
    (model.OpenForm(CARD), {"kind": "form", "card": draw(CARD)}),
    (model.FieldErrors({"phone": "No\x00t a number"}), {"kind": "errors", "errors": {"phone": "Not a number"}}),
    (model.Nothing(), {"kind": "nothing"}),
]


@pytest.mark.parametrize(("answer", "worded"), ANSWERS, ids=lambda each: type(each).__name__)
def test_every_answer_is_worded(answer: model.Answer, worded: dict[str, Any]) -> None:
    where = Place("chat", "r")
    pressed = model.Pressed("o", where, model.Sender(LI, "", "member"), "edit", "d", 0)
    reply = make("web").answer(pressed, answer)
    assert json.loads(reply.body) == {"answer": worded}
    assert reply.headers["content-type"].startswith("application/json")


def test_an_answer_nobody_taught_it_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="int"):
        make("web").answer(None, 7)


def test_a_block_is_its_name_and_its_fields() -> None:
    badge, button = tree.Badge("VIP", "info"), tree.Button("Edit", "edit", "v1.d", "primary")
    blocks = (tree.Title("T", (badge,), "https://crm.example/1"), tree.OpenItem("o"), tree.Actions((button,)))
    drawn = draw(tree.Card("customer", "s", blocks, "warning", "zh-CN"))
    title, item, actions = drawn.pop("blocks")
    assert drawn == {"name": "customer", "summary": "s", "tone": "warning", "locale": "zh-CN"}
    assert title == {
        "type": "title",
        "text": "T",
        "badges": [{"text": "VIP", "tone": "info"}],
        "url": "https://crm.example/1",
    }
    assert item["type"] == "open_item" and item["overdue"] is False
    assert actions["buttons"] == [{"label": "Edit", "action": "edit", "data": "v1.d", "style": "primary"}]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//x", "https://", "http://a b", "ftp://a/"]
)
def test_only_web_addresses_are_links(url: str) -> None:
    title, link = draw(tree.Card("c", "s", (tree.Title("t", (), url), tree.Link("l", url))))["blocks"]
    assert title["url"] == link["url"] == ""


def test_a_forms_values_come_back_as_they_were() -> None:
    value = "a\u202eb" + "x" * 20_000
    field = tree.FormField("f", "F", value, "choice", (value, "b"), token="v1.t")
    (form,) = draw(tree.Card("c", "s", (tree.Form("v1.d", (field,), "Save"),)))["blocks"]
    assert form["fields"][0]["value"] == value
    assert form["fields"][0]["options"] == [value, "b"]


async def test_another_workspace_is_not_ours() -> None:
    who = {"id": "u1", "kind": "member"}
    body = {"type": "joined", "id": "e", "scope": "other", "room": "r", "at": 1, "who": who}
    with pytest.raises(Unreadable, match="scope"):
        await make("web").receive(inbound("web", json.dumps(body).encode(), "application/json"))


async def test_a_signature_is_for_one_method_path_and_query() -> None:
    good = inbound("web", b'{"type":"joined"}', "application/json")
    for method, url in (("PUT", good.url), ("POST", good.url + "x"), ("POST", good.url + "?a=1")):
        with pytest.raises(Rejected, match="does not match"):
            await make("web").receive(model.Inbound(method, url, good.headers, good.body))


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://x"},
        {"url": "chat"},
        {"url": "http://u:p@x/"},
        {"url": "http://x/?a=1"},
        {"secret": "short"},
        {"colour": "red"},
        {"scope": ""},
        {"timeout": 0},
    ],
)
def test_a_wrong_setting_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({**CONFIG, **wrong})


def test_the_secret_is_not_shown() -> None:
    assert SECRET not in repr(Config.model_validate(CONFIG))


def test_it_does_what_it_claims() -> None:
    channel = make("web")
    claims = (model.Edits, model.Deletes, model.Whispers, model.Members, model.Directs, model.Forms, model.Answers)
    assert all(isinstance(channel, claim) for claim in claims)
    assert not isinstance(channel, model.Listens)


@pytest.mark.parametrize(
    ("status", "body", "room", "house"),
    [
        (200, {"complete": True}, {"hear": "yes", "speak": "yes", "members": "yes"}, {"connect": "yes", "edit": "yes"}),
        (200, {"complete": False}, {"hear": "yes", "members": "partly"}, {"connect": "yes"}),
        (404, {}, {"hear": "no"}, {"connect": "yes", "whisper": "yes"}),
        (401, {}, {"hear": "no"}, {"connect": "no"}),
    ],
)
async def test_the_doctor_asks_the_chat(
    status: int, body: dict[str, Any], room: dict[str, str], house: dict[str, str]
) -> None:
    fake = Fake(lambda _: web.json_response(body, status=status))
    async with serving(fake) as session:
        for place, expected in ((ROOM, room), (None, house)):
            found = {each.what: each.able for each in await made(session, fake.url).examine(place)}
            assert expected.items() <= found.items()
