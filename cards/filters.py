"""What templates may ask of their facts: words for the reader, and the order in which things matter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from jinja2 import pass_context
from jinja2.runtime import Context

from cards.facts import FactView, NoteView, OpenItemView, RiskView
from cards.tree import Tone
from cards.words import N_, Reader

_STATES: Final = {
    "saved_here": N_("saved here, not yet in the CRM"),
    "in_crm": N_("in the CRM"),
    "refused": N_("the CRM refused it"),
    "in_doubt": N_("saved here; sent to the CRM, and whether it took it is not known yet"),
    "disputed": N_("something in the CRM keeps writing over it"),
}
_LONGEST_WHY: Final = 120
_LEVELS: Final = {"low": N_("Low risk"), "medium": N_("Medium risk"), "high": N_("High risk")}
_TONES: Final[tuple[Tone, ...]] = ("neutral", "warning", "danger")
_ROLES: Final = {
    "before": N_("Before"),
    "crm": N_("Now in the CRM"),
    "yours": N_("Yours"),
    "stands": N_("Stands now"),
    "theirs": N_("Changed to"),
}
_RANK: Final = {"low": 0, "medium": 1, "high": 2}


def _reader(context: Context) -> Reader:
    reader: Reader = context.parent["reader"]  # not what a template may have set under this name
    return reader


@pass_context
def _date(context: Context, at: int) -> str:
    return _reader(context).date(at) if at else ""


@pass_context
def _moment(context: Context, at: int) -> str:
    return _reader(context).moment(at) if at else ""


@pass_context
def _listed(context: Context, parts: Iterable[object]) -> str:
    return _reader(context).join(parts)


@pass_context
def _stamp(context: Context, fact: FactView) -> str:
    """`[Slack card 1.0] Li Ting 10:33 · saved here, not yet in the CRM`: every part that is known."""
    reader = _reader(context)
    when = reader.moment(fact.at) if fact.at and (fact.source or fact.who) else ""
    said = [" ".join([part for part in (fact.source, fact.who, when) if part])]
    if fact.undecided:
        said.append(reader.say("not decided yet"))
    if fact.write_state:
        said.append(_written(reader, fact))
    return " · ".join([part for part in said if part])


def _written(reader: Reader, fact: FactView) -> str:
    """How far it came: saved here, in the CRM since when, or refused there and why."""
    if fact.write_state == "in_crm" and fact.write_at:
        return reader.say(N_("in the CRM at {time}"), time=reader.moment(fact.write_at))
    words, why = reader.say(_STATES[fact.write_state]), " ".join(fact.write_why.split())
    if not why:
        return words
    why = why if len(why) <= _LONGEST_WHY else f"{why[:_LONGEST_WHY]}…"
    return reader.say(N_("{state}: {reason}"), state=words, reason=why)


@pass_context
def _dated(context: Context, source: str, at: int) -> str:
    """`[CRM] 10:30`"""
    return f"{source} {_reader(context).moment(at)}" if source and at else source


@pass_context
def _traced(context: Context, trace: str) -> str:
    return _reader(context).say("trace {code}", code=trace) if trace else ""


@pass_context
def _is_late(context: Context, item: OpenItemView) -> bool:
    return item.due is not None and not item.done and _reader(context).is_past_day(item.due)


@pass_context
def _due(context: Context, item: OpenItemView) -> str:
    """An absolute date, so that the card stays true while nobody draws it again."""
    if item.due is None:
        return ""
    reader = _reader(context)
    day = reader.date(item.due)
    return reader.say("overdue since {date}", date=day) if _is_late(context, item) else day


@pass_context
def _level(context: Context, risk: RiskView) -> str:
    return _reader(context).say(_LEVELS[risk.level])


@pass_context
def _role(context: Context, role: str) -> str:
    return _reader(context).say(_ROLES[role])


def _in_brief(facts: tuple[FactView, ...]) -> str:
    """The first two facts in one line."""
    return " · ".join(f"{fact.label} {fact.value}" for fact in facts[:2])


def _tone(risks: Iterable[RiskView] | None) -> Tone:
    """The tone of the worst of them."""
    worst = max((_RANK[risk.level] for risk in risks or ()), default=0)
    return _TONES[worst]


def _urgent(items: Iterable[OpenItemView] | None) -> list[OpenItemView]:
    """What is still open, overdue first; items without a date last."""
    return sorted((item for item in items or () if not item.done), key=lambda item: (item.due is None, item.due or 0))


def _by_urgency(items: Iterable[OpenItemView] | None) -> list[OpenItemView]:
    every = tuple(items or ())
    return [*_urgent(every), *(item for item in every if item.done)]


def _latest(notes: Iterable[NoteView] | None) -> list[NoteView]:
    return sorted(notes or (), key=lambda note: -note.at)


def _by_level(risks: Iterable[RiskView] | None) -> list[RiskView]:
    return sorted(risks or (), key=lambda risk: -_RANK[risk.level])


def _matter(facts: tuple[FactView, ...], count: int = 3) -> tuple[FactView, ...]:
    """The first three; then as many again of those a person can act on: editable, undecided, not yet written."""
    first, rest = facts[:count], facts[count:]
    return first + tuple(fact for fact in rest if fact.editable or fact.undecided or fact.write_state)[:count]


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "by_level": _by_level,
    "by_urgency": _by_urgency,
    "date": _date,
    "dated": _dated,
    "due": _due,
    "in_brief": _in_brief,
    "is_late": _is_late,
    "latest": _latest,
    "level": _level,
    "listed": _listed,
    "matter": _matter,
    "moment": _moment,
    "role": _role,
    "stamp": _stamp,
    "tone": _tone,
    "traced": _traced,
    "urgent": _urgent,
}
