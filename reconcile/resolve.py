"""The winner of one field: a pure function of all its edits and the policy, whatever order they arrived in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from reconcile.canonical import image, sound
from reconcile.history import History, history, members
from reconcile.merge import merged
from reconcile.model import Edit, Json, MergePolicy, Reason, Resolution, Standing

ENGINE: Final = "1"
"""Changes whenever any history could resolve differently than before."""

_KINDS: Final = frozenset({"set", "clear", "resolve", "revert", "snapshot", "proposal"})
_PLAIN: Final = frozenset({"set", "clear", "snapshot"})
_SETTLING: Final = frozenset({"resolve", "revert"})


def resolve(edits: Iterable[Edit], policy: MergePolicy) -> Resolution:
    """Total: any edits, in any order and number, give a resolution."""
    return _Case(history(edits), policy).resolution()


def standing(previous: Standing | None, resolution: Resolution, edits: Iterable[Edit], policy: MergePolicy) -> Standing:
    """What cards and targets hold: the last value that was no conflict, while its winner is a head or before one."""
    if not resolution.conflict or previous is None or previous.winner is None:
        return Standing(resolution.winner, resolution.value)
    if previous.winner in _seen_by(resolution.heads, history(edits)):
        return previous
    return Standing(resolution.winner, resolution.value)


def _seen_by(heads: Iterable[str], past: History) -> frozenset[str]:
    """The heads and what happened before them."""
    wanted = frozenset(heads)
    tops = [i for i, edit in enumerate(past.edits) if edit.id in wanted]
    return wanted | {past.edits[one].id for top in tops for one in members(past.before[top])}


def value_of(edit: Edit) -> Json:
    return None if edit.kind == "clear" else edit.value


def binds(edit: Edit, policy: MergePolicy) -> bool:
    """Whether an edit counts, cycles apart. What a person settles counts under `authoritative` too."""
    if edit.quarantined or not edit.binding or edit.kind == "proposal" or edit.source.system in policy.propose_only:
        return False
    if edit.kind not in _KINDS or not sound(value_of(edit)):
        return False
    return policy.mode != "authoritative" or edit.kind in _SETTLING or edit.source.system in policy.authority


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What is said of one set of edits; edits are numbers of the history."""

    reason: Reason
    winner: int | None
    value: Json
    conflict: bool = False
    why: tuple[tuple[int, str], ...] = ()


_NOTHING: Final = _Verdict("empty", None, None)


@dataclass(frozen=True, slots=True)
class _Level:
    """One question: all edits, or the common ancestors of the heads of the level above."""

    heads: list[int]
    common: int


class _Case:
    def __init__(self, past: History, policy: MergePolicy) -> None:
        self.past = past
        self.edits = past.edits
        self.policy = policy
        self.images: dict[int, bytes] = {}
        self.binding = 0
        for i, edit in enumerate(past.edits):
            if binds(edit, policy):
                self.binding |= 1 << i
        self.binding &= ~past.cyclic

    def resolution(self) -> Resolution:
        heads = self.past.maximal(self.binding)
        verdict, base = self.judge(heads)
        ids = [edit.id for edit in self.edits]
        why = sorted((ids[loser], word) for loser, word in verdict.why)
        return Resolution(
            reason=verdict.reason,
            winner=None if verdict.winner is None else ids[verdict.winner],
            value=verdict.value,
            heads=tuple(sorted(ids[head] for head in heads)),
            losers=tuple(loser for loser, _ in why),
            conflict=verdict.conflict,
            open_proposals=tuple(sorted(ids[one] for one in self.open_proposals(heads))),
            base=None if base is None or base.winner is None else ids[base.winner],
            why=dict(why),
        )

    def open_proposals(self, heads: list[int]) -> list[int]:
        loose = self.past.everything & ~self.binding
        for head in heads:
            loose &= ~self.past.before[head]
        return [one for one in self.past.maximal(loose) if not self.past.knotted >> one & 1]

    def judge(self, heads: list[int]) -> tuple[_Verdict, _Verdict | None]:
        """The verdict on `heads` and that on their base, when it was asked; levels instead of recursion."""
        levels: list[_Level] = []
        verdict = self.plainly(heads)
        while verdict is None:
            common = self.past.before[heads[0]]
            for head in heads[1:]:
                common &= self.past.before[head]
            levels.append(_Level(heads, common))
            heads = self.past.maximal(common & self.binding)
            verdict = self.plainly(heads)
        base = None
        for level in reversed(levels):
            base = verdict
            verdict = self.by_base(level, base)
        return verdict, base

    def plainly(self, heads: list[int]) -> _Verdict | None:
        """None when the heads differ, so that the base must be asked."""
        if not heads:
            return _NOTHING
        if len(heads) == 1:
            return _Verdict("causal", heads[0], value_of(self.edits[heads[0]]))
        if len({self.image(head) for head in heads}) == 1:
            return self.win("agree", self.smallest(heads), [])
        return None

    def by_base(self, level: _Level, base: _Verdict) -> _Verdict:
        if base.winner is not None and not base.conflict:
            changed = [head for head in level.heads if self.changed(head, level.common, base.value)]
            if len({self.image(head) for head in changed}) == 1:
                return self.win("three_way", self.smallest(changed), level.heads, "unchanged")
        return self.by_mode(level.heads, base)

    def changed(self, head: int, common: int, base: Json) -> bool:
        """Git's rule with "between": a value put back on purpose is a change."""
        if self.edits[head].kind not in _PLAIN:
            return True
        between = (self.past.before[head] & ~common & self.binding) | 1 << head
        before = image(self.policy.normaliser, base)
        return any(self.image(one) != before for one in members(between))

    def by_mode(self, heads: list[int], base: _Verdict) -> _Verdict:
        policy = self.policy
        verdict = None
        if policy.mode == "authoritative":
            verdict = self.by_authority(heads)
        elif policy.mode == "master_wins":
            verdict = self.by_source("master", policy.master, heads)
        elif policy.mode == "merge":
            verdict = self.by_merge(heads, base)
        if verdict is not None:
            return verdict
        if (policy.mode if policy.mode in ("review", "last_writer_wins") else policy.fallback) == "last_writer_wins":
            return self.by_clock(heads)
        return _Verdict("review", base.winner, base.value, True, tuple((head, "undecided") for head in heads))

    def by_authority(self, heads: list[int]) -> _Verdict | None:
        """Only the first listed source that has a head is asked, never the next one."""
        present = {self.edits[head].source.system for head in heads}
        first = next((source for source in self.policy.authority if source in present), None)
        return self.by_source("authority", first, heads)

    def by_source(self, reason: Reason, source: str | None, heads: list[int]) -> _Verdict | None:
        theirs = [head for head in heads if self.edits[head].source.system == source]
        return self.win(reason, theirs[0], heads, f"not_{reason}") if len(theirs) == 1 else None

    def by_merge(self, heads: list[int], base: _Verdict) -> _Verdict | None:
        if base.conflict:
            return None
        done, value = merged(self.policy, base.value, [value_of(self.edits[head]) for head in heads])
        return _Verdict("merged", None, value, False, tuple((head, "merged_in") for head in heads)) if done else None

    def by_clock(self, heads: list[int]) -> _Verdict:
        return self.win("last_writer", max(heads, key=self.recency), heads, "")

    def recency(self, one: int) -> tuple[int, int, str]:
        edit, rank = self.edits[one], self.policy.rank
        strength = -rank.index(edit.source.system) if edit.source.system in rank else -len(rank)
        return edit.effective_time, strength, edit.id

    def win(self, reason: Reason, winner: int, heads: list[int], word: str = "") -> _Verdict:
        why = tuple((head, self.why(head, winner, word)) for head in heads if head != winner)
        return _Verdict(reason, winner, value_of(self.edits[winner]), False, why)

    def why(self, loser: int, winner: int, word: str) -> str:
        if self.image(loser) == self.image(winner):
            return "same_value"
        if word:
            return word
        late, won = self.recency(loser), self.recency(winner)
        return "earlier" if late[0] != won[0] else "lower_rank" if late[1] != won[1] else "smaller_id"

    def smallest(self, some: list[int]) -> int:
        return min(some, key=lambda one: self.edits[one].id)

    def image(self, one: int) -> bytes:
        found = self.images.get(one)
        if found is None:
            found = self.images[one] = image(self.policy.normaliser, value_of(self.edits[one]))
        return found
