"""A customer is erased: values, names and cards go, decisions and their chain stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection

from channels.model import MessageRef, Place
from gateway.clock import SystemClock
from gateway.store import upsert
from gateway.store.auditing import AuditStore
from gateway.store.erasing import EraseStore
from gateway.store.slots import Shown, SlotStore, slot_id
from gateway.store.tables_ledger import joined
from gateway.turn import Slot
from reconcile.model import MergePolicy
from tests.gateway.house import HERO, LI, opened
from tests.gateway.store.outside import everything, tamper
from tests.gateway.store.world import ACME, NOBODY, World
from tests.gateway.test_edits import ONE, floated


async def test_all_of_one_customer_goes_and_nothing_of_another(store_url: str) -> None:
    world = World.open(store_url, MergePolicy(mode="review"), NOBODY)
    await world.ledger.ingest(world.edit("first secret"))
    await world.ledger.ingest(world.edit("second secret"))
    await world.ledger.ingest(world.edit("another's", record="local:account:other"))
    erasing = EraseStore(world.store, world.vault, SystemClock())
    weight = await erasing.weigh(ACME)
    assert weight is not None and (weight.values, weight.edits) == (2, 2)
    assert await erasing.erase(ACME, "p_admin") == weight
    assert await erasing.weigh(ACME) is None and await erasing.erase(ACME, "p_admin") is None
    assert await erasing.weigh("local:account:nobody") is None
    assert await world.ledger.verify() is None
    states = await world.ledger.states(ACME)
    assert all(state.value is None for state in states.values())
    assert any(state.value == "another's" for state in (await world.ledger.states("local:account:other")).values())
    audit = AuditStore(world.store, SystemClock())
    (noted,) = await audit.latest()
    assert (noted.what, noted.subject, noted.by) == ("erased", ACME, "p_admin") and noted.facts["values"] == 2
    assert await audit.verify() is None
    assert b"secret" not in everything(store_url)
    await audit.note("p_admin", "signed_in", "p_admin", how="link")
    tamper(store_url, "UPDATE audit SET subject = 'x' WHERE seq = 1")
    assert await audit.verify() == 1
    await world.store.close()


async def test_why_the_crm_refused_it_goes_too(store_url: str) -> None:
    """A version before kept it as it was said."""
    world = World.open(store_url, MergePolicy(mode="review"))
    await world.ledger.ingest(world.edit("secret"))
    (row,) = await world.ledger.claim("local", world.clock.at + 60_000, 32)
    await world.ledger.refused(row, "phone: secret is not a phone number.")
    assert b"secret" not in everything(store_url)
    update = "UPDATE outbox SET why = 'phone: secret is not a phone number.'"
    await world.store.write(lambda connection, _: [connection.exec_driver_sql(update) and None], None)
    assert b"secret" in everything(store_url)
    assert await EraseStore(world.store, world.vault, SystemClock()).erase(ACME, "p_admin") is not None
    assert b"secret" not in everything(store_url)
    await world.store.close()


async def test_a_write_that_was_on_its_way_is_not_sent_again_without_its_value(store_url: str) -> None:
    """It would clear the field in the CRM."""
    world = World.open(store_url, MergePolicy(mode="review"))
    await world.ledger.ingest(world.edit("secret"))
    (row,) = await world.ledger.claim("local", world.clock.at + 60_000, 32)
    assert await EraseStore(world.store, world.vault, SystemClock()).erase(ACME, "p_admin") is not None
    await world.ledger.later(row, 0, "the CRM was tired")
    await world.ledger.unsure(row)
    assert await world.ledger.claim("local", world.clock.at + 3_600_000, 32) == []
    assert await world.ledger.doubt() == []
    await world.store.close()


async def test_what_was_claimed_before_its_customer_was_erased_does_not_reach_the_crm(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        card = await floated(live)
        await live.submit(LI, "deal", await live.open_form(LI, card), phone=ONE)
        was, (claimed,) = await live.there("phone"), await live.s.ledger.claim("local", live.clock.now(), 32)
        assert await EraseStore(live.s.store, live.s.ledger._vault, live.clock).erase(HERO, "p_admin") is not None
        await live.house.writebacks["local"]._one(claimed)
        assert (live.crm.writes, await live.there("phone")) == (0, was)


def _join(connection: Connection, rows: Sequence[dict[str, object]]) -> list[None]:
    upsert.put(connection, joined, rows)
    return [None] * len(rows)


async def test_of_a_customer_in_several_crms_all_that_goes_is_counted(store_url: str) -> None:
    world = World.open(store_url, MergePolicy(mode="review"), NOBODY)
    part = "hub:account:7"
    await world.ledger.ingest(world.edit("first secret"))
    await world.ledger.ingest(world.edit("second secret", record=part))
    row = {"ref": part, "crm": "hub", "record": ACME, "made_by": "p_admin", "at": 1}
    await world.store.write(_join, row)
    erasing = EraseStore(world.store, world.vault, SystemClock())
    for named in (ACME, part):
        weight = await erasing.weigh(named)
        assert weight is not None and (weight.values, weight.edits) == (2, 2), named
    assert await erasing.erase(part, "p_admin") == weight
    assert await erasing.weigh(ACME) is None and await erasing.weigh(part) is None
    assert b"secret" not in everything(store_url)
    await world.store.close()


async def test_its_cards_are_taken_away_and_nobody_hears_its_name(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        card = await floated(live)
        await live.submit(LI, "deal", await live.open_form(LI, card), phone=ONE)
        await live.settle()
        assert [each for each in live.cards("deal") if each.card["name"] == "customer"]
        names = len(live.s.records.names)
        vault = live.s.ledger._vault
        assert await EraseStore(live.s.store, vault, live.clock).erase(HERO, "p_admin") is not None
        await live.house.schedule.once()
        await live.settle()
        assert not [each for each in live.cards("deal") if each.card["name"] == "customer"]
        assert await live.s.records.get(HERO) is None and len(live.s.records.names) < names
        assert await live.rows("slot_record", f"record = '{HERO}'") == 0
        assert await live.rows("mirror", f"ref = '{HERO}' AND length(sealed) > 0") == 0
        await live.house.sweeps["local"].once(first=True)
        await live.settle()
        assert await live.s.records.get(HERO) is None, "what the CRM still says of it is not taken in again"
        painted = replace(named("late", False), state={"message": "late", "names": {HERO: "typed late"}})
        await live.s.slots.keep(painted)  # as it was read before
        live.clock.ahead(minutes=3)
        await live.settle()
        assert await live.rows("slot", "state LIKE '%typed late%'") == 0
        assert await live.rows("due", "kind = 'erased'") == 0
        assert await live.s.ledger.verify() is None


def named(message: str, up: bool, *records: str, **names: str) -> Shown:
    """A card under a message that named its customers; `records` are those that it shows."""
    place = Place("demo", "r_deal")
    refs = {f"local:account:{id_}": name for id_, name in names.items()}
    slot = Slot(place, "card", message)
    where = MessageRef(place, f"c-{message}") if up else None
    return Shown(slot_id(slot), slot, where, records, painted_at=1, state={"message": message, "names": {**refs}})


async def test_how_somebody_typed_its_name_goes_too(store_url: str) -> None:
    """Also of a card that shows it to nobody now, of a mere line and of one that was never posted."""
    world = World.open(store_url, MergePolicy(mode="review"), NOBODY)
    await world.ledger.ingest(world.edit("x"))
    slots, other = SlotStore(world.store), "local:account:other"
    for shown in (
        named("m1", True, ACME, acme="the Äcme secret"),
        named("m2", True, ACME, other, acme="secret % one", other="another's"),
        named("m3", True, other, acme="secret 3", other="another's"),
        named("m4", True, acme="secret 4"),
        named("m5", False, acme="secret 5"),
    ):
        await slots.keep(shown)
    assert everything(store_url).count(b"secret") == 5
    assert await EraseStore(world.store, world.vault, SystemClock()).erase(ACME, "p_admin") is not None
    found = everything(store_url)
    assert b"secret" not in found and found.count(b"another's") == 2
    left = await slots.in_room(Place("demo", "r_deal").room_key)
    assert sorted(str(each.state["message"]) for each in left) == ["m1", "m2", "m3", "m4", "m5"]
    await world.store.close()


async def test_of_a_card_that_is_taken_away_no_typed_name_is_kept(store_url: str) -> None:
    world = World.open(store_url, MergePolicy(mode="review"), NOBODY)
    slots, up = SlotStore(world.store), named("m1", True, ACME, acme="secret")
    await slots.keep(up)
    assert not await slots.drop(up.id, seen=2) and b"secret" in everything(store_url)
    assert await slots.drop(up.id, seen=1) and b"secret" not in everything(store_url)
    left = await slots.by_id(up.id)
    assert left is not None and (left.message, left.state) == (None, {"message": "m1"})
    await world.store.close()
