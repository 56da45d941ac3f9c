"""Stages and applications over the API: for a token that reads as an admin, and for no other."""

from __future__ import annotations

from gateway.store.auditing import AuditStore
from gateway.store.stages import DAY_MS
from gateway.store.tokens import Token
from tests.gateway.http.test_console_pages import room
from tests.gateway.http.world import HERO, World


async def test_an_admin_reads_the_evidence_and_decides(world: World) -> None:
    await room(world, "r_east")
    client = await world.client("operate", person="p_zhaolei", name="ops")
    found = {each["kind"]: each for each in (await client.get("stages")).body["stages"]}
    one = found["group/group"]
    assert (one["stage"], one["run"], one["propose"], one["before"]) == ("full", 0, "wait", None) and one["rooms"] >= 1
    told = await client.post("stages", {"kind": "group/group", "stage": "minimal", "run": 0})
    assert told.status == 200
    day = world.clock.now() // DAY_MS
    await world.house.services.stages.store.add(
        {("group/group", 1, "minimal", day, "shown"): 250, ("group/group", 1, "minimal", day, "wrong"): 2}, {}
    )
    one = {each["kind"]: each for each in (await client.get("stages")).body["stages"]}["group/group"]
    assert (one["stage"], one["propose"], one["to"]) == ("minimal", "forward", "standard")
    assert one["counts"] == {"shown": 250, "wrong": 2} and one["by"] == "token:ops" and "few led" in one["why"]
    late = await client.post("stages", {"kind": "group/group", "stage": "full", "run": 0})
    assert (late.status, late.body["error"]) == (409, "refused")
    assert (await client.post("stages/undo", {"kind": "group/group", "run": 1})).status == 200
    assert world.house.services.stages.run("group/group").stage == "full"
    assert (await client.post("stages", {"kind": "a/b", "stage": "full", "run": 0})).status == 409
    assert (await client.post("stages", {"kind": "group/group", "stage": "huge", "run": 0})).status == 422


async def test_applications_are_listed_with_what_they_read(world: World) -> None:
    reads = frozenset({"name", "phone"})
    secret = await world.tokens.make(Token("sms", frozenset({"read"}), "p_liting", reads=reads))
    assert (await world.bearing(secret).get(f"customers/{HERO}")).status == 200
    client = await world.client("operate", person="p_zhaolei", name="ops")
    told = await client.get("applications")
    found = {each["name"]: each for each in told.body["applications"]}
    assert found["web"]["channel"] is True and "phone" in found["web"]["may_read"]
    (token,) = found["sms"]["tokens"]
    assert token["reads"] == ["name", "phone"] and token["used_at"] and secret not in str(told.body)
    assert {each["field"]: each["read"] for each in found["sms"]["readings"]} == {"name": 1, "phone": 1}
    assert (await client.get("applications", days="4_0")).status == 422
    assert (await client.post("applications/tokens/end", {"id": token["id"]})).status == 204
    assert (await client.post("applications/tokens/end", {"id": token["id"]})).status == 404
    assert (await world.bearing(secret).get("customers")).status == 401
    rows = await AuditStore(world.house.services.store, world.clock).latest()
    assert [(each.by, each.subject) for each in rows if each.what == "token_ended"] == [("token:ops", "sms")]


async def test_who_is_no_admin_is_told_nothing(world: World) -> None:
    for client in (await world.client("operate", person="p_liting"), await world.client("operate")):
        assert (await client.get("stages")).body["error"] == "not_admin"
        assert (await client.get("applications")).body["error"] == "not_admin"
        body = {"kind": "group/group", "stage": "minimal", "run": 0}
        assert (await client.post("stages", body)).body["error"] == "not_admin"
        assert (await client.post("applications/tokens/end", {"id": "0" * 12})).body["error"] == "not_admin"
