"""An admin's token lists what was set aside and takes it up again; nobody else's does."""

from __future__ import annotations

import contextlib
from typing import Any

from gateway.bus.model import Delivery, Job
from gateway.errors import Retry
from gateway.outgoing.breaker import THRESHOLD
from tests.gateway.http.world import World


async def admin(world: World) -> str:
    return next(each.id for each in world.house.services.people.persons() if "admin" in each.roles)


async def park(world: World, name: str) -> None:
    worker: Any = world.house.worker
    real = worker._handle

    async def broken(delivery: Delivery) -> None:
        raise ValueError("secret")

    worker._handle, worker._tries = broken, 1
    await world.house.services.bus.publish(Job("record", "record:local:account:secret", name, b"none:none:none"))
    while worker.busy:
        await worker.idle()
    worker._handle = real


async def test_an_admin_lists_and_replays(world: World) -> None:
    for name in ("one", "two"):
        await park(world, name)
    client = await world.client("operate", person=await admin(world))
    told = await client.get("parked")
    assert told.status == 200
    first, second = told.body["jobs"]
    assert (told.body["after"], told.body["total"]) == (None, 2)
    page = (await client.get("parked", limit=1)).body
    assert page["jobs"] == [first] and page["after"] == first["id"]
    assert (await client.get("parked", after=page["after"])).body["jobs"] == [second]
    assert (await client.get("parked", after="x")).status == 422
    assert (first["topic"], first["tries"], first["why"]) == ("record", 1, "ValueError: tried 1 times")
    assert first["lane"] == second["lane"]
    assert "secret" not in str(told.body)
    assert (await client.post("parked/replay", {"ids": [first["id"], "123"]})).body == {"replayed": 1}
    while world.house.worker.busy:
        await world.house.worker.idle()
    assert [each["id"] for each in (await client.get("parked")).body["jobs"]] == [second["id"]]
    assert (await client.post("parked/replay", {})).body == {"replayed": 1}
    assert (await client.get("parked")).body == {"jobs": [], "after": None, "total": 0}


async def test_nobody_else_does(world: World) -> None:
    await park(world, "one")
    others = [
        (await world.client("read", "edit", "identities", "mentions", person=await admin(world)), "missing_scope"),
        (await world.client("operate", person="p_liting"), "not_admin"),
        (await world.client("operate"), "not_admin"),
    ]
    for client, why in others:
        for told in (await client.get("parked"), await client.post("parked/replay", {})):
            assert (told.status, told.body["error"]) == (403, why)
    assert len(await world.house.services.bus.parked()) == 1


async def test_what_is_no_id_is_refused(world: World) -> None:
    client = await world.client("operate", person=await admin(world))
    bad: list[dict[str, Any]] = [{"ids": []}, {"ids": ["x"]}, {"ids": [1]}, {"ids": "1"}, {"all": True}]
    for body in bad:
        assert (await client.post("parked/replay", body)).status == 422


async def test_an_admin_is_told_who_does_not_answer(world: World) -> None:
    breaker = world.house.breakers["local feed"]

    async def down() -> None:
        raise Retry(1, "down")

    while breaker.state == "closed":
        with contextlib.suppress(Retry):
            await breaker.run(down)
    client = await world.client("operate", person=await admin(world))
    told = (await client.get("targets")).body["targets"]
    found = {(each["kind"], each["name"], each["part"]): each for each in told}
    sick = found.pop(("crm", "local", "feed"))
    assert (sick["state"], sick["failures"]) == ("open", THRESHOLD) and 0 < sick["after"] < 2
    assert {("channel", "web", "calls"), ("crm", "local", "calls"), ("crm", "local", "users")} <= set(found)
    assert all((each["state"], each["failures"], each["after"]) == ("closed", 0, 0) for each in found.values())
    assert (await (await world.client("operate", name="n")).get("targets")).status == 403
