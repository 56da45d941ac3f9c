from __future__ import annotations

from pathlib import Path

import pytest

from gateway.chat.courier import backoff
from gateway.errors import Misconfigured
from gateway.store.chat import ChatStore
from tests.gateway.chat.house import House, Pauses, Person, open_house, until


def test_the_pauses_grow_to_ten_seconds_and_stay() -> None:
    assert [backoff(tries) for tries in range(6)] == [0.5, 1, 2, 4, 8, 10]
    assert backoff(10_000) == 10


async def test_what_could_not_be_delivered_comes_later_in_order_and_once(tmp_path: Path) -> None:
    pauses = Pauses()
    async with open_house(tmp_path / "chat.db", pause=pauses) as house:
        house.gateway.down = True
        hands = Person(house, "u_liting")
        for number in range(5):
            await hands.say("r_east", str(number))
        await pauses.waiting.wait()
        assert (await hands.read("r_east"))[0]["pending"] == "late"
        pauses.go_on()
        await until(lambda: len(pauses.asked) == 2)
        house.gateway.down = False
        pauses.go_on()
        await until(lambda: len(house.gateway.events) == 5)
        assert [event["text"] for event in house.gateway.events] == ["0", "1", "2", "3", "4"]
        assert pauses.asked == [0.5, 1.0]
        await hands.say("r_east", "after")
        await until(lambda: len(house.gateway.events) == 6)
        assert {entry["pending"] for entry in await hands.read("r_east")} == {""}


async def test_a_room_that_waits_does_not_hold_up_another(tmp_path: Path) -> None:
    pauses = Pauses()
    async with open_house(tmp_path / "chat.db", pause=pauses) as house:
        house.gateway.down = True
        await Person(house, "u_liting").say("r_east", "held")
        await pauses.waiting.wait()
        house.gateway.down = False
        await Person(house, "u_liting").say("r_deal", "through")
        await until(lambda: [event["text"] for event in house.gateway.events] == ["through"])


async def test_everything_survives_a_restart(tmp_path: Path) -> None:
    pauses = Pauses()
    async with open_house(tmp_path / "chat.db", pause=pauses) as house:
        await Person(house, "u_liting").say("r_deal", "华星")
        await until(lambda: "华星" in house.gateway.posted)
        await Person(house, "u_liting").ask("POST", "rooms/r_deal/members", {"person": "u_guest"})
        house.gateway.down = True
        await Person(house, "u_liting").say("r_deal", "not heard yet")
        await pauses.waiting.wait()
        before = await Person(house, "u_guest").read("r_deal")
    async with open_house(tmp_path / "chat.db") as house:
        await until(lambda: [event.get("text") for event in house.gateway.events][-1:] == ["not heard yet"])
        after = await Person(house, "u_guest").read("r_deal")
    assert [entry["kind"] for entry in after] == ["text", "card", "joined", "text"]
    assert [{**entry, "pending": ""} for entry in before] == [{**entry, "pending": ""} for entry in after]


async def test_what_the_gateway_will_never_read_is_set_aside_and_the_lane_goes_on(house: House) -> None:
    hands = Person(house, "u_liting")
    house.gateway.status = 400
    await hands.say("r_east", "poison")
    while (await hands.read("r_east"))[0]["pending"] != "refused":
        pass
    house.gateway.status = 200
    await hands.say("r_east", "fine")
    await until(lambda: [event["text"] for event in house.gateway.events] == ["fine"])


@pytest.mark.parametrize(("status", "code"), [(503, "gateway_down"), (429, "gateway_down"), (401, "gateway_refused")])
async def test_a_press_that_is_not_answered_says_so(house: House, status: int, code: str) -> None:
    house.gateway.status = status
    answer = await Person(house, "u_liting").ask("POST", "press", {"room": "r_east", "action": "why", "data": "x"})
    assert (answer[0], answer[1]["error"]["code"]) == (502, code)


async def test_a_press_into_a_closed_door_says_so(house: House) -> None:
    house.chat._courier._url = house.chat._courier._url.with_port(1)
    answer = await Person(house, "u_liting").ask("POST", "press", {"room": "r_east", "action": "why", "data": "x"})
    assert (answer[0], answer[1]["error"]["code"]) == (502, "gateway_down")


async def test_a_press_and_a_form_carry_what_the_wire_says(house: House) -> None:
    hands = Person(house, "u_liting")
    await hands.say("r_east", "华星")
    await until(lambda: "华星" in house.gateway.posted)
    message = house.gateway.posted["华星"]
    _, answer = await hands.ask(
        "POST", "press", {"room": "r_east", "message": message, "action": "edit", "data": "tok"}
    )
    assert answer["answer"]["kind"] == "form"
    filled = {
        "room": "r_east",
        "message": message,
        "data": "form-token",
        "values": {"phone": "1"},
        "tokens": {"phone": "t"},
    }
    assert (await hands.ask("POST", "form", filled))[1] == {
        "answer": {"kind": "toast", "text": "已保存到 CRM。", "tone": "info"}
    }
    _, press, form = house.gateway.events
    assert (press["type"], press["message"], press["action"], press["data"]) == ("button", message, "edit", "tok")
    assert press["trigger"]
    assert {key: form[key] for key in ("type", "message", "data", "values", "tokens")} == {
        "type": "form",
        "message": message,
        "data": "form-token",
        "values": {"phone": "1"},
        "tokens": {"phone": "t"},
    }


@pytest.mark.parametrize("content", [b"not a database at all, but a text of some length" * 10, None])
async def test_another_programs_file_is_left_alone(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "other.db"
    if content is None:
        import sqlite3

        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE theirs (x)")
        other.close()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    store = ChatStore(path)
    with pytest.raises(Misconfigured, match="database"):
        await store.start()
    await store.close()
    assert path.read_bytes() == before
