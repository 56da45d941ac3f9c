"""A policy is planned, applied and taken back: what the plan says comes about, and nothing else does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection

from gateway.errors import Refused
from gateway.lab.laboratory import make_plan, work_off
from gateway.store import policy_changes
from gateway.store.policy_changes import PolicyChange, PolicyChanges
from reconcile.canonical import equal
from reconcile.resolve import resolve
from tests.gateway.lab.seeded import BEGAN, FIELDS, Shown, customer, fill, propose, shown
from tests.gateway.store import oracle
from tests.gateway.store.world import KEY, World

MANY = 30
CLOCK = {"mode": "last_writer_wins"}
REVIEW = {"mode": "review"}
UNION = {"mode": "merge", "merge": "set_union"}
CARDS = {"mode": "authoritative", "authority": ["web"], "fallback": "last_writer_wins"}
NO_AGENT = {"mode": "review", "propose_only": ["agent"]}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    opened = World.open(f"sqlite:///{tmp_path}/floatcard.db", BEGAN)
    await fill(opened, MANY)
    yield opened
    await opened.store.close()


@pytest.fixture
async def either(store_url: str) -> AsyncIterator[World]:
    """Once on each database."""
    opened = World.open(store_url, BEGAN)
    await fill(opened, MANY)
    yield opened
    await opened.store.close()


async def planned(world: World, names: tuple[str, ...], spec: Mapping[str, object], **more: object) -> PolicyChange:
    change = await propose(world, names, spec, **more)
    assert await make_plan(world.store, KEY, change, processes=1) is not None
    made = await PolicyChanges(world.store).get(change.id)
    assert made is not None and made.state == "planned"
    return made


async def applied(world: World, change: PolicyChange, keep: bool = False) -> PolicyChange:
    await PolicyChanges(world.store).approve(change.id, "p_zhao", "numbers were lost", keep, world.clock())
    done = await work_off(world.ledger, change.id)
    assert done is not None and done.state == "applied" and done.done == done.total
    return done


async def undone(world: World, change: PolicyChange) -> PolicyChange:
    await PolicyChanges(world.store).end(change.id, "p_wang", "it was better before", world.clock())
    done = await work_off(world.ledger, change.id)
    assert done is not None
    return done


def counted(change: PolicyChange, kind: str) -> int:
    assert change.report is not None
    counts = change.report["counts"]
    assert isinstance(counts, dict)
    of = counts[kind]
    assert isinstance(of, dict)
    return sum(int(str(n)) for n in of.values())


def differing(before: dict[tuple[str, str], Shown], after: dict[tuple[str, str], Shown]) -> set[tuple[str, str]]:
    return {key for key in before if not equal("identity", before[key][0], after[key][0])}


@pytest.mark.parametrize(
    ("names", "spec"),
    [
        (("phone",), CLOCK),
        (("phone",), CARDS),
        (("phone",), NO_AGENT),
        (("tags",), UNION),
        (("tags",), REVIEW),
        (FIELDS, CLOCK),
    ],
)
async def test_what_the_plan_says_comes_about_and_can_be_taken_back(
    world: World, names: tuple[str, ...], spec: Mapping[str, object]
) -> None:
    before = await shown(world, MANY)
    change = await planned(world, names, spec)
    assert await shown(world, MANY) == before, "planning changes nothing"
    await applied(world, change)
    after = await shown(world, MANY)
    assert counted(change, "differ") == len(differing(before, after))
    assert sum(counted(change, kind) for kind in ("differ", "opens", "closes")) > 0
    assert counted(change, "opens") == sum(after[key][4] and not before[key][4] for key in before)
    assert counted(change, "closes") == sum(before[key][4] and not after[key][4] for key in before)
    assert {key[1] for key in before if before[key] != after[key]} <= set(names)
    await holds(world, names, change)
    assert (await undone(world, change)).state == "undone"
    back = await shown(world, MANY)
    assert {key: it for key, it in back.items() if before[key] != it} == {}
    assert await world.ledger.verify() is None


async def test_several_policies_at_once_on_either_database(either: World) -> None:
    before = await shown(either, MANY)
    change = await planned(either, FIELDS, NO_AGENT)
    await applied(either, change)
    assert counted(change, "differ") == len(differing(before, await shown(either, MANY))) > 0
    await holds(either, FIELDS, change)
    await undone(either, change)
    assert await shown(either, MANY) == before
    assert await either.ledger.verify() is None


async def holds(world: World, names: tuple[str, ...], change: PolicyChange) -> None:
    """P11: every field says what its edits say under the policy, as if it had always ruled."""
    for at in range(MANY):
        for name in names:
            edits = await world.store.read(partial(oracle.edits, vault=world.vault, record=customer(at), field=name))
            wanted = resolve([edit for edit, _ in edits], change.policies[name])
            state = await world.ledger.state(customer(at), name)
            assert state is not None
            assert (state.heads, state.proposals) == (wanted.heads, wanted.open_proposals)
            assert (state.conflict is not None) == wanted.conflict
            if not wanted.conflict:
                assert equal("identity", state.value, wanted.value) and state.edit == wanted.winner


async def test_only_another_admin_approves_and_says_why(world: World) -> None:
    changes = PolicyChanges(world.store)
    change = await planned(world, ("phone",), CLOCK)
    for by, why in (("p_wang", "mine"), ("", "nobody"), ("p_zhao", "  ")):
        with pytest.raises(Refused):
            await changes.approve(change.id, by, why, False, world.clock())
    await applied(world, change)
    with pytest.raises(Refused):
        await changes.approve(change.id, "p_zhao", "again", False, world.clock())
    with pytest.raises(Refused):
        await changes.end(change.id, "p_zhao", "", world.clock())


async def test_it_is_cancelled_half_way_and_all_is_as_before(world: World) -> None:
    before = await shown(world, MANY)
    change = await planned(world, FIELDS, CLOCK)
    changes = PolicyChanges(world.store)
    await changes.approve(change.id, "p_zhao", "a try", False, world.clock())
    half = await world.ledger.redecide(change.id, 5)
    assert half is not None and half.state == "applying" and half.done == 5 < half.total
    assert await shown(world, MANY) != before
    done = await undone(world, change)
    assert (done.state, done.ended_by) == ("cancelled", "p_wang")
    assert await shown(world, MANY) == before


async def test_an_edit_made_meanwhile_is_decided_by_what_rules_then(either: World) -> None:
    change = await planned(either, ("phone",), CLOCK)
    record = customer(0)
    early = await either.ledger.ingest(either.edit("8", record=record))  # after the plan, before the approval
    await PolicyChanges(either.store).approve(change.id, "p_zhao", "a try", False, either.clock())
    late = await either.ledger.ingest(either.edit("9", record=record))
    assert (early.decision.policy, late.decision.policy) == ("careful", change.id)
    assert late.reason == "last_writer"
    await work_off(either.ledger, change.id)
    await undone(either, change)
    state = await either.ledger.state(record, "phone")
    assert state is not None and state.conflict is not None and {"8", "9"} <= {one.value for one in state.challengers}
    again = await either.ledger.ingest(either.edit("7", record=record, kind="resolve", seen=state.heads))
    assert again.decision.policy == "careful"


async def test_what_is_settled_stays_when_that_is_asked(world: World) -> None:
    before = await shown(world, MANY)
    change = await planned(world, ("tags",), REVIEW)
    await applied(world, change, keep=True)
    after = await shown(world, MANY)
    settled = [key for key in before if not before[key][4]]
    assert settled and all(after[key][0] == before[key][0] and not after[key][4] for key in settled)
    moved = [key for key in settled if after[key] != before[key]]
    assert moved
    row = (await world.ledger.history(*moved[0]))[0]
    assert (row.edit.kind, row.edit.actor, row.edit.source) == ("resolve", "p_zhao", "[Policy laboratory]")


async def test_every_decision_says_which_change_made_it(either: World) -> None:
    change = await planned(either, ("phone",), CLOCK)
    await applied(either, change)
    changes = PolicyChanges(either.store)
    (step, *_) = await changes.steps(change.id)
    found = await either.ledger.decision(step.after)
    assert found is not None and found.decision.trigger == "policy" and found.trigger is None
    assert found.decision.policy == change.id and found.policy
    why = await changes.why(step.after, found.decision.policy)
    assert why is not None
    assert (why.change.reason, why.change.approved_by, why.before) == ("numbers were lost", "p_zhao", step.before)
    edit = await either.ledger.ingest(either.edit("5", record=step.record))
    under = await changes.why(edit.decision.id, edit.decision.policy)
    assert under is not None and under.change.id == change.id and under.before == ""
    before = await either.ledger.before(step.record, "phone", edit.edit_id)
    assert before is not None and before.edit == found.decision.standing


async def test_a_later_change_goes_first(world: World) -> None:
    one = await applied(world, await planned(world, ("phone",), CLOCK))
    two = await applied(world, await planned(world, ("phone",), CARDS))
    with pytest.raises(Refused):
        await PolicyChanges(world.store).end(one.id, "p_wang", "this one", world.clock())
    await undone(world, two)
    assert (await world.ledger.ingest(world.edit("5", record=customer(1)))).decision.policy == one.id
    await undone(world, one)
    assert (await world.ledger.ingest(world.edit("6", record=customer(2)))).decision.policy == "careful"


async def test_another_gateway_rules_by_it_at_once(either: World, store_url: str) -> None:
    beside = World.open(store_url, BEGAN)
    change = await planned(either, ("phone",), CLOCK)
    await PolicyChanges(either.store).approve(change.id, "p_zhao", "a try", False, either.clock())
    assert (await beside.ledger.ingest(beside.edit("5", record=customer(3)))).decision.policy == change.id
    await beside.store.close()


async def test_another_gateway_lets_nobody_settle_who_may_not_any_more(either: World, store_url: str) -> None:
    """Who may is judged by the policy that the decision names, and no earlier."""
    beside, new = World.open(store_url, BEGAN), "local:account:new"
    beside.serial = either.serial
    for value in ("a", "b"):
        both = await beside.ledger.ingest(beside.edit(value, record=new, who=f"p_{value}"))
    assert both.conflict == "opened"
    change = await planned(either, ("phone",), {"mode": "review", "min_role": "manager"})
    await PolicyChanges(either.store).approve(change.id, "p_zhao", "a try", False, either.clock())
    for roles in ({"rep"}, {"rep", "manager"}):
        state = await beside.ledger.state(new, "phone")
        assert state is not None
        seen = (*state.heads, *state.proposals)
        done = await beside.ledger.ingest(
            beside.edit("b", record=new, kind="resolve", seen=seen, roles=frozenset(roles), role_ok=False)
        )
        (row, *_) = await beside.ledger.history(new, "phone")
        assert done.decision.policy == row.policy == change.id
        assert (row.binding, done.conflict) == (("manager" in roles), "closed" if "manager" in roles else "open")
    undo = beside.edit(None, record=new, kind="revert", seen=done.heads, roles=frozenset({"rep"}), role_ok=True)
    assert await beside.ledger.reopen(undo, done.edit_id) is None
    await beside.store.close()


async def test_chosen_customers_and_days(either: World) -> None:
    some = await planned(either, ("phone",), CLOCK, records=[customer(1), customer(2)])
    assert some.report is not None and some.report["customers"] == 2
    everybody = await planned(either, ("phone",), CLOCK, days=30)
    assert everybody.report is not None and everybody.report["customers"] == MANY
    either.clock.at += 40 * 86_400_000
    nobody = await planned(either, ("phone",), CLOCK, days=30)
    assert nobody.report is not None and nobody.report["fields"] == 0


async def test_two_processes_plan_the_same(world: World) -> None:
    change = await propose(world, FIELDS, CLOCK)
    one = await make_plan(world.store, KEY, change, processes=1)
    other = await propose(world, FIELDS, CLOCK)
    two = await make_plan(world.store, KEY, other, processes=2)
    assert one is not None and two is not None
    assert (one.report(), one.decided) == (two.report(), two.decided)


async def test_a_plan_that_nobody_waits_for_ends(world: World) -> None:
    change = await propose(world, FIELDS, CLOCK)
    await PolicyChanges(world.store).end(change.id, "p_wang", "", world.clock())
    await make_plan(world.store, KEY, change, processes=1)
    ended = await PolicyChanges(world.store).get(change.id)
    assert ended is not None and (ended.state, ended.report) == ("cancelled", None)


async def test_an_erased_customer_is_left_alone(world: World) -> None:
    await world.ledger.erase(customer(0))
    change = await planned(world, FIELDS, CLOCK)
    assert change.report is not None and change.report["customers"] == MANY - 1
    await applied(world, change)
    assert all(step.record != customer(0) for step in await PolicyChanges(world.store).steps(change.id, 10_000))


async def test_an_approval_that_is_rolled_back_rules_nothing_though_it_was_seen_from_within(either: World) -> None:
    """The writer commits together what waits together: an edit beside an approval is decided by it."""
    one, other = await planned(either, FIELDS, NO_AGENT), await planned(either, ("phone",), CLOCK)
    ruling = either.ledger._shared.ruling
    before = ruling.policies

    def both(connection: Connection, items: Sequence[None]) -> list[None]:
        policy_changes._approve_one(connection, one.id, "p_zhao", "numbers were lost", False, either.clock())
        ruling.beside(connection)
        assert ruling.policies != before
        raise Refused("The next of them is not taken.")

    with pytest.raises(Refused):
        await either.store.write(both, None)
    await either.ledger.ingest(either.edit("139 0000 0001"))
    assert ruling.policies == before
    with pytest.raises(Refused):
        await either.store.write(both, None)
    await PolicyChanges(either.store).approve(other.id, "p_zhao", "numbers were lost", False, either.clock())
    await either.ledger.ingest(either.edit("139 0000 0002"))
    assert ruling.policies.of("account", "phone") == other.policies["phone"]
