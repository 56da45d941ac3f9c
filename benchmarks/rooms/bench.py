"""Somebody joins a room full of cards: `python -m benchmarks.rooms.bench [--cards N] [--customers N]`.

The real gateway on SQLite, a chat on the loopback that takes every call, both in one process. What is measured is the
CPU time and the time by the clock from the join to the last card repainted for the new audience, beside the least it
can cost: as many edits of one card sent to the same chat, with nothing drawn or kept.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import os
import pstats
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.common import HERE, keep, machine, table
from channels.model import MessageRef, Place
from gateway.handlers.cards import room_card
from gateway.turn import Show, Slot, new_trail
from tests.gateway.house import GUEST, LI, Live, members, opened

SOAK = os.environ.get("FLOATCARD_SOAK") == "1"


async def full(live: Live, room: str, cards: int, customers: int) -> list[Show]:
    """So many cards about so many customers, up in the room."""
    refs = (await live.s.mirror.keys("", customers))[:customers]
    place = Place("web", room)
    shows = []
    for n in range(cards):
        slot, trail = Slot(place, "card", f"m{room}{n}"), new_trail("")
        state = {"message": f"m{room}{n}", "turn": "", "locale": "zh-CN"}
        made = await room_card(live.s, slot, [refs[n % len(refs)]], dict(state), trail)
        assert made is not None
        shows.append(made)
    for start in range(0, cards, 64):
        epoch = await live.s.bus.epoch()
        part = shows[start : start + 64]
        await asyncio.gather(*(live.house.spine.perform([one], new_trail(""), epoch) for one in part))
    return shows


async def timed(work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    await work()
    return time.process_time() - cpu, time.perf_counter() - wall


async def joined(live: Live, room: str, cards: int) -> None:
    """The guest comes in: everything on every card is judged again."""
    before = {one.id: one.paints for one in live.cards(room)}
    await live.join(GUEST, room)
    while live.house.worker.busy:
        await live.house.worker.idle()
    painted = sum(one.paints > before[one.id] for one in live.cards(room))
    assert painted == cards, f"{painted} of {cards} were repainted"


async def least(live: Live, room: str, shows: list[Show], cards: int) -> None:
    """The calls alone, as many side by side as the gateway makes."""
    channel = live.s.channels["web"]
    refs = iter([(one.id, shows[0].card) for one in live.cards(room)][:cards])

    async def lane() -> None:
        for id_, card in refs:
            await channel.edit(MessageRef(Place("web", room), id_), card)  # type: ignore[attr-defined]

    await asyncio.gather(*(lane() for _ in range(16)))


async def one(folder: Path, cards: int, customers: int, profile: bool) -> list[float]:
    await asyncio.to_thread(folder.mkdir)
    async with opened(folder) as live:
        live.chat.room("full", members(LI))
        shows = await full(live, "full", cards, customers)
        watch = cProfile.Profile() if profile else None
        if watch is not None:
            watch.enable()
        ours = await timed(lambda: joined(live, "full", cards))
        if watch is not None:
            watch.disable()
            pstats.Stats(watch).sort_stats("cumulative").print_stats(60)
        return [*ours, *await timed(lambda: least(live, "full", shows, cards))]


async def measured(cards: int, customers: int, rounds: int, profile: bool) -> list[list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        return [await one(Path(folder) / f"house{n}", cards, customers, profile) for n in range(rounds)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cards", type=int, default=1_500)
    parser.add_argument("--customers", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5 if SOAK else 3)
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_args()
    found = asyncio.run(measured(asked.cards, asked.customers, asked.rounds, asked.profile))
    cpu, wall, bare_cpu, bare_wall = (statistics.median(each) for each in zip(*found, strict=True))
    rows = [
        ["the join, to the last card", cpu, wall, cpu / bare_cpu],
        ["the calls alone", bare_cpu, bare_wall, 1.0],
    ]
    head = ["", "CPU s", "clock s", "CPU, calls alone = 1"]
    about = f"{asked.cards} cards about {asked.customers} customers in one room; medians of {asked.rounds} rounds."
    keep(HERE / "rooms" / "results.md", "A join into a full room", machine("aiohttp"), about, table(head, rows))


if __name__ == "__main__":
    main()
