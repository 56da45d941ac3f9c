"""The overview's table of sources: how far each was read, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cards.words import N_, Reader
from gateway.console.page import SourceLine
from gateway.services import Services
from gateway.sources import listed
from gateway.store.sources import SourceRow, State

STATES: Final[Mapping[State, str]] = {"ok": N_("in order"), "gap": N_("waits"), "rewound": N_("set back")}


async def lines(s: Services, reader: Reader) -> list[SourceLine]:
    return [_line(row, reader) for row in await listed(s)]


def _line(row: SourceRow, reader: Reader) -> SourceLine:
    return SourceLine(
        key=row.name,
        name=f"{row.name} · {row.stream}" if row.stream else row.name,
        state=reader.say(STATES[row.state]),
        at=row.at,
        lag=lag(row.lag, reader),
        numbers=_numbers(row, reader),
        wrong=row.state != "ok",
        back=row.state == "rewound",
    )


def lag(ms: int | None, reader: Reader) -> str:
    if ms is None:
        return ""
    if ms < 120_000:
        return reader.say("{n} s", n=round(ms / 1000, 1) if ms < 10_000 else round(ms / 1000))
    return reader.say("{n} min", n=round(ms / 60_000))


def _numbers(row: SourceRow, reader: Reader) -> str:
    if not row.stream:
        return reader.say("Records that were set back there: {n}", n=row.set_back) if row.set_back else ""
    if row.high < 0:
        return ""
    if row.held:
        return reader.say("{low} of {high}; edits that wait: {n}", low=row.low, high=row.high, n=row.held)
    return reader.say("{low} of {high}", low=row.low, high=row.high)
