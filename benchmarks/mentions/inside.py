"""What mentions cost inside a gateway that runs: a message read, a slip looked for, and memory at rest.

    python -m benchmarks.mentions.inside [customers]

A real gateway on SQLite in a directory of its own, with made-up customers in its CRM's mirror; no network.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from benchmarks.mentions.made import customers, messages
from benchmarks.mentions.stall import resident
from channels.model import Place
from crm.model import Record, RecordRef
from gateway.app import open_house
from gateway.clock import SystemClock
from gateway.demo.run import prepare
from gateway.house import House
from gateway.mentioning.knowing import Asked
from gateway.mentioning.reading import judge
from mentions.warm import warm

AT_ONCE = 5_000
MESSAGES = 2_000
SHORT = "下午把华兴医聊的合同再看一遍, and ask Zorvx about it"


def records(count: int) -> list[Record]:
    made = []
    for ref, names in customers(count):
        aliases = tuple(name.text for name in names if name.kind == "alias")
        made.append(Record(RecordRef("local", "account", ref), names[0].text, "", 1, {}, {}, names=aliases))
    return made


async def fill(folder: Path, size: int) -> None:
    house = await open_house(prepare(folder, 0), SystemClock())
    known = records(size)
    for at in range(0, size, AT_ONCE):
        await house.services.mirror.put(known[at : at + AT_ONCE], lambda: 1)
    await house.close()


async def run(folder: Path, size: int) -> None:
    """In a process that has done nothing else."""
    modules = resident()
    house = await open_house(prepare(folder, 0), SystemClock())
    warm()
    try:
        known = len(house.services.records.names)
        print(
            f"resident {resident():.0f} MB with {known:,} customers and the models; the modules alone {modules:.0f} MB"
        )
        await measured(house, [(names[-1].text) for _, names in customers(min(size, AT_ONCE))])
    finally:
        await house.close()


async def measured(house: House, names: Sequence[str]) -> None:
    s = house.services
    asked = Asked(Place("web", "r_east"), s.people.person("p_liting"), s.clock.now())
    texts = messages(names, MESSAGES)
    times = [await _timed(lambda text=text: judge(s, asked, text)) for text in texts]  # type: ignore[misc]
    named = [spent for spent, text in zip(times, texts, strict=True) if s.records.names.find(text)]
    for what, spent in (("a message read", times), ("one with a name, and all that the room knows", named)):
        print(f"{what:46} p50 {_at(spent, 0.5):6.0f} µs, p99 {_at(spent, 0.99):6.0f} µs")
    for length in (60, 500, 2_000):
        text = (SHORT * 60)[:length]
        tries = [_suggested(s.records.suggestions.suggest, text) for _ in range(50)]
        print(f"a slip looked for in {length:5} characters       p50 {_at(tries, 0.5):6.0f} µs")


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


def _suggested(suggest: Callable[[str], object], text: str) -> float:
    began = time.perf_counter()
    suggest(text)
    return time.perf_counter() - began


def _at(times: Sequence[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1e6


def main(arguments: Sequence[str]) -> None:
    size = int(arguments[0].replace(",", "")) if arguments else 10_000
    if len(arguments) > 1:
        asyncio.run(run(Path(arguments[1]), size))
        return
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(fill(Path(folder), size))
        again = [sys.executable, "-m", "benchmarks.mentions.inside", str(size), folder]
        subprocess.run(again, check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
