from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.chat.model import Declined
from gateway.http.chat_feed import Cursor, told
from tests.gateway.chat import sample_cards as cards
from tests.gateway.chat.house import House, Person

CARD = cards.card("notice", "s", cards.block("text", text="hello"))


class Reader:
    def __init__(self, response: Any) -> None:
        self._response = response
        self.last = ""

    async def next(self, but: str = "trail") -> tuple[str, dict[str, Any]]:
        """The next event of any kind except `but`."""
        while (event := await self._any())[0] == but:
            pass
        return event

    async def _any(self) -> tuple[str, dict[str, Any]]:
        kind = ""
        async with asyncio.timeout(10):
            async for raw in self._response.content:
                name, _, value = raw.decode().rstrip("\n").partition(": ")
                if name == "id":
                    self.last = value
                elif name == "event":
                    kind = value
                elif name == "data":
                    return kind, json.loads(value)
        raise AssertionError("the stream ended")


@contextlib.asynccontextmanager
async def listening(house: House, person: str, after: str = "", last: str = "") -> AsyncIterator[Reader]:
    headers = {"Last-Event-ID": last} if last else {}
    url = f"{house.url}/demo/events?as={person}&after={after}"
    async with house.session.get(url, headers=headers) as response:
        assert response.status == 200
        yield Reader(response)


async def feed_now(house: House, person: str) -> str:
    _, snapshot = await Person(house, person).ask("GET", "state")
    return str(snapshot["feed"])


async def test_what_is_said_arrives_at_once(house: House) -> None:
    async with listening(house, "u_chenwei", await feed_now(house, "u_chenwei")) as reader:
        said = await Person(house, "u_liting").say("r_east", "你好")
        kind, entry = await reader.next()
        assert (kind, entry["id"], entry["mine"]) == ("message", said["id"], False)


async def test_a_window_continues_where_it_stopped(house: House) -> None:
    async with listening(house, "u_chenwei") as reader:
        await Person(house, "u_liting").say("r_east", "one")
        assert (await reader.next())[0] == "message"
    two = await Person(house, "u_liting").say("r_east", "two")
    async with listening(house, "u_chenwei", "0", last=reader.last) as again:
        _, entry = await again.next()
        assert entry["id"] == two["id"]


async def test_whispers_and_other_rooms_stay_away(house: House) -> None:
    async with listening(house, "u_guest", await feed_now(house, "u_guest")) as reader:
        await house.gateway.post("r_east", CARD, "a")
        body = {"room": "r_partner", "thread": "", "to": "u_liting", "card": CARD, "once": "b"}
        await house.gateway.call("POST", "/whispers", body)
        id = await house.gateway.post("r_partner", CARD, "c")
        kind, entry = await reader.next()
        assert (kind, entry["id"]) == ("message", id)


async def test_only_the_last_state_of_a_thing_is_replayed(house: House) -> None:
    after = await feed_now(house, "u_liting")
    id = await house.gateway.post("r_east", CARD, "a")
    for number in range(5):
        changed = cards.card("notice", str(number), cards.block("text", text=str(number)))
        await house.gateway.call("PUT", f"/messages/{id}", {"card": changed})
    async with listening(house, "u_liting", after) as reader:
        assert (await reader.next())[1]["card"]["summary"] == "4"
        await house.gateway.call("DELETE", f"/messages/{id}")
        assert (await reader.next())[1]["deleted"] is True


async def test_somebody_who_was_removed_hears_that_and_no_more(house: House) -> None:
    async with listening(house, "u_chenwei", await feed_now(house, "u_chenwei")) as reader:
        await Person(house, "u_liting").ask("DELETE", "rooms/r_east/members/u_chenwei")
        assert (await reader.next())[0] == "rooms"
        await house.gateway.post("r_east", CARD, "a")
        id = await house.gateway.post("r_deal", CARD, "b")
        assert (await reader.next())[1]["id"] == id


async def test_the_trail_and_the_clock_come_through_the_same_stream(house: House) -> None:
    async with listening(house, "u_liting", await feed_now(house, "u_liting")) as reader:
        house.gateway.trail.tell("t1", "r_east", "heard", "李婷: 华星", trace="7F3A-19")
        kind, line = await reader.next(but="")
        assert (kind, line["turn"], line["trace"]) == ("trail", "t1", "7F3A-19")
        await Person(house, "u_liting").ask("POST", "clock", {"seconds": 600})
        kind, clock = await reader.next()
        assert kind == "clock"
        assert clock["now"] - line["at"] >= 600_000


@pytest.mark.parametrize(
    ("room", "person", "hears"),
    [
        ("r_east", "u_liting", True),
        ("demo/r_east", "u_liting", True),
        ("demo/r_east/", "u_liting", True),
        ("r_east", "u_guest", False),
        ("r_partner", "u_guest", True),
        ("d_u_wangmin", "u_liting", False),
        ("d_u_wangmin", "u_zhaolei", True),
        ("", "u_liting", True),
        ("", "u_guest", False),
    ],
)
async def test_a_rooms_story_is_told_to_those_inside(house: House, room: str, person: str, hears: bool) -> None:
    assert told(room, await house.chat.sight(person), house.chat.now()) is hears


async def test_who_came_later_is_not_told_what_was_before(house: House) -> None:
    before = house.chat.now() - 1
    assert told("demo/r_partner", await house.chat.sight("u_guest"), before), "nobody saw them come"
    await house.chat.remove("u_liting", "r_partner", "u_guest")
    assert not told("demo/r_partner", await house.chat.sight("u_guest"), house.chat.now())
    entry = await house.chat.invite("u_liting", "r_partner", "u_guest")
    sight = await house.chat.sight("u_guest")
    assert not told("demo/r_partner", sight, before)
    assert told("demo/r_partner", sight, entry.at)
    assert told("demo/r_partner", await house.chat.sight("u_liting"), before)


async def test_a_story_that_is_not_told_does_not_stop_the_next(house: House) -> None:
    async with listening(house, "u_guest", await feed_now(house, "u_guest")) as reader:
        house.gateway.trail.tell("t1", "r_east", "heard", "secret")
        house.gateway.trail.tell("t2", "r_partner", "heard", "open")
        kind, line = await reader.next(but="")
        assert (kind, line["turn"]) == ("trail", "t2")


async def test_an_unknown_person_has_no_stream(house: House) -> None:
    async with house.session.get(f"{house.url}/demo/events?as=u_x") as response:
        assert response.status == 404


@pytest.mark.parametrize("text", ["x", "1.x", "-1", "1.-2", "9" * 40, "1.2.3", "0x10"])
def test_a_broken_cursor_is_named(text: str) -> None:
    with pytest.raises(Declined):
        Cursor.parse(text)


def test_a_cursor_reads_what_it_writes() -> None:
    assert Cursor.parse(str(Cursor(12, 7))) == Cursor(12, 7)
    assert Cursor.parse("") == Cursor(0, 0)
    assert Cursor.parse("12") == Cursor(12, 0)
