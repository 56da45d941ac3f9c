"""Ten that wait to show one slot are one showing: the newest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.errors import Retry
from gateway.metrics import REGISTRY
from gateway.outgoing import line as line_module
from gateway.outgoing.model import Rank
from gateway.show import Shower
from gateway.store.slots import SlotStore
from gateway.turn import Hide, Trail
from tests.gateway.bus.benches import until
from tests.gateway.outgoing.keepers import Seconds
from tests.gateway.outgoing.networks import Turnstile, Wall
from tests.gateway.outgoing.showers import Facts, Painted
from tests.gateway.store.world import quick


@pytest.fixture
async def painted(tmp_path, monkeypatch) -> AsyncIterator[Painted]:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(line_module, "PATIENCE_S", dict.fromkeys(Rank, 30.0))
    store = quick(f"sqlite:///{tmp_path}/s.db")
    yield Painted(store, Wall(), Facts(), Seconds(), keeper=Turnstile(free=1))
    await store.close()


async def up(painted: Painted) -> tuple[Shower, Turnstile]:
    """A card that is up, and a keeper that gives nothing from now on."""
    shower, keeper = painted.another(shared=False), painted.keeper
    assert isinstance(keeper, Turnstile)
    assert await painted.paint(shower, repaint=False) is not None
    assert keeper.free == 0
    return shower, keeper


def coalesced() -> float:
    return REGISTRY.get_sample_value("floatcard_coalesced_total", {"channel": "wall"}) or 0


async def test_ten_repaints_of_a_slot_are_one_call_and_the_newest_wins(painted: Painted) -> None:
    shower, keeper = await up(painted)
    waiting, before = [], coalesced()
    for version in range(1, 11):
        painted.facts.version = version
        waiting.append(asyncio.create_task(painted.paint(shower)))
        await until(lambda: Rank.REPAINT in keeper.asked)
        await asyncio.sleep(0)
    keeper.free = 5
    await asyncio.gather(*waiting)
    assert painted.wall.calls == [("send", "v0"), ("edit", "v10")]
    assert coalesced() - before == 9
    assert keeper.free == 4


async def test_a_repaint_that_waits_is_drawn_from_what_is_so_when_its_turn_comes(painted: Painted) -> None:
    shower, keeper = await up(painted)
    painted.facts.version = 1
    waiting = asyncio.create_task(painted.paint(shower))
    await until(lambda: Rank.REPAINT in keeper.asked)
    painted.facts.version = 2  # and whoever changed it has not asked for the repaint yet
    keeper.free = 1
    await waiting
    assert painted.wall.calls[1:] == [("edit", "v2")]


async def test_a_press_that_wants_the_same_slot_takes_the_repaint_along(painted: Painted) -> None:
    shower, keeper = await up(painted)
    painted.facts.version = 1
    repaint = asyncio.create_task(painted.paint(shower))
    await until(lambda: Rank.REPAINT in keeper.asked)
    press = asyncio.create_task(painted.paint(shower, repaint=False, pressed=True))
    await until(lambda: Rank.PRESS in keeper.asked)
    keeper.free = 1
    await asyncio.gather(repaint, press)
    assert painted.wall.calls[1:] == [("edit", "v1")]


async def test_what_is_to_be_taken_away_meanwhile_is_never_painted(painted: Painted) -> None:
    shower, keeper = await up(painted)
    painted.facts.version = 1
    repaint = asyncio.create_task(painted.paint(shower))
    await until(lambda: Rank.REPAINT in keeper.asked)
    hide = asyncio.create_task(shower.hide(Hide(painted.facts.act().slot), Trail("t", "")))
    await until(lambda: Rank.CARD in keeper.asked)
    keeper.free = 5
    await asyncio.gather(repaint, hide)
    assert painted.wall.posts == {}
    assert [method for method, _ in painted.wall.calls] == ["send", "delete"]


async def test_whoever_rode_along_hears_that_it_failed_and_can_come_again(painted: Painted) -> None:
    shower, keeper = await up(painted)
    painted.facts.version = 1
    tasks = [asyncio.create_task(painted.paint(shower)) for _ in range(3)]
    await until(lambda: Rank.REPAINT in keeper.asked)
    painted.wall.fault = lambda method: Retry(3.0, "down")
    keeper.free = 1
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in told] == [Retry] * 3
    painted.wall.fault, keeper.free = lambda method: None, 1
    await painted.paint(shower)
    assert list(painted.wall.posts.values()) == ["v1"]


async def test_one_that_is_cancelled_leaves_the_others_a_reason_to_come_again(painted: Painted) -> None:
    shower, keeper = await up(painted)
    painted.facts.version = 1
    first = asyncio.create_task(painted.paint(shower))
    await until(lambda: Rank.REPAINT in keeper.asked)
    rider = asyncio.create_task(painted.paint(shower))
    await asyncio.sleep(0.01)
    first.cancel()
    told = await asyncio.gather(first, rider, return_exceptions=True)
    assert isinstance(told[1], Retry)
    keeper.free = 1
    await painted.paint(shower)
    assert list(painted.wall.posts.values()) == ["v1"]


async def test_two_showings_of_an_empty_slot_post_it_once_and_both_know_it(painted: Painted) -> None:
    shower, keeper = painted.another(shared=False), painted.keeper
    assert isinstance(keeper, Turnstile)
    keeper.free = 0
    first = asyncio.create_task(painted.paint(shower, repaint=False))
    await until(lambda: Rank.CARD in keeper.asked)
    second = asyncio.create_task(painted.paint(shower, repaint=False))
    await asyncio.sleep(0.01)
    keeper.free = 9
    ids = await asyncio.gather(first, second)
    assert painted.sends == 1
    assert ids[0] == ids[1] is not None
    assert (await SlotStore(painted.store).get(painted.facts.act().slot)) is not None
