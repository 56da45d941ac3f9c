from __future__ import annotations

import pytest

from tests.gateway.chat.house import House, Person, until


async def test_each_person_sees_their_own_rooms(house: House) -> None:
    assert await Person(house, "u_liting").rooms() == ["r_east", "r_deal", "r_partner", "d_u_liting"]
    assert await Person(house, "u_chenwei").rooms() == ["r_east", "r_deal", "d_u_chenwei"]
    assert await Person(house, "u_guest").rooms() == ["r_partner", "d_u_guest"]
    assert await Person(house, "u_zhaolei").rooms() == ["d_u_zhaolei"]


async def test_what_one_says_the_others_in_the_room_read(house: House) -> None:
    said = await Person(house, "u_liting").say("r_east", "你好")
    (read,) = await Person(house, "u_chenwei").read("r_east")
    assert (read["id"], read["own"], read["mine"], said["mine"]) == (said["id"], "你好", False, True)


@pytest.mark.parametrize(
    ("person", "room", "status", "code"),
    [
        ("u_guest", "r_east", 403, "not_a_member"),
        ("u_guest", "d_u_liting", 403, "not_a_member"),
        ("u_liting", "r_nowhere", 404, "unknown_room"),
        ("u_nobody", "r_east", 404, "unknown_person"),
        ("", "r_east", 404, "unknown_person"),
    ],
)
async def test_nobody_reads_or_writes_where_they_are_not(
    house: House, person: str, room: str, status: int, code: str
) -> None:
    hands = Person(house, person)
    for answer in (
        await hands.ask("GET", f"rooms/{room}/entries"),
        await hands.ask("POST", "entries", {"room": room, "text": "x"}),
        await hands.ask("POST", "press", {"room": room, "action": "a"}),
        await hands.ask("POST", f"rooms/{room}/members", {"person": "u_guest"}),
    ):
        assert (answer[0], answer[1]["error"]["code"]) == (status, code)
    assert house.gateway.events == []


async def test_an_edit_and_a_deletion_reach_the_gateway(house: House) -> None:
    hands = Person(house, "u_liting")
    entry = await hands.say("r_east", "one")
    status, edited = await hands.ask("PUT", f"entries/{entry['id']}", {"text": "two"})
    assert (status, edited["own"], edited["edited"] > 0) == (200, "two", True)
    status, deleted = await hands.ask("DELETE", f"entries/{entry['id']}")
    assert (status, deleted["deleted"], "own" in deleted) == (200, True, False)
    await until(lambda: len(house.gateway.events) == 3)
    told = [(event["type"], event["message"], event.get("text")) for event in house.gateway.events]
    assert told == [
        ("message", entry["id"], "one"),
        ("message_edited", entry["id"], "two"),
        ("message_deleted", entry["id"], None),
    ]
    assert (await hands.ask("PUT", f"entries/{entry['id']}", {"text": "three"}))[0] == 404


async def test_an_edit_that_changes_nothing_is_not_told(house: House) -> None:
    hands = Person(house, "u_liting")
    entry = await hands.say("r_east", "one")
    assert (await hands.ask("PUT", f"entries/{entry['id']}", {"text": "one"}))[1]["edited"] == 0
    await hands.say("r_east", "two")
    await until(lambda: len(house.gateway.events) == 2)
    assert [event["type"] for event in house.gateway.events] == ["message", "message"]


async def test_only_its_author_changes_a_message(house: House) -> None:
    entry = await Person(house, "u_liting").say("r_east", "mine")
    other = Person(house, "u_chenwei")
    for answer in (
        await other.ask("PUT", f"entries/{entry['id']}", {"text": "yours"}),
        await other.ask("DELETE", f"entries/{entry['id']}"),
    ):
        assert (answer[0], answer[1]["error"]["code"]) == (403, "not_yours")


async def test_a_reply_quotes_what_was_said_and_marks_the_stretch(house: House) -> None:
    first = await Person(house, "u_liting").say("r_east", "🎈华星\n第二行")
    reply = await Person(house, "u_chenwei").say("r_east", "好的", quote=first["id"])
    assert reply["parts"] == [{"quote": True, "text": "🎈华星\n第二行"}, {"quote": False, "text": "好的"}]
    await until(lambda: len(house.gateway.events) == 2)
    event = house.gateway.events[1]
    ((start, stop),) = event["quotes"]
    assert (event["text"][start:stop], event["text"][stop:]) == ("🎈华星\n第二行", "\n好的")
    _, edited = await Person(house, "u_chenwei").ask("PUT", f"entries/{reply['id']}", {"text": "不好"})
    assert [part["text"] for part in edited["parts"]] == ["🎈华星\n第二行", "不好"]


async def test_a_card_is_not_quoted(house: House) -> None:
    hands = Person(house, "u_liting")
    await hands.say("r_east", "华星")
    await until(lambda: "华星" in house.gateway.posted)
    status, answer = await hands.ask(
        "POST", "entries", {"room": "r_east", "text": "x", "quote": house.gateway.posted["华星"]}
    )
    assert (status, answer["error"]["code"]) == (400, "not_quotable")


async def test_an_invited_guest_comes_goes_and_is_announced(house: House) -> None:
    hands, guest = Person(house, "u_liting"), Person(house, "u_guest")
    assert (await hands.ask("POST", "rooms/r_deal/members", {"person": "u_guest"}))[0] == 201
    assert "r_deal" in await guest.rooms()
    assert (await hands.ask("POST", "rooms/r_deal/members", {"person": "u_guest"}))[1]["error"][
        "code"
    ] == "already_there"
    assert (await hands.ask("DELETE", "rooms/r_deal/members/u_guest"))[0] == 200
    assert "r_deal" not in await guest.rooms()
    assert (await hands.ask("DELETE", "rooms/r_deal/members/u_guest"))[1]["error"]["code"] == "not_there"
    await until(lambda: len(house.gateway.events) == 2)
    assert [(event["type"], event["who"]) for event in house.gateway.events] == [
        ("joined", {"id": "u_guest", "name": "David Park", "kind": "guest"}),
        ("left", {"id": "u_guest", "name": "David Park", "kind": "guest"}),
    ]


async def test_a_direct_room_stays_between_two(house: House) -> None:
    answer = await Person(house, "u_liting").ask("POST", "rooms/d_u_liting/members", {"person": "u_guest"})
    assert (answer[0], answer[1]["error"]["code"]) == (409, "direct_room")


async def test_what_is_said_in_a_direct_room_is_addressed(house: House) -> None:
    await Person(house, "u_liting").say("d_u_liting", "华星")
    await Person(house, "u_liting").say("r_east", "/card 华星")
    await Person(house, "u_liting").say("r_east", "华星")
    await until(lambda: len(house.gateway.events) == 3)
    assert {(event["room"], event["text"]): event["addressed"] for event in house.gateway.events} == {
        ("d_u_liting", "华星"): True,
        ("r_east", "/card 华星"): True,
        ("r_east", "华星"): False,
    }


async def test_history_comes_in_pages(house: House) -> None:
    hands = Person(house, "u_liting")
    for number in range(60):
        await hands.say("d_u_liting", str(number))
    _, newest = await hands.ask("GET", "rooms/d_u_liting/entries")
    _, older = await hands.ask("GET", f"rooms/d_u_liting/entries?before={newest['entries'][0]['seq']}")
    assert [entry["own"] for entry in older["entries"] + newest["entries"]] == [str(number) for number in range(60)]
    assert (newest["more"], older["more"]) == (True, False)
