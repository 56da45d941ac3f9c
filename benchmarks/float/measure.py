"""What a benchmark of a message to its card runs and times: the gateway, or another program, beside a Slack's stub."""

from __future__ import annotations

import asyncio
import json
import random
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.common import answers, cpu, free_port, percentile, process, stop
from benchmarks.engines import config, postgresql, redis, scratch
from benchmarks.float.pace import Paced, send
from benchmarks.float.seed import NAMED, names
from benchmarks.wire.servers import OURS, api, fake_slack

ROOMS = 1000
SEED = 11
MORE = "[mentions]\nbudget = 1000\n"


@dataclass
class Running:
    port: int
    slack: int
    pid: int
    target: str = OURS
    config: Path | None = None
    """Of the gateway."""


Engines = Literal["sqlite", "postgresql"]


@dataclass(frozen=True)
class Place:
    """Where a gateway can be started, again and again, on what it left behind."""

    folder: Path
    slack: int
    config: Path
    port: int

    @contextmanager
    def running(self) -> Iterator[Running]:
        with _running("benchmarks.wire.ours", (str(self.config), "float"), self.folder, self.port) as pid:
            yield Running(self.port, self.slack, pid, config=self.config)

    def history(self, times: int) -> None:
        """What was said until now, so many times more. Nothing runs."""
        stop(process("benchmarks.float.history", str(self.config), str(times)))


@contextmanager
def prepared(customers: int, engines: Engines = "sqlite") -> Iterator[Place | None]:
    """None where a server's wheel is missing."""
    with ExitStack() as opened:
        folder, slack = opened.enter_context(scratch()), opened.enter_context(fake_slack())
        store: str | None = f"sqlite:///{folder}/floatcard.db"
        bus: str | None = "store:"
        if engines == "postgresql":
            store, bus = opened.enter_context(postgresql()), opened.enter_context(redis())
        if store is None or bus is None:
            yield None
            return
        port = free_port()
        path = config(Path(folder), store=store, bus=bus, port=port, slack_api=api(slack), more=MORE)
        stop(process("benchmarks.float.seed", str(path), str(customers)))
        yield Place(Path(folder), slack, path, port)


@contextmanager
def gateway(customers: int) -> Iterator[Running]:
    with prepared(customers) as place:
        assert place is not None
        with place.running() as running:
            yield running


@contextmanager
def poster(module: str, target: str, card: dict[str, Any]) -> Iterator[Running]:
    """A program that posts this card in the thread of every message it hears."""
    with scratch() as folder, fake_slack() as slack:
        port, path = free_port(), Path(folder, "card.json")
        path.write_text(json.dumps(card), "utf-8")
        with _running(module, (str(port), api(slack), str(path)), Path(folder), port) as pid:
            yield Running(port, slack, pid, target)


@contextmanager
def _running(module: str, words: tuple[str, ...], folder: Path, port: int) -> Iterator[int]:
    with Path(folder, "log").open("w") as log:
        started = process(module, *words, stderr=log)
        try:
            answers(port)
            yield started.pid
        finally:
            stop(started)
            said = Path(folder, "log").read_text()
            print(said[-2000:] if "Traceback" in said else "", end="")


class Texts:
    """Each customer at most once in a room, so that none is left out because its card is there already."""

    def __init__(self, customers: int, rooms: int = ROOMS) -> None:
        self.names = list(names(min(customers, NAMED)))
        self.order = list(range(len(self.names)))
        random.Random(SEED).shuffle(self.order)
        self.rooms = rooms
        self.n = 0

    def some(self, count: int) -> list[tuple[str, str]]:
        return [self.one() for _ in range(count)]

    def one(self) -> tuple[str, str]:
        self.n += 1
        turn, room = divmod(self.n, self.rooms)
        name = self.names[self.order[(turn + room * 7) % len(self.order)]]
        return (
            f"Can somebody call {name} about the renewal before Friday? I am on a train all day.",
            f"C0ROOM{room:04d}",
        )


def greeted(running: Running, rooms: int) -> None:
    """The gateway has heard a message in every room: it knows who is in it."""
    hello = [("Good morning, everybody", f"C0ROOM{room:04d}") for room in range(rooms)]
    asyncio.run(send(running.port, hello, 150))


def quiet(pid: int, patience: float = 300.0) -> None:
    """Returns once it has nothing to do."""
    last, end = cpu(pid), time.monotonic() + patience
    while time.monotonic() < end:
        time.sleep(1.0)
        now = cpu(pid)
        if now - last < 0.08:
            return
        last = now


def asked(running: Running, what: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{running.slack}/{what}", timeout=10) as answer:
        return json.loads(answer.read())


def drained(running: Running, sent: int, patience: float = 30.0) -> dict[str, float]:
    """What was posted until nothing more comes."""
    seen: dict[str, float] = {}
    quiet = 0
    end = time.monotonic() + patience
    while len(seen) < sent and quiet < 6 and time.monotonic() < end:
        time.sleep(0.5)
        more = asked(running, "seen")
        quiet = 0 if more else quiet + 1
        seen |= more
    return seen


@dataclass(frozen=True)
class Measured:
    """Times in ms, in order; processor time in seconds."""

    sent: int
    cards: list[float]
    acks: list[float]
    wrong: int
    spent: float

    @property
    def each(self) -> float:
        """Microseconds of processor time a message."""
        return self.spent / self.sent * 1e6


def measured(running: Running, texts: Texts, rate: int, seconds: float) -> Measured:
    before = cpu(running.pid)
    told: Paced = asyncio.run(send(running.port, texts.some(int(rate * seconds)), rate, running.target))
    seen = drained(running, len(told.due))
    took = sorted((at - told.due[id_]) * 1000 for id_, at in seen.items() if id_ in told.due)
    return Measured(len(told.due), took, sorted(told.acks), told.wrong, cpu(running.pid) - before)


def ends(ordered: list[float]) -> tuple[float, float]:
    """p50 and p99."""
    return percentile(ordered, 0.5), percentile(ordered, 0.99)
