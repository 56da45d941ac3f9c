"""A customer that was merged into another in its CRM: what differs, and what people still say of it."""

from __future__ import annotations

from cards.words import say
from channels.model import ShowCard, Submitted, Toast
from gateway.errors import Refused
from gateway.handlers import conflicts
from gateway.handlers.cards import personal_card
from gateway.handlers.source import card_source
from gateway.services import Services
from gateway.store.ledger import FieldState, Incoming
from gateway.turn import Act, Outcome, Trail, Turn
from identity.model import Person
from reconcile.canonical import equal
from reconcile.model import Actor, Json, Source
from reconcile.token import Seen

ASKED = ("edit", "settle", "decide", "undo")
"""Buttons that ask to change the customer on the card: answered with the card of the one it became."""


async def propose(s: Services, record: str, heir: str, trail: Trail) -> None:
    """Each field of the one that differs becomes one proposal on the other, an undecided one its sides. Done again it
    is done once."""
    there = await s.ledger.states(heir)
    made: list[Incoming] = []
    for name, state in sorted((await s.ledger.states(record)).items()):
        spec = s.config.fields.get(name)
        if spec is None or state.erased_at is not None:
            continue
        normaliser = s.ledger.policies.of(heir.split(":")[1], name).normaliser
        known = [there[name].value if name in there else None, None]
        for edit, value in (("", state.value), *((each.edit, each.value) for each in state.challengers)):
            if not any(equal(normaliser, value, each) for each in known):
                known.append(value)
                made.append(_given(record, heir, state, value, edit, trail))
    if not made:
        return
    ingested = [one for one in await s.ledger.ingest_many(made) if one.first]
    if ingested:
        fields: list[Json] = [one.decision.field for one in ingested]
        trail.note("inherited", s.clock.now(), record=heir, fields=fields)


def _given(record: str, heir: str, state: FieldState, value: Json, edit: str, trail: Trail) -> Incoming:
    crm = heir.partition(":")[0]
    return Incoming(
        record=heir,
        field=state.field,
        kind="proposal",
        value=value,
        source=Source(crm, "CRM", "", record),
        actor=Actor("crm", crm),
        seen=Seen("ok", (), ()),  # what another record gave, or another side, is not taken back by this
        once=f"merged:{record}:{heir}:{edit or state.decision}",
        trace=trail.turn,
        binding=False,
    )


async def answered(s: Services, turn: Turn, person: Person, heir: str) -> Outcome:
    """The card of the customer that the one on the pressed card was merged into."""
    made = await personal_card(s, heir, person, turn.event.who, turn.locale or s.config.locale)
    if made is None:
        raise Refused("This customer was merged into another in the CRM, which you may not see.")
    turn.trail.note("showed_me", turn.now, record=heir, person=person.id)
    return Outcome(ShowCard(made[0], (heir,), live=True), (), (heir,))


async def kept(s: Services, turn: Turn, person: Person, heir: str, title: str, values: dict[str, Json]) -> Outcome:
    """A form of the one that was merged away, sent too late to be its edit: proposals on the other, none of it lost."""
    event = turn.event
    assert isinstance(event, Submitted)
    given = [_typed(s, turn, person, heir, name, value) for name, value in values.items()]
    acts: list[Act] = []
    for one in await s.ledger.ingest_many(given):
        made = one.decision
        turn.trail.note(
            "edited",
            turn.now,
            record=heir,
            field=made.field,
            reason=one.reason,
            decision=made.id,
            proposed=True,
            token="",
            source=card_source(s, turn.place.channel).watermark,
            conflict=one.conflict,
            first=one.first,
        )
        acts += await conflicts.proposal_shows(s, turn, heir, made.field, one.edit_id)
    text = say(
        turn.locale or s.config.locale,
        "This customer was merged into {customer} in the CRM meanwhile. What you entered is kept there as a proposal.",
        customer=title,
    )
    return Outcome(Toast(text, "warning"), tuple(acts), (heir,))


def _typed(s: Services, turn: Turn, person: Person, heir: str, name: str, value: Json) -> Incoming:
    return Incoming(
        record=heir,
        field=name,
        kind="proposal",
        value=value,
        source=card_source(s, turn.place.channel),
        actor=Actor("person", person.id),
        once=f"{turn.event.once}:{name}",
        trace=turn.id,
        binding=False,
    )
