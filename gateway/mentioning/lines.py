"""Many customers at once: one line in the room with a button, the list itself for the one who presses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cards.facts import CustomerView
from cards.tree import Card
from cards.words import N_, say
from channels.model import Sender
from gateway.handlers import view
from gateway.handlers.hearing import heard
from gateway.mentioning.silence import MANY
from identity.audience import direct
from identity.model import Person
from reconcile.model import Json

if TYPE_CHECKING:
    from gateway.services import Services
    from gateway.turn import Slot

MOST_ROWS = 20


def wanted(state: Mapping[str, Json], refs: Sequence[str]) -> bool:
    """Whether a slot shows a line instead of cards."""
    return len(refs) >= MANY or state.get("kind") == "digest"


def draw(s: Services, slot: Slot, count: int, state: Mapping[str, Json], locale: str) -> Card:
    """`count`: those the room may know of. Who they are, each reader learns alone."""
    if state.get("kind") == "digest":
        text = say(
            locale, "Many customers were named here this hour: no more cards for now. So far: {count}.", count=count
        )
    else:
        text = say(locale, "{count} customers are named here.", count=count)
    button = s.buttons.make(locale, N_("Show the list"), "list", "primary", m=slot.subject, t=slot.place.key)
    facts = {"title": "", "text": text, "tone": "neutral", "buttons": (button,)}
    return s.deck.draw("notice", locale=locale, zone=s.config.zone, now=s.clock.now(), **facts)


async def listed(
    s: Services, refs: Sequence[str], person: Person, sender: Sender, locale: str, trace: str
) -> Card | None:
    """Those this person may see, with what they may see of them; None when there is none."""
    found = [each for each in [await heard(s, ref, direct(person, sender)) for ref in refs[:200]] if each is not None]
    if not found:
        return None
    now, rows = s.clock.now(), list[CustomerView]()
    for each in found[:MOST_ROWS]:
        button = s.buttons.make(locale, N_("Show me"), "show_me", r=each.record.ref.key)
        rows.append(view.customer(each.record, s.config.fields, locale=locale, now=now, buttons=(button,)))
    if len(found) > MOST_ROWS:
        rows.append(CustomerView(say(locale, "and {count} more", count=len(found) - MOST_ROWS)))
    zone = person.zone or s.config.zone
    return s.deck.draw("customers", locale=locale, zone=zone, now=now, customers=tuple(rows), trace=trace)
