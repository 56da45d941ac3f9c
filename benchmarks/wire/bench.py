"""Signed events accepted and handed to a handler: ours beside aiohttp alone, slack-bolt and NoneBot2.

`python -m benchmarks.wire.bench [--rounds 5] [--seconds 3] [--only yardstick,ours-sqlite]`
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.common import HERE, answers, cpu, keep, machine, stop, table
from benchmarks.engines import scratch
from benchmarks.wire import load
from benchmarks.wire.bodies import write
from benchmarks.wire.inside import overhead
from benchmarks.wire.servers import WHAT, Plan, planned

FASTEST = 20_000
"""Requests a second that no server exceeds which knows an event again: so many bodies are made for a round."""


@dataclass
class Server:
    plan: Plan
    process: subprocess.Popen[str]
    rounds: list[tuple[load.Result, float]] = field(default_factory=list)

    def median(self, what: str) -> float:
        if what == "cpu":
            return statistics.median(cost for _, cost in self.rounds)
        return float(statistics.median(getattr(result, what) for result, _ in self.rounds))


@contextmanager
def servers(names: list[str]) -> Iterator[list[Server]]:
    with ExitStack() as opened:
        found = [server for name in names if (server := _start(name, opened)) is not None]
        yield found


def _start(name: str, opened: ExitStack) -> Server | None:
    plan = planned(name, opened)
    if plan is None:
        return None
    started = plan.start()
    opened.callback(stop, started)
    answers(plan.port)
    return Server(plan, started)


def once(server: Server, bodies: Path, seconds: float) -> None:
    write(bodies, server.plan.kind, int(FASTEST * (seconds + 1)))
    before = cpu(server.process.pid)
    result = load.run(server.plan.port, server.plan.target, bodies, seconds)
    # what is still queued belongs to these requests too
    spent = settled(server.process.pid) - before
    server.rounds.append((result, spent / max(result.requests, 1) * 1e6))


def settled(pid: int) -> float:
    import time

    last = cpu(pid)
    for _ in range(100):
        time.sleep(0.3)
        now = cpu(pid)
        if now - last < 0.02:
            break
        last = now
    return now


def rows(found: list[Server]) -> list[list[object]]:
    base = next((each for each in found if each.plan.name == "yardstick"), found[0])
    return [
        [
            each.plan.what,
            each.median("cpu"),
            each.median("cpu") / base.median("cpu"),
            each.median("rate"),
            each.median("p50"),
            each.median("p99"),
            int(each.median("wrong")),
        ]
        for each in found
    ]


def main(rounds: int, seconds: float, only: str, out: Path) -> None:
    names = only.split(",") if only else list(WHAT)
    with servers(names) as found, scratch() as folder:
        for at in range(rounds + 1):
            for server in found:
                once(server, Path(folder) / "bodies", 1.0 if at == 0 else seconds)
        for server in found:
            server.rounds.pop(0)  # the first is to warm up
        head = ["server", "CPU µs per request", "of the yardstick", "requests/s", "p50 ms", "p99 ms", "not 2xx"]
        ours = overhead()
        keep(
            out,
            "Signed events accepted and handed to a handler",
            machine("aiohttp", "slack-bolt", "nonebot2", "orjson"),
            f"{load.generator()}, {load.CONNECTIONS} connections, {rounds} rounds of {seconds:g} s "
            "interleaved, medians; "
            "every body another event, signed. CPU is the server process's own, with all its threads, until its queue "
            "is empty again. The peers store nothing. What is stored and answered only is handed to nobody in this "
            "measure; in the rows below it a handler that does nothing has each event as the peers' has, and its end "
            "is committed as well.",
            table(head, rows(found)),
            f"From an event verified and read to its handler, without the commit: **{ours:.1f} µs** of CPU "
            "(spelling it for the bus, the bus, its lane, the handler's task).",
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path, default=HERE / "wire" / "RESULTS.md")
    main(**vars(parser.parse_args()))
