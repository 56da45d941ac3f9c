from __future__ import annotations

from typing import Any

import pytest

from gateway.chat.wire import SIGNATURE, dumps, signed
from tests.gateway.chat import sample_cards as cards
from tests.gateway.chat.house import SECRET, House, Person, until

CARD = cards.card("notice", "s", cards.block("text", text="hello", tone="neutral"))


async def test_the_same_once_is_the_same_message(house: House) -> None:
    body = {"room": "r_east", "thread": "", "card": CARD, "once": "o1"}
    first = await house.gateway.call("POST", "/messages", body)
    again = await house.gateway.call("POST", "/messages", body)
    other = await house.gateway.call("POST", "/messages", {**body, "once": "o2"})
    assert first["id"] == again["id"] != other["id"]
    assert [entry["id"] for entry in await Person(house, "u_liting").read("r_east")] == [first["id"], other["id"]]


async def test_a_repaint_leaves_nothing_of_the_old_card(house: House) -> None:
    id = await house.gateway.post("r_east", cards.card("x", "secret", cards.block("text", text="secret")), "o")
    answer = await house.gateway.call("PUT", f"/messages/{id}", {"card": CARD})
    assert answer["status"] == 200
    (entry,) = await Person(house, "u_liting").read("r_east")
    assert entry["card"] == CARD
    stored = house.chat._store._path
    rows = await house.chat._store.run(lambda tx: tx._c.exec_driver_sql("SELECT * FROM chat_feed").all())
    assert stored
    assert "secret" not in repr(rows)


async def test_a_removed_card_is_gone(house: House) -> None:
    id = await house.gateway.post("r_east", CARD, "o")
    assert (await house.gateway.call("DELETE", f"/messages/{id}"))["status"] == 200
    assert await Person(house, "u_liting").read("r_east") == []
    for method, body in (("PUT", {"card": CARD}), ("DELETE", None)):
        answer = await house.gateway.call(method, f"/messages/{id}", body)
        assert (answer["status"], answer["error"]["code"]) == (404, "unknown_message")


async def test_a_persons_words_are_not_the_gateways_to_change(house: House) -> None:
    said = await Person(house, "u_liting").say("r_east", "mine")
    assert (await house.gateway.call("PUT", f"/messages/{said['id']}", {"card": CARD}))["status"] == 404
    assert (await house.gateway.call("DELETE", f"/messages/{said['id']}"))["status"] == 404


async def test_a_whisper_is_for_one_person_in_the_room(house: House) -> None:
    body = {"room": "r_east", "thread": "", "to": "u_liting", "card": CARD, "once": "w"}
    answer = await house.gateway.call("POST", "/whispers", body)
    (seen,) = await Person(house, "u_liting").read("r_east")
    assert (seen["id"], seen["whisper"]) == (answer["id"], True)
    assert await Person(house, "u_chenwei").read("r_east") == []
    pressed = await Person(house, "u_chenwei").ask(
        "POST", "press", {"room": "r_east", "message": answer["id"], "action": "pick", "data": "a"}
    )
    assert (pressed[0], pressed[1]["error"]["code"]) == (404, "unknown_message")
    outside = await house.gateway.call("POST", "/whispers", {**body, "to": "u_guest", "once": "w2"})
    assert (outside["status"], outside["error"]["code"]) == (404, "not_a_member")


async def test_the_roster_tells_everyone_who_reads_the_room(house: House) -> None:
    roster = await house.gateway.call("GET", "/rooms/r_partner")
    assert roster.pop("status") == 200
    assert roster == {
        "title": "渠道伙伴",
        "kind": "group",
        "external": True,
        "complete": True,
        "members": [
            {"id": "u_liting", "name": "李婷", "kind": "member"},
            {"id": "u_wangmin", "name": "王敏", "kind": "member"},
            {"id": "u_sunjia", "name": "孙佳", "kind": "member"},
            {"id": "u_guest", "name": "David Park", "kind": "guest"},
        ],
    }
    assert (await house.gateway.call("GET", "/rooms/r_none"))["status"] == 404
    assert (await house.gateway.call("GET", "/rooms/d_u_liting"))["kind"] == "direct"


async def test_the_direct_room_of_a_person(house: House) -> None:
    assert (await house.gateway.call("POST", "/direct", {"to": "u_wangmin"}))["room"] == "d_u_wangmin"
    assert (await house.gateway.call("POST", "/direct", {"to": "u_x"}))["status"] == 404


async def test_a_trigger_opens_one_form_once(house: House) -> None:
    with house.chat.windows.opened("u_liting", "w1") as mine, house.chat.windows.opened("u_liting", "w2") as other:
        press = {"room": "r_east", "action": "form_by_trigger", "data": "x", "window": "w1"}
        assert (await Person(house, "u_liting").ask("POST", "press", press))[1]["answer"] == {"kind": "nothing"}
        form = mine.get_nowait()
        assert form is not None
        assert (form["card"]["name"], form["room"], other.empty()) == ("edit_form", "r_east", True)
    used = house.gateway.events[-1]["trigger"]
    again = await house.gateway.call("POST", "/forms", {"trigger": used, "card": CARD})
    assert (again["status"], again["error"]["code"]) == (410, "trigger_over")


async def test_a_form_for_somebody_who_left_says_so(house: House) -> None:
    trigger = house.chat.bot.trigger("u_liting", "w", "r_east", "")
    answer = await house.gateway.call("POST", "/forms", {"trigger": trigger, "card": CARD})
    assert (answer["status"], answer["error"]["code"]) == (409, "nobody_looks")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/messages"),
        ("PUT", "/messages/x"),
        ("DELETE", "/messages/x"),
        ("POST", "/whispers"),
        ("GET", "/rooms/r_east"),
        ("POST", "/direct"),
        ("POST", "/forms"),
    ],
)
async def test_an_unsigned_or_badly_signed_request_is_rejected(house: House, method: str, path: str) -> None:
    target = f"/demo/api{path}"
    good = signed(SECRET, method, target, b"{}")
    for headers in ({}, {**good, SIGNATURE: "v1=00"}, signed(b"other", method, target, b"{}")):
        async with house.session.request(method, house.url + target, data=b"{}", headers=headers) as response:
            assert response.status == 401


async def test_the_query_is_signed_too(house: House) -> None:
    headers = signed(SECRET, "GET", "/demo/api/rooms/r_east", b"")
    async with house.session.get(f"{house.url}/demo/api/rooms/r_east?x=1", headers=headers) as response:
        assert response.status == 401


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"[" * 100_000,
        dumps({"room": "r_east"}),
        dumps({"room": "r_east", "card": {}, "once": "o"}),
        dumps({"room": "r_east", "card": {"blocks": "x"}, "once": "o"}),
        dumps({"room": "r_east", "card": {"blocks": [1]}, "once": "o"}),
        dumps({"room": "r_east", "card": CARD, "once": ""}),
        dumps({"room": 7, "card": CARD, "once": "o"}),
    ],
)
async def test_a_broken_body_is_named(house: House, body: bytes) -> None:
    target = "/demo/api/messages"
    headers = signed(SECRET, "POST", target, body)
    async with house.session.post(house.url + target, data=body, headers=headers) as response:
        answer: dict[str, Any] = await response.json()
        assert (response.status, answer["error"]["code"]) in {(400, "bad_body"), (400, "bad_card")}


async def test_a_card_of_a_mebibyte_is_too_large(house: House) -> None:
    body = {"room": "r_east", "card": {**CARD, "summary": "x" * (1 << 20)}, "once": "o"}
    assert (await house.gateway.call("POST", "/messages", body))["status"] == 413


async def test_a_card_may_hold_anything_a_string_can(house: House) -> None:
    words = "\ud800 \x00 <script> \u202e" + "🎈" * 10_000
    card = cards.card("x", words, cards.block("text", text=words))
    await house.gateway.post("r_east", card, "o")
    (entry,) = await Person(house, "u_liting").read("r_east")
    assert entry["card"]["blocks"][0]["text"] == words


async def test_the_guest_comes_and_the_card_shrinks(house: House) -> None:
    hands = Person(house, "u_liting")
    await hands.say("r_deal", "华星")
    await until(lambda: "华星" in house.gateway.posted)
    await hands.ask("POST", "rooms/r_deal/members", {"person": "u_guest"})
    shrunk = cards.customer(0, guest=True)
    await house.gateway.call("PUT", f"/messages/{house.gateway.posted['华星']}", {"card": shrunk})
    read = await Person(house, "u_guest").read("r_deal")
    assert [entry["card"] for entry in read if entry["kind"] == "card"] == [shrunk]
