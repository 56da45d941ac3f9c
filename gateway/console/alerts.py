"""What the page of alerts shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from cards.tree import Tone
from cards.words import N_
from gateway.console.seeing import Eyes
from gateway.console.sheet import sheet
from gateway.handlers import alerts
from gateway.store.alerts import Alert
from gateway.store.console import ConsoleStore, Cursor

PAGE: Final = 25
MOST: Final = 10_000
"""Rows of one export."""
AT_ONCE: Final = 500

Which = Literal["waiting", "open", "snoozed", "acknowledged", "over", "all"]
WHICH: Final[Mapping[Which, tuple[str, tuple[str, ...]]]] = {
    "waiting": (N_("Open or snoozed"), ("open", "snoozed")),
    "open": (N_("Open"), ("open",)),
    "snoozed": (N_("Snoozed"), ("snoozed",)),
    "acknowledged": (N_("Acknowledged"), ("acknowledged",)),
    "over": (N_("Over"), ("over",)),
    "all": (N_("All"), ("open", "snoozed", "acknowledged", "over")),
}
RULES: Final[Mapping[str, str]] = {
    "risk_high": N_("A risk turned high"),
    "conflict_open": N_("A conflict nobody decided"),
    "set_back": N_("A source that was set back"),
}
STATES: Final[Mapping[str, tuple[str, Tone]]] = {
    "open": (N_("open"), "warning"),
    "snoozed": (N_("snoozed"), "neutral"),
    "acknowledged": (N_("acknowledged"), "info"),
    "over": (N_("over"), "neutral"),
}


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    key: str
    title: str
    what: str
    rule: str
    state: str
    says: str
    tone: Tone
    since: int
    by: str
    until: int
    trace: str


@dataclass(frozen=True, slots=True)
class Listed:
    which: Which
    rule: str
    rows: Sequence[Row]
    after: str
    tabs: Sequence[tuple[Which, str, int]]


async def listed(eyes: Eyes, store: ConsoleStore, which: Which, rule: str, cursor: Cursor | None) -> Listed:
    found = await store.alerts(WHICH[which][1], rule, cursor, PAGE + 1)
    counts = await store.alert_counts()
    last = found[PAGE - 1] if len(found) > PAGE else None
    tabs = [
        (name, eyes.reader.say(words), sum(counts.get(state, 0) for state in states))
        for name, (words, states) in WHICH.items()
    ]
    after = f"{last.since}.{last.id}" if last is not None else ""
    return Listed(which, rule, [await _row(eyes, each) for each in found[:PAGE]], after, tabs)


async def _row(eyes: Eyes, each: Alert) -> Row:
    """Of a customer this reader may not see it says that there is one, and what kind of alert."""
    seen, reader = await eyes.heard(each.record), eyes.reader
    rule = reader.say(RULES.get(each.rule, each.rule))
    what = alerts.what_of(eyes.s, each, seen.record, reader.locale) if seen is not None else rule
    of_source = each.rule == alerts.SET_BACK
    if of_source:
        what = alerts.set_back(each, reader.locale)
    says, tone = STATES[each.state]
    return Row(
        id=each.id,
        key=each.record if seen is not None else "",
        title=alerts.source_of(each) if of_source else await eyes.title(each.record),
        what=what,
        rule=rule,
        state=each.state,
        says=reader.say(says),
        tone="danger" if each.state == "open" and each.rule == "risk_high" else tone,
        since=each.since,
        by=eyes.who(each.by) if each.by else "",
        until=each.until if each.state == "snoozed" else 0,
        trace=each.trace,
    )


COLUMNS: Final = ("since", "record", "customer", "rule", "what", "state", "by", "until", "decision")


async def exported(eyes: Eyes, store: ConsoleStore, which: Which, rule: str) -> tuple[bytes, int]:
    """CSV of the newest of that kind, at most `MOST`, as this reader may see them; and how many."""
    out, last = list[Sequence[str]]([COLUMNS]), None
    while len(out) <= MOST:
        found = await store.alerts(WHICH[which][1], rule, last, min(AT_ONCE, MOST + 1 - len(out)))
        for each in found:
            out.append(_cells(eyes, await _row(eyes, each)))
        if not found:
            break
        last = (found[-1].since, found[-1].id)
    return sheet(out), len(out) - 1


def _cells(eyes: Eyes, row: Row) -> list[str]:
    exact = eyes.reader.exact
    until = exact(row.until) if row.until else ""
    return [exact(row.since), row.key, row.title, row.rule, row.what, row.state, row.by, until, row.trace]
