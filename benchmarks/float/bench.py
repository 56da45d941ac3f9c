"""From a message to its card: `python -m benchmarks.float.bench [--seconds 8] [--sizes 1000x1000,100000x10000]`.

The gateway, a server that answers as Slack does, and an open-loop load are three processes. Each message names one of
3,000 customers in one of a thousand rooms or more (Slack lets a bot post once a second in each; its 20 posts a second
for a whole workspace and its limits by method are lifted). The time is from when the message was due to when the posted
card reached the server.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import HERE, answers, cpu, free_port, keep, machine, percentile, process, rss, stop, table
from benchmarks.engines import config, scratch
from benchmarks.float.pace import Paced, send
from benchmarks.float.seed import NAMED, names

ROOMS = 1000
SIZES = "1000x1000,100000x1000,100000x10000"
"""Customers and rooms."""
RATES = (50, 200, 500)
SEED = 11
MORE = "[mentions]\nbudget = 1000\n"


@dataclass
class Running:
    port: int
    slack: int
    pid: int


@contextmanager
def gateway(customers: int) -> Iterator[Running]:
    with scratch() as folder:
        port, slack = free_port(), free_port()
        api, store = f"http://127.0.0.1:{slack}/api", f"sqlite:///{folder}/floatcard.db"
        path = config(Path(folder), store=store, bus="store:", port=port, slack_api=api, more=MORE)
        stop(process("benchmarks.float.seed", str(path), str(customers)))
        fake = process("benchmarks.wire.fake_slack", str(slack))
        with Path(folder, "log").open("w") as log:
            ours = process("benchmarks.wire.ours", str(path), "float", stderr=log)
            try:
                answers(port)
                yield Running(port, slack, ours.pid)
            finally:
                stop(ours)
                stop(fake)
                print(
                    Path(folder, "log").read_text()[-2000:] if "Traceback" in Path(folder, "log").read_text() else "",
                    end="",
                )


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


def posted(running: Running) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{running.slack}/seen", timeout=10) as answer:
        found: dict[str, float] = json.loads(answer.read())
    return found


def drained(running: Running, sent: int, patience: float = 30.0) -> dict[str, float]:
    """What was posted until nothing more comes."""
    seen: dict[str, float] = {}
    quiet = 0
    end = time.monotonic() + patience
    while len(seen) < sent and quiet < 6 and time.monotonic() < end:
        time.sleep(0.5)
        more = posted(running)
        quiet = 0 if more else quiet + 1
        seen |= more
    return seen


def measured(running: Running, texts: Texts, rate: int, seconds: float) -> list[object]:
    before = cpu(running.pid)
    told: Paced = asyncio.run(send(running.port, texts.some(int(rate * seconds)), rate))
    seen = drained(running, len(told.due))
    took = sorted((at - told.due[id_]) * 1000 for id_, at in seen.items() if id_ in told.due)
    spent = (cpu(running.pid) - before) / len(told.due) * 1e6
    acks = sorted(told.acks)
    share = f"{len(took)} of {len(told.due)}"
    cards = [percentile(took, 0.5), percentile(took, 0.99)]
    return [rate, *cards, share, percentile(acks, 0.5), percentile(acks, 0.99), acks[-1], told.wrong, spent]


HEAD = ["messages/s", "p50 ms", "p99 ms", "cards", "ack p50 ms", "ack p99 ms", "ack worst ms", "not 200", "CPU µs each"]


def main(seconds: float, sizes: str, rates: str, out: Path) -> None:
    parts = []
    for size in sizes.split(","):
        count, rooms = map(int, size.split("x"))
        with gateway(count) as running:
            texts = Texts(count, rooms)
            hello = [("Good morning, everybody", f"C0ROOM{room:04d}") for room in range(rooms)]
            asyncio.run(send(running.port, hello, 150))
            measured(running, texts, 50, 2)
            rows = [measured(running, texts, int(rate), seconds) for rate in rates.split(",")]
            memory = rss(running.pid)
        parts.append(
            f"## {count:,} customers, {rooms:,} rooms\n\n{table(HEAD, rows)}\n\n{memory:.0f} MB of memory in the end."
        )
    note = (
        f"SQLite FULL, embedded bus, rooms of 50 members, {seconds:g} s each after a warm-up, seed {SEED}. The "
        "highest rate is ten times 200/s: there the acknowledgement is what counts. The network's own limits are "
        "lifted, its 20 posts a second of a whole workspace and those by method: what is measured is the gateway. With "
        "them 20 cards a second go to one workspace, and no more."
    )
    keep(out, "Message to card", machine("aiohttp"), note, *parts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--sizes", default=SIZES, help="customers x rooms")
    parser.add_argument("--rates", default=",".join(map(str, (*RATES, 2000))))
    parser.add_argument("--out", type=Path, default=HERE / "float" / "RESULTS.md")
    main(**vars(parser.parse_args()))
