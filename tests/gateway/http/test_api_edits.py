"""POST /api/v1/edits: what the token fixes, what the body may say, and what becomes of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.http.api_edits import CLAIMS
from reconcile import token
from tests.gateway.http.world import HERO, Client, World


def edit(once: str = "one", **more: Any) -> dict[str, Any]:
    return {"record": HERO, "field": "phone", "value": "+86 512 6288 0099", "once": once, **more}


async def plugin(world: World, person: str = "p_liting", **more: Any) -> Client:
    return await world.client("read", "edit", person=person, **more)


async def parents(client: Client, field: str = "phone") -> str:
    told = await client.get(f"customers/{HERO}")
    return str(told.body["fields"][field]["parents"])


async def test_an_edit_stands_with_the_tokens_own_watermark(world: World) -> None:
    client = await plugin(world)
    told = await client.post("edits", edit(version="v2.3", instance="shop-7", parents=await parents(client)))
    assert told.status == 200, told.body
    assert told.body["outcome"] == "stands" and told.body["parents"] == "ok" and told.body["reason"] == "causal"
    assert told.body["standing"]["watermark"] == "[企微插件 v2.3]"
    assert told.body["standing"]["value"] == "+86 512 6288 0099"
    shown = (await client.get(f"customers/{HERO}")).body["fields"]["phone"]
    assert (shown["value"], shown["source"], shown["watermark"]) == ("+86 512 6288 0099", "plugin", "[企微插件 v2.3]")
    assert shown["decision"] == told.body["decision"] and shown["actor"] == "李婷 Li Ting"


@pytest.mark.parametrize("claim", CLAIMS)
async def test_claiming_where_it_comes_from_is_403(world: World, claim: str) -> None:
    client = await plugin(world)
    told = await client.post("edits", edit(**{claim: "local"}))
    assert (told.status, told.body["error"], told.body["at"]) == (403, "claimed_source", claim)
    assert (
        await world.house.services.ledger.history(HERO, "phone", 10)
        and len(await world.house.services.ledger.history(HERO, "phone", 10)) == 1
    )


@pytest.mark.parametrize("system", ["local", "web", ""])
async def test_a_token_naming_a_crm_or_a_channel_as_its_system_edits_nothing(world: World, system: str) -> None:
    client = await plugin(world, system=system)
    told = await client.post("edits", edit())
    assert (told.status, told.body["error"]) == (403, "no_system")


async def test_without_having_seen_the_value_a_conflict_opens_and_nobody_is_overwritten(world: World) -> None:
    client = await plugin(world)
    told = await client.post("edits", edit())
    assert told.body["outcome"] == "undecided" and told.body["conflict"]
    assert told.body["standing"]["value"] == "+86 512 6288 0016" and told.body["standing"]["undecided"]
    due = await world.house.services.due.next_at()
    assert due is not None
    shown = (await client.get(f"customers/{HERO}")).body["fields"]["phone"]
    assert shown["undecided"] and shown["value"] == "+86 512 6288 0016"


async def test_a_redelivery_is_answered_the_same(world: World) -> None:
    client = await plugin(world)
    sent = [
        edit("a", parents=await parents(client)),
        edit("b", value="+86 512 6288 0001"),
        edit("c", value="+1 2025550100"),
    ]
    first = [await client.post("edits", body) for body in sent]
    second = [await client.post("edits", body) for body in sent]
    assert [each.body for each in first] == [each.body for each in second]
    assert all("Idempotent-Replay" not in each.headers for each in first)
    assert all(each.headers["Idempotent-Replay"] == "true" for each in second)
    assert len(await world.house.services.ledger.history(HERO, "phone", 10)) == 4


async def test_two_deliveries_at_once_are_one_edit(world: World) -> None:
    client = await plugin(world)
    body = edit(parents=await parents(client))
    told = await asyncio.gather(*(client.post("edits", body) for _ in range(8)))
    assert len({each.body["edit"] for each in told}) == 1 and {each.status for each in told} == {200}


async def test_the_same_once_with_another_value_is_told(world: World) -> None:
    client = await plugin(world)
    sent = edit(parents=await parents(client))
    await client.post("edits", sent)
    told = await client.post("edits", {**sent, "value": "+86 512 6288 0001"})
    assert (told.status, told.body["error"], told.body["at"]) == (409, "once_reused", "once")
    assert (await client.get(f"customers/{HERO}")).body["fields"]["phone"]["value"] == "+86 512 6288 0099"


UNFIT: list[tuple[dict[str, Any], str]] = [
    ({"value": "call me"}, "value"),
    ({"value": "9" * 100_000}, "value"),
    ({"value": ["+86"]}, "value"),
    ({"value": True}, "value"),
    ({"value": 512}, "value"),
    ({"value": "+86 512\x00"}, "value"),
    ({"value": "\ud83d"}, "value"),
    ({"field": "stage", "value": "gone"}, "value"),
    ({"field": "renewal", "value": "tomorrow"}, "value"),
    ({"field": "email", "value": "nobody"}, "value"),
    ({"field": "amount", "value": "much"}, "value"),
    ({"once": ""}, "once"),
    ({"once": None}, "once"),
    ({"record": 7}, "record"),
    ({"source_time": "yesterday"}, "source_time"),
    ({"version": "] [CRM"}, "version"),
    ({"colour": "red"}, "colour"),
]


async def test_what_does_not_fit_is_422_and_named(world: World) -> None:
    client = await plugin(world)
    for change, at in UNFIT:
        told = await client.post("edits", {**edit(), **change})
        assert (told.status, told.body["at"]) == (422, at), (change, told.body)


async def test_a_value_too_long_is_told_the_limit(world: World) -> None:
    told = await (await plugin(world)).post("edits", edit(value="9" * 100_000))
    assert told.status == 422 and "3000" in told.body["say"]


async def test_a_decimal_may_be_a_number(world: World) -> None:
    client = await plugin(world)
    told = await client.post("edits", edit(field="amount", value=1250.5))
    assert told.status == 200, told.body
    assert told.body["outcome"] == "proposed" and told.body["standing"]["value"] == "480000"


async def test_empty_text_clears(world: World) -> None:
    client = await plugin(world)
    told = await client.post("edits", edit(value="  ", parents=await parents(client)))
    assert told.body["outcome"] == "stands" and told.body["standing"]["value"] is None


OUT_OF_REACH: list[tuple[dict[str, Any], int, str]] = [
    ({"record": "local:account:nobody"}, 404, "not_found"),
    ({"record": "nonsense"}, 404, "not_found"),
    ({"field": "nonsense"}, 404, "not_found"),
    ({"field": "owner", "value": "me"}, 403, "not_editable"),
    ({"actor": "p_wangmin"}, 403, "not_your_actor"),
    ({"actor": "p_nobody"}, 403, "not_your_actor"),
]


async def test_what_the_token_does_not_reach(world: World) -> None:
    client = await plugin(world)
    for change, status, error in OUT_OF_REACH:
        told = await client.post("edits", {**edit(), **change})
        assert (told.status, told.body["error"]) == (status, error), (change, told.body)


async def test_the_actors_own_rights_count(world: World) -> None:
    client = await plugin(world, person="", actors=("p_liting", "p_chenwei"))
    assert (await client.post("edits", edit("none"))).body["error"] == "no_actor"
    other = await client.post("edits", edit("other", actor="p_chenwei"))
    assert (other.status, other.body["error"]) == (403, "not_permitted")
    assert (await client.post("edits", edit("own", actor="p_liting"))).status == 200


async def test_a_deactivated_actor_edits_nothing(world: World) -> None:
    client = await plugin(world, person="", actors=("p_liting",))
    await world.house.services.people.deactivate("p_liting")
    assert (await client.post("edits", edit(actor="p_liting"))).body["error"] == "not_your_actor"


async def test_a_token_of_another_deployment_or_field_proves_nothing(world: World) -> None:
    client = await plugin(world)
    foreign = token.sign(token.Parents("elsewhere", HERO, "phone", ("x",), (), "form", 2**52), b"k" * 32)
    told = await client.post("edits", edit("foreign", parents=foreign))
    assert told.body["parents"] == "foreign" and told.body["outcome"] == "undecided"
    told = await client.post("edits", edit("other", parents=await parents(client, "address")))
    assert told.body["parents"] == "bad" and told.body["outcome"] == "undecided"


async def test_an_offline_edit_keeps_its_time(world: World) -> None:
    client = await plugin(world)
    at = world.clock.now() - 3_600_000
    told = await client.post("edits", edit(source_time=at, parents=await parents(client)))
    assert told.body["standing"]["as_of"] == at


async def test_an_edit_reaches_the_crm(world: World) -> None:
    client = await plugin(world)
    await client.post("edits", edit(parents=await parents(client)))
    for _ in range(200):
        if (await client.get(f"customers/{HERO}")).body["fields"]["phone"]["write"] == "in_crm":
            break
        await asyncio.sleep(0.02)
    record = await world.house.services.crms["local"].get((await _hero(world)).ref)
    assert record.fields["phone"].value == "+86 512 6288 0099"


async def _hero(world: World) -> Any:
    return await world.house.services.records.get(HERO)


async def test_an_edit_is_on_the_trail_without_its_value(world: World) -> None:
    client = await plugin(world)
    told = await client.post("edits", edit(parents=await parents(client)))
    past = (await client.get(f"customers/{HERO}/fields/phone/history")).body["edits"][0]
    steps = (await client.get("trail", turn=past["turn"])).body["steps"]
    assert [each["step"] for each in steps] == ["edited"] and steps[0]["facts"]["decision"] == told.body["decision"]
    assert "0099" not in str(steps)
