"""What the page of stages shows: where each kind of room stands, what its cards led to, and what that speaks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cards.tree import Tone
from cards.words import N_
from gateway.console.seeing import Eyes
from gateway.evidence import WHATS, Evidence, Rate, evidence
from gateway.governance import KINDS
from gateway.stages import STAGES
from gateway.store.stages import Run

LABELS: Final[Mapping[str, str]] = {
    "group/group": N_("Private rooms"),
    "group/public": N_("Public rooms"),
    "external_group/group": N_("Private rooms shared with another company"),
    "external_group/public": N_("Public rooms shared with another company"),
    "external_group/direct": N_("Direct messages with another company"),
    "direct/direct": N_("Direct messages with the bot"),
}
STAGE: Final[Mapping[str, str]] = {"minimal": N_("minimal"), "standard": N_("standard"), "full": N_("full")}
WHAT: Final[Mapping[str, str]] = {
    "shown": N_("Cards shown"),
    "opened": N_("opened by “Show me”"),
    "edited": N_("edited"),
    "dismissed": N_("waved away"),
    "muted": N_("the room hushed"),
    "wrong": N_("reported wrong"),
}
_ADVICE: Final[Mapping[str, tuple[Tone, str]]] = {
    "forward": ("info", N_("Proposed: a step forward, to {stage}")),
    "back": ("danger", N_("Proposed: a step back, to {stage}")),
    "stay": ("neutral", N_("Proposed: leave it as it is")),
    "wait": ("neutral", N_("Not enough seen yet")),
}
PAST: Final = 10
BAR: Final = 8
HIGH: Final = 48
"""A day's width and the chart's height, in pixels."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Of one day: `high` all that was shown, `low` what led to trouble."""

    x: int
    high: int
    low: int


@dataclass(frozen=True, slots=True)
class Line:
    words: str
    now: Rate
    then: Rate | None


@dataclass(frozen=True, slots=True)
class Chart:
    bars: Sequence[Bar]
    width: int
    height: int
    shown: int
    troubles: int


@dataclass(frozen=True, slots=True)
class Past:
    run: int
    stage: str
    at: int
    by: str
    undoes: bool


@dataclass(frozen=True, slots=True)
class Kind:
    key: str
    label: str
    rooms: int
    cards: int
    run: Run
    stage: str
    by: str
    then: str
    """The stage before; empty where there was none."""
    lines: Sequence[Line]
    chart: Chart
    tone: Tone
    advice: str
    why: str
    to: str
    others: Sequence[tuple[str, str]]
    past: Sequence[Past]


async def page(eyes: Eyes) -> list[Kind]:
    """Those with rooms first. A kind that has none and was never touched is there too, last."""
    s = eyes.s
    await s.tally.flush()
    await s.stages.follow(surely=True)
    up = await s.stages.store.up()
    made = [await _kind(eyes, kind, *up.get(kind, (0, 0))) for kind in KINDS]
    return sorted(made, key=lambda each: (not each.rooms, KINDS.index(each.key)))


async def proposals(eyes: Eyes) -> int:
    """How many kinds of rooms wait for an admin's word."""
    await eyes.s.stages.follow()
    found = [await evidence(eyes.s.stages, kind, eyes.reader.now) for kind in KINDS]
    return sum(each.to is not None for each in found)


async def _kind(eyes: Eyes, kind: str, rooms: int, cards: int) -> Kind:
    it, say = await evidence(eyes.s.stages, kind, eyes.reader.now), eyes.reader.say
    tone, advice = _ADVICE[it.propose]
    runs = await eyes.s.stages.store.runs(kind)
    return Kind(
        key=kind,
        label=say(LABELS[kind]),
        rooms=rooms,
        cards=cards,
        run=it.run,
        stage=say(STAGE[it.run.stage]),
        by=eyes.who(it.run.by),
        then=say(STAGE[it.before.stage]) if it.before is not None else "",
        lines=_lines(eyes, it),
        chart=_chart(it),
        tone=tone,
        advice=say(advice, stage=say(STAGE[it.to])) if it.to is not None else say(advice),
        why=say(it.say, **it.facts),
        to=it.to or "",
        others=[(each, say(STAGE[each])) for each in STAGES if each not in (it.run.stage, it.to)],
        past=[_past(eyes, each) for each in reversed(runs[-PAST:])],
    )


def _lines(eyes: Eyes, it: Evidence) -> list[Line]:
    def rate(counts: Mapping[str, int], what: str) -> Rate:
        return Rate(counts.get(what, 0), counts.get("shown", 0))

    then = it.counts_before if it.before is not None else None
    return [
        Line(eyes.reader.say(WHAT[what]), rate(it.counts, what), rate(then, what) if then is not None else None)
        for what in WHATS
    ]


def _chart(it: Evidence) -> Chart:
    tall = max((shown for _, shown, _ in it.days), default=0) or 1
    bars = [
        Bar(at * BAR, _high(shown, tall), _high(min(bad, shown), tall)) for at, (_, shown, bad) in enumerate(it.days)
    ]
    shown, bad = sum(shown for _, shown, _ in it.days), sum(bad for *_, bad in it.days)
    return Chart(bars, BAR * len(bars), HIGH, shown, bad)


def _high(count: int, tall: int) -> int:
    """What is there is seen: one pixel at least."""
    return max(1, round(HIGH * count / tall)) if count else 0


def _past(eyes: Eyes, run: Run) -> Past:
    return Past(run.run, eyes.reader.say(STAGE[run.stage]), run.at, eyes.who(run.by), run.undoes is not None)
