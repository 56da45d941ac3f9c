"""Customer cards: computed for the room's audience before the template sees anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from cards.facts import CustomerView, WithheldView
from cards.tree import Button, Card
from cards.words import N_, say
from channels.model import Sender
from gateway.handlers import view
from gateway.handlers.hearing import Heard, heard
from gateway.handlers.undo import undo_button
from gateway.mentioning import lines
from gateway.recall import recalled
from gateway.services import Services
from gateway.turn import Show, Slot, Trail
from identity.access import AccessPolicy, Verdict
from identity.audience import audience_hash, direct, others
from identity.explain import decided, reasons
from identity.model import Audience, Disclosed, Person
from reconcile.model import Json


async def room_card(s: Services, slot: Slot, refs: Sequence[str], state: dict[str, Json], trail: Trail) -> Show | None:
    """The card of these customers for everyone in the room; None when nothing of them may be shown there."""
    audience = await s.rooms.audience(slot.place)
    locale = str(state.get("locale") or s.config.locale)
    through = state.get("through")
    told = [each for each in [await heard(s, ref, audience) for ref in refs] if each is not None]
    told = await _there(s, slot, told)
    found = [each for each in told if each.contacts or not (isinstance(through, list) and _key(each) in through)]
    line = lines.wanted(state, refs)
    _note_audience(s, audience, () if line else found, trail)
    if not found or audience.empty:
        return None
    if line:
        card = lines.draw(s, slot, len(found), state, locale)
    else:
        card = await _draw(s, found, refs, locale, str(state.get("message") or ""), str(state.get("turn") or ""))
    until = [end for each in found for end in _ends(s, each) if end is not None]
    # A line shows no customer: it keeps no other card from floating, and no edit repaints it.
    records = () if line else tuple(each.record.ref.key for each in found)
    told_of = () if line else tuple(name for each in found for name in view.tells(each.record, s.config.fields))
    kept: dict[str, Json] = {**state, "refs": list(refs)}
    return Show(slot, card, records, audience_hash(audience), min(until, default=None), kept, told_of)


async def _there(s: Services, slot: Slot, told: list[Heard]) -> list[Heard]:
    """What its CRM has deleted stays where it is up, to be read; no new card shows it."""
    if not any(each.standing.record.deleted for each in told):
        return told
    up = await s.slots.get(slot)
    known = up.records if up is not None and up.message is not None else ()
    return [each for each in told if not each.standing.record.deleted or _key(each) in known]


def _key(each: Heard) -> str:
    return each.record.ref.key


def _ends(s: Services, each: Heard) -> tuple[int | None, int | None]:
    """When what may be shown changes by itself, and when what is shown does: a count of days, at midnight."""
    now, zone = s.clock.now(), s.config.zone
    return each.disclosed.valid_until, view.until(each.record, s.config.fields, now, zone)


async def _draw(s: Services, found: Sequence[Heard], refs: Sequence[str], locale: str, message: str, turn: str) -> Card:
    if len(found) == 1:  # as if nobody else had been named: a layout tells of whom it leaves out
        shown = await room_view(s, found[0], locale, message, turn)
        return s.deck.draw("customer", locale=locale, zone=s.config.zone, now=s.clock.now(), customer=shown)
    rows = tuple([_row(s, each, locale) for each in found])
    facts = {"customers": rows, "trace": turn}
    return s.deck.draw("customers", locale=locale, zone=s.config.zone, now=s.clock.now(), **facts)


def _row(s: Services, each: Heard, locale: str) -> CustomerView:
    ref = each.record.ref.key
    button = s.buttons.make(locale, N_("Show me"), "show_me", r=ref)
    return view.customer(each.record, s.config.fields, locale=locale, now=s.clock.now(), buttons=(button,))


async def room_view(s: Services, each: Heard, locale: str, message: str, turn: str) -> CustomerView:
    """Its trace code is the decision of the newest value shown, else the turn that floated it."""
    shown = view.customer(
        each.record,
        s.config.fields,
        locale=locale,
        now=s.clock.now(),
        zone=s.config.zone,
        editable=each.editable,
        buttons=await _buttons(s, each, locale, message),
        writes=each.standing.writes,
    )
    return shown if shown.trace else replace(shown, trace=turn)


async def _buttons(s: Services, each: Heard, locale: str, message: str) -> tuple[Button, ...]:
    """At most three. *Show me* is always there: whether there is more to see is not to be told by a button."""
    ref = each.record.ref.key
    made = await recalled(s, ("buttons", ref, locale, id(each)), lambda: _same_everywhere(s, each, locale), each)
    if len(made) > 1 + bool(each.editable):
        return made
    return (*made, s.buttons.make(locale, N_("Not this customer"), "wrong", r=ref, m=message))


async def _same_everywhere(s: Services, each: Heard, locale: str) -> tuple[Button, ...]:
    """Of a customer's cards in one room; without an undo or a decision there is a place left."""
    ref = each.record.ref.key
    made: list[Button] = []
    if each.editable:
        made.append(s.buttons.make(locale, N_("Edit"), "edit", "primary", r=ref))
    made.append(s.buttons.make(locale, N_("Show me"), "show_me", r=ref))
    undecided = decide_buttons(s, each, locale)
    undo = undo_button(s, each, locale) if each.editable and not undecided else None
    return (*made, *undecided[:1], *([undo] if undo is not None else []))


def decide_buttons(s: Services, each: Heard, locale: str) -> list[Button]:
    """One for each open conflict: its sides, for the presser alone, wherever its own card has gone."""
    ref = each.record.ref.key
    undecided = [name for name, value in each.record.fields.items() if value.undecided and name in each.editable]
    return [s.buttons.make(locale, N_("Decide"), "decide", r=ref, f=name) for name in sorted(undecided)]


async def personal_card(
    s: Services, ref: str, person: Person, sender: Sender, locale: str
) -> tuple[Card, int | None] | None:
    """Everything this one person may see in a direct scene, and until when that is so; None when not even the name."""
    mine = direct(person, sender)
    each = await heard(s, ref, mine)
    if each is None:
        return None
    s.tally.read(mine.application, view.tells(each.record, s.config.fields, everything=True))
    shown = view.customer(
        each.record,
        s.config.fields,
        locale=locale,
        now=s.clock.now(),
        everything=True,
        editable=each.editable,
        buttons=_own_buttons(s, each, locale),
        writes=each.standing.writes,
    )
    zone = person.zone or s.config.zone
    card = s.deck.draw("show_me", locale=locale, zone=zone, now=s.clock.now(), customer=shown)
    return card, each.disclosed.valid_until


def _own_buttons(s: Services, each: Heard, locale: str) -> tuple[Button, ...]:
    if not each.editable:
        return ()
    edit = s.buttons.make(locale, N_("Edit"), "edit", "primary", r=each.record.ref.key)
    return (edit, *decide_buttons(s, each, locale)[:2])


def withheld_views(
    s: Services, disclosed: Iterable[Disclosed], audience: Audience, locale: str
) -> tuple[WithheldView, ...]:
    """What a room does not see, grouped by why; fields by their labels, nobody by name."""
    grouped: dict[str, dict[str, None]] = {}
    for each in disclosed:
        for name, why in each.withheld.items():
            for reason in reasons(why, audience)[:1]:
                words = say(locale, reason.say, **reason.facts)
                grouped.setdefault(words, {})[_label(s, name, locale)] = None
    return tuple(WithheldView(tuple(fields), reason) for reason, fields in grouped.items())


def _label(s: Services, name: str, locale: str) -> str:
    if name in view.LISTS:
        return say(locale, view.LISTS[name])
    return view.label(s.config.fields.get(name), name, locale)


def _note_audience(s: Services, audience: Audience, found: Sequence[Heard], trail: Trail) -> None:
    listed, complete, now = audience.listed, audience.complete, s.clock.now()
    outside = sum(count for who, count in listed.items() if who.external)
    unmapped = sum(count for who, count in listed.items() if not who.mapped and not who.external)
    facts = {"members": sum(listed.values()), "outside": outside, "unmapped": unmapped, "complete": complete}
    trail.note("heard_by", now, **facts, others=[*others(audience)])
    for each in found:
        if each.disclosed.withheld:
            groups = _grouped(each.disclosed, audience)
            trail.note("withheld", now, record=each.record.ref.key, groups=groups)
            trail.note("ruled", now, record=each.record.ref.key, groups=_ruled(s.access, each.disclosed))
        run = s.stages.of(audience)
        if run is not None and each.left:
            trail.note("staged", now, record=each.record.ref.key, kind=run.kind, stage=run.stage, left=[*each.left])


def _ruled(access: AccessPolicy, disclosed: Disclosed) -> list[Json]:
    """[message id, the policies with file and line, fields] for each decision that hides something: for an admin."""
    grouped: dict[tuple[str, tuple[str, ...]], list[Json]] = {}
    for name, why in sorted(disclosed.withheld.items()):
        told = decided(Verdict(False, why.policies), access)
        grouped.setdefault((told.reason.say, tuple(line.where for line in told.lines)), []).append(name)
    return [[msgid, [*policies], fields] for (msgid, policies), fields in grouped.items()]


def _grouped(disclosed: Disclosed, audience: Audience) -> list[Json]:
    """[message id, its facts, fields] for each reason: what a reader is told, in their own language, later."""
    grouped: dict[tuple[str, str], list[Json]] = {}
    for name, why in sorted(disclosed.withheld.items()):
        for reason in reasons(why, audience)[:1]:
            roles = ", ".join(str(role) for role in reason.facts.get("roles", ()))  # type: ignore[attr-defined]
            grouped.setdefault((reason.say, roles), []).append(name)
    return [[msgid, roles, fields] for (msgid, roles), fields in grouped.items()]
