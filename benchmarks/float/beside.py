"""A message to its card, ours beside the bare limit and Slack's Bolt, which post a card that is always the same."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from benchmarks.common import table
from benchmarks.float.measure import Measured, Running, Texts, asked, drained, ends, gateway, greeted, measured, poster
from benchmarks.float.pace import send
from benchmarks.wire.servers import TARGETS

BARE, BOLT, OURS = "aiohttp alone, a fixed card", "slack-bolt AsyncApp, a fixed card", "ours"
HEAD = ("server", "messages/s", "p50 ms", "p99 ms", "cards", "not 200", "core ms a message", "of aiohttp alone")
RATES = (50, 200)
NOTE = (
    "The two others check the signature, answer 200 and post one card, always the same and word for word one that ours "
    "posted, in the thread of every message; they leave out all the rest: they store nothing and forget what was not "
    "posted when they end, know no event again, look for no names, ask nobody who is in the room and may see what, and "
    "read no customer. Each has a stub of Slack of its own and the same load; aiohttp alone runs on uvloop as ours "
    "does, Bolt on asyncio's own loop as it does by itself, with one session kept for its calls."
)
Row = tuple[str, int, float, float, str, int, float, float]
"""As in `HEAD`."""


def card(running: Running, texts: Texts) -> dict[str, Any]:
    """The card of a message to the gateway, without where it was posted."""
    asyncio.run(send(running.port, texts.some(1), 1))
    if not drained(running, 1):
        raise RuntimeError("no card came")
    posted: dict[str, Any] = asked(running, "card")
    return {key: value for key, value in posted.items() if key not in ("channel", "thread_ts")}


def beside(rates: Sequence[int], seconds: float, rounds: int, customers: int, rooms: int) -> list[Row]:
    with ExitStack() as opened:
        ours = opened.enter_context(gateway(customers))
        texts = {OURS: Texts(customers, rooms)}
        greeted(ours, rooms)
        shown = card(ours, texts[OURS])
        servers = {
            BARE: opened.enter_context(poster("benchmarks.float.bare", TARGETS["yardstick"], shown)),
            BOLT: opened.enter_context(poster("benchmarks.float.bolt", TARGETS["bolt"], shown)),
            OURS: ours,
        }
        texts |= {name: Texts(customers, rooms) for name in (BARE, BOLT)}
        found: dict[tuple[int, str], list[Measured]] = {(rate, name): [] for rate in rates for name in servers}
        for name, running in servers.items():
            measured(running, texts[name], rates[0], min(2, seconds))
        for _ in range(rounds):
            for (rate, name), some in found.items():
                some.append(measured(servers[name], texts[name], rate, seconds))
    return [_row(name, rate, some, found[rate, BARE]) for (rate, name), some in found.items()]


def _row(name: str, rate: int, some: list[Measured], bare: list[Measured]) -> Row:
    p50, p99 = (statistics.median(each) for each in zip(*(ends(one.cards) for one in some), strict=True))
    share = f"{sum(len(one.cards) for one in some)} of {sum(one.sent for one in some)}"
    each, least = (statistics.median(one.each for one in every) / 1000 for every in (some, bare))
    return name, rate, p50, p99, share, sum(one.wrong for one in some), each, each / least if least else float("nan")


def text(seconds: float, rounds: int, customers: int, rooms: int) -> str:
    rows = beside(RATES, seconds, rounds, customers, rooms)
    size = f"{customers:,} customers, {rooms:,} rooms; {rounds} rounds of {seconds:g} s, interleaved, medians."
    return f"## Beside the bare limit\n\n{size} {NOTE}\n\n{table(HEAD, rows)}"
