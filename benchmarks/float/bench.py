"""From a message to its card: `python -m benchmarks.float.bench [--seconds 8] [--sizes 1000x1000,100000x10000]`.

The gateway, a server that answers as Slack does, and an open-loop load are three processes. Each message names one of
3,000 customers in one of a thousand rooms or more (Slack lets a bot post once a second in each; its 20 posts a second
for a whole workspace and its limits by method are lifted). The time is from when the message was due to when the posted
card reached the server. `beside` is the same work beside two programs that only hear and post.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.common import HERE, keep, machine, rss, table
from benchmarks.float import beside
from benchmarks.float.measure import ROOMS, SEED, Measured, Texts, ends, gateway, greeted, measured

SIZES = "1000x1000,100000x1000,100000x10000"
"""Customers and rooms."""
RATES = (50, 200, 500)
CUSTOMERS = 1000
"""Of the gateway that stands beside the others."""


def row(rate: int, each: Measured) -> list[object]:
    share = f"{len(each.cards)} of {each.sent}"
    return [rate, *ends(each.cards), share, *ends(each.acks), each.acks[-1], each.wrong, each.each]


HEAD = ["messages/s", "p50 ms", "p99 ms", "cards", "ack p50 ms", "ack p99 ms", "ack worst ms", "not 200", "CPU µs each"]


def main(seconds: float, sizes: str, rates: str, rounds: int, out: Path) -> None:
    parts = []
    for size in filter(None, sizes.split(",")):
        count, rooms = map(int, size.split("x"))
        with gateway(count) as running:
            texts = Texts(count, rooms)
            greeted(running, rooms)
            measured(running, texts, 50, 2)
            rows = [row(rate, measured(running, texts, rate, seconds)) for rate in map(int, rates.split(","))]
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
    parts.append(beside.text(seconds, rounds, CUSTOMERS, ROOMS))
    keep(out, "Message to card", machine("aiohttp", "slack-bolt"), note, *parts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--sizes", default=SIZES, help="customers x rooms; none leaves the table beside others")
    parser.add_argument("--rates", default=",".join(map(str, (*RATES, 2000))))
    parser.add_argument("--rounds", type=int, default=3, help="of ours beside the others")
    parser.add_argument("--out", type=Path, default=HERE / "float" / "RESULTS.md")
    main(**vars(parser.parse_args()))
