"""One field's past under another policy, held against what was decided then and what stands now. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from reconcile.canonical import equal
from reconcile.model import Edit, Json, MergePolicy, Resolution, Standing
from reconcile.replay import replay
from reconcile.resolve import standing, value_of

MOST: Final = 64
"""Of one field so many of its newest edits are held against the past; what would stand now is always told."""

KINDS: Final = ("differ", "opens", "closes", "not_asked", "asked_more", "lost", "won")
"""`differ`, `opens`, `closes`: what applying it does now. The others: what would have been otherwise at the time."""


@dataclass(frozen=True, slots=True)
class Then:
    """What was decided when an edit came: whether it had to be asked, and whether the edit came to stand."""

    decision: str
    conflict: bool
    took_effect: bool
    at: int


@dataclass(frozen=True, slots=True)
class Now:
    standing: Standing
    conflict: bool
    decision: str
    at: int
    heads: tuple[str, ...] = ()
    proposals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """One difference. `edit`: the one it is about; `instead`: what would stand in its place (an edit, if it is one)."""

    kind: str
    record: str
    field: str
    decision: str
    at: int
    edit: str = ""
    instead: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """`edits` in the order they came, without their values; `values` gives what they hold, by the same order."""

    record: str
    field: str
    edits: Sequence[Edit]
    then: Sequence[Then]
    now: Now
    values: Callable[[], Sequence[Edit]]


@dataclass(frozen=True, slots=True)
class Studied:
    """`judged`: edits held against the past. `decided`: applying the policy would make another decision."""

    found: tuple[Found, ...]
    judged: int
    decided: bool


def study(it: Field, policy: MergePolicy, since: int) -> Studied:
    """`since`: edits from then on are held against the past (ms)."""
    kept: list[Sequence[Edit]] = []

    def values() -> Sequence[Edit]:
        if not kept:
            kept.append(it.values())
        return kept[0]

    first = next((at for at, then in enumerate(it.then) if then.at >= since), len(it.edits))
    first = max(first, len(it.edits) - MOST, 0)
    start = min(max(first - 1, 0), len(it.edits) - 1)
    told = list(replay(it.edits, policy, start, values))
    past = _then(it, policy, told, start, first, values)
    now, decided = _now(it, policy, told[-1], values)
    return Studied((*now, *past), len(it.edits) - first, decided)


def _now(
    it: Field, policy: MergePolicy, found: Resolution, values: Callable[[], Sequence[Edit]]
) -> tuple[list[Found], bool]:
    """What applying it would change, by the rules that apply it."""
    was = it.now.standing
    last = Found("", it.record, it.field, it.now.decision, it.now.at, was.winner or "", found.winner or "")
    out = []
    if found.conflict != it.now.conflict:
        out.append(_as(last, "opens" if found.conflict else "closes"))
    holds = _holds(was, found, policy, values)
    if (holds.winner is None or holds.winner != was.winner) and not equal(policy.normaliser, holds.value, was.value):
        out.append(_as(last, "differ"))
    same = (found.heads, found.open_proposals, holds.winner) == (it.now.heads, it.now.proposals, was.winner)
    return out, bool(out) or not same


def _holds(was: Standing, found: Resolution, policy: MergePolicy, values: Callable[[], Sequence[Edit]]) -> Standing:
    if not found.conflict and found.winner is not None and found.winner == was.winner:
        return was
    if found.conflict:
        return standing(was, found, values(), policy)
    if found.reason != "causal":
        return Standing(found.winner, found.value)
    winner = next(edit for edit in values() if edit.id == found.winner)
    return Standing(found.winner, value_of(winner))


def _then(
    it: Field,
    policy: MergePolicy,
    told: Sequence[Resolution],
    start: int,
    first: int,
    values: Callable[[], Sequence[Edit]],
) -> list[Found]:
    out: list[Found] = []
    for at in range(first, len(it.edits)):
        found, then = told[at - start], it.then[at]
        asked_before = told[at - 1 - start].conflict if at > start else False
        was_before = it.then[at - 1].conflict if at > 0 else False
        one = Found("", it.record, it.field, then.decision, then.at, it.edits[at].id, found.winner or "")
        if then.conflict and not was_before and not found.conflict:
            out.append(_as(one, "not_asked"))
        if found.conflict and not asked_before and not then.conflict:
            out.append(_as(one, "asked_more"))
        takes = found.winner == it.edits[at].id or found.reason == "merged"
        if then.took_effect and not takes and not _agrees(at, found, policy, values):
            out.append(_as(one, "lost"))
        if takes and not then.took_effect and not then.conflict and not it.edits[at].quarantined:
            out.append(_as(one, "won"))
    return out


def _agrees(at: int, found: Resolution, policy: MergePolicy, values: Callable[[], Sequence[Edit]]) -> bool:
    """What stands instead is the same value."""
    edits = values()
    instead: Json = found.value
    if found.reason == "causal":
        instead = value_of(next(edit for edit in edits if edit.id == found.winner))
    return not found.conflict and equal(policy.normaliser, value_of(edits[at]), instead)


def _as(one: Found, kind: str) -> Found:
    return Found(kind, one.record, one.field, one.decision, one.at, one.edit, one.instead)
