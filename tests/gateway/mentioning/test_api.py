"""A message tried, what use taught seen and taken back, a room told what it is about: through the API."""

from __future__ import annotations

from gateway.store.mentioning import Lesson
from tests.gateway.http.world import World

HERO = "local:account:hx-medical"
SHUNLI = "local:account:shunlida"


async def test_a_message_is_tried_with_score_and_reasons_and_nothing_is_kept(world: World) -> None:
    client = await world.client("mentions", person="p_liting")
    told = (await client.post("mentions/try", {"text": "明天去华星医疗谈续约，祝顺利"})).body
    shown, silent = told["mentions"]
    assert (shown["start"], shown["end"], shown["decision"], shown["refs"]) == (3, 7, "show", [HERO])
    assert shown["score"] > told["threshold"] > silent["score"]
    assert silent["decision"] == "silent" and silent["refs"] == []
    assert silent["candidates"][0]["ref"] == SHUNLI
    assert "against: a common word" in silent["reasons"]
    assert await world.house.services.trail.latest(10) == []
    assert await world.house.services.mentioning.learned(0) == []


async def test_reasons_come_in_the_callers_language(world: World) -> None:
    client = await world.client("mentions", person="p_liting")
    headers = {"Accept-Language": "zh-CN"}
    told = (await client.call("POST", "mentions/try", json={"text": "祝顺利"}, headers=headers)).body
    assert "反对：常用词" in told["mentions"][0]["reasons"]


async def test_the_room_that_is_named_decides(world: World) -> None:
    client = await world.client("mentions", person="p_wangmin")
    body = {"text": "远航科技", "room": "web/r_east"}
    asked = (await client.post("mentions/try", body)).body["mentions"][0]
    assert asked["decision"] == "ask" and len(asked["refs"]) == 2
    room = {"room": "web/r_east", "customer": "local:account:yh-qingdao", "budget": 3}
    assert (await client.post("mentions/rooms", room)).body == room
    sure = (await client.post("mentions/try", body)).body["mentions"][0]
    assert (sure["decision"], sure["refs"]) == ("show", ["local:account:yh-qingdao"])
    left = (await client.post("mentions/rooms", {"room": "web/r_east", "customer": "", "budget": -1})).body
    assert left == {"room": "web/r_east", "customer": "", "budget": 12}


async def test_who_may_know_of_nobody_is_told_of_nobody(world: World) -> None:
    client = await world.client("mentions")
    named, other = [(await client.post("mentions/try", {"text": text})).body for text in ("华星医疗", "祝顺利")]
    assert named == other and named["mentions"] == [], "that it is a name of somebody's would tell"
    refused = await client.post("mentions/rooms", {"room": "web/r_east", "customer": HERO})
    assert refused.status == 404


async def test_a_common_word_is_accepted_refused_and_undone(world: World) -> None:
    store = world.house.services.mentioning
    now = world.clock.now()
    await store.teach([Lesson("顺利", "web/r_east", f"m{n}", "none", now) for n in range(3)])
    client = await world.client("mentions", person="p_zhaolei", name="console")
    (name,) = (await client.get("mentions/names")).body["names"]
    assert name == {"name": "顺利", "weight": -3.0, "counts": {"none": 3}, "common": "", "proposed": True}
    for word, common in (("accept", "accepted"), ("refuse", "refused"), ("forget", "")):
        (name,) = (await client.post("mentions/names", {"name": "顺利", "word": word})).body["names"]
        assert (name["common"], name["proposed"]) == (common, not common)
    assert (await client.post("mentions/names", {"name": "顺利", "word": "undo"})).body == {"names": []}


async def test_rooms_and_names_that_cannot_be_are_refused_by_member(world: World) -> None:
    client = await world.client("mentions", person="p_zhaolei")
    for room in ("web", "web/", "other/r_east", "web/a/b", "web/\u0000x", "web/\ud800"):
        told = await client.post("mentions/try", {"text": "x", "room": room})
        assert (told.status, told.body["at"]) == (422, "room"), room
    for name in ("\u200b", "a\u0000", "\ud800"):
        told = await client.post("mentions/names", {"name": name, "word": "accept"})
        assert (told.status, told.body["at"]) == (422, "name"), name
    assert (await client.post("mentions/try", {"text": "mr \x00 王总 dr. who 顺利 " * 500})).status == 200
