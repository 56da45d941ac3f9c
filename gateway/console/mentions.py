"""What the console's page of mentions shows: a message tried, what people reported, and what customers are called."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from cards.words import N_, Reader
from channels.model import ImId, Place, Sender
from crm.model import Record
from gateway.handlers.hearing import heard
from gateway.mentioning import reasons, weights
from gateway.mentioning.reading import Judged
from gateway.mentioning.trying import Tried, tried
from gateway.services import Services
from gateway.store.mentioning import Learned, Reported
from gateway.store.naming import Called
from gateway.store.trail import StoredStep
from gateway.story import Line, Teller, worded
from gateway.turn import Step
from identity.audience import direct
from identity.model import Person
from mentions.derive import derive
from mentions.model import Candidate
from mentions.normal import normalise
from mentions.score import place as standing

ROOMS: Final = 300
REPORTED: Final = 50
FOUND: Final = 10
NAMES: Final = 50
LONGEST: Final = 5_000

ENDS: Final[Mapping[str, str]] = {
    "card": N_("A card would float here."),
    "line": N_("One line with a button would float here: these are many customers."),
    "digest": N_("The room's one line of this hour would tell of it: the budget is spent."),
    "asked": N_("The author alone would be asked which of these is meant."),
    "suggested": N_("The author alone would be asked if this is meant."),
    "nothing": N_("Nothing would be shown."),
}
DECISIONS: Final[Mapping[str, str]] = {
    "show": N_("sure"),
    "ask": N_("asked"),
    "silent": N_("not sure enough"),
    "taught": N_("learned here"),
}
SCRIPTS: Final[Mapping[str, str]] = {"han": N_("judged as Chinese"), "latin": N_("judged as Latin letters")}
REPORTS: Final[Mapping[str, str]] = {
    "wrong": N_("Not this customer"),
    "none": N_("Not a customer"),
    "picked": N_("It was this one"),
    "missed": N_("Should have been a card"),
}
NAME_KINDS: Final[Mapping[str, str]] = {
    "title": N_("from the CRM"),
    "alias": N_("from the CRM"),
    "derived": N_("short form"),
}
_SECRET: Final = N_("a customer you may not see")
_TONES: Final[Mapping[str, str]] = {"show": "info", "ask": "warning", "silent": "neutral", "taught": "info"}


@dataclass(frozen=True, slots=True)
class One:
    """A candidate: `percent` of the words alone."""

    title: str
    key: str
    percent: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """One name in the message. `percent`: with what the room knows."""

    words: str
    decision: str
    tone: str
    script: str
    percent: int
    why: Sequence[str]
    taught: str
    candidates: Sequence[One]
    contact: bool


@dataclass(frozen=True, slots=True)
class Result:
    """`pieces`: the message cut at its names; a number where a stretch stands."""

    pieces: Sequence[tuple[str, int]]
    stretches: Sequence[Stretch]
    end: str
    shown: Sequence[str]
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Report:
    id: str
    name: str
    what: str
    customer: str
    room: str
    by: str
    at: int
    ended_at: int
    ended_by: str


@dataclass(frozen=True, slots=True)
class Word:
    name: str
    state: str
    proposed: bool
    wrong: int
    right: int
    weight: str


@dataclass(frozen=True, slots=True)
class Own:
    """A name an admin gave."""

    record: str
    title: str
    name: str
    never: bool
    by: str
    at: int


@dataclass(frozen=True, slots=True)
class Customer:
    """`names`: what it is called besides an admin's names: the name, whence it is, and how far it is trusted."""

    key: str
    title: str
    names: Sequence[tuple[str, str, int]]


@dataclass(frozen=True, slots=True)
class Mentions:
    rooms: Sequence[tuple[str, str]]
    room: str
    text: str
    result: Result | None
    reports: Sequence[Report]
    words: Sequence[Word]
    query: str
    customers: Sequence[Customer]
    own: Sequence[Own]


class Seer:
    """What this admin may know of customers, each looked up once."""

    def __init__(self, s: Services, person: Person, reader: Reader) -> None:
        self._s, self._person, self.reader = s, person, reader
        self._known: dict[str, Record | None] = {}

    async def record(self, key: str) -> Record | None:
        if key not in self._known:
            audience = direct(self._person, Sender(ImId("", "", "user", self._person.id), self._person.name, "member"))
            found = await heard(self._s, key, audience)
            self._known[key] = found.record if found is not None else None
        return self._known[key]

    async def title(self, key: str) -> str:
        found = await self.record(key)
        return found.title if found is not None else self.reader.say(_SECRET)

    def who(self, id_: str) -> str:
        found = self._s.people.person(id_)
        return found.name if found is not None else id_


async def page(
    s: Services, reader: Reader, me: Person, *, room: str = "", text: str = "", query: str = "", tries: bool = False
) -> Mentions:
    seer = Seer(s, me, reader)
    rooms = [(each.key, each.title or each.key) for each in await s.rooms.store.rooms()]
    titles = dict(rooms)
    known = room if room in titles else ""
    return Mentions(
        rooms=sorted(rooms, key=lambda each: each[1])[:ROOMS],
        room=known,
        text=text,
        result=await _result(s, seer, me, known, text) if tries else None,
        reports=[await _report(seer, titles, each) for each in await s.mentioning.reported(REPORTED)],
        words=_words(await s.mentioning.learned(s.clock.now() - weights.WINDOW_MS)),
        query=query,
        customers=[each async for each in _customers(s, seer, query)] if query else (),
        own=[await _own(seer, each) for each in s.records.naming.all()[:NAMES]],
    )


async def _result(s: Services, seer: Seer, me: Person, room: str, text: str) -> Result:
    place = Place.parse(f"{room}/") if room else None
    told = await tried(s, me, place, text)
    stretches = [await _stretch(seer, text, each) for each in told.judged]
    shown = [await seer.title(ref) for ref in told.refs]
    teller = Teller(s.records, s.people, s.config, seer.reader.locale)
    return Result(list(_pieces(text, told)), stretches, told.end, shown, await _lines(teller, seer, told.steps))


async def _lines(teller: Teller, seer: Seer, steps: Sequence[Step]) -> list[Line]:
    """Why nothing, or less: the steps that are no stretch's own."""
    own = {"matched", "asked", "unsure", "taught"}
    told = [each for each in steps if each.step not in own]
    return [
        await worded(teller, StoredStep(0, "", each))
        for each in told
        if "record" not in each.facts or await seer.record(str(each.facts["record"])) is not None
    ]


def _pieces(text: str, told: Tried) -> Sequence[tuple[str, int]]:
    pieces, at = list[tuple[str, int]](), 0
    for number, each in enumerate(told.judged, 1):
        pieces += [(text[at : each.mention.start], 0), (text[each.mention.start : each.mention.end], number)]
        at = each.mention.end
    return [*pieces, (text[at:], 0)]


async def _stretch(seer: Seer, text: str, each: Judged) -> Stretch:
    reader, mention = seer.reader, each.mention
    decision = "taught" if each.taught is not None else each.decision.action
    why = ("chosen here before",) if each.taught is not None else each.decision.reasons
    return Stretch(
        words=text[mention.start : mention.end],
        decision=decision,
        tone=_TONES[decision],
        script=_script(text, mention.start, mention.end),
        percent=_percent(each.decision.score),
        why=[reasons.worded(reader.locale, reason) for reason in why],
        taught=f"{each.learned:+.2f}" if each.learned else "",
        candidates=[await _one(seer, candidate) for candidate in mention.candidates[:FOUND]],
        contact=each.contact,
    )


def _script(text: str, start: int, end: int) -> str:
    """Which model judged it: that of names in Chinese or of those in Latin letters."""
    normal = normalise(text)
    starts = normal.starts
    first = start if starts is None else next(at for at, origin in enumerate(starts) if origin >= start)
    ends = normal.ends
    last = end if ends is None else next(at for at, origin in enumerate(ends, 1) if origin >= end)
    return standing(text, normal, first, last).model


async def _one(seer: Seer, candidate: Candidate) -> One:
    found = await seer.record(candidate.ref)
    key = found.ref.key if found is not None else ""
    return One(await seer.title(candidate.ref), key, _percent(candidate.score))


def _percent(score: float) -> int:
    return min(99, round(score * 100))


async def _report(seer: Seer, rooms: Mapping[str, str], each: Reported) -> Report:
    lesson = each.lesson
    return Report(
        id=each.id,
        name=lesson.name,
        what=lesson.kind,
        customer=await seer.title(lesson.record) if lesson.record else "",
        room=rooms.get(lesson.room) or lesson.room,
        by=seer.who(lesson.by),
        at=lesson.at,
        ended_at=each.ended_at,
        ended_by=seer.who(each.ended_by),
    )


def _words(learned: Sequence[Learned]) -> list[Word]:
    """Those an admin has to look at first: proposed, then said, then what use taught."""
    words = [_word(each) for each in learned]
    return sorted(words, key=lambda each: (not each.proposed, not each.state, -each.wrong, each.name))[:NAMES]


def _word(each: Learned) -> Word:
    right = sum(each.counts.get(kind, 0) for kind in ("picked", "missed", "used"))
    weight = f"{weights.name_weight(each.counts, each.common):+.2f}"
    proposed = weights.proposed(each.counts, each.common)
    return Word(each.name, each.common, proposed, weights.wrongs(each.counts), right, weight)


async def _customers(s: Services, seer: Seer, query: str) -> AsyncIterator[Customer]:
    """Those whose name is in what was typed, and one whose id that is."""
    named = (each.ref for mention in s.records.names.find(query) for each in mention.candidates)
    for key in islice(dict.fromkeys((query.strip(), *named)), FOUND * 5):
        found = await seer.record(key)
        if found is not None:
            names = [(each.text, each.kind, round(each.prior * 100)) for each in derive(found.title, found.names)]
            yield Customer(key, found.title, names)


async def _own(seer: Seer, each: Called) -> Own:
    title = await seer.title(each.record)
    return Own(each.record, title, each.text, each.kind == "never", seer.who(each.by), each.at)
