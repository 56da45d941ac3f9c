"""A message: whom it names, whether that is sure, and what the room should see of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cards.facts import OptionView
from cards.words import N_, Reader, say
from channels.model import Deleted, Edited, Said
from crm.model import Record
from gateway import dialog
from gateway.handlers import alone, commands
from gateway.handlers.cards import personal_card, room_card, withheld_views
from gateway.handlers.hearing import heard
from gateway.handlers.told import Told, tells
from gateway.mentioning import memory, silence
from gateway.mentioning.reading import Named, names
from gateway.mentioning.suggesting import suggestion
from gateway.recall import Recall, recalled
from gateway.services import Services
from gateway.store.rooms import RoomState
from gateway.store.slots import slot_id
from gateway.telemetry import span
from gateway.turn import Act, Hide, Outcome, Show, Slot, Turn
from identity.audience import direct
from reconcile.model import Json


async def said(s: Services, turn: Turn) -> Outcome:
    event = turn.event
    assert isinstance(event, Said)
    if event.who.kind == "bot":
        turn.trail.note("bot", turn.now)
        return Outcome()
    if (reply := await dialog.replied(s, turn)) is not None:
        return reply
    if event.addressed and (command := commands.parse(event.text)) is not None:
        return await (alone.started(s, turn) if command.name == "start" else commands.run(s, turn, command))
    s = recalling(s)
    if s.overtaken.knows(turn.place.room_key, event.message.id):
        return Outcome()  # what it says by now was looked at when that was told
    if (await _room(s, turn)).quiet_until > turn.now:
        turn.trail.note("quiet", turn.now)
        return Outcome()
    with span("mention"):
        named = await names(s, turn, event.text, event.quoted)
    if named.silent:
        return Outcome(acts=tuple(await suggestion(s, turn, event.message.id, event.text, event.quoted)))
    return Outcome(acts=tuple(await _acts(s, turn, event.message.id, named)))


async def edited(s: Services, turn: Turn) -> Outcome:
    """The card follows the message: another customer, another card; none any more, none."""
    event = turn.event
    assert isinstance(event, Edited)
    if event.who.kind == "bot":
        return Outcome()
    s = recalling(s)
    s.overtaken.note(turn.place.room_key, event.message.id)
    named = await names(s, turn, event.text, event.quoted)
    before = [
        shown
        for shown in await s.slots.for_message(event.where.room_key, event.message.id)
        if shown.message and shown.state.get("kind") != "preview"
    ]
    own = frozenset(ref for shown in before if shown.slot.purpose == "card" for ref in silence.refs_on(shown))
    if (await _room(s, turn)).quiet_until > turn.now:
        named = replace(named, refs=tuple(ref for ref in named.refs if ref in own), asks=())
    acts = await _acts(s, turn, event.message.id, named, own)
    await _note_painted(s, turn, acts, own)
    kept = {act.slot for act in acts}
    gone = [Hide(shown.slot) for shown in before if shown.slot not in kept]
    return Outcome(acts=(*acts, *gone))


async def _note_painted(s: Services, turn: Turn, acts: Sequence[Act], own: frozenset[str]) -> None:
    """A card that is painted over tells of its new customers as much as one that is posted."""
    for act in acts if own else ():
        if isinstance(act, Show) and act.slot.purpose == "card":
            for ref in [ref for ref in act.records if ref not in own]:
                await s.rooms.store.note_floated(turn.place.room_key, ref, turn.now, slot_id(act.slot))


def recalling(s: Services) -> Services:
    """For one turn that changes nothing it reads: each thing is looked up once."""
    return replace(s, recall=Recall())


async def _room(s: Services, turn: Turn) -> RoomState:
    room = turn.place.room_key
    return await recalled(s, ("room", room), lambda: s.rooms.store.state(room))


async def deleted(s: Services, turn: Turn) -> Outcome:
    event = turn.event
    assert isinstance(event, Deleted)
    s.overtaken.note(event.where.room_key, event.message.id)
    before = await s.slots.for_message(event.where.room_key, event.message.id)
    turn.trail.note("message_deleted", turn.now, cards=len(before))
    return Outcome(acts=tuple(Hide(shown.slot) for shown in before))


async def _acts(s: Services, turn: Turn, message: str, named: Named, own: frozenset[str] = frozenset()) -> list[Act]:
    """`own`: customers on the card that this very message has already: they stay on it."""
    acts: list[Act] = []
    for name, refs in named.asks:
        acts.append(await picker(s, turn, message, name, refs))
    warm = await silence.warm(s, turn, named.refs, own)
    open_ = await silence.in_the_open(s, turn, warm, named.through)
    apart = await silence.for_author(s, turn, [ref for ref in warm if ref not in open_])
    if apart:
        acts += await _for_author(s, turn, message, apart)
    if open_ and (own or await silence.within_budget(s, turn, message)):
        acts += await float_card(s, turn, message, open_, named.surfaces, named.through)
    elif open_:
        acts += await _digest(s, turn, open_, named.through)
    return acts


async def _digest(s: Services, turn: Turn, refs: Sequence[str], through: frozenset[str]) -> list[Act]:
    """A busy room's one line, repainted with each customer that is named beyond its budget."""
    slot, all_, state = await silence.digest(s, turn, refs, through)
    show = await room_card(s, slot, all_, state, turn.trail)
    return [show] if show is not None else []


async def float_card(
    s: Services,
    turn: Turn,
    message: str,
    refs: Sequence[str],
    surfaces: dict[str, str],
    through: frozenset[str] = frozenset(),
) -> list[Act]:
    """The room's card; where nothing may be shown there, the author alone gets it, if entitled."""
    slot = Slot(turn.place, "card", message)
    state: dict[str, Json] = {
        "message": message,
        "author": turn.person.id if turn.person is not None else "",
        "locale": turn.locale or s.config.locale,
        "turn": turn.id,
        "names": {ref: surfaces.get(ref, "") for ref in refs},
        "through": [ref for ref in refs if ref in through],
    }
    show = await room_card(s, slot, refs, state, turn.trail)
    if show is None:
        return [Hide(slot), *await _for_author(s, turn, message, refs)]
    await memory.shown(s, turn, message, {ref: surfaces.get(ref, "") for ref in refs})
    return [show, *(await _tell_withheld(s, turn, refs) if show.records else ())]


async def _for_author(s: Services, turn: Turn, message: str, refs: Sequence[str]) -> list[Act]:
    if turn.person is None:
        return []
    acts: list[Act] = []
    for ref in refs:
        made = await personal_card(s, ref, turn.person, turn.event.who, turn.locale or s.config.locale)
        if made is not None:
            card, until = made
            state: dict[str, Json] = {"refs": [ref], "kind": "mine", "message": message}
            acts.append(Show(whisper(turn, f"{message}:{ref}"), card, (ref,), valid_until=until, state=state))
    return acts


async def _tell_withheld(s: Services, turn: Turn, refs: Sequence[str]) -> list[Act]:
    """Once per room: what is hidden here, and because of whom in general."""
    if turn.person is None or (await _room(s, turn)).told_at:
        return []
    audience, mine = await s.rooms.audience(turn.place), direct(turn.person, turn.event.who)
    hidden = []
    for ref in refs:
        all_, own = await heard(s, ref, audience), await heard(s, ref, mine)
        if all_ is not None and own is not None and set(all_.disclosed.withheld) - set(own.disclosed.withheld):
            hidden.append(all_.disclosed)
    if not hidden:
        return []
    locale = turn.locale or s.config.locale
    reasons = withheld_views(s, hidden, audience, locale)
    card = s.deck.draw("withheld", locale=locale, zone=s.config.zone, now=turn.now, reasons=reasons)
    return [Show(whisper(turn, "withheld"), card, (), state={"kind": "withheld"})]


def whisper(turn: Turn, subject: str) -> Slot:
    return Slot(turn.place, "whisper", f"{subject}:{turn.event.who.id.key}", turn.event.who.id.key)


async def picker(s: Services, turn: Turn, message: str, name: str, refs: Sequence[str]) -> Act:
    """Asks the one who speaks or presses, alone, which of those that bear the name is meant."""
    options = await _options(s, turn, name, refs, message)
    shown = dict.fromkeys(options, HINTS)
    told = await tells(s, turn.person, turn.event.who, shown, kind="picker", message=message)
    return _picker_show(s, turn, message, name, tuple(options.values()), told)


async def _options(s: Services, turn: Turn, name: str, refs: Sequence[str], message: str) -> dict[str, OptionView]:
    """Those the author may see at all, with what tells them apart as far as the author may see that."""
    if turn.person is None:
        return {}
    locale, mine = turn.locale or s.config.locale, direct(turn.person, turn.event.who)
    options: dict[str, OptionView] = {}
    for ref in refs[:10]:
        each = await heard(s, ref, mine)
        if each is not None:
            button = s.buttons.make(
                locale, N_("This one"), "pick", "primary", r=ref, n=name, m=message, t=turn.place.key
            )
            options[ref] = OptionView(each.record.title, hints(s, each.record, locale), button)
    return options


HINTS = ("city", "owner", "note")


def hints(s: Services, record: Record, locale: str) -> tuple[str, ...]:
    told = (record.fields[field].value for field in ("city", "owner") if field in record.fields)
    found = [str(value) for value in told if value]
    notes = record.related.get("note", ())
    if notes:
        last = Reader(locale, s.config.zone, s.clock.now()).date(max(note.at for note in notes))
        found.append(say(locale, "last contact {date}", date=last))
    return tuple(hint for hint in found if hint)


def _picker_show(s: Services, turn: Turn, message: str, name: str, options: tuple[OptionView, ...], told: Told) -> Act:
    slot = whisper(turn, f"{message}:{name}")
    if not options:
        return Hide(slot)
    locale = turn.locale or s.config.locale
    none = s.buttons.make(locale, N_("Not a customer"), "none", n=name, m=message, t=turn.place.key)
    options = (*options, OptionView(say(locale, "None of these"), (), none))
    card = s.deck.draw("picker", locale=locale, zone=s.config.zone, now=turn.now, surface=name, options=options)
    return Show(slot, card, told.records, valid_until=told.until, state=told.state)
