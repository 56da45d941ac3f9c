from __future__ import annotations

from tests.gateway.http.world import HERO, World


async def test_an_admin_who_is_there_erases_and_nobody_else(world: World) -> None:
    admin = await world.client("operate", "read", person="p_zhaolei")
    path = f"customers/{HERO}/erase"
    link = await world.tokens.login_link("p_zhaolei")
    manager = await world.client("operate", person="p_liting", name="other")
    assert (await manager.post(path, {"proof": link})).status == 403
    assert (await (await world.client("read", person="p_zhaolei", name="r")).post(path, {"proof": link})).status == 403
    assert (await admin.post(path, {"proof": "x" * 43})).status == 403
    assert (await admin.post(path, {"proof": await world.tokens.login_link("p_liting")})).status == 403
    assert (await admin.get(f"customers/{HERO}")).status == 200
    told = await admin.post(path, {"proof": link})
    assert told.status == 200 and told.body["values"] >= 0
    assert (await admin.post(path, {"proof": link})).status == 403, "the proof is used up"
    assert (await admin.post(path, {"proof": await world.tokens.login_link("p_zhaolei")})).status == 404
    await world.house.schedule.once()
    assert (await admin.get(f"customers/{HERO}")).status == 404
