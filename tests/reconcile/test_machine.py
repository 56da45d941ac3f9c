"""One field, worked on for a while: after each step the engine says what a resolver written apart says."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from reconcile.interchange import case_row
from reconcile.model import Edit, EditKind, Json, MergePolicy, Standing
from reconcile.plan import Planned, plan
from reconcile.resolve import resolve
from tests.reconcile import second
from tests.reconcile.small import spelt
from tests.reconcile.strategies import edit

SOAK = os.environ.get("FLOATCARD_SOAK") == "1"
SYSTEMS = ("wecom", "slack", "agent")
RULES = (None, "set_union", "counter", "monotone")
HELD: dict[str | None, tuple[Json, ...]] = {
    None: ("a", "b", None),
    "set_union": (["x"], ["x", "y"], ["z"], None),
    "counter": (0, 1, 4, None),
    "monotone": ("a", "b", "c"),
}


class Worked(RuleBasedStateMachine):
    """Cards that were opened at some time and are saved at another, a CRM's feed, agents, people who settle."""

    def __init__(self) -> None:
        super().__init__()
        self.stored: list[Edit] = []
        self.cards: list[frozenset[str]] = [frozenset()]
        self.position = self.now = 0
        self.policy = MergePolicy()
        self.done: Planned | None = None
        self.standing: tuple[str | None, Json] | None = None

    @initialize(
        mode=st.sampled_from(["authoritative", "master_wins", "last_writer_wins", "review", "merge", "merge"]),
        fallback=st.sampled_from(["review", "last_writer_wins"]),
        merge=st.sampled_from(RULES[1:]),
        proposing=st.sampled_from([(), ("agent",)]),
    )
    def begin(self, mode: Any, fallback: Any, merge: Any, proposing: tuple[str, ...]) -> None:
        self.policy = MergePolicy(
            mode=mode,
            fallback=fallback,
            authority=("wecom", "crm"),
            master="crm",
            rank=("slack", "crm"),
            propose_only=proposing,
            merge=merge if mode == "merge" else None,
            order=("a", "b", "c"),
        )

    def value(self, at: int) -> Json:
        held = HELD[self.policy.merge]
        return held[at % len(held)]

    def take(self, new: Edit, may_bind: bool = True) -> Planned:
        previous = None if self.done is None else self.done.standing
        self.done = plan(self.stored, new, self.policy, previous, may_bind)
        if not self.done.duplicate:
            self.stored.append(self.done.edit)
            self.standing = self.stands()
        return self.done

    def stands(self) -> tuple[str | None, Json]:
        """The sentence of the rules, with the second resolver's words."""
        found = self.second()
        rows = {row["id"]: row for row in self.case()["edits"]}
        was = self.standing
        if found["conflict"] and was is not None and was[0] is not None:
            past = second.closure(rows)
            if any(was[0] == head or was[0] in past[head] for head in found["heads"]):
                return was
        return found["winner"], found["value"]

    def case(self) -> Any:
        return case_row("worked", self.policy, self.stored)

    def second(self) -> Any:
        return second.answer(self.case())

    def new(self, value: Json, parents: frozenset[str], system: str, kind: EditKind) -> Edit:
        self.now += 1
        one = edit(f"{self.now % 7}-{self.now:03}", value, *parents, system=system, time=self.now // 2)
        return replace(one, kind=kind, payload_hash=str(self.now))

    @rule()
    def open_card(self) -> None:
        found = resolve(self.stored, self.policy)
        self.cards.append(frozenset((*found.heads, *found.open_proposals)))

    @rule(
        at=st.integers(0, 3),
        card=st.integers(0, 20),
        system=st.sampled_from(SYSTEMS),
        kind=st.sampled_from(("set",) * 4 + ("clear", "proposal")),
    )
    def save(self, at: int, card: int, system: str, kind: EditKind) -> None:
        self.take(self.new(self.value(at), self.cards[card % len(self.cards)], system, kind))

    @rule(at=st.integers(0, 3), late=st.booleans(), kind=st.sampled_from(("set", "snapshot")))
    def feed(self, at: int, late: bool, kind: Literal["set", "snapshot"]) -> None:
        self.position += 0 if late else 2
        position = self.position - 1 if late else self.position
        one = self.new(self.value(at), frozenset(), "crm", kind)
        self.take(replace(one, stream="crm", watermark=position))

    @precondition(lambda self: self.stored)
    @rule(which=st.integers(0, 50))
    def deliver_again(self, which: int) -> None:
        before = self.done
        again = self.take(self.stored[which % len(self.stored)])
        assert again.duplicate and not again.changed and not again.write
        assert before is not None and again.standing == before.standing

    @precondition(lambda self: self.stored)
    @rule(at=st.integers(0, 3), undo=st.booleans(), may=st.booleans(), card=st.integers(0, 20))
    def settle(self, at: int, undo: bool, may: bool, card: int) -> None:
        """From the newest card, or from an old one that had not seen all."""
        if card % 2:
            self.open_card()
        seen = self.cards[-1] if card % 2 else self.cards[card % len(self.cards)]
        kind: EditKind = "revert" if undo else "resolve"
        done = self.take(self.new(self.value(at), seen, "slack", kind), may)
        saw_all = card % 2 and may and "slack" not in self.policy.propose_only
        if saw_all:
            assert (done.resolution.reason, done.resolution.winner) == ("causal", done.edit.id)

    @invariant()
    def the_two_agree(self) -> None:
        if self.done is None:
            return
        found = self.second()
        del found["name"]
        ours = self.done.resolution
        assert spelt(found) == spelt(
            {
                "reason": ours.reason,
                "winner": ours.winner,
                "value": ours.value,
                "heads": list(ours.heads),
                "losers": list(ours.losers),
                "conflict": ours.conflict,
                "open_proposals": list(ours.open_proposals),
            }
        )
        assert self.standing is not None
        assert self.done.standing == Standing(*self.standing)


TestWorked = Worked.TestCase
TestWorked.settings = settings(
    max_examples=1500 if SOAK else 60, stateful_step_count=40 if SOAK else 20, deadline=None, derandomize=True
)
