"""What bringing in a directory, or moving keys, would do or has done: in numbers, and why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cards.words import N_, Reader
from gateway.cli.importing_people import PeopleFile
from gateway.store.rekeying import Rekeyed
from identity.sources import Verdict, tally

SHOWN: Final = 50
OUTCOMES: Final[Mapping[str, str]] = {
    "new": N_("New persons: {n}"),
    "linked": N_("Matched and linked: {n}"),
    "changed": N_("Changed: {n}"),
    "ended": N_("Deactivated: {n}"),
    "same": N_("Unchanged: {n}"),
    "failed": N_("Not taken: {n}"),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """`reasons`: line (0 for none), who, and why not; `torn`: accounts that stay somebody else's."""

    done: bool
    lines: Sequence[str]
    reasons: Sequence[tuple[int, str, str]]
    more: int
    torn: Sequence[str]
    changes: int


@dataclass(frozen=True, slots=True)
class Moved:
    done: bool
    moved: int
    left: Sequence[Rekeyed]
    more: int


def told(
    reader: Reader, verdicts: Sequence[Verdict], file: PeopleFile | None, torn: Sequence[str], *, done: bool
) -> Plan:
    counts = tally(verdicts)
    lines = [reader.say(OUTCOMES[name], n=n) for name, n in counts.items() if n]
    reasons = [(each.line, "", each.reason) for each in (file.unreadable if file is not None else ())]
    reasons += [(each.entry.line, each.entry.name, reader.say(each.reason)) for each in verdicts if each.reason]
    if file is not None and file.unreadable:
        lines.append(reader.say(N_("Lines that cannot be read: {n}"), n=len(file.unreadable)))
    changes = sum(counts[name] for name in ("new", "linked", "changed", "ended"))
    reasons.sort(key=lambda each: each[0])
    return Plan(done, lines, reasons[:SHOWN], max(0, len(reasons) - SHOWN), torn[:SHOWN], changes)


def moved(found: Sequence[Rekeyed], *, done: bool) -> Moved:
    left = [each for each in found if each.outcome != "moved"]
    return Moved(done, len(found) - len(left), left[:SHOWN], max(0, len(left) - SHOWN))
