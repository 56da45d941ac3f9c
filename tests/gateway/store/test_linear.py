"""Streams that number their edits: order, gaps, lateness, setbacks and new epochs."""

from __future__ import annotations

import itertools
import random
from collections.abc import AsyncIterator

import pytest

from gateway.errors import Refused
from gateway.store.ledger import Taken
from gateway.store.ledger.linear import Numbered
from reconcile.model import Json, MergePolicy, Source
from tests.gateway.store import oracle
from tests.gateway.store.world import ACME, World

ERP = Source("erp", "ERP", "7")
HOLD = 30_000


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    opened = World.open(store_url, MergePolicy(mode="review"))
    yield opened
    await opened.store.close()


async def send(world: World, position: int, value: Json, *, once: str = "", name: str = "phone") -> Taken:
    made = world.edit(
        value, source=ERP, once=once or f"{position}:{name}:{value}", name=name, who="robot", online=False,
        source_time=world.clock.at, seen=None,
    )  # fmt: skip
    return await world.ledger.take(Numbered(made, "main", position, HOLD))


async def value(world: World, name: str = "phone") -> object:
    found = await world.ledger.state(ACME, name)
    return found.value if found is not None else None


async def marks(world: World) -> list[tuple[str, int, int, str]]:
    query = "SELECT stream, low, high, state FROM watermark WHERE source = 'erp' ORDER BY stream"
    rows = await world.store.read(lambda c: c.exec_driver_sql(query).all())
    return [tuple(row) for row in rows]


async def test_numbers_are_taken_in_their_order(world: World) -> None:
    for position, said in ((7, "a"), (8, "b"), (9, "c")):
        assert (await send(world, position, said)).state == "taken"
    assert await value(world) == "c"
    assert await marks(world) == [("main", 9, 9, "ok")]


async def test_an_edit_waits_for_those_before_it_and_is_taken_with_them(world: World) -> None:
    await send(world, 1, "a")
    assert await send(world, 3, "c") == Taken("held")
    assert await send(world, 4, "d") == Taken("held")
    assert (await value(world), await marks(world)) == ("a", [("main", 1, 4, "gap")])
    came = await send(world, 2, "b")
    assert (came.state, [each.value for each in came.freed]) == ("taken", ["c", "d"])
    assert (await value(world), await marks(world)) == ("d", [("main", 4, 4, "ok")])
    assert not await world.ledger.conflicts()


async def test_a_gap_is_given_up_after_a_while_and_what_comes_late_binds_nobody(world: World) -> None:
    await send(world, 1, "a")
    await send(world, 3, "c")
    at = world.clock.at
    made, left = await world.ledger.close_gap("erp", "main", at - HOLD, "lost")
    assert made == [] and left is not None and abs(left - at) < 20
    made, left = await world.ledger.close_gap("erp", "main", at, "lost")
    assert ([each.value for each in made], left) == (["c"], None)
    late = await send(world, 2, "b")
    assert late.state == "late" and late.ingested is not None and late.ingested.standing == "c"
    row = next(each for each in await world.ledger.history(ACME, "phone") if each.edit.value == "b")
    assert not row.binding
    other = await send(world, 2, "x", name="fax")
    assert (other.state, await value(world, "fax")) == ("late", "x"), "nothing later was said of it: not lost"


async def test_several_fields_of_one_row_have_one_number(world: World) -> None:
    await send(world, 1, "a")
    assert (await send(world, 1, "x", name="fax")).state == "taken"
    await send(world, 3, "c")
    await send(world, 3, "z", name="fax")
    freed = (await send(world, 2, "b")).freed
    assert sorted(str(each.value) for each in freed) == ["c", "z"]
    assert (await value(world), await value(world, "fax")) == ("c", "z")


async def test_the_same_again_is_answered_as_the_first_time(world: World) -> None:
    first = await send(world, 1, "a", once="k")
    again = await send(world, 1, "a", once="k")
    assert first.ingested is not None and again.ingested is not None
    assert (again.ingested.first, again.ingested.edit_id) == (False, first.ingested.edit_id)
    await send(world, 2, "b")
    renamed = await send(world, 1, "a", once="other name")
    assert (renamed.state, await marks(world)) == ("taken", [("main", 2, 2, "ok")])
    assert await send(world, 4, "d", once="h") == await send(world, 4, "d", once="h") == Taken("held")


async def test_another_edit_at_one_number_is_quarantined(world: World) -> None:
    await send(world, 1, "a")
    other = await send(world, 1, "b")
    assert other.ingested is not None and other.ingested.quarantined
    assert await value(world) == "a"


async def test_a_source_that_begins_again_is_set_aside_until_an_operator_begins_an_epoch(world: World) -> None:
    for position in range(5, 9):
        await send(world, position, f"v{position}")
    world.clock.at += HOLD + 1
    back = await send(world, 1, "fresh")
    assert back.state == "rewound" and back.ingested is not None and back.ingested.quarantined
    assert (await value(world), await marks(world)) == ("v8", [("main", 8, 8, "rewound")])
    assert await world.ledger.begin_stream("erp", ["main"]) == (["main"], [])
    assert await world.ledger.begin_stream("erp", ["main"]) == ([], []), "once"
    assert (await send(world, 1, "anew", once="n1")).state == "taken"
    assert await value(world) == "anew"
    assert not await world.ledger.conflicts(), "a new epoch begins on top of what was known"
    assert await marks(world) == [("main", 8, 8, "closed"), ("main#2", 1, 1, "ok")]
    again = await send(world, 8, "v8")
    assert again.ingested is not None and not again.ingested.first, "of the old epoch, sent again"


async def test_what_came_before_the_first_number_known_here_is_late_for_a_moment_only(world: World) -> None:
    await send(world, 5, "five")
    assert (await send(world, 4, "four")).state == "late"
    assert await value(world) == "five"
    world.clock.at += HOLD + 1
    assert (await send(world, 3, "three")).state == "rewound"


async def test_an_erased_customer_s_edits_hold_nothing_up(world: World) -> None:
    await send(world, 1, "a")
    await send(world, 3, "c")
    await world.ledger.erase(ACME)
    made, left = await world.ledger.close_gap("erp", "main", world.clock.at + 1, "lost")
    assert (made, left) == ([], None)
    assert (await marks(world))[0][1] == 3


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_and_any_doubling_come_to_the_same(world: World, seed: int) -> None:
    draw = random.Random(seed)
    sent = [(position, f"v{position}") for position in range(2, 22)] * 2
    rest = sent[1:]
    draw.shuffle(rest)
    await send(world, 1, "v1")
    for (position, said), serial in zip(rest, itertools.count(), strict=False):
        await send(world, position, said)
        if serial % 7 == 3:
            await world.ledger.close_gap("erp", "main", world.clock.at - draw.randrange(60), "lost")
    await world.ledger.close_gap("erp", "main", world.clock.at, "lost")
    assert await value(world) == "v21"
    assert (await marks(world))[0][1:3] == (21, 21)
    assert len(await world.ledger.history(ACME, "phone")) == 21, "nothing lost, nothing twice"
    assert not await world.ledger.conflicts()
    policy = MergePolicy(mode="review")
    await world.store.read(lambda c: oracle.check(c, world.vault, ACME, "phone", policy))


@pytest.mark.parametrize("unstorable", ["k\0", "k\ud800"], ids=["nul", "surrogate"])
async def test_what_cannot_be_stored_is_refused_before_it_waits_and_blocks_no_stream(
    world: World, unstorable: str
) -> None:
    await send(world, 1, "a")
    with pytest.raises(Refused):
        await send(world, 3, "c", once=unstorable)
    await send(world, 4, "d")
    made, left = await world.ledger.close_gap("erp", "main", world.clock.at, "lost")
    assert ([each.value for each in made], left) == (["d"], None)
    assert (await value(world), await marks(world)) == ("d", [("main", 4, 4, "ok")])
