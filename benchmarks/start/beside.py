"""The start and the rest of ours beside aiohttp alone, slack-bolt and NoneBot2, as they are in `wire/`."""

from __future__ import annotations

import statistics
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from subprocess import Popen

from benchmarks.common import rss, stop, table
from benchmarks.wire.bodies import one
from benchmarks.wire.servers import WHAT, Plan, planned

OTHERS = ("yardstick", "bolt", "nonebot")
OURS = "ours-turn"
FIRST, AGAIN = "ours, its first start: an empty SQLite store is made", "ours, started again on that store"
HEAD = ("", "to the first request answered, s", "of aiohttp alone", "at rest, MB", "of aiohttp alone")
REST_S = 2.0
PATIENCE_S = 60.0
NOTE = """What each does before it answers, and what it does not:

- aiohttp alone imports aiohttp and orjson and listens.
- slack-bolt imports Slack's SDK, sets up its middlewares and one listener that does nothing. Who installed it is a
  constant here, so that it asks Slack nothing.
- NoneBot2 imports FastAPI, pydantic and its adapter, and sets up one matcher that does nothing.
- Ours reads its configuration, opens its store (at the first start it makes the tables), its CRM, its channel, the
  people and the names it knows, the console and the API, and takes up what was left undone. Its CRM is empty here.

The three others have no CRM, no store and no names to look for in a message: what they hold they hold in memory, and it
is gone with them. All were sent the same: one signed event."""


def weighed(begin: Callable[[], Popen[str]], until: Callable[[float], None], rest: float) -> tuple[float, float]:
    """Seconds from `begin` until it answers, and MB held `rest` seconds later. `until` is told when to give up."""
    began = time.perf_counter()
    started = begin()
    try:
        until(began + PATIENCE_S)
        took = time.perf_counter() - began
        time.sleep(rest)
        return took, rss(started.pid)
    finally:
        stop(started)


def start(plan: Plan, rest: float) -> tuple[float, float]:
    """To the first request answered with 2xx."""
    return weighed(plan.start, partial(answered, plan), rest)


def answered(plan: Plan, end: float) -> None:
    """Each says that it is ready a little before or after it listens, so that it is asked until it answers."""
    while True:
        headers, body = one(plan.kind)
        asked = urllib.request.Request(f"http://127.0.0.1:{plan.port}{plan.target}", body, headers)
        try:
            urllib.request.urlopen(asked, timeout=5).read()
        except OSError:
            if time.perf_counter() > end:
                raise
            time.sleep(0.005)
        else:
            return


@dataclass
class Beside:
    others: list[Plan]
    rest: float
    found: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def round(self) -> None:
        """Each of them once, ours twice: with a store of its own that is new, and again on it."""
        for plan in self.others:
            self._add(plan.what, plan)
        with ExitStack() as fresh:
            ours = planned(OURS, fresh)
            assert ours is not None
            self._add(FIRST, ours)
            self._add(AGAIN, ours)

    def _add(self, what: str, plan: Plan) -> None:
        self.found.setdefault(what, []).append(start(plan, self.rest))

    def rows(self) -> list[tuple[str, float, float, float, float]]:
        every = {what: _medians(some) for what, some in self.found.items()}
        seconds, memory = every[WHAT[OTHERS[0]]]
        return [(what, took, took / seconds, held, held / memory) for what, (took, held) in every.items()]

    def text(self) -> str:
        return f"## Beside others\n\n{table(HEAD, self.rows())}\n\n{NOTE}"


def _medians(some: list[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(took for took, _ in some), statistics.median(held for _, held in some)


@contextmanager
def beside(rest: float = REST_S) -> Iterator[Beside]:
    """Each was started once before: its bytecode is kept, and the files it reads are in memory."""
    with ExitStack() as opened:
        plans = [plan for name in (*OTHERS, OURS) if (plan := planned(name, opened)) is not None]
        for plan in plans:
            start(plan, 0)
        yield Beside(plans[: len(OTHERS)], rest)
