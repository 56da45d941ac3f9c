"""Records of two CRMs become one customer over the API and in the console, and two again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from gateway.handlers import desk
from gateway.handlers.hearing import Heard
from gateway.services import Services
from gateway.store.auditing import AuditStore
from gateway.store.tables_ledger import joined
from identity.model import Person
from tests.gateway.http.test_console import Visitor
from tests.gateway.http.test_console_mentions import seen
from tests.gateway.http.test_console_pages import hidden
from tests.gateway.http.world import HERO, World

THERE = "erp:customer:C-7"
JOIN = "/console/customers/join"


async def both(world: World, ref: str = THERE) -> None:
    """The customer, as a second CRM that was read before has it: with another phone."""
    records = world.house.services.records
    known = await records.mirrored(HERO)
    assert known is not None
    crm, kind, id_ = ref.split(":")
    phone = replace(known.fields["phone"], value="+86 512 6288 7777")
    await records.put([replace(known, ref=type(known.ref)(crm, kind, id_), fields={**known.fields, "phone": phone})])


async def deeds(world: World) -> list[tuple[str, str]]:
    return [(row.what, row.by) for row in await AuditStore(world.house.services.store, world.clock).latest()]


async def test_over_the_api_they_are_looked_at_joined_listed_and_parted(world: World) -> None:
    await both(world)
    client, body = await world.client("operate", person="p_zhaolei"), {"record": HERO, "ref": THERE}
    looked = await client.post("joins/look", body)
    assert (looked.status, looked.body) == (200, {**body, "differs": ["phone"]})
    assert (await client.get("joins")).body == {"joins": []}, "looking joins nothing"
    made = await client.post("joins", body)
    assert made.status == 200 and made.body == (await client.get("joins")).body == {"joins": [body]}
    await world.house.services.records.follow_joined(world.house.spine.refresh)
    assert world.house.services.records.joined.of(THERE) == HERO
    assert (await client.post("joins/part", {"ref": THERE})).body == {"joins": []}
    await world.house.services.records.follow_joined(world.house.spine.refresh)
    assert world.house.services.records.joined.of(THERE) == THERE
    said = [each for each in await deeds(world) if each[0] in ("joined", "parted")]
    assert {what for what, _ in said} == {"joined", "parted"} and all(by.startswith("token:") for _, by in said)


async def test_what_cannot_be_one_is_refused_and_nobody_but_an_admin_joins(world: World) -> None:
    await both(world)
    client, there = await world.client("operate", person="p_zhaolei"), {"record": HERO, "ref": THERE}
    other = next(
        ref for ref in await world.house.services.mirror.keys("", 9) if ref.startswith("local:") and ref != HERO
    )
    for body in ({"record": HERO, "ref": "erp:customer:none"}, {"record": HERO, "ref": other}):
        told = await client.post("joins", body)
        assert (told.status, told.body["error"]) == (409, "refused")
    assert (await client.post("joins/look", {"record": "x:y:z", "ref": THERE})).status == 409
    await client.post("joins", there)
    for ref in (THERE, "garbage"):  # of itself nothing is made, and nothing is parted by that
        for path in ("joins", "joins/look"):
            assert (await client.post(path, {"record": ref, "ref": ref})).status == 409
    assert (await client.get("joins")).body == {"joins": [there]}
    await client.post("joins/part", {"ref": THERE})
    assert (await client.post("joins/part", {"ref": THERE})).status == 409
    rep = await world.client("operate", person="p_liting")
    for path, body in (("joins", there), ("joins/look", there), ("joins/part", {"ref": THERE})):
        assert (await rep.post(path, body)).status == 403
    assert (await rep.get("joins")).status == 403


async def test_in_the_console_they_are_looked_at_joined_and_parted(world: World) -> None:
    await both(world)
    async with Visitor(world) as visitor:
        await visitor.enter()
        page = (await visitor.get(f"{JOIN}?ref={HERO}&other={THERE}&lang=en"))[1]
        assert "The two CRMs differ in: Phone." in seen(page) and THERE in page
        status, after, at = await visitor.post(JOIN, hidden(page, "customers/join"))
        assert status == 200 and at.url.path == "/console/customers/one" and "one customer from now on" in seen(after)
        page = (await visitor.get(f"{JOIN}?ref={HERO}"))[1]
        status, after, _ = await visitor.post(f"{JOIN}/part", hidden(page, "customers/join/part"))
        assert status == 200 and "of its own again" in seen(after)
        status, page, _ = await visitor.get(f"{JOIN}?ref={HERO}&other=erp:customer:none")
        assert status == 409 and "is not known here" in seen(page)
        assert (await visitor.get(f"{JOIN}?ref=no:such:one"))[2].url.path == "/console/customers"
    assert [what for what, by in await deeds(world) if by == "p_zhaolei"][:2] == ["parted", "joined"]


async def test_whom_a_policy_keeps_from_one_of_them_neither_sees_nor_joins_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await both(world)
    seen_, hidden_ = desk.seen, set[str]()

    async def kept_from(s: Services, ref: str, person: Person) -> Heard | None:
        return None if ref in hidden_ else await seen_(s, ref, person)

    monkeypatch.setattr(desk, "seen", kept_from)
    async with Visitor(world) as visitor:
        await visitor.enter()
        page = (await visitor.get(f"{JOIN}?ref={HERO}&other={THERE}&lang=en"))[1]
        form = hidden(page, "customers/join")
        hidden_.add(THERE)
        for told in (await visitor.get(f"{JOIN}?ref={HERO}&other={THERE}"), await visitor.post(JOIN, form)):
            assert told[0] == 409 and "is not known here" in seen(told[1]) and "differ" not in seen(told[1])
    assert await world.house.services.store.read(lambda connection: connection.execute(select(joined)).all()) == []


async def test_nobody_but_an_admin_looks_at_it(world: World) -> None:
    for role in ("manager", "auditor"):
        await world.house.services.people.put(Person(f"p_{role}", role, frozenset({role})))
        async with Visitor(world) as visitor:
            link = await world.tokens.login_link(f"p_{role}")
            await visitor.post("/console/login", {"link": link})
            assert (await visitor.get(f"{JOIN}?ref={HERO}"))[0] == 403
