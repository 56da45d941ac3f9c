"""Who goes first, who is sent away, and that nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from gateway.errors import Retry
from gateway.outgoing import line as line_module
from gateway.outgoing.line import LINE_BOUND, ROOM_BOUND, Line, Ticket
from gateway.outgoing.model import Bucket, Limited, Rank, Taken
from tests.gateway.bus.benches import until
from tests.gateway.outgoing.keepers import bucket
from tests.gateway.outgoing.networks import Turnstile

WORST_FIRST = [Rank.REPAINT, Rank.CARD, Rank.ALERT, Rank.WHISPER, Rank.PRESS]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "PATIENCE_S", dict.fromkeys(Rank, 30.0))


def ticket(rank: Rank, room: str = "r", rate: float = 10_000.0, *, held: bool = False) -> Ticket:
    return Ticket("send", (bucket(room, rate, held=held), bucket("all", 10_000.0, scope="network")), rank)


class Asking:
    """Calls that wait, and the order they went in."""

    def __init__(self, keeper: Turnstile) -> None:
        self.line = Line("wall", keeper)
        self.went: list[str] = []
        self.tasks: dict[str, asyncio.Task[Taken]] = {}

    async def ask(self, name: str, wanted: Ticket) -> None:
        waiting = self.line.waiting

        async def one() -> Taken:
            taken = await self.line.permit(wanted)
            self.went.append(name)
            return taken

        self.tasks[name] = asyncio.create_task(one())
        await until(lambda: self.line.waiting == waiting + 1 or self.tasks[name].done())

    async def end(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        await self.line.close()


async def test_the_best_rank_goes_first_and_among_equals_who_came_first() -> None:
    keeper = Turnstile()
    asking = Asking(keeper)
    for n in (1, 2):
        for rank in WORST_FIRST:
            await asking.ask(f"{rank.name} {n}", ticket(rank))
    for went in range(10):
        keeper.free = 1
        await until(lambda went=went: len(asking.went) == went + 1)  # type: ignore[misc]
    assert asking.went == [f"{rank.name} {n}" for rank in reversed(WORST_FIRST) for n in (1, 2)]
    await asking.end()


async def test_one_that_somebody_better_wants_too_moves_up() -> None:
    keeper = Turnstile()
    asking = Asking(keeper)
    moved = ticket(Rank.REPAINT)
    await asking.ask("moved", moved)
    await asking.ask("card", ticket(Rank.CARD))
    await asking.ask("repaint", ticket(Rank.REPAINT))
    moved.hurry(Rank.PRESS)
    keeper.free = 3
    await until(lambda: len(asking.went) == 3)
    assert asking.went == ["moved", "card", "repaint"]
    await asking.end()


async def test_a_room_that_is_full_keeps_no_other_room_waiting() -> None:
    class OneRoom(Turnstile):
        async def take(self, buckets, rank):  # type: ignore[no-untyped-def]
            return Taken(0, 20.0) if buckets[0].key == "full" else Taken()

    asking = Asking(OneRoom())
    await asking.ask("waits", ticket(Rank.PRESS, "full"))
    await asking.ask("goes", ticket(Rank.REPAINT, "empty"))
    await until(lambda: asking.went == ["goes"])
    await asking.end()


async def test_a_full_queue_sends_the_worst_away_and_says_when_to_come_again() -> None:
    keeper = Turnstile()
    asking = Asking(keeper)
    for n in range(ROOM_BOUND):
        await asking.ask(f"{n}", ticket(Rank.CARD))
    with pytest.raises(Limited):
        await asking.line.permit(ticket(Rank.REPAINT))
    with pytest.raises(Limited):
        await asking.line.permit(ticket(Rank.CARD))
    asking.tasks["press"] = asyncio.create_task(asking.line.permit(ticket(Rank.PRESS)))
    last = asking.tasks[f"{ROOM_BOUND - 1}"]
    await until(last.done)
    assert isinstance(last.exception(), Limited)
    assert asking.line.waiting == ROOM_BOUND
    keeper.free = 1
    await until(asking.tasks["press"].done)
    await asking.end()


async def test_the_whole_queue_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert LINE_BOUND >= ROOM_BOUND
    monkeypatch.setattr(line_module, "LINE_BOUND", 5)
    asking = Asking(Turnstile())
    for n in range(5):
        await asking.ask(f"{n}", ticket(Rank.CARD, f"room {n}"))
    with pytest.raises(Limited):
        await asking.line.permit(ticket(Rank.CARD, "one more"))
    await asking.end()


async def test_what_cannot_go_soon_comes_back_later_instead_of_waiting_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "PATIENCE_S", dict.fromkeys(Rank, 2.0))
    keeper = Turnstile(wait=40.0)
    asking = Asking(keeper)
    with pytest.raises(Limited) as told:
        await asking.line.permit(ticket(Rank.PRESS))
    assert 39 < told.value.after <= 40
    assert len(keeper.asked) == 1
    with pytest.raises(Limited):
        await asking.line.permit(ticket(Rank.CARD))
    assert len(keeper.asked) == 1, "what is known to be closed is not asked again"


async def test_whoever_is_behind_too_many_at_this_rate_is_told_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "PATIENCE_S", dict.fromkeys(Rank, 2.0))
    asking = Asking(Turnstile(wait=0.05))
    for n in range(2):
        await asking.ask(f"{n}", ticket(Rank.CARD, rate=0.9))
    with pytest.raises(Limited) as told:
        await asking.line.permit(ticket(Rank.CARD, rate=0.9))
    assert told.value.after > 2
    await asking.end()


async def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "PATIENCE_S", dict.fromkeys(Rank, 0.03))
    asking = Asking(Turnstile())
    with pytest.raises(Limited):
        await asking.line.permit(ticket(Rank.CARD))
    assert asking.line.waiting == 0


async def test_a_keeper_that_is_away_is_said_to_whoever_asks() -> None:
    keeper = Turnstile(fault=Retry(1.0, "away"))
    with pytest.raises(Retry, match="away"):
        await Line("wall", keeper).permit(ticket(Rank.CARD))


async def test_one_that_went_away_gives_back_what_it_held() -> None:
    keeper = Turnstile()
    asking = Asking(keeper)
    await asking.ask("gone", ticket(Rank.CARD, held=True))
    asking.tasks["gone"].cancel()
    await asyncio.gather(asking.tasks["gone"], return_exceptions=True)
    assert asking.line.waiting == 0
    keeper.free = 1
    await asking.ask("next", ticket(Rank.CARD, held=True))
    await until(lambda: asking.went == ["next"])
    await asking.end()


async def test_a_keeper_that_cannot_take_back_what_nobody_wants_any_more_ends_nobody_elses_waiting() -> None:
    keeper, began, go = Turnstile(free=0), asyncio.Event(), asyncio.Event()
    asking = Asking(keeper)
    await asking.ask("leaves", ticket(Rank.CARD, "silent", held=True))
    give = keeper.take

    async def slowly(buckets: Sequence[Bucket], rank: int) -> Taken:
        began.set()
        await go.wait()
        return await give(buckets, rank)

    async def away(bucket: Bucket, hold: int, *, used: bool) -> None:
        raise Retry(1.0, "away")

    keeper.take, keeper.done = slowly, away  # type: ignore[method-assign]
    await began.wait()
    await asking.ask("stays", ticket(Rank.CARD, "other"))
    asking.tasks["leaves"].cancel()
    await asyncio.gather(asking.tasks["leaves"], return_exceptions=True)
    keeper.free = 9
    go.set()
    await asyncio.wait_for(asking.tasks["stays"], 5.0)
    assert asking.tasks["leaves"].cancelled()
    await asking.end()
