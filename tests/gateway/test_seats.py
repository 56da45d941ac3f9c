"""Few compute at once; who waits for a network makes room, and nobody waits for a seat who has had one."""

from __future__ import annotations

import asyncio

from gateway.seats import Seats, step_aside


async def many(seats: Seats, count: int, aside: bool) -> int:
    """The most that were at work or waiting at one time."""
    there, most, go = 0, 0, asyncio.Event()

    async def one() -> None:
        nonlocal there, most
        async with seats.taken():
            if aside:
                step_aside()
                step_aside()
            there += 1
            most = max(most, there)
            await go.wait()
            there -= 1

    tasks = [asyncio.create_task(one()) for _ in range(count)]
    for _ in range(count * 3):
        await asyncio.sleep(0)
    go.set()
    await asyncio.gather(*tasks)
    return most


async def test_no_more_than_there_are_seats() -> None:
    assert await many(Seats(3), 10, aside=False) == 3


async def test_who_steps_aside_lets_another_in() -> None:
    seats = Seats(3)
    assert await many(seats, 10, aside=True) == 10
    assert await many(seats, 10, aside=False) == 3, "a seat is given back once, however often one steps aside"


async def test_a_part_of_the_work_gives_the_works_seat_back() -> None:
    seats = Seats(1)
    async with seats.taken():
        await asyncio.gather(asyncio.to_thread(lambda: None), _aside())
        async with asyncio.timeout(10), seats.taken():
            pass
    step_aside()  # of nobody


async def _aside() -> None:
    step_aside()


async def test_what_breaks_gives_its_seat_back() -> None:
    seats = Seats(1)
    for _ in range(3):
        try:
            async with asyncio.timeout(10), seats.taken():
                raise LookupError
        except LookupError:
            pass
