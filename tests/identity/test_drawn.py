"""Non-interference on the wire's side of the template: records equal on what is shown give byte-equal cards."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from cards.deck import Deck
from cards.facts import ContactView, CustomerView, FactView, NoteView, OpenItemView, RiskView
from crm.model import FieldValue, Item, Record
from identity.audience import UNMAPPED
from identity.disclosure import disclose
from identity.model import BOTTOM, Attributes, Audience, Disclosed
from tests.identity.rooms import CLASSES, MANAGER, NOW, OURS, REP, record

DECK = Deck()
ROOMS = {
    "sales": Audience("group", {REP: 2, MANAGER: 1}),
    "workspace": Audience("group", {REP: 1, UNMAPPED: 9}),
    "guest": Audience("group", {REP: 1, BOTTOM: 1}),
    "shared": Audience("external_group", {REP: 1, BOTTOM: 1}),
    "alone": Audience("direct", {REP: 1}),
    "document": Audience("document", {Attributes(("marketing",), external=False, mapped=True): 1}),
}


def view(shown: Disclosed) -> CustomerView:
    """What a handler makes of a disclosed record: everything in it, and nothing from elsewhere."""
    one = shown.record
    facts = tuple(
        FactView(name, name, str(held.value), held.source, held.actor, held.as_of, name in shown.editable)
        for name, held in one.fields.items()
    )
    lists = one.related
    return CustomerView(
        one.title,
        one.url,
        facts=facts,
        notes=tuple(NoteView(i.text, i.who, i.at) for i in lists["note"]) if "note" in lists else None,
        open_items=tuple(OpenItemView(i.text, i.due) for i in lists["open_item"]) if "open_item" in lists else None,
        risks=tuple(RiskView(i.text, i.level or "low") for i in lists["risk"]) if "risk" in lists else None,
        contacts=tuple(ContactView(i.text, **i.detail) for i in lists["contact"]) if "contact" in lists else None,
        as_of=NOW,
        source_at=max((held.as_of for held in one.fields.values()), default=0),
    )


def drawn(one: Record, room: Audience, template: str, locale: str) -> bytes:
    shown = disclose(one, room, NOW, OURS, CLASSES, owners=frozenset(), zone="")
    return repr(DECK.draw(template, locale=locale, now=NOW, customer=view(shown))).encode()


HIDDEN = {
    "sales": ("margin", "surprise"),
    "workspace": ("margin", "surprise", "receivables"),
    "guest": ("margin", "surprise", "receivables", "stage", "industry"),
    "shared": ("margin", "surprise", "receivables", "stage", "industry"),
    "alone": ("margin", "surprise"),
    "document": ("margin", "surprise", "receivables"),
}


def with_secrets(base: Record, room: str, chance: random.Random) -> Record:
    """The base with everything hidden from the room rewritten, and its metadata with it."""
    fields = dict(base.fields) | {name: FieldValue(secret(chance), "[SECRET]", NOW + 5) for name in HIDDEN[room]}
    lists = {kind: items for kind, items in base.related.items() if not hidden(kind, room)}
    made = tuple(Item(secret(chance), "note", secret(chance)) for _ in range(chance.randrange(4)))
    if hidden("note", room):
        lists |= {"note": made, "contact": tuple(replace(item, kind="contact") for item in made)}
    risks = tuple(
        Item(secret(chance), "risk", secret(chance), level="high", sensitivity="restricted") for _ in range(2)
    )
    lists["risk"] = (*risks, *lists.get("risk", ()))
    return replace(
        base,
        fields=fields,
        related=lists,
        owners=(secret(chance),),
        names=(secret(chance),),
        version=chance.randrange(99),
        modified=NOW + chance.randrange(99),
        modified_by=secret(chance),
        visible_until={"margin": NOW + 3},
    )


def hidden(kind: str, room: str) -> bool:
    return room in ("guest", "shared") or (kind in ("note", "contact") and room in ("workspace", "document"))


def secret(chance: random.Random) -> str:
    return f"secret-{chance.randrange(10**9)}"


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("template", ["customer", "show_me"])
@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_cards_of_records_that_differ_in_what_is_hidden_are_byte_equal(room: str, template: str, locale: str) -> None:
    chance = random.Random(f"{room} {template}")
    base = drawn(record(), ROOMS[room], template, locale)
    for _ in range(10):
        card = drawn(with_secrets(record(), room, chance), ROOMS[room], template, locale)
        assert card == base
        assert b"secret" not in card.lower()


def test_the_comparison_can_fail() -> None:
    """A difference in something shown does change the card."""
    other = replace(record(), fields=dict(record().fields) | {"stage": FieldValue("won")})
    assert drawn(other, ROOMS["sales"], "customer", "en") != drawn(record(), ROOMS["sales"], "customer", "en")
