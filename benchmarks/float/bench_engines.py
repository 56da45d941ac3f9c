"""From a message to its card on either pair of engines, and behind a long past.

`python -m benchmarks.float.bench_engines [--behind N]`: messages as in `bench`, first with little behind them, then
in a store that holds what so many messages left: the steps of their turns, their cards, what use taught (`history`).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from benchmarks.common import HERE, keep, machine, table
from benchmarks.float.bench import HEAD, row
from benchmarks.float.measure import SEED, Engines, Place, Texts, greeted, measured, prepared, quiet

CUSTOMERS, ROOMS = 100_000, 1_000
RATES = (50, 200)
SAID = 2_000
"""Messages that are said before, and copied."""
WHAT: dict[Engines, str] = {
    "sqlite": "SQLite FULL, embedded bus",
    "postgresql": "PostgreSQL that syncs each commit, and Redis, on the same machine",
}


def rows(place: Place, texts: Texts, rates: tuple[int, ...], seconds: float) -> list[list[object]]:
    with place.running() as running:
        greeted(running, texts.rooms)
        measured(running, texts, 50, min(2, seconds))
        quiet(running.pid)
        return [row(rate, measured(running, texts, rate, seconds)) for rate in rates]


def both(
    place: Place, texts: Texts, rates: tuple[int, ...], seconds: float, said: int, times: int
) -> list[list[object]]:
    """Before and after the past was made longer."""
    with place.running() as running:
        greeted(running, texts.rooms)
        measured(running, texts, 100, said / 100)
        quiet(running.pid)
    before = [[f"{said:,}", *each] for each in rows(place, texts, rates, seconds)]
    place.history(times)
    after = [[f"{said * times:,}", *each] for each in rows(place, texts, rates, seconds)]
    return before + after


def part(engines: Engines, seconds: float, behind: int) -> str:
    with prepared(CUSTOMERS, engines) as place:
        if place is None:
            return f"## {WHAT[engines]}\n\nNot run: the server's wheel is missing."
        found = both(place, Texts(CUSTOMERS, ROOMS), RATES, seconds, SAID, behind // SAID)
    return f"## {WHAT[engines]}\n\n{table(['messages behind', *HEAD], found)}"


def main(seconds: float, behind: int, only: str, out: Path) -> None:
    note = (
        f"{CUSTOMERS:,} customers, {ROOMS:,} rooms of 50 members, {seconds:g} s each after a warm-up, seed {SEED}; the "
        f"network's own limits are lifted. Behind the messages are first the {SAID:,} that were said before, then what "
        "they left as many times more, each with a card. CPU is the gateway's alone; the servers share its two cores "
        "with it, with the load and with the stub of Slack."
    )
    chosen = [each for each in get_args(Engines) if each in only.split(",")]
    keep(
        out,
        "Message to card, by engines and past",
        machine("SQLAlchemy", "psycopg", "redis"),
        note,
        *(part(each, seconds, behind) for each in chosen),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--behind", type=int, default=100_000)
    parser.add_argument("--only", default=",".join(get_args(Engines)))
    parser.add_argument("--out", type=Path, default=HERE / "float" / "ENGINES.md")
    main(**vars(parser.parse_args()))
