"""What an application was granted: no answer has more, no edit writes more, and every reading is counted."""

from __future__ import annotations

import pytest

from gateway.store.stages import DAY_MS
from gateway.store.tokens import Token
from tests.gateway.http.world import HERO, Client, World


async def granted(world: World, *reads: str, writes: tuple[str, ...] | None = None, name: str = "sms") -> Client:
    scopes = frozenset({"read", "edit", "mentions"})
    wanted = frozenset(writes) if writes is not None else None
    made = Token(name, scopes, "p_liting", "sms", "短信", reads=frozenset(reads), writes=wanted)
    return world.bearing(await world.tokens.make(made))


async def counted(world: World) -> dict[tuple[str, str], dict[str, int]]:
    """By (application, field) how often in each way."""
    await world.house.services.tally.flush()
    found = await world.house.services.stages.store.readings(world.clock.now() // DAY_MS - 1)
    return {key: {way: sum(days.values()) for way, days in ways.items()} for key, ways in found.items()}


async def test_what_was_not_granted_is_absent(world: World) -> None:
    all_ = (await (await world.client("read", person="p_liting")).get(f"customers/{HERO}")).body
    told = (await (await granted(world, "name", "phone", "contact")).get(f"customers/{HERO}")).body
    assert set(told["fields"]) == {"phone"} and told["fields"]["phone"]["value"] == all_["fields"]["phone"]["value"]
    assert set(told["related"]) == {"contact"} and told["url"] == "" and told["name"] == all_["name"]
    assert set(all_["fields"]) - {"phone"} <= set(told["withheld"])
    assert all_["fields"]["address"]["value"] not in str(told)


async def test_a_class_is_granted_with_those_below_it(world: World) -> None:
    all_ = (await (await world.client("read", person="p_liting")).get(f"customers/{HERO}")).body
    told = (await (await granted(world, "class:internal")).get(f"customers/{HERO}")).body
    classes = world.house.services.classes
    assert set(told["fields"]) == {name for name in all_["fields"] if classes.of(name) in ("public", "internal")}
    assert "note" not in told["related"] and told["fields"] != all_["fields"]


async def test_without_the_name_there_is_no_customer(world: World) -> None:
    client = await granted(world, "phone")
    assert (await client.get(f"customers/{HERO}")).status == 404
    assert (await client.get("customers")).body["customers"] == []
    tried = await client.post("mentions/try", {"text": "明天去华星医疗谈续约"})
    assert tried.status == 200 and HERO not in str(tried.body) and "华星" not in str(tried.body)
    assert (await client.get("mentions/names")).body["error"] == "not_granted"


async def test_a_denied_field_is_refused_by_its_name(world: World) -> None:
    client = await granted(world, "name", "phone", writes=())
    state = await world.house.services.ledger.state(HERO, "address")
    assert state is not None
    for path in (f"customers/{HERO}/fields/address/history", f"decisions/{state.decision}"):
        told = await client.get(path)
        assert (told.status, told.body["error"]) == (403, "not_granted") and "'address'" in told.body["say"]
    edit = {"record": HERO, "field": "phone", "value": "+86 512 1234 5678", "once": "1"}
    told = await client.post("edits", edit)
    assert (told.status, told.body["error"], told.body["at"]) == (403, "not_granted", "field")
    assert "may not write the field 'phone'" in told.body["say"]
    after = (await client.get(f"customers/{HERO}")).body["fields"]["phone"]
    assert after["editable"] is False and after["parents"] is None and "1234 5678" not in str(after["value"])


@pytest.mark.parametrize("field", ["phone", "address"])
async def test_what_is_granted_is_written_and_what_is_only_written_is_not(world: World, field: str) -> None:
    client = await granted(world, "name", "phone", writes=("phone", "address"))
    told = await client.post("edits", {"record": HERO, "field": field, "value": "+86 512 1234 5678", "once": "1"})
    assert told.status == (200 if field == "phone" else 403), "who may not read a field may not write it either"


async def test_who_reads_what_is_counted_without_a_value(world: World) -> None:
    client = await granted(world, "name", "phone", writes=("phone",))
    for _ in range(3):
        assert (await client.get(f"customers/{HERO}")).status == 200
    await client.get(f"customers/{HERO}/fields/phone/history")
    await client.get(f"customers/{HERO}/fields/address/history")
    await client.post("edits", {"record": HERO, "field": "phone", "value": "+86 512 1234 5678", "once": "1"})
    found = await counted(world)
    assert found[("sms", "phone")] == {"read": 4, "written": 1}
    assert found[("sms", "address")] == {"denied": 1}
    assert found[("sms", "name")] == {"read": 3}
    assert {name for _, name in found if _ == "sms"} == {"name", "phone", "address"}


async def test_a_token_that_expired_opens_nothing_and_one_in_use_says_so(world: World) -> None:
    now = world.clock.now()
    ends = Token("soon", frozenset({"read"}), "p_liting", expires_at=now + 60_000)
    client = world.bearing(await world.tokens.make(ends))
    assert (await client.get("customers")).status == 200
    (known,) = [each for each in await world.tokens.known() if each.token.name == "soon"]
    assert known.used_at is not None and known.used_at >= now and known.stands(now) and not known.stands(now + 60_000)
    world.clock.advance(120)
    told = await client.get("customers")
    assert (told.status, told.body["error"]) == (401, "bad_token")


async def test_one_token_of_several_is_ended_by_its_id(world: World) -> None:
    first, second = await granted(world, "name"), await granted(world, "name")
    ids = [each.id for each in await world.tokens.known() if each.token.name == "sms"]
    assert len(set(ids)) == 2 and not any(each in first.secret + second.secret for each in ids)
    assert await world.tokens.end_one(ids[0]) == "sms" and await world.tokens.end_one(ids[0]) is None
    assert sorted([(await each.get("customers")).status for each in (first, second)]) == [200, 401]
