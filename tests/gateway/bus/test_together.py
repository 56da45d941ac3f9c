"""Many askers, one call at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from gateway.bus import together
from gateway.bus.together import Together


class Far:
    """What is called: it answers when it is let, and can be told to break."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.breaks: BaseException | None = None

    async def call(self, items: Sequence[int]) -> list[int]:
        self.calls.append(list(items))
        await self.open.wait()
        if self.breaks is not None:
            raise self.breaks
        return [item * 10 for item in items]

    def together(self, count: int = 64, heavy: int = 1_000) -> Together[int, int]:
        return Together(self.call, count, lambda item: item, heavy)


async def begun(asked: Together[int, int], *items: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(asked.ask(item)) for item in items]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_who_comes_while_a_call_is_on_its_way_goes_with_the_next() -> None:
    far = Far()
    asked = far.together()
    far.open.clear()
    first = await begun(asked, 1)
    rest = await begun(asked, 2, 3, 4)
    far.open.set()
    assert await asyncio.gather(*first, *rest) == [10, 20, 30, 40]
    assert far.calls == [[1], [2, 3, 4]]
    assert await asked.ask(5) == 50


async def test_a_call_is_bounded_in_count_and_in_weight_and_in_order() -> None:
    far = Far()
    tasks = await begun(far.together(count=3, heavy=100), 10, 20, 30, 40, 90, 500, 1, 2)
    await asyncio.gather(*tasks)
    assert far.calls == [[10, 20, 30], [40], [90], [500], [1, 2]]


async def test_a_call_that_breaks_fails_its_own_and_the_next_goes_on() -> None:
    far = Far()
    asked = far.together(count=2)
    far.breaks = ValueError("away")
    tasks = await begun(asked, 1, 2)
    for task in tasks:
        with pytest.raises(ValueError, match="away"):
            await task
    far.breaks = None
    assert await asked.ask(7) == 70
    assert far.calls == [[1, 2], [7]]


async def test_what_took_long_to_break_is_everybodys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "SLOW_S", 0.0)
    far = Far()
    asked = far.together(count=1)
    far.open.clear()
    tasks = await begun(asked, 1, 2, 3)
    far.breaks = ValueError("away")
    await asyncio.sleep(0.01)
    far.open.set()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(each) for each in told] == ["away"] * 3
    assert far.calls == [[1]]
    far.breaks = None
    assert await asked.ask(4) == 40


async def test_who_is_cancelled_takes_nothing_back_and_keeps_nobody_else() -> None:
    far = Far()
    asked = far.together()
    far.open.clear()
    first = await begun(asked, 1)
    gone, stays = await begun(asked, 2, 3)
    first[0].cancel()
    gone.cancel()
    await asyncio.gather(*first, gone, return_exceptions=True)
    far.open.set()
    assert await stays == 30
    assert far.calls == [[1], [2, 3]]


async def test_closed_everybody_who_waits_is_told_why() -> None:
    far = Far()
    asked = far.together()
    far.open.clear()
    tasks = await begun(asked, 1)
    tasks += await begun(asked, 2)
    await asked.close(RuntimeError("stopping"))
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(each) for each in told] == ["stopping", "stopping"]


async def test_a_call_that_is_cut_off_leaves_nobody_waiting() -> None:
    far = Far()
    asked = far.together(count=1)
    far.open.clear()
    tasks = await begun(asked, 1, 2)
    far.breaks = asyncio.CancelledError()
    far.open.set()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in told)


async def test_closed_before_it_began_whoever_asked_is_told_and_whoever_asks_later() -> None:
    far = Far()
    asked = far.together()
    early = asyncio.create_task(asked.ask(1))
    await asyncio.sleep(0)  # it has asked, and nothing has been begun for it
    await asked.close(RuntimeError("stopping"))
    with pytest.raises(RuntimeError, match="stopping"):
        await early
    with pytest.raises(RuntimeError, match="stopping"):
        await asked.ask(2)
    assert far.calls == []


async def test_an_answer_for_too_few_keeps_nobody_waiting() -> None:
    async def short(items: Sequence[int]) -> list[int]:
        return list(items)[:-1]

    asked: Together[int, int] = Together(short, 2, lambda item: 1, 2)
    told = await asyncio.gather(*await begun(asked, 1, 2, 3), return_exceptions=True)
    assert all(isinstance(each, ValueError) for each in told)
