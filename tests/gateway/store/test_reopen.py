"""A settlement undone: the ledger is where it was before it, in any shape of conflict, and every decision holds."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from gateway.store.ledger import FieldState, Incoming
from gateway.store.ledger.ruling import Ruling
from reconcile.model import MergePolicy
from tests.gateway.store import oracle
from tests.gateway.store.world import ACME, World

REVIEW = MergePolicy(mode="review")


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    opened = World.open(store_url, REVIEW)
    yield opened
    await opened.store.close()


async def state(world: World) -> FieldState:
    found = await world.ledger.state(ACME, "phone")
    assert found is not None
    return found


def told(it: FieldState) -> object:
    """What a card of the conflict says; not the ids."""
    sides = sorted((str(each.value), each.source, each.actor, each.at) for each in it.challengers)
    base = (it.base.value, it.base.actor, it.base.at) if it.base is not None else None
    return (sides, base, it.value, it.conflict)


def undoing(world: World, heads: tuple[str, ...], *, may: bool = True, once: str = "") -> Incoming:
    return world.edit(None, name="phone", kind="revert", seen=heads, who="undoer", role_ok=may, once=once)


async def conflicting(world: World, rng: random.Random) -> FieldState:
    """Some who edit without having seen all; until there is a conflict."""
    heads: list[tuple[str, ...]] = [()]
    for _ in range(rng.randrange(2)):
        first = await world.ledger.ingest(world.edit("first", name="phone", seen=()))
        heads = [first.heads]
    for at in range(2, 20):
        now = await world.ledger.state(ACME, "phone")
        if now is not None and now.conflict is not None and at > 4:
            return now
        seen = rng.choice(heads)
        made = await world.ledger.ingest(world.edit(f"value {at}", name="phone", seen=seen, who=f"p{at}"))
        heads.append(made.heads if rng.random() < 0.3 else (made.standing_winner or made.edit_id,))
    return await state(world)


@pytest.mark.parametrize("seed", range(6))
async def test_the_conflict_is_as_it_was(world: World, seed: int) -> None:
    before = await conflicting(world, random.Random(seed))
    if before.conflict is None:
        pytest.fail(f"seed {seed} makes no conflict")
    for _ in range(2):  # and once more: undone, settled, undone
        chosen = (await state(world)).challengers[-1]
        settled = await world.ledger.ingest(
            world.edit(chosen.value, name="phone", kind="resolve", seen=(await state(world)).heads, role_ok=True)
        )
        assert settled.conflict == "closed"
        done = await world.ledger.reopen(undoing(world, settled.heads), settled.edit_id)
        assert done is not None and (done.conflict, done.conflict_id) == ("opened", before.conflict)
        again = await state(world)
        assert told(again) == told(before)
        assert {each.undoes for each in again.challengers} == {settled.edit_id}
        assert [case.id for case in await world.ledger.conflicts()] == [before.conflict]
    await world.store.read(lambda c: oracle.check(c, world.vault, ACME, "phone", REVIEW))
    assert await world.ledger.verify() is None


async def settled(world: World) -> tuple[str, tuple[str, ...]]:
    await world.ledger.ingest(world.edit("a", name="phone", seen=()))
    await world.ledger.ingest(world.edit("b", name="phone", seen=()))
    heads = (await state(world)).heads
    made = await world.ledger.ingest(world.edit("b", name="phone", kind="resolve", seen=heads, role_ok=True))
    return made.edit_id, made.heads


async def test_while_it_is_open_nothing_is_written_and_what_waited_is_ended(world: World) -> None:
    edit, heads = await settled(world)
    await world.ledger.reopen(undoing(world, heads), edit)
    assert await world.ledger.claim("local", world.clock() + 10**9) == []
    assert (await state(world)).write == "saved_here"


async def test_who_has_not_seen_it_or_may_not_undo_it_or_comes_late_opens_nothing(world: World) -> None:
    edit, heads = await settled(world)
    past = await world.ledger.history(ACME, "phone")
    assert await world.ledger.reopen(undoing(world, ("other",)), edit) is None
    assert await world.ledger.reopen(undoing(world, heads, may=False), edit) is None
    assert (
        await world.ledger.reopen(undoing(world, heads), (await world.ledger.history(ACME, "phone"))[-1].edit.edit)
        is None
    )
    assert len(await world.ledger.history(ACME, "phone")) == len(past)
    await world.ledger.ingest(world.edit("c", name="phone", seen=heads))
    assert await world.ledger.reopen(undoing(world, heads), edit) is None, "somebody has built on it"


async def test_a_plain_edit_is_no_settlement(world: World) -> None:
    made = await world.ledger.ingest(world.edit("a", name="phone", seen=()))
    assert await world.ledger.reopen(undoing(world, made.heads), made.edit_id) is None


async def test_of_two_who_undo_at_once_one_does(world: World) -> None:
    edit, heads = await settled(world)
    first = await world.ledger.reopen(undoing(world, heads), edit)
    second = await world.ledger.reopen(undoing(world, heads), edit)
    assert first is not None and second is None
    assert len((await state(world)).challengers) == 2


async def test_where_a_policy_would_decide_by_now_the_value_is_only_put_back(world: World) -> None:
    edit, heads = await settled(world)
    policies = replace(world.ledger.policies, default=MergePolicy(mode="last_writer_wins"))
    world.ledger._shared.ruling = Ruling(policies)
    assert await world.ledger.reopen(undoing(world, heads), edit) is None
