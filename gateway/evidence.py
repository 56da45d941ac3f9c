"""How people took the cards of a stage, and what that speaks for: the next stage, the one before, or neither.

A *trouble* is a card that was reported wrong, a customer that was waved away, or a room that was hushed. Two rates are
compared by Fisher's exact test, one-sided: the chance that the rate on the left comes out so high if nothing differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, lgamma
from typing import Final, Literal, get_args

from cards.words import N_
from gateway.config.model import Stage
from gateway.stages import STAGES, Stages
from gateway.store.stages import DAY_MS, Run
from gateway.tally import What

ENOUGH: Final = 200
"""Cards shown at a stage before the next is proposed."""
LEAST: Final = 50
"""Cards on either side before two rates are compared."""
SURE: Final = 0.01
MORE: Final = 0.01
"""And by so much at least the rate has to be higher: with very many cards every difference is a sure one."""
MOST: Final = 0.05
"""Beyond this share of troubles no more is shown, even if it was always so."""
WINDOW: Final = 7
"""Days at the end of a run that are held against what came before in it."""
CHART: Final = 28
WHATS: Final[tuple[What, ...]] = get_args(What)
TROUBLES: Final[tuple[What, ...]] = ("dismissed", "muted", "wrong")

Propose = Literal["forward", "back", "stay", "wait"]

FEWER: Final = N_("Cards to be shown before anything is proposed: {n} more.")
WELL: Final = N_("Enough cards were shown, and few led to trouble.")
TROUBLED: Final = N_("More than {most} % of the cards led to trouble: it is better not to show more.")
WHOLE: Final = N_("Cards show all that a room may see; there is nothing to add.")
LOWEST: Final = N_("Cards lead to more trouble than before, and there is no shorter stage.")
THAN_BEFORE: Final = N_(
    "Cards lead to more trouble than at the stage before: {now} of {shown}, then {then} of {shown_then}."
)
THAN_EARLIER: Final = N_(
    "Of the last {days} days more cards led to trouble than earlier: {now} of {shown}, before {then} of {shown_then}."
)


@dataclass(frozen=True, slots=True)
class Rate:
    """`part` of `whole`, never more than all of it: one card may be a trouble twice."""

    part: int
    whole: int

    @property
    def share(self) -> float:
        return min(self.part, self.whole) / self.whole if self.whole else 0.0


@dataclass(frozen=True, slots=True)
class Evidence:
    run: Run
    counts: Mapping[str, int]
    before: Run | None
    counts_before: Mapping[str, int]
    days: Sequence[tuple[int, int, int]]
    """(day, shown, troubles) of the last `CHART`, the newest last."""
    propose: Propose
    say: str
    facts: Mapping[str, int]
    to: Stage | None = None
    """The proposed stage."""

    @property
    def trouble(self) -> Rate:
        return troubles(self.counts)


def troubles(counts: Mapping[str, int]) -> Rate:
    return Rate(sum(counts.get(what, 0) for what in TROUBLES), counts.get("shown", 0))


def chance(now: Rate, then: Rate) -> float:
    """The chance of so many troubles `now`, or more, if both were the same: P(X >= part) of the hypergeometric."""
    here, there = min(now.part, now.whole), min(then.part, then.whole)
    all_, total = here + there, now.whole + then.whole
    most = min(all_, now.whole)
    return min(1.0, sum(exp(_log(total, all_, now.whole, k)) for k in range(here, most + 1)))


def _log(total: int, marked: int, drawn: int, k: int) -> float:
    if k < drawn - (total - marked):
        return float("-inf")
    return _choose(marked, k) + _choose(total - marked, drawn - k) - _choose(total, drawn)


def _choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def worse(now: Rate, then: Rate) -> bool:
    """Surely, and by more than a little; never by few cards."""
    enough = now.whole >= LEAST and then.whole >= LEAST
    return enough and now.share - then.share >= MORE and chance(now, then) < SURE


def judged(
    run: Run, days: Mapping[int, Mapping[str, int]], before: Run | None, counts_before: Mapping[str, int], today: int
) -> Evidence:
    counts = _summed(days.values())
    told = tuple((day, days.get(day, {}).get("shown", 0), _bad(days.get(day, {}))) for day in _last(today))
    propose, say, facts = _proposed(run, counts, days, before, counts_before, today)
    to = _next(run.stage, propose)
    return Evidence(run, counts, before, counts_before, told, propose, say, facts, to)


def _last(today: int) -> range:
    return range(today - CHART + 1, today + 1)


def _bad(counts: Mapping[str, int]) -> int:
    return troubles(counts).part


def _next(stage: str, propose: Propose) -> Stage | None:
    at = next(at for at, each in enumerate(STAGES) if each == stage)
    return STAGES[at + 1] if propose == "forward" else STAGES[at - 1] if propose == "back" else None


def _proposed(
    run: Run,
    counts: Mapping[str, int],
    days: Mapping[int, Mapping[str, int]],
    before: Run | None,
    counts_before: Mapping[str, int],
    today: int,
) -> tuple[Propose, str, dict[str, int]]:
    now = troubles(counts)
    worsened = _worsened(run, now, days, before, counts_before, today)
    if worsened is not None:
        return ("back", *worsened) if run.stage != STAGES[0] else ("stay", LOWEST, {})
    if now.whole < ENOUGH:
        return "wait", FEWER, {"n": ENOUGH - now.whole}
    if run.stage == STAGES[-1]:
        return "stay", WHOLE, {}
    if now.share > MOST:
        return "stay", TROUBLED, {"most": round(MOST * 100)}
    return "forward", WELL, {}


def _worsened(
    run: Run,
    now: Rate,
    days: Mapping[int, Mapping[str, int]],
    before: Run | None,
    counts_before: Mapping[str, int],
    today: int,
) -> tuple[str, dict[str, int]] | None:
    then = troubles(counts_before)
    if before is not None and _shorter(before.stage, run.stage) and worse(now, then):
        return THAN_BEFORE, _facts(now, then)
    recent = troubles(_summed(each for day, each in days.items() if day > today - WINDOW))
    earlier = troubles(_summed(each for day, each in days.items() if day <= today - WINDOW))
    return (THAN_EARLIER, {"days": WINDOW, **_facts(recent, earlier)}) if worse(recent, earlier) else None


def _shorter(stage: str, than: str) -> bool:
    return [each for each in STAGES if each in (stage, than)] == [stage, than]


def _facts(now: Rate, then: Rate) -> dict[str, int]:
    return {"now": now.part, "shown": now.whole, "then": then.part, "shown_then": then.whole}


def _summed(several: Iterable[Mapping[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for counts in several:
        for what, n in counts.items():
            found[what] = found.get(what, 0) + n
    return found


async def evidence(stages: Stages, kind: str, now: int) -> Evidence:
    """As it is in the store; who wants the last seconds too flushes the tally before."""
    run, runs = stages.run(kind), await stages.store.runs(kind)
    earlier = [stages.started(kind), *runs]
    before = next((each for each in reversed(earlier) if each.run < run.run), None)
    days = await stages.store.behaved(run)
    then = _summed((await stages.store.behaved(before)).values()) if before is not None else {}
    return judged(run, days, before, then, now // DAY_MS)
