from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import Refused
from gateway.store.ledger import Incoming, Ledger
from gateway.store.ledger.touched import Touched
from reconcile.model import Actor, Json, MergePolicy, Source
from reconcile.token import Seen
from tests.gateway.store import oracle
from tests.gateway.store.outside import everything
from tests.gateway.store.world import ACME, CARD, CRM, NOBODY, World, record

SOAK = os.environ.get("FLOATCARD_SOAK") == "1"
HISTORIES = 600 if SOAK else 60

POLICIES = [
    MergePolicy(mode="review"),
    MergePolicy(mode="last_writer_wins", rank=("web", "erp")),
    MergePolicy(mode="master_wins", master="erp"),
    MergePolicy(mode="authoritative", authority=("erp", "web"), fallback="last_writer_wins"),
    MergePolicy(mode="review", propose_only=("agent",), normaliser="trimmed"),
]
SOURCES = [CARD, Source("erp", "ERP"), Source("agent", "Agent"), Source("wecom", "企微插件", "v2.3")]
VALUES: list[Json] = ["a", "b", "a ", "c", None, 7, {"city": "上海"}]


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    opened = World.open(store_url)
    yield opened
    await opened.store.close()


def any_edit(world: World, rng: random.Random, known: list[str], heads: tuple[str, ...], name: str) -> Incoming:
    source = rng.choice(SOURCES)
    draw = rng.random()
    parents: set[str] = set(heads) if draw < 0.5 else set(rng.sample(known, min(len(known), rng.randrange(4))))
    if rng.random() < 0.03:
        parents.add("not-here-yet")
    linear = source.system == "erp" and rng.random() < 0.7
    value = rng.choice(VALUES)
    kinds = ["set", "set", "set", "proposal", "resolve", "revert", "snapshot"]
    return world.edit(
        value,
        name=name,
        kind="clear" if value is None else rng.choice(kinds),  # type: ignore[arg-type]
        who=rng.choice(["p1", "p2"]),
        source=source,
        seen=(),
        parents=frozenset(parents),
        stream="erp" if linear else None,
        watermark=rng.randrange(8) if linear else None,
        source_time=world.clock.at - rng.randrange(100_000_000),
        online=rng.random() < 0.5,
        role_ok=rng.random() < 0.7,
        binding=rng.random() < 0.9,
    )


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.mode)
async def test_every_decision_is_what_resolve_says_of_all_edits(store_url: str, policy: MergePolicy) -> None:
    world = World.open(store_url, policy, NOBODY)
    for seed in range(HISTORIES // len(POLICIES)):
        rng = random.Random(seed)
        name, known, heads = f"field{seed}", list[str](), tuple[str, ...]()
        while len(known) < rng.randrange(4, 16):
            together = [any_edit(world, rng, known, heads, name) for _ in range(rng.choice([1, 1, 1, 3]))]
            done = await asyncio.gather(*(world.ledger.ingest(one) for one in together))
            known += [one.edit_id for one in done]
            heads = done[-1].heads
        compared = await world.store.read(
            lambda connection, name=name: oracle.check(connection, world.vault, ACME, name, policy)  # type: ignore[misc]
        )
        assert compared == len(known), f"seed {seed}"
    assert await world.ledger.verify() is None
    await world.store.close()


async def test_a_long_history_is_not_read_for_an_edit_that_saw_it_all_or_nothing(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World.open(store_url, MergePolicy(mode="last_writer_wins"), NOBODY)
    asked: list[object] = []
    load = Touched.load

    def counting(self: Touched, it: Any, ids: Any) -> Any:
        asked.append(ids)
        return load(self, it, ids)

    heads: tuple[str, ...] = ()
    for n in range(40):
        heads = (await world.ledger.ingest(world.edit(f"v{n}", seen=heads))).heads
    monkeypatch.setattr(Touched, "load", counting)
    blind = await world.ledger.ingest(world.edit("blind"))
    assert len(blind.heads) == 2
    both = await world.ledger.ingest(world.edit("both", seen=blind.heads))
    assert both.reason == "causal"
    assert asked == [heads]
    await world.store.close()


async def test_a_redelivery_is_answered_as_the_first_time(world: World) -> None:
    one = world.edit("138", once="k1")
    first = await world.ledger.ingest(one)
    await world.ledger.ingest(world.edit("139", seen=first.heads))
    again, twin = await asyncio.gather(world.ledger.ingest(one), world.ledger.ingest(one))
    for repeat in (again, twin):
        assert not repeat.first
        assert repeat.decision == first.decision
        assert (repeat.edit_id, repeat.standing, repeat.conflict) == (first.edit_id, first.standing, first.conflict)
    assert len(await world.ledger.history(ACME, "phone")) == 2


async def test_two_of_the_same_at_once_make_one_decision(world: World) -> None:
    one = world.edit("138", once="k1")
    done = await asyncio.gather(*(world.ledger.ingest(one) for _ in range(5)))
    assert sorted(each.first for each in done) == [False] * 4 + [True]
    assert len({each.decision.id for each in done}) == 1


async def test_the_same_key_with_other_contents_is_quarantined_and_binds_nobody(world: World) -> None:
    first = await world.ledger.ingest(world.edit("138", once="k1"))
    forged = world.edit("666", once="k1", seen=first.heads)
    second = await world.ledger.ingest(forged)
    assert second.quarantined
    assert (second.standing, second.winner) == ("138", first.edit_id)
    assert (await world.ledger.ingest(forged)).decision == second.decision
    assert len(await world.ledger.history(ACME, "phone")) == 2


async def test_a_surface_without_tokens_lets_somebody_correct_himself_and_nobody_else(world: World) -> None:
    mine = await world.ledger.ingest(world.edit("138", seen=None, who="p1"))
    again = await world.ledger.ingest(world.edit("139", seen=None, who="p1"))
    assert (again.reason, again.heads) == ("causal", (again.edit_id,))
    other = await world.ledger.ingest(world.edit("137", seen=None, who="p2"))
    assert other.conflict == "opened"
    assert mine.edit_id != again.edit_id


@pytest.mark.parametrize("status", ["missing", "bad", "foreign"])
async def test_a_token_that_proves_nothing_makes_the_edit_concurrent(world: World, status: Any) -> None:
    await world.ledger.ingest(world.edit("138"))
    one = world.edit("139")
    late = await world.ledger.ingest(
        Incoming(ACME, "phone", "set", "139", CARD, Actor("person", "p1"), "x", seen=Seen(status))
    )
    assert (late.conflict, late.seen) == ("opened", status)
    assert one.seen is not None


async def test_a_resolution_closes_the_conflict_it_saw_and_leaves_the_rest_open(world: World) -> None:
    a = await world.ledger.ingest(world.edit("a"))
    b = await world.ledger.ingest(world.edit("b"))
    assert b.conflict == "opened"
    card = b.heads
    c = await world.ledger.ingest(world.edit("c"))
    assert c.conflict == "open"
    partly = await world.ledger.ingest(world.edit("b", kind="resolve", seen=card))
    assert partly.conflict == "open"
    assert a.standing == partly.standing == "a"
    wholly = await world.ledger.ingest(world.edit("b", kind="resolve", seen=partly.heads))
    assert (wholly.conflict, wholly.standing) == ("closed", "b")
    case = await world.ledger.conflict(str(b.conflict_id))
    assert case is not None
    assert (case.closed_by, case.settled_edit, case.settled_by) == (wholly.decision.id, wholly.edit_id, "p1")
    assert await world.ledger.conflicts() == []
    assert len(await world.ledger.conflicts(open_only=False)) == 1


async def test_nobody_without_the_role_settles(world: World) -> None:
    await world.ledger.ingest(world.edit("a"))
    b = await world.ledger.ingest(world.edit("b"))
    tried = await world.ledger.ingest(world.edit("b", kind="resolve", seen=b.heads, role_ok=False))
    assert tried.conflict == "open"
    state = await world.ledger.state(ACME, "phone")
    assert state is not None
    assert [each.value for each in state.proposed] == ["b"]
    assert [each.value for each in state.challengers] == ["a", "b"]
    assert state.value == "a"


async def test_undo_restores_exactly_what_stood_and_can_itself_be_undone(world: World) -> None:
    a = await world.ledger.ingest(world.edit(" a "))
    assert await world.ledger.before(ACME, "phone", a.edit_id) is None
    b = await world.ledger.ingest(world.edit("b", seen=a.heads))
    before = await world.ledger.before(ACME, "phone", b.edit_id)
    assert before is not None
    assert (before.edit, before.value) == (a.edit_id, " a ")
    undone = await world.ledger.ingest(world.edit(before.value, kind="revert", seen=b.heads))
    assert undone.standing == " a "
    before = await world.ledger.before(ACME, "phone", undone.edit_id)
    assert before is not None
    assert before.value == "b"


async def test_a_cleared_field_is_not_an_unknown_one(world: World) -> None:
    a = await world.ledger.ingest(world.edit("a"))
    cleared = await world.ledger.ingest(world.edit("ignored", kind="clear", seen=a.heads))
    assert (cleared.standing, cleared.standing_winner) == (None, cleared.edit_id)
    state = await world.ledger.state(ACME, "phone")
    assert state is not None
    assert (state.value, state.edit, state.erased_at) == (None, cleared.edit_id, None)


async def test_history_pages_from_the_newest(world: World) -> None:
    heads: tuple[str, ...] = ()
    for n in range(7):
        heads = (await world.ledger.ingest(world.edit(n, seen=heads))).heads
    page = await world.ledger.history(ACME, "phone", 3)
    assert [row.edit.value for row in page] == [6, 5, 4]
    assert [row.n for row in await world.ledger.history(ACME, "phone", 9, before=page[-1].n)] == [4, 3, 2, 1]


async def test_a_decision_is_explained_by_its_trace_code(world: World) -> None:
    a = await world.ledger.ingest(world.edit("a"))
    b = await world.ledger.ingest(world.edit("b", who="p2"))
    view = await world.ledger.decision(b.decision.id.lower().replace("-", " "))
    assert view is not None
    assert view.decision == b.decision
    assert {each.value for each in view.edits.values()} == {"a", "b"}
    assert view.edits[a.edit_id].why == "undecided"
    assert '"mode":"master_wins"' in view.policy
    assert view.trigger is not None
    assert view.trigger.actor.id == "p2"
    assert await world.ledger.decision("0000-0000-0000-0000") is None
    assert await world.ledger.decision("'; DROP TABLE decision; --") is None


@pytest.mark.parametrize(
    ("change"),
    [{"value": "\ud800"}, {"value": float("nan")}, {"name": "a\0b"}, {"once": "x\0"}, {"who": "\udfff"}],
    ids=["surrogate", "nan", "nul field", "nul once", "surrogate actor"],
)
async def test_what_no_database_can_hold_is_refused(world: World, change: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="cannot be stored"):
        await world.ledger.ingest(world.edit(**{"value": "x", **change}))


async def test_hostile_values_keep_their_spelling(world: World) -> None:
    hostile: list[Json] = [
        "<!channel>",
        "a\0b",
        "😀" * 10_000,
        "\u202eevil",
        "é",
        "e\u0301",
        10**40,
        1.5,
        True,
        [[]],
        "",
    ]
    for n, value in enumerate(hostile):
        await world.ledger.ingest(world.edit(value, name=f"f{n}"))
    states = await world.ledger.states(ACME)
    assert [states[f"f{n}"].value for n in range(len(hostile))] == hostile


async def test_a_bad_edit_fails_alone(world: World) -> None:
    await world.ledger.ingest(world.edit("gone", record="local:account:erased"))
    await world.ledger.erase("local:account:erased")
    jobs = [world.edit(n, name=f"f{n}") for n in range(9)] + [world.edit("x", record="local:account:erased")]
    done = await asyncio.gather(*(world.ledger.ingest(one) for one in jobs), return_exceptions=True)
    assert isinstance(done[-1], Refused)
    assert not any(isinstance(each, BaseException) for each in done[:-1])
    assert len(await world.ledger.states(ACME)) == 9


async def test_many_at_once_are_all_or_none(world: World) -> None:
    await world.ledger.ingest(world.edit("gone", record="local:account:erased"))
    await world.ledger.erase("local:account:erased")
    with pytest.raises(Refused):
        await world.ledger.ingest_many([world.edit("a"), world.edit("x", record="local:account:erased")])
    assert await world.ledger.states(ACME) == {}
    assert len(await world.ledger.ingest_many([world.edit("a"), world.edit("b", name="mail")])) == 2


async def test_erasing_leaves_the_chain_whole_and_no_value_readable(world: World) -> None:
    await world.ledger.observe(record(1, {"phone": "13800138000", "tier": "gold"}), CRM)
    done = await world.ledger.ingest(world.edit("13900139000"))
    assert await world.ledger.erase(ACME)
    assert not await world.ledger.erase(ACME)
    assert await world.ledger.verify() is None
    state = await world.ledger.state(ACME, "phone")
    assert state is not None
    assert state.value is None
    assert state.erased_at == world.clock.at - 1
    view = await world.ledger.decision(done.decision.id)
    assert view is not None
    assert view.erased_at is not None
    assert all(each.value is None for each in view.edits.values())
    with pytest.raises(Refused):
        await world.ledger.value_of(done.edit_id)
    assert (await world.ledger.observe(record(2, {"phone": "137"}), CRM)).ingested == ()
    assert await world.ledger.claim("local", world.clock.at + 10**6) == []


async def test_no_value_and_no_plain_hash_is_in_the_database(world: World, store_url: str, tmp_path: Path) -> None:
    import hashlib

    secret = "13800138000"
    await world.ledger.ingest(world.edit(secret))
    await world.store.close()
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir()) or everything(store_url)
    assert b"once-0" in raw
    plain = f'"{secret}"'.encode()
    for said in (secret.encode(), hashlib.sha256(plain).hexdigest().encode(), hashlib.sha256(secret.encode()).digest()):
        assert said not in raw


async def test_a_policy_that_changed_is_heard_at_the_next_edit(store_url: str) -> None:
    world = World.open(store_url, MergePolicy(mode="review"), NOBODY)
    await world.ledger.ingest(world.edit("a"))
    assert (await world.ledger.ingest(world.edit("b"))).conflict == "opened"
    from reconcile.policy import Policies

    changed = Ledger(
        world.store,
        world.vault,
        Policies(default=MergePolicy(mode="last_writer_wins")),
        clock=world.clock,
        targets=NOBODY,
    )
    done = await changed.ingest(world.edit("c"))
    assert (done.reason, done.standing, done.conflict) == ("last_writer", "c", "closed")
    await world.store.close()


async def test_what_is_empty_in_a_crm_is_an_edit_only_where_something_was(world: World) -> None:
    told = await world.ledger.observe(record(1, {"phone": "13800138000", "tier": None}), CRM)
    assert [each.decision.field for each in told.ingested] == ["phone"]
    told = await world.ledger.observe(record(2, {"phone": None, "tier": None}), CRM)
    assert [(each.decision.field, each.decision.resolution.value) for each in told.ingested] == [("phone", None)]
    told = await world.ledger.observe(record(3, {"phone": "13800138000"}), CRM)
    assert [each.decision.resolution.value for each in told.ingested] == ["13800138000"]
