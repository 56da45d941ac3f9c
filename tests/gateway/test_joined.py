"""One customer in several CRMs: what each says, what goes to each, and how it is joined and parted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.cli import joining
from gateway.errors import Refused, Retry
from gateway.store.due import DueStore
from gateway.store.joined import Join, JoinedStore
from reconcile.canonical import equal
from tests.gateway.house import HERO, LI, NAME, PHONE
from tests.gateway.several import Several, several
from tests.gateway.store.world import quick


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Several]:
    async with several(tmp_path) as world:
        yield world


async def by_card(world: Several, field: str, value: str) -> None:
    live = world.live
    await live.say(LI, "east", NAME)
    await live.settle()
    card = live.cards("east")[-1]
    form = await live.open_form(LI, card)
    await live.submit(LI, "east", form, **{field: value})
    await live.settle()


def heard(world: Several) -> set[str]:
    """Which of its records are heard by a name of their own."""
    names = world.live.s.records.names
    return {*names.within("Huaxing (HubSpot)", 10), *names.within("Huaxing (ERP)", 10)}


async def test_an_edit_reaches_every_crm_that_takes_the_field_and_then_all_is_quiet(world: Several) -> None:
    await world.join()
    live = world.live
    spelt = [await live.there("phone"), *[await world.there(crm, "phone") for crm in ("hub", "erp")]]
    assert await live.value("phone") in spelt, "each spelt it its own way, whichever was read first"
    assert all(equal("phone:CN", spelt[0], each) for each in spelt[1:]), "and all say the same"
    assert not await live.s.ledger.conflicts()
    new = f"{PHONE} 7777 0001"
    await by_card(world, "phone", new)
    held = [await world.there(crm, "phone") for crm in ("hub", "erp")]
    assert [await live.there("phone"), *held] == [new, new, new]
    edits = await live.rows("edit")
    writes = await live.rows("outbox")
    live.clock.ahead(minutes=10)
    await live.settle()
    assert (await live.rows("edit"), await live.rows("outbox")) == (edits, writes), "quiet"


async def test_what_one_crm_says_is_written_to_the_others(world: Several) -> None:
    await world.join()
    world.hub.set("companies", world.company, phone=f"{PHONE} 7777 0002")
    await world.live.settle()
    assert await world.there("erp", "phone") == f"{PHONE} 7777 0002" == await world.live.there("phone")
    await world.in_erp(tel="0512 7777 0003")
    await world.live.settle()
    assert await world.live.there("phone") == "0512 7777 0003" == await world.there("hub", "phone"), "as it spells it"
    state = await world.live.s.ledger.state(HERO, "phone")
    assert state is not None and (state.source, state.system) == ("[CRM erp]", "erp")


async def test_each_field_has_its_authority_and_goes_only_where_it_is_taken(world: Several) -> None:
    await world.join()
    live = world.live
    await world.in_erp(budget="480000.50")
    await live.natively("amount", "1.00")
    await live.settle()
    state = await live.s.ledger.state(HERO, "amount")
    assert state is not None and (state.value, state.system) == ("480000.50", "erp"), "its master's"
    assert await live.there("amount") == "480000.50"
    assert await live.rows("outbox", "target = 'hub' AND field = 'amount'") == 0, "HubSpot has no such field here"
    assert live.s.ledger._shared.targets(HERO, "stage") == ["local"]


async def test_a_customer_has_one_card_with_what_all_of_them_know(world: Several) -> None:
    live = world.live
    assert {world.hub_ref, world.erp_ref} <= heard(world)
    await world.join()
    assert world.hub_ref not in heard(world)
    found = await live.s.records.get(world.hub_ref)
    assert found is not None and found.ref.key == HERO
    assert world.hub_ref not in await live.s.mirror.keys("", 10_000)
    note = world.hub.put("notes", hs_note_body="<p>From HubSpot</p>", hs_timestamp="2026-11-20T00:00:00Z")
    world.hub.link("companies", world.company, "notes", note)
    world.hub.set("companies", world.company, city="x")
    await live.settle()
    found = await live.s.records.get(HERO)
    assert found is not None and "From HubSpot" in [item.text for item in found.related["note"]]


async def test_what_is_not_what_its_field_holds_is_kept_counted_and_listed(world: Several) -> None:
    live = world.live
    await world.in_erp(budget="a lot")
    await live.settle()
    assert await live.value("amount", world.erp_ref) == "a lot"
    config = live.folder / "floatcard.toml"
    assert await joining.odd(config, "erp") == [f"{world.erp_ref}  amount  not_a_number"]
    assert await live.counted("floatcard_crm_odd_values_total", crm="erp", reason="not_a_number") >= 1
    await world.in_erp(budget="12.5")
    await live.settle()
    assert await joining.odd(config, "erp") == []


async def test_what_does_not_fit_is_refused(world: Several) -> None:
    store, now = JoinedStore(world.live.s.store), world.live.clock.now()
    for join in (
        Join("hub:account:none", HERO),
        Join(HERO, HERO.replace("hx-medical", "none")),
        Join(await other(world), HERO),
    ):
        with pytest.raises(Refused):
            await store.join([join], "cli", now)
    await store.join([Join(world.hub_ref, HERO)], "cli", now)
    await store.join([Join(world.hub_ref, HERO)], "cli", now)
    with pytest.raises(Refused):
        await store.join([Join(world.hub_ref, world.erp_ref)], "cli", now)
    with pytest.raises(Refused):
        await store.join([Join(world.erp_ref, world.hub_ref)], "cli", now)


async def other(world: Several) -> str:
    return next(key for key in await world.live.s.mirror.keys("local:", 10) if key != HERO)


async def test_parted_it_is_a_customer_of_its_own_again(world: Several) -> None:
    await world.join()
    live = world.live
    await JoinedStore(live.s.store).join([Join(world.hub_ref, world.hub_ref)], "cli", live.clock.now())
    await live.settle()
    assert world.hub_ref in heard(world)
    world.hub.set("companies", world.company, phone=f"{PHONE} 7777 0009")
    await live.settle()
    assert await live.value("phone") != f"{PHONE} 7777 0009"
    assert await live.value("phone", world.hub_ref) == f"{PHONE} 7777 0009"


async def test_erased_it_is_erased_in_all(world: Several) -> None:
    from gateway.store.erasing import EraseStore

    await world.join()
    live = world.live
    vault = live.s.ledger._vault
    assert await EraseStore(live.s.store, vault, live.clock).erase(world.hub_ref, "cli") is not None
    world.hub.set("companies", world.company, phone=f"{PHONE} 7777 0009")
    await live.settle()
    for key in (HERO, world.hub_ref, world.erp_ref):
        assert await live.s.mirror.get(key) is None
    assert await live.s.records.get(HERO) is None


async def test_who_parts_again_while_the_first_is_followed_is_followed_too(store_url: str) -> None:
    store = quick(store_url)
    joins, due = JoinedStore(store), DueStore(store)
    await joins.join([Join(HERO, HERO)], "cli", 1_000)
    (item,) = await due.take(1_500, slow=True)
    await joins.join([Join(HERO, HERO)], "cli", 2_000)
    await due.done(item)
    assert [each.key for each in await due.take(2_500, slow=True)] == [item.key]
    await store.close()


async def test_what_was_joined_is_drawn_by_a_later_look_where_the_first_broke_off(world: Several) -> None:
    joins = [Join(world.hub_ref, HERO), Join(world.erp_ref, HERO)]
    await JoinedStore(world.live.s.store).join(joins, "cli", world.live.clock.now())
    drawn: list[str] = []

    async def refresh(ref: str) -> None:
        if not drawn:
            drawn.append("broke off")
            raise Retry(1.0)
        drawn.append(ref)

    with pytest.raises(Retry):
        await world.live.s.records.follow_joined(refresh)
    assert await world.live.s.records.follow_joined(refresh) == 2
    assert set(drawn[1:]) == {world.hub_ref, world.erp_ref} and heard(world) == set()
    assert await world.live.s.records.follow_joined(refresh) == 0


async def test_what_was_joined_is_drawn_once_however_many_look_at_once(world: Several) -> None:
    """And all of them go on with every name known as it is now."""
    joins = [Join(world.hub_ref, HERO), Join(world.erp_ref, HERO)]
    await JoinedStore(world.live.s.store).join(joins, "cli", world.live.clock.now())
    drawn: list[str] = []

    async def refresh(ref: str) -> None:
        await asyncio.sleep(0.01)
        drawn.append(ref)

    async def looked() -> int:
        many = await world.live.s.records.follow_joined(refresh)
        assert set(drawn) == {world.hub_ref, world.erp_ref}
        return many

    assert sorted(await asyncio.gather(*(looked() for _ in range(3)))) == [0, 0, 2]
    assert len(drawn) == 2
