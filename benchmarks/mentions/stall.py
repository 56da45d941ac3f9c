"""Whether anybody waits while the names are made anew: the event loop, a change, a message.

    python -m benchmarks.mentions.stall [customers]

The garbage collector is set as a gateway sets it at its start. A loop sleeps a millisecond at a time and notes by how
much it overslept; meanwhile names change, messages are read, and an eighth of all customers is changed, so that another
process makes the whole index anew and it is swapped in. A bare loop in a process of its own does nothing but sleep
beside it: how late that one is, is the machine's doing. "By us": no more of it than this process was at work at that
time; the rest was spent waiting for a processor.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.mentions.made import SMALL, customers
from gateway.http.run import at_rest
from mentions.index import NameIndex
from mentions.model import Name
from mentions.warm import warm

REST_S = 5.0
_BARE = """
import select, sys, time
late = []
print(flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    began = time.perf_counter()
    time.sleep(0.001)
    late.append(time.perf_counter() - began - 0.001)
print(*late)
"""
TEXT = (SMALL[0] + SMALL[2])[:124]


@dataclass(slots=True)
class Waits:
    """Seconds: what a bare loop overslept, what ours did, and by us; until a put is found; a message without a name."""

    bare: list[float] = field(default_factory=list)
    loop: list[float] = field(default_factory=list)
    us: list[float] = field(default_factory=list)
    put: list[float] = field(default_factory=list)
    find: list[float] = field(default_factory=list)


async def measured(index: NameIndex, waits: Waits, until: asyncio.Event, churn: int) -> None:
    """`churn`: customers put at each turn, so that what has changed grows."""
    ticking = asyncio.create_task(_tick(waits, until))
    number = 0
    while not until.is_set():
        waits.put.append(_put(index, number))
        for extra in range(churn):
            index.put(f"x{number}-{extra}", [Name(f"Quorvex{number} Labs{extra}"), Name(f"酷沃{number}号{extra}")])
        began = time.perf_counter()
        index.find(TEXT)
        waits.find.append(time.perf_counter() - began)
        number += 1
        await asyncio.sleep(0.005)
    await ticking


async def _tick(waits: Waits, until: asyncio.Event) -> None:
    while not until.is_set():
        began, worked = time.perf_counter(), time.process_time()
        await asyncio.sleep(0.001)
        late = time.perf_counter() - began - 0.001
        waits.loop.append(late)
        waits.us.append(min(late, time.process_time() - worked))


def _put(index: NameIndex, number: int) -> float:
    began = time.perf_counter()
    index.put("changing", [Name(f"Zorvex{number} Foods")])
    assert index.find(f"call Zorvex{number} Foods today")
    return time.perf_counter() - began


async def _phase(index: NameIndex, churn: int, lasts: float | None) -> tuple[Waits, float]:
    waits, until, began = Waits(), asyncio.Event(), time.perf_counter()
    pipe = asyncio.subprocess.PIPE
    bare = await asyncio.create_subprocess_exec(sys.executable, "-c", _BARE, stdin=pipe, stdout=pipe, limit=1 << 28)
    assert bare.stdout is not None
    await bare.stdout.readline()
    working = asyncio.create_task(measured(index, waits, until, churn))
    await (asyncio.sleep(lasts) if lasts is not None else _until_merged(index))
    until.set()
    await working
    told, _ = await bare.communicate(b"\n")
    waits.bare += map(float, told.split())
    return waits, time.perf_counter() - began


async def _until_merged(index: NameIndex) -> None:
    """Until another process has brought a larger segment than there was."""
    largest = max(one.rows for one in index.segments())
    while max(one.rows for one in index.segments()) <= largest:  # noqa: ASYNC110 -- it tells nobody when it is done
        await asyncio.sleep(0.05)


def _told(name: str, waits: Waits, lasted: float) -> str:
    cells = (f"{_at(each, 0.5):.2f} / {_at(each, 0.99):.2f} / {_at(each, 1):.1f}" for each in _each(waits))
    return f"{name:38}{lasted:6.0f} s  " + "   ".join(f"{cell:>22}" for cell in cells)


def _each(waits: Waits) -> Sequence[list[float]]:
    return waits.bare, waits.loop, waits.us, waits.put, waits.find


def _at(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1e3


def resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


async def run(size: int) -> None:
    warm()
    index = NameIndex.build(customers(size))
    at_rest()
    print(f"{size:,} customers; ms, p50 / p99 / longest; resident {resident():.0f} MB")
    heads = ("a bare loop overslept", "ours overslept", "by us", "put, until found", "a message read")
    print(f"{'':46}" + "   ".join(f"{head:>22}" for head in heads))
    rest, lasted = await _phase(index, 0, REST_S)
    print(_told("nothing else goes on", rest, lasted), flush=True)
    churn, lasted = await _phase(index, 20, None)
    print(_told("very many change, and all is made anew", churn, lasted), flush=True)
    index.settle()
    after, lasted = await _phase(index, 0, REST_S)
    print(_told("afterwards", after, lasted))
    print(f"{len(index):,} customers in {len(index.segments())} segments; resident {resident():.0f} MB")


def main(arguments: Sequence[str]) -> None:
    asyncio.run(run(int(next(_numbers(arguments), 100_000))))


def _numbers(arguments: Sequence[str]) -> Iterator[int]:
    return (int(one.replace(",", "")) for one in arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
