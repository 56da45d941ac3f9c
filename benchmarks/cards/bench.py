"""From facts to a card: CPU microseconds of the standard customer card beside dict + orjson of as many elements.

Run: python -m benchmarks.cards.bench
"""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable
from dataclasses import asdict, replace

import orjson

from cards.deck import Deck
from cards.digest import digest
from cards.facts import CustomerView, NoteView
from cards.fit import fit
from cards.grammar import TAGS
from cards.inert import inert
from cards.samples import DAY, NOW, full_customer
from cards.tree import Card

ELEMENTS = 25


def microseconds(run: Callable[[], object], number: int = 400, repeat: int = 25) -> float:
    """The best of many: what the code costs, not what else the machine did."""
    return min(timeit.repeat(run, number=number, repeat=repeat, timer=time.process_time)) / number * 1e6


def standard() -> CustomerView:
    """The sample customer with the badges and notes that make 25 elements of its card."""
    sample = full_customer("en")
    notes = tuple(NoteView(f"Note {n}: wants a comparison", "Li Ting", NOW - n * DAY) for n in range(3))
    return replace(sample, notes=notes, tags=(*sample.tags, *sample.tags))


def elements(card: Card) -> int:
    inside = sum(len(getattr(block, name, ())) for block in card.blocks for name in ("badges", "buttons"))
    return 1 + len(card.blocks) + inside


def plain(card: Card) -> Callable[[], bytes]:
    rows = [asdict(block) for block in card.blocks]
    rows += [{"label": "more", "value": "苏州", "source": "[CRM]", "at": n} for n in range(ELEMENTS - len(rows))]
    return lambda: orjson.dumps([{**row, "kind": "block"} for row in rows])


def main() -> None:
    deck, customer = Deck(), standard()
    card = deck.draw("customer", zone="Asia/Shanghai", now=NOW, customer=customer)
    base = microseconds(plain(card))
    limits = {"text": 3000, "title": 150, "button_label": 75, "blocks": 50, "buttons": 5, "form_fields": 50}
    runs: dict[str, Callable[[], object]] = {
        "facts to card": lambda: deck.draw("customer", zone="Asia/Shanghai", now=NOW, customer=customer),
        "fit, nothing to do": lambda: fit(card, **limits),  # type: ignore[arg-type]
        "digest": lambda: digest(card),
        "inert, a name": lambda: inert(customer.title),
    }
    print(f"{elements(card)} elements, {len(TAGS)} tags known; CPU, best of many")
    print(f"{'dict + orjson':22}{base:8.1f} µs")
    for name, run in runs.items():
        cost = microseconds(run)
        print(f"{name:22}{cost:8.1f} µs {cost / base:6.1f} x")


if __name__ == "__main__":
    main()
