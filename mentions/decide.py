"""Whose name it is, by what the room knows; and whether to speak at all.

Pure: what was bound, said, answered and learned comes in, a decision with its reasons goes out.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Literal

from mentions.model import Candidate, Mention
from mentions.score import logit, sigmoid

SHOW = 0.54  # a false card costs more than a missed one
MARGIN = 0.5  # how much surer (logit) the first must be than the second
MOST_ASKED = 8
WITHIN_HOURS = 4.0
BOUND, MEMBER, RECENT, OWN = 3.0, 2.0, 1.5, 1.0  # logits
LEARNED_BOUND = 3.0  # what use teaches never weighs more than this


@dataclass(frozen=True, slots=True)
class Context:
    """What the room knows. Customers are refs, names are folded (`normalise_name`)."""

    bound: str | None = None
    members: Set[str] = frozenset()  # customers of the room's members and contacts
    recent: Mapping[str, float] = field(default_factory=dict)  # customer -> hours since last named here
    own: Set[str] = frozenset()  # the author's accounts
    answered: Mapping[str, str] = field(default_factory=dict)  # name -> the customer chosen here before
    learned: Mapping[str, float] = field(default_factory=dict)  # name -> logit taught by use, in this deployment
    room: float = 0.0  # logit taught by use, for the room
    show: float = SHOW
    margin: float = MARGIN


@dataclass(frozen=True, slots=True)
class Decision:
    """`refs`: the customer to show, or those to ask about, best first; none when silent."""

    mention: Mention
    action: Literal["show", "ask", "silent"]
    refs: tuple[str, ...]
    score: float
    reasons: tuple[str, ...]


def decide(mention: Mention, name: str = "", context: Context | None = None) -> Decision:
    """`name` is the stretch, folded; without it what was answered or learned cannot count."""
    known = context or Context()
    weighed = sorted((_weigh(one, name, known) for one in mention.candidates), key=lambda one: (-one.score, one.ref))
    best = weighed[0]
    if best.score < known.show:
        return Decision(mention, "silent", (), best.score, (*best.why, f"less sure than {known.show:g}"))
    if (answer := known.answered.get(name)) is not None and any(one.ref == answer for one in weighed):
        return Decision(mention, "show", (answer,), best.score, ("chosen here before",))
    close = [one for one in weighed if logit(best.score) - logit(one.score) < known.margin]
    if len(close) == 1:
        return Decision(mention, "show", (best.ref,), best.score, best.why)
    refs = tuple(one.ref for one in close[:MOST_ASKED])
    return Decision(mention, "ask", refs, best.score, (*best.why, f"{len(close)} customers are called so"))


def _weigh(one: Candidate, name: str, known: Context) -> Candidate:
    gains = dict(_gains(one.ref, known))
    learned = max(-LEARNED_BOUND, min(LEARNED_BOUND, known.learned.get(name, 0.0) + known.room))
    if not gains and not learned:
        return one
    reasons = [*(f"for: {reason}" for reason in gains)]
    if learned:
        reasons.append(f"{'for' if learned > 0 else 'against'}: learned from use")
    score = sigmoid(logit(one.score) + sum(gains.values()) + learned)
    return Candidate(one.ref, score, (*one.why[:1], *reasons, *one.why[1:]))


def _gains(ref: str, known: Context) -> list[tuple[str, float]]:
    gains = []
    if ref == known.bound:
        gains.append(("the room is this customer's", BOUND))
    if ref in known.members:
        gains.append(("a member belongs to this customer", MEMBER))
    if (hours := known.recent.get(ref)) is not None and hours < WITHIN_HOURS:
        gains.append(("named here lately", RECENT * (1 - hours / WITHIN_HOURS)))
    if ref in known.own:
        gains.append(("the author's account", OWN))
    return gains
