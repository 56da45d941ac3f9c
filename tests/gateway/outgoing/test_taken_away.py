"""What was taken away stays away, and what is wanted again is not taken away by an older word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.outgoing import line as line_module
from gateway.outgoing.model import Rank
from gateway.store.slots import Shown, SlotStore
from gateway.turn import Act, Hide, Trail
from tests.gateway.bus.benches import until
from tests.gateway.outgoing.keepers import Seconds
from tests.gateway.outgoing.networks import Turnstile, Wall, card
from tests.gateway.outgoing.showers import Facts, Painted
from tests.gateway.store.world import quick


@pytest.fixture
async def painted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Painted]:
    monkeypatch.setattr(line_module, "PATIENCE_S", dict.fromkeys(Rank, 30.0))
    store = quick(f"sqlite:///{tmp_path}/s.db")
    yield Painted(store, Wall(), Facts(), Seconds(), keeper=Turnstile(free=100))
    await store.close()


def gate_of(painted: Painted) -> Turnstile:
    assert isinstance(painted.keeper, Turnstile)
    return painted.keeper


@pytest.mark.parametrize("shared", [False, True])
async def test_a_repaint_drawn_before_the_card_was_taken_away_does_not_post_it_again(
    painted: Painted, shared: bool
) -> None:
    """A deleted message changes no fact, so nothing but the empty slot says that the drawing is too old."""
    shower = painted.another(shared=shared)
    await painted.paint(shower, repaint=False)
    painted.facts.version = 1
    drawn, look = painted.facts.act(), painted.facts.look()
    await shower.hide(Hide(drawn.slot), Trail("t", ""))
    assert await shower.show(drawn, Trail("t", ""), look, repaint=True) is None
    assert painted.wall.posts == {}


@pytest.mark.parametrize("shared", [False, True])
async def test_a_repaint_drawn_before_the_message_was_rewritten_does_not_bring_its_customers_back(
    painted: Painted, shared: bool
) -> None:
    """A rewritten message changes no fact either: that the slot is about others by now says so."""
    shower = painted.another(shared=shared)
    await painted.paint(shower, repaint=False)
    painted.facts.version = 1
    old = painted.facts.act()

    async def of_the_slot(shown: Shown, *, surely: bool = False) -> Act | None:
        about = shown.state["refs"]
        return replace(old, card=card("rewritten"), state={"refs": about}) if surely and about else None

    rewritten = replace(old, card=card("rewritten"), state={"refs": ["local:account:b"]})
    await shower.show(rewritten, Trail("t", ""), of_the_slot)
    await shower.show(old, Trail("t", ""), of_the_slot, repaint=True)
    assert list(painted.wall.posts.values()) == ["rewritten"]
    kept = await SlotStore(painted.store).get(old.slot)
    assert kept is not None and kept.state["refs"] == ["local:account:b"]


async def test_a_repaint_that_rides_along_with_what_is_to_be_taken_away_does_not_keep_it(painted: Painted) -> None:
    shower, keeper = painted.another(shared=False), gate_of(painted)
    await painted.paint(shower, repaint=False)
    keeper.free, painted.facts.version = 0, 1
    first = asyncio.create_task(painted.paint(shower))
    await until(lambda: Rank.REPAINT in keeper.asked)
    hide = asyncio.create_task(shower.hide(Hide(painted.facts.act().slot), Trail("t", "")))
    await until(lambda: keeper.asked[-1] == Rank.CARD)
    second = asyncio.create_task(painted.paint(shower))
    await asyncio.sleep(0.01)
    keeper.free = 5
    await asyncio.gather(first, hide, second)
    assert painted.wall.posts == {}


async def test_what_an_older_showing_finds_unwanted_does_not_take_the_newer_one_along(painted: Painted) -> None:
    shower = painted.another(shared=False)
    await painted.paint(shower, repaint=False)
    began, go = asyncio.Event(), asyncio.Event()

    async def waits() -> None:
        began.set()
        await go.wait()

    async def nothing_new(shown: Shown, *, surely: bool = False) -> Act | None:
        return None

    painted.facts.version, painted.wall.slow = 1, waits
    older = asyncio.create_task(painted.paint(shower, repaint=False))
    await began.wait()
    painted.facts.gone, painted.facts.version = True, 2
    newer = asyncio.create_task(shower.show(painted.facts.act(), Trail("t", ""), nothing_new))
    await asyncio.sleep(0.01)
    go.set()
    _, shown = await asyncio.gather(older, newer)
    assert shown is not None
    assert list(painted.wall.posts.values()) == ["v2"]


async def test_a_claim_made_before_the_clock_was_set_back_keeps_nobody_waiting(painted: Painted) -> None:
    shower = painted.another()
    await painted.paint(shower, repaint=False)
    slots = SlotStore(painted.store)
    before = await slots.get(painted.facts.act().slot)
    assert before is not None
    ahead = replace(before, painted_at=painted.clock.now() + 3_600_000)
    assert await slots.claim(ahead, f"?{before.painted_at}", seen=before.painted_at)
    painted.facts.version = 1
    await painted.paint(shower)
    assert list(painted.wall.posts.values()) == ["v1"]
