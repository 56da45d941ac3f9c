"""A message read once: which customers it names, how sure that is, and why. Says; shows nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.mentioning import knowing, people
from gateway.mentioning.knowing import Asked
from gateway.mentioning.spoken import spoken
from gateway.store.mentioning import RoomKnows
from gateway.turn import Turn
from mentions.bounds import Spans
from mentions.decide import Context, Decision, decide
from mentions.model import Mention
from reconcile.model import Json

if TYPE_CHECKING:
    from gateway.services import Services

MOST_TOLD = 20
"""So many mentions of one message are told in the trail; a list has hundreds."""

MOST_ASIDE = 5
MOST_BEARING = 20


@dataclass(frozen=True, slots=True)
class Judged:
    """One stretch of the text. `name` is folded; `taught`: the customer this room said it is, empty: none."""

    name: str
    mention: Mention
    decision: Decision
    taught: str | None = None
    contact: bool = False
    learned: float = 0.0

    @property
    def best(self) -> str:
        return self.decision.refs[0] if self.decision.refs else self.mention.candidates[0].ref


@dataclass(frozen=True, slots=True)
class Named:
    """What a message names: customers for sure, and names that several customers bear."""

    refs: tuple[str, ...]
    asks: tuple[tuple[str, tuple[str, ...]], ...]
    surfaces: dict[str, str]
    through: frozenset[str] = field(default_factory=frozenset)
    """Those of `refs` that are named by a contact alone: who may not see contacts must not learn it from a card."""
    silent: bool = False
    """No stretch of the text is anybody's name, sure or not."""


async def judge(s: Services, asked: Asked, text: str, quoted: Spans = ()) -> list[Judged]:
    """Every stretch that may name a customer, in order, with what was decided and why."""
    own = s.records.names.find(text, quoted)
    full = _of_people(s, people.apart(s.records.contacts.find(text, quoted), own), text)
    maybe = people.maybe_addressed(text) if asked.place is not None else []
    if not own and not full and not maybe:
        return []
    names = [_name(text, each) for each in (*own, *full)]
    known = await knowing.rows(s, asked, [*names, *maybe])
    titled = await _titled(s, asked, known, text, quoted) if maybe else []
    contacts = [*full, *people.apart(titled, [*own, *full])]
    context = await knowing.context(s, asked, known, [*own, *contacts])
    judged = [_judged(text, each, known, context, False) for each in own]
    judged += [_judged(text, each, known, context, True) for each in contacts]
    return sorted(judged, key=lambda each: each.mention.start)


async def _titled(s: Services, asked: Asked, known: RoomKnows, text: str, quoted: Spans) -> list[Mention]:
    return await people.by_title(s, asked.place, known, text, quoted) if asked.place is not None else []


def _of_people(s: Services, mentions: Sequence[Mention], text: str) -> list[Mention]:
    """A contact who is called as one of ours is: nobody can tell them apart."""
    if not mentions:
        return []
    colleagues = people.ours(person.name for person in s.people.persons())
    return [each for each in mentions if _name(text, each) not in colleagues]


def _name(text: str, mention: Mention) -> str:
    return spoken(text[mention.start : mention.end])


def _judged(text: str, mention: Mention, known: RoomKnows, context: Context, contact: bool) -> Judged:
    name = _name(text, mention)
    decision = decide(mention, name, context)
    if contact and decision.action == "ask":
        decision = Decision(mention, "silent", (), decision.score, decision.reasons)
    taught = known.answered.get(name)
    if taught and all(each.ref != taught for each in mention.candidates):
        taught = None
    learned = context.learned.get(name, 0.0) + context.room
    return Judged(name, mention, decision, taught, contact, round(learned, 3))


async def names(s: Services, turn: Turn, text: str, quoted: Spans = ()) -> Named:
    """Reads the text; what this room taught us decides before anybody is asked. Every step goes to the trail."""
    judged = await judge(s, Asked(turn.place, turn.person, turn.now), text, quoted)
    named = told(turn, judged, () if judged else aside(s, text, quoted))
    if named.refs:
        await s.mentioning.name(turn.place.room_key, named.refs, turn.now)
    return named


def aside(s: Services, text: str, quoted: Spans = ()) -> list[str]:
    """Customers whose names stand only where nothing is heard: that, too, is a reason to tell."""
    sure = (decide(each) for each in s.records.names.aside(text, quoted))
    return list(dict.fromkeys(each.refs[0] for each in sure if each.action == "show"))[:MOST_ASIDE]


def told(turn: Turn, judged: Sequence[Judged], aside: Sequence[str] = ()) -> Named:
    """What it comes to; every step goes to the trail."""
    for each in judged[:MOST_TOLD]:
        _tell(turn, each)
    for ref in aside:
        turn.trail.note("aside", turn.now, record=ref)
    if not judged and not aside:
        turn.trail.note("nothing", turn.now)
    return _named(judged)


def _named(judged: Sequence[Judged]) -> Named:
    asks: dict[str, tuple[str, ...]] = {}
    surfaces: dict[str, str] = {}
    directly: set[str] = set()
    for each in judged:
        if each.taught is None and each.decision.action == "ask":
            asks[each.name] = each.decision.refs
        elif ref := _meant(each):
            surfaces[ref] = each.name if not each.contact or ref not in surfaces else surfaces[ref]
            if not each.contact:
                directly.add(ref)
    return Named(tuple(surfaces), tuple(asks.items()), surfaces, frozenset(surfaces) - directly, not judged)


def _meant(each: Judged) -> str:
    if each.taught is not None:
        return each.taught
    return each.decision.refs[0] if each.decision.action == "show" else ""


def _tell(turn: Turn, each: Judged) -> None:
    """Ids, scores and the scorer's own phrases: never what was said."""
    bearing: list[Json] = [candidate.ref for candidate in each.mention.candidates[:MOST_BEARING]]
    if each.taught is not None:
        turn.trail.note("taught", turn.now, record=each.taught, records=bearing, contact=each.contact)
        return
    why: list[Json] = [*each.decision.reasons]
    facts: dict[str, Json] = {"score": each.decision.score, "why": why, "learned": each.learned}
    if each.contact:
        facts["contact"] = True
    if each.decision.action == "ask":
        refs: list[Json] = [*each.decision.refs]
        turn.trail.note("asked", turn.now, candidates=len(refs), records=refs, **facts)
    elif each.decision.action == "silent":
        turn.trail.note("unsure", turn.now, record=each.best, **facts)
    else:
        at, length = each.mention.start, each.mention.end - each.mention.start
        turn.trail.note("matched", turn.now, record=each.best, at=at, length=length, **facts)
