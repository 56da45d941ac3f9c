"""What a token may read: never more than its person may see in the console."""

from __future__ import annotations

from channels.model import ImId, MessageRef, Place, Sender
from gateway.store.slots import Shown, slot_id
from gateway.turn import Slot, new_trail
from tests.gateway.http.world import HERO, World


async def test_every_value_says_where_it_comes_from(world: World) -> None:
    told = await (await world.client("read", person="p_liting")).get(f"customers/{HERO}")
    assert told.status == 200 and told.body["name"]
    phone = told.body["fields"]["phone"]
    assert phone["source"] == "local" and phone["watermark"] == "[CRM]" and phone["as_of"] > 0
    assert phone["decision"].count("-") == 3 and phone["undecided"] is False
    assert phone["parents"] is None, "a token that cannot edit gets nothing to edit with"
    for items in told.body["related"].values():
        assert all(item["source"] == "local" and item["watermark"] == "[CRM]" and item["as_of"] for item in items)


async def test_classes_hold_for_the_tokens_person(world: World) -> None:
    owner = (await (await world.client("read", person="p_liting")).get(f"customers/{HERO}")).body
    other = (await (await world.client("read", person="p_chenwei")).get(f"customers/{HERO}")).body
    assert "credit_limit" in owner["fields"] and "credit_limit" not in other["fields"]
    assert "credit_limit" in other["withheld"]
    assert all(field["editable"] is False for field in other["fields"].values())


async def test_a_token_without_a_person_sees_what_somebody_unmapped_sees(world: World) -> None:
    nobody = await world.client("read")
    assert (await nobody.get(f"customers/{HERO}")).status == 404
    assert (await nobody.get("customers")).body == {"customers": [], "after": None}
    assert (await nobody.get(f"customers/{HERO}/fields/phone/history")).status == 404


async def test_history_and_decision_are_disclosed_alike(world: World) -> None:
    owner, other = await world.client("read", person="p_liting"), await world.client("read", person="p_chenwei")
    state = await world.house.services.ledger.state(HERO, "credit_limit")
    assert state is not None
    for path in (f"customers/{HERO}/fields/credit_limit/history", f"decisions/{state.decision}"):
        assert (await owner.get(path)).status == 200
        told = await other.get(path)
        assert told.status == 403 and "600000" not in str(told.body)


async def test_a_decision_is_explained_with_what_it_replaced(world: World) -> None:
    client = await world.client("read", "edit", person="p_liting")
    parents = (await client.get(f"customers/{HERO}")).body["fields"]["address"]["parents"]
    body = {"record": HERO, "field": "address", "value": "新地址 1 号", "once": "x", "parents": parents}
    made = (await client.post("edits", body)).body
    told = (await client.get(f"decisions/{made['decision'].lower().replace('-', ' ')}")).body
    assert told["decision"] == made["decision"] and told["winner"] == made["edit"] and told["customer"]
    assert told["replaced"]["value"] == "苏州工业园区星湖街 328 号"
    assert told["policy"]["name"] == "latest" and told["policy"]["document"]["mode"] == "last_writer_wins"
    assert told["chain"]["seq"] > 0 and len(told["chain"]["hash"]) == 64
    assert (
        told["edits"][made["edit"]]["watermark"] == "[企微插件]" and told["edits"][made["edit"]]["person"] == "p_liting"
    )


async def test_history_pages_from_the_newest(world: World) -> None:
    client = await world.client("read", "edit", person="p_liting")
    for number in range(5):
        await client.post(
            "edits", {"record": HERO, "field": "phone", "value": f"+86 512 6288 010{number}", "once": str(number)}
        )
    path, seen, before = f"customers/{HERO}/fields/phone/history", [], None
    while True:
        page = (await client.get(path, limit=2, **({"before": before} if before else {}))).body
        seen += [each["n"] for each in page["edits"]]
        before = page["before"]
        if before is None:
            break
    assert seen == [6, 5, 4, 3, 2, 1]


async def test_customers_are_found_by_a_part_of_a_name_and_paged(world: World) -> None:
    client = await world.client("read", person="p_liting")
    assert HERO in [each["ref"] for each in (await client.get("customers", query="华星")).body["customers"]]
    assert (await client.get("customers", query="no such name")).body["customers"] == []
    seen: list[str] = []
    after = ""
    while after is not None:
        page = (await client.get("customers", limit=7, after=after)).body
        seen += [each["ref"] for each in page["customers"]]
        after = page["after"]
    assert len(seen) == len(set(seen)) == 60 and seen == sorted(seen)


async def test_a_trail_is_ids_alone_and_silent_about_what_one_may_not_see(world: World) -> None:
    client = await world.client("read", "edit", person="p_liting")
    await client.post("edits", {"record": HERO, "field": "phone", "value": "+86 512 6288 0099", "once": "1"})
    turn = (await client.get(f"customers/{HERO}/fields/phone/history")).body["edits"][0]["turn"]
    told = await (await world.client("read")).get("trail", turn=turn)
    assert told.status == 404, "a field this token's reader may not see"
    (mine,) = (await client.get("trail", turn=turn)).body["steps"]
    assert mine["facts"]["field"] == "phone" and "0099" not in str(mine)
    assert (await client.get("trail")).status == 404
    assert (await client.get("trail", room="web/nowhere")).status == 404


async def test_who_only_had_something_whispered_in_a_room_does_not_read_its_past(world: World) -> None:
    client, s = await world.client("read", person="p_liting"), world.house.services
    account = next(each.key for each in s.people.links("p_liting") if each.kind == "im")
    place = Place("web", "r_left")
    slot = Slot(place, "whisper", "m1", account)
    await s.slots.keep(Shown(slot_id(slot), slot, MessageRef(place, "b1"), (HERO,)))
    trail = new_trail(place.room_key)
    trail.note("said", world.clock.now())
    await s.trail.write(trail)
    for query in ({"turn": trail.turn}, {"room": place.room_key}):
        assert (await client.get("trail", **query)).status == 404, "no list of the room has them"
    await s.rooms.store.join(place.room_key, Sender(ImId.parse(account), "李婷", "member"))
    assert (await client.get("trail", turn=trail.turn)).status == 200


async def test_paths_that_are_not_there(world: World) -> None:
    client = await world.client("read", person="p_liting")
    for path in (f"customers/{HERO}/fields/nothing/history", "decisions/7F3A", "decisions/%00", "nothing", ""):
        told = await client.get(path)
        assert (told.status, told.body["error"]) == (404, "not_found"), path
    assert (await client.delete("customers")).status == 405
