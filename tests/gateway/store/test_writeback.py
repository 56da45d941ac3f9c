"""What the CRM is told, what it answers, and what of it becomes an edit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import partial

import pytest

from crm.model import GATEWAY, FieldValue
from gateway.store import sql
from gateway.store.engine import Store
from gateway.store.ledger import Ledger, Observed, OutboxRow
from gateway.store.ledger.outbox import LEASE_MS
from reconcile.model import Json, MergePolicy, Source
from reconcile.policy import Policies
from tests.gateway.store.world import ACME, CRM, World, quick, record, snapshot

PHONE = MergePolicy(mode="master_wins", master="local", normaliser="phone:CN")


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    opened = World.open(store_url, Policies(fields={"phone": PHONE}))
    await opened.ledger.observe(record(1, {"phone": "138 0013 8000", "tier": "gold"}), CRM)
    yield opened
    await opened.store.close()


async def state(world: World, name: str = "phone") -> tuple[Json, str, str | None]:
    found = await world.ledger.state(ACME, name)
    assert found is not None
    return found.value, found.write, found.conflict


async def save(world: World, value: Json, name: str = "phone", who: str = "p1") -> None:
    found = await world.ledger.state(ACME, name)
    await world.ledger.ingest(world.edit(value, name=name, who=who, seen=found.heads if found else ()))


async def sweep(
    world: World, version: int, fields: Mapping[str, Json], by: str = "u1", began: int | None = None
) -> Observed:
    at = world.clock() if began is None else began
    return await world.ledger.observe(record(version, fields, by=by), CRM, began=at)


async def one(world: World, later: int = 0) -> OutboxRow:
    rows = await world.ledger.claim("local", world.clock() + later)
    assert len(rows) == 1
    return rows[0]


async def queue(world: World, later: int = 0) -> list[tuple[str, Json]]:
    return [(row.field, row.value) for row in await world.ledger.claim("local", world.clock() + later)]


async def test_the_first_read_makes_an_edit_of_every_field_and_nothing_to_write(world: World) -> None:
    assert await state(world) == ("138 0013 8000", "in_crm", None)
    assert await queue(world) == []
    assert len(await world.ledger.history(ACME, "tier")) == 1


async def test_a_read_that_says_nothing_new_is_no_edit(world: World) -> None:
    for version, spelling in ((2, "138 0013 8000"), (3, "+86 13800138000"), (3, "138-0013-8000"), (4, "13800138000")):
        assert (await sweep(world, version, {"phone": spelling, "tier": "gold"})).ingested == ()
    assert len(await world.ledger.history(ACME, "phone")) == 1


async def test_a_change_in_the_crm_is_an_edit_of_that_field_alone(world: World) -> None:
    seen = await sweep(world, 2, {"phone": "138 0013 8000", "tier": "silver"}, by="u2")
    assert [(each.value, each.reason, each.conflict) for each in seen.ingested] == [("silver", "causal", "none")]
    assert seen.changed
    found = await world.ledger.state(ACME, "tier")
    assert found is not None
    assert (found.actor, found.source, found.write) == ("u2", "[CRM]", "in_crm")


async def test_what_somebody_changed_before_we_wrote_another_field_is_not_called_ours(world: World) -> None:
    await sweep(world, 3, {"phone": "138 0013 8000", "tier": "silver"}, by=GATEWAY)
    found = await world.ledger.state(ACME, "tier")
    assert found is not None
    assert (found.actor, found.source) == ("local", "[CRM]")


async def test_an_edit_is_written_with_the_version_it_was_decided_on_and_its_echo_is_quiet(world: World) -> None:
    await save(world, "139 0013 9000")
    assert await state(world) == ("139 0013 9000", "saved_here", None)
    row = await one(world)
    assert (row.target, row.field, row.value, row.precondition, row.label) == (
        "local",
        "phone",
        "139 0013 9000",
        1,
        "[Web card 1.0]",
    )
    assert await queue(world) == []
    assert await world.ledger.answered(row, 2, "+8613900139000") == "done"
    assert await state(world) == ("139 0013 9000", "in_crm", None)
    assert (await sweep(world, 2, {"phone": "+8613900139000", "tier": "gold"})).ingested == ()
    assert await world.ledger.answered(row, 2) == "gone"


async def test_an_echo_read_before_its_answer_is_held_and_never_an_edit(world: World) -> None:
    await save(world, "139 0013 9000")
    row = await one(world)
    early = await sweep(world, 2, {"phone": "truncated 139", "tier": "gold"})
    assert early == Observed(held=True)
    await world.ledger.answered(row, 2, "truncated 139")
    assert (await sweep(world, 2, {"phone": "truncated 139", "tier": "gold"})).ingested == ()
    assert (await sweep(world, 3, {"phone": "truncated 139", "tier": "iron"})).ingested[0].value == "iron"
    assert await queue(world) == []
    assert await state(world) == ("139 0013 9000", "in_crm", None)
    assert len(await world.ledger.history(ACME, "phone")) == 2


async def test_a_read_older_than_the_answer_is_stale(world: World) -> None:
    await save(world, "139 0013 9000")
    await world.ledger.answered(await one(world), 2)
    assert (await sweep(world, 1, {"phone": "138 0013 8000", "tier": "gold"})).stale
    assert await state(world) == ("139 0013 9000", "in_crm", None)


async def test_the_crm_spells_our_own_version_in_its_own_way_even_when_it_did_not_say_so(world: World) -> None:
    await save(world, "139 0013 9000")
    await world.ledger.answered(await one(world), 2)
    assert (await sweep(world, 2, {"phone": "1390013", "tier": "gold"})).ingested == ()
    assert (await sweep(world, 3, {"phone": "1390013", "tier": "gold"})).ingested == ()


async def test_a_change_in_the_crm_after_our_write_has_seen_it(world: World) -> None:
    await save(world, "139 0013 9000")
    await world.ledger.answered(await one(world), 2)
    seen = await sweep(world, 3, {"phone": "137 0013 7000", "tier": "gold"})
    assert [(each.reason, each.conflict) for each in seen.ingested] == [("causal", "none")]
    assert await queue(world) == []


async def test_a_change_in_the_crm_that_had_not_seen_ours_meets_the_policy(world: World) -> None:
    await save(world, "139 0013 9000")
    row = await one(world)
    seen = await world.ledger.moved(row, snapshot(2, {"phone": "137 0013 7000", "tier": "gold"}))
    assert [(each.reason, each.value, each.losers) for each in seen.ingested] == [
        ("master", "137 0013 7000", (each.losers[0],)) for each in seen.ingested
    ]
    assert await state(world) == ("137 0013 7000", "in_crm", None)
    assert await queue(world) == []


async def test_another_field_moved_so_ours_is_written_again_on_the_new_version(world: World) -> None:
    await save(world, "139 0013 9000")
    await world.ledger.moved(await one(world), snapshot(5, {"phone": "138 0013 8000", "tier": "silver"}))
    again = await one(world)
    assert (again.value, again.precondition) == ("139 0013 9000", 5)


async def test_a_crm_that_refuses_the_very_version_it_shows_is_waited_for(world: World) -> None:
    await save(world, "139 0013 9000")
    await world.ledger.moved(await one(world), snapshot(1, {"phone": "138 0013 8000", "tier": "gold"}))
    assert await queue(world) == []
    assert await queue(world, later=2000) == [("phone", "139 0013 9000")]


async def test_what_is_superseded_while_waiting_is_never_sent(world: World) -> None:
    for value in ("139 0013 9001", "139 0013 9002", "139 0013 9003"):
        await save(world, value)
    assert await queue(world) == [("phone", "139 0013 9003")]


async def test_a_value_put_back_before_it_was_sent_is_not_sent_at_all(world: World) -> None:
    await save(world, "139 0013 9000")
    await save(world, "+86 138 0013 8000")
    assert await queue(world) == []


async def test_a_value_put_back_while_the_other_is_on_its_way_follows_it(world: World) -> None:
    await save(world, "139 0013 9000")
    row = await one(world)
    await save(world, "138 0013 8000")
    assert await queue(world) == []
    assert await world.ledger.answered(row, 2) == "superseded"
    assert await queue(world) == [("phone", "138 0013 8000")]


async def test_two_fields_of_a_record_go_one_after_the_other(world: World) -> None:
    await save(world, "139 0013 9000")
    await save(world, "silver", "tier")
    first = await one(world)
    await world.ledger.answered(first, 2)
    second = await one(world)
    assert {first.field, second.field} == {"phone", "tier"}
    assert second.precondition == 2


async def test_nothing_is_written_while_people_must_decide(world: World) -> None:
    """Not even what was queued before anybody knew of the conflict: it has ended, and does not come back by itself."""
    await contested(world)
    assert await state(world, "tier") == ("silver", "saved_here", (await world.ledger.conflicts())[0].id)
    assert await queue(world, later=10**9) == []
    await decide(world, "iron")
    assert await queue(world) == [("tier", "iron")]


async def test_what_waited_when_a_conflict_opened_is_queued_anew_when_it_is_chosen(world: World) -> None:
    await contested(world)
    await decide(world, "silver")
    assert await queue(world) == [("tier", "silver")]


async def test_what_was_on_its_way_when_a_conflict_opened_is_answered(world: World) -> None:
    await save(world, "silver", "tier")
    sent = await one(world)
    await world.ledger.ingest(world.edit("iron", name="tier", seen=[], who="p2"))
    assert await world.ledger.answered(sent, 2) in ("done", "superseded")
    assert await queue(world, later=10**9) == []


async def contested(world: World) -> None:
    found = await world.ledger.state(ACME, "tier")
    assert found is not None
    for value, who in (("silver", "p1"), ("iron", "p2")):
        await world.ledger.ingest(world.edit(value, name="tier", seen=found.heads, who=who))


async def decide(world: World, value: Json) -> None:
    found = await world.ledger.state(ACME, "tier")
    assert found is not None
    await world.ledger.ingest(world.edit(value, name="tier", kind="resolve", seen=found.heads))


async def test_a_refused_value_stays_visible_and_is_not_sent_again_by_itself(world: World) -> None:
    await save(world, "139 0013 9000")
    await world.ledger.refused(await one(world), "reconnect the CRM")
    assert await state(world) == ("139 0013 9000", "refused", None)
    found = await world.ledger.state(ACME, "phone")
    assert found is not None
    assert found.why_refused == "reconnect the CRM"
    await sweep(world, 2, {"phone": "138 0013 8000", "tier": "iron"})
    assert await queue(world, later=10**9) == []
    await save(world, "139 0013 9000")
    assert await queue(world) == [("phone", "139 0013 9000")]


@pytest.mark.parametrize("unsure", [False, True])
async def test_why_a_value_was_refused_is_as_secret_as_the_value(world: World, unsure: bool) -> None:
    await save(world, "139 0013 9000")
    why = "«139 0013 9000» is no number \ud800"  # a CRM may say anything
    await world.ledger.refused(await one(world), why, unsure=unsure)
    query = "SELECT why FROM outbox WHERE state = 'refused'"
    kept: str = await world.store.read(lambda connection: connection.exec_driver_sql(query).scalar_one())
    assert kept and "139" not in kept and "number" not in kept
    found = await world.ledger.state(ACME, "phone")
    assert found is not None
    assert (found.write, found.why_refused) == ("in_doubt" if unsure else "refused", why.replace("\ud800", "?"))


async def test_why_a_version_before_was_refused_is_read_as_it_was_kept(world: World) -> None:
    await save(world, "139 0013 9000")
    await world.ledger.refused(await one(world), "secret")
    update = "UPDATE outbox SET why = 'reconnect the CRM'"
    await world.store.write(lambda connection, _: [connection.exec_driver_sql(update) and None], None)
    found = await world.ledger.state(ACME, "phone")
    assert found is not None
    assert (found.write, found.why_refused) == ("refused", "reconnect the CRM")


async def test_a_tired_crm_is_asked_again_later_and_ever_later(world: World) -> None:
    await save(world, "139 0013 9000")
    await world.ledger.later(await one(world), 30)
    assert await queue(world, later=29_000) == []
    row = await one(world, later=31_000)
    assert row.tries == 2
    await world.ledger.later(row, 0)
    assert await queue(world, later=1000) == []
    assert await queue(world, later=4000) == [("phone", "139 0013 9000")]


async def passed_over(world: World) -> OutboxRow:
    """An older write that a tired CRM sent back waits beside the newer one, which goes first."""
    await save(world, "139 0013 9000")
    older = await one(world)
    await save(world, "139 0013 9001")
    await world.ledger.later(older, 30)
    newer = await one(world, later=1000)
    assert newer.value == "139 0013 9001"
    return newer


async def test_a_newer_value_that_met_a_moved_record_is_sent_all_the_same(world: World) -> None:
    newer = await passed_over(world)
    await world.ledger.moved(newer, snapshot(1, {"phone": "138 0013 8000", "tier": "gold"}))
    assert await queue(world, later=60_000) == [("phone", "139 0013 9001")]


async def test_an_older_value_is_not_sent_after_a_newer_one(world: World) -> None:
    newer = await passed_over(world)
    await world.ledger.answered(newer, 2, "139 0013 9001")
    assert await queue(world, later=60_000) == []
    assert await state(world) == ("139 0013 9001", "in_crm", None)


async def test_an_older_value_is_not_sent_after_a_newer_one_was_refused(world: World) -> None:
    newer = await passed_over(world)
    await world.ledger.refused(newer, "No.")
    assert await queue(world, later=60_000) == []
    assert await state(world) == ("139 0013 9001", "refused", None)


async def test_a_newer_value_is_sent_after_an_older_one_was_refused(world: World) -> None:
    await save(world, "139 0013 9000")
    older = await one(world)
    await save(world, "139 0013 9001")
    await world.ledger.refused(older, "No.")
    assert await queue(world, later=60_000) == [("phone", "139 0013 9001")]


async def test_an_older_value_that_is_taken_first_is_followed_by_the_newer_one(world: World) -> None:
    await save(world, "139 0013 9000")
    older = await one(world)
    await save(world, "139 0013 9001")
    await world.ledger.answered(older, 2, "139 0013 9000")
    assert await queue(world, later=1000) == [("phone", "139 0013 9001")]


async def test_what_was_never_answered_is_in_doubt_and_not_sent_again(world: World, store_url: str) -> None:
    await save(world, "139 0013 9000")
    sent = await one(world)
    assert await world.ledger.doubt() == []
    other = Store.open(store_url)
    after = Ledger(other, world.vault, world.ledger.policies, clock=world.clock)
    # SQLite has one gateway, so another process is the next one; PostgreSQL may have several: the lease says it
    if store_url.startswith("postgresql"):
        assert await after.doubt() == []
        world.clock.at += LEASE_MS
    assert [row.id for row in await after.doubt()] == [sent.id]
    assert await after.claim("local", world.clock() + 10**9) == []
    await other.close()
    await world.ledger.unsure(sent)
    assert [row.id for row in await world.ledger.doubt()] == [sent.id]


async def test_what_came_of_a_write_is_not_asked_before_the_target_is_through_with_it(world: World) -> None:
    await save(world, "139 0013 9000")
    await world.ledger.unsure(sent := await one(world), 5.0)
    assert (await state(world))[1] == "in_doubt"
    world.clock.at += 4_000
    assert await world.ledger.doubt() == []
    world.clock.at -= 3_600_000  # and no clock that is set back puts it off
    assert [row.id for row in await world.ledger.doubt()] == [sent.id]
    world.clock.at += 3_601_000
    assert [row.id for row in await world.ledger.doubt()] == [sent.id]


async def test_what_broke_off_here_is_asked_about_here_at_once_and_elsewhere_when_it_is_due(
    world: World, store_url: str
) -> None:
    await save(world, "139 0013 9000")
    await world.ledger.unsure(sent := await one(world), 5.0, here=True)
    other = quick(store_url)
    after = Ledger(other, world.vault, world.ledger.policies, clock=world.clock)
    assert [row.id for row in await world.ledger.doubt()] == [sent.id] and await after.doubt() == []
    await world.ledger.unsure(sent, 5.0)
    assert await world.ledger.doubt() == await after.doubt() == []
    world.clock.at += 5_000
    assert [row.id for row in await world.ledger.doubt()] == [row.id for row in await after.doubt()] == [sent.id]
    await other.close()


async def test_a_value_that_is_sent_again_and_again_waits_since_it_was_saved(world: World) -> None:
    ask = partial(sql.first, sql="SELECT at FROM outbox WHERE state = 'waiting'")
    await save(world, "139 0013 9000")
    since = await world.store.read(ask)
    for _ in range(3):
        world.clock.at += 400_000
        await world.ledger.settle(await one(world), snapshot(1, {"phone": "138 0013 8000", "tier": "gold"}), ours=False)
    assert await world.store.read(ask) == since
    now = world.clock()
    await save(world, "139 0013 9001")
    newer = await world.store.read(ask)
    assert newer is not None and newer[0] > now, "another value waits since itself"


async def test_in_doubt_our_own_value_under_our_own_name_is_the_answer(world: World) -> None:
    await save(world, "139 0013 9000")
    row = await one(world)
    seen = await world.ledger.settle(row, snapshot(2, {"phone": "+8613900139000", "tier": "gold"}), ours=True)
    assert seen.ingested == ()
    assert await state(world) == ("139 0013 9000", "in_crm", None)
    native = await sweep(world, 3, {"phone": "137 0013 7000", "tier": "gold"})
    assert native.ingested[0].reason == "causal"


async def test_in_doubt_and_not_there_it_is_resolved_again(world: World) -> None:
    await save(world, "139 0013 9000")
    row = await one(world)
    await world.ledger.settle(row, snapshot(1, {"phone": "138 0013 8000", "tier": "gold"}), ours=False)
    again = await one(world, later=5000)
    assert again.id != row.id
    assert again.value == "139 0013 9000"


async def test_in_doubt_the_same_value_by_somebody_else_is_their_edit(world: World) -> None:
    await save(world, "139 0013 9000")
    row = await one(world)
    seen = await world.ledger.settle(row, snapshot(2, {"phone": "13900139000", "tier": "gold"}), ours=False)
    assert [each.reason for each in seen.ingested] == ["agree"]
    assert await queue(world, later=10**9) == []


async def test_a_read_begun_after_the_decision_acknowledges_its_value(world: World) -> None:
    await save(world, "139 0013 9000")
    await save(world, "138 0013 8000", who="p2")
    began = world.clock()
    assert (await sweep(world, 1, {"phone": "138 0013 8000", "tier": "gold"}, began=began)).ingested == ()
    seen = await sweep(world, 2, {"phone": "137 0013 7000", "tier": "gold"})
    assert seen.ingested[0].reason == "causal"


async def test_a_read_begun_before_the_decision_acknowledges_nothing(world: World) -> None:
    began = world.clock()
    await save(world, "139 0013 9000")
    done = await world.ledger.ingest(
        world.edit("138 0013 8000", seen=((await world.ledger.state(ACME, "phone")) or pytest.fail("gone")).heads)
    )
    assert done.read == ("local",)
    await sweep(world, 1, {"phone": "138 0013 8000", "tier": "gold"}, began=began)
    seen = await sweep(world, 2, {"phone": "137 0013 7000", "tier": "gold"})
    assert seen.ingested[0].reason in ("three_way", "master")


@pytest.mark.parametrize(("told", "recorded"), [(None, True), (True, True), (False, False)])
async def test_a_version_that_jumped_over_somebody_is_recorded(world: World, told: bool | None, recorded: bool) -> None:
    """A jump stands for it where the CRM does not tell; where it does, its word counts."""
    await save(world, "139 0013 9000")
    row = await one(world)
    await world.ledger.answered(row, 4, overwrote=told)
    jumped = await world.store.read(
        lambda connection: connection.exec_driver_sql("SELECT overwrote_unseen FROM outbox").scalar_one()
    )
    assert bool(jumped) is recorded


async def test_two_different_values_at_one_version_are_quarantined(world: World) -> None:
    await sweep(world, 2, {"phone": "137 0013 7000", "tier": "gold"})
    seen = await sweep(world, 2, {"phone": "136 0013 6000", "tier": "gold"})
    assert [each.quarantined for each in seen.ingested] == [True]
    assert (await state(world))[0] == "137 0013 7000"


async def test_a_crm_value_no_database_can_hold_is_mended(world: World) -> None:
    await sweep(world, 2, {"phone": "138 0013 8000", "tier": "bad \ud800 name"})
    assert (await state(world, "tier"))[0] == "bad ? name"


async def test_an_automation_that_answers_every_write_the_same_way_is_let_be(store_url: str) -> None:
    policy = MergePolicy(mode="authoritative", authority=("web",), fallback="review")
    world = World.open(store_url, policy)
    await world.ledger.observe(record(1, {"tier": "gold"}), CRM)
    await save(world, "silver", "tier")
    version = 1
    for _ in range(3):
        row = await one(world)
        assert row.value == "silver"
        await world.ledger.answered(row, version + 1)
        version += 2
        await sweep(world, version, {"tier": "gold"}, by="workflow 7")
    assert await queue(world, later=10**9) == []
    found = await world.ledger.state(ACME, "tier")
    assert found is not None
    assert (found.value, found.write, found.why_refused) == ("silver", "disputed", "workflow 7")
    await save(world, "iron", "tier")
    assert await queue(world) == [("tier", "iron")]
    await world.store.close()


async def test_a_crm_of_two_is_told_what_the_other_changed(store_url: str) -> None:
    other = Source("other", "Other CRM")
    world = World.open(store_url, MergePolicy(mode="last_writer_wins"), lambda record, field: ("local", "other"))
    await world.ledger.observe(record(1, {"tier": "gold"}), CRM)
    theirs = record(1, {"tier": "gold"}, crm="other")
    await world.ledger.observe(theirs, other, key=ACME)
    changed = record(2, {"tier": "iron"}, crm="other")
    assert changed.fields["tier"] == FieldValue("iron")
    seen = await world.ledger.observe(changed, other, key=ACME)
    assert seen.ingested[0].standing == "iron"
    assert await queue(world) == [("tier", "iron")]
    assert await world.ledger.claim("other", world.clock()) == []
    await world.store.close()


async def test_a_value_in_the_crm_says_since_when_and_one_that_is_not_says_nothing(world: World) -> None:
    await save(world, "139 0013 9000")
    found = await world.ledger.state(ACME, "phone")
    assert found is not None and (found.write, found.written_at) == ("saved_here", 0)
    began = world.clock()
    await world.ledger.answered(await one(world), 2)
    found = await world.ledger.state(ACME, "phone")
    assert found is not None and found.write == "in_crm" and began < found.written_at <= world.clock()
