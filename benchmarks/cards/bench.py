"""From a customer's facts to the bytes Slack is sent: CPU microseconds of the standard card of 25 elements, beside the
same elements as a dict written by orjson and beside the template rendered by jinja2 alone. The bytes are written as the
gateway's session writes them for Slack's client.

Run: python -m benchmarks.cards.bench
"""

from __future__ import annotations

import argparse
import time
import timeit
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import orjson

from benchmarks.common import HERE, keep, machine, table
from cards.deck import Deck
from cards.digest import digest
from cards.facts import CustomerView, NoteView
from cards.fit import fit
from cards.grammar import TAGS
from cards.inert import inert
from cards.samples import DAY, NOW, full_customer
from cards.tree import Card
from cards.words import Reader
from channels.slack.cards import LIMITS, message
from channels.wire import json_bytes

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


def rendered(deck: Deck, customer: CustomerView) -> Callable[[], object]:
    """The template with its facts by jinja2, and nothing of what is made of its text."""
    template = deck._environments["en"].get_template("customer.xml.j2")
    context = deck._context(Reader("en", "Asia/Shanghai", NOW), {"customer": customer})
    return lambda: template.render(context)


def main(number: int, repeat: int, out: Path) -> None:
    deck, customer = Deck(), standard()

    def draw() -> Card:
        return deck.draw("customer", zone="Asia/Shanghai", now=NOW, customer=customer)

    card = draw()
    payload = message(card)
    limits = {
        name: getattr(LIMITS, name) for name in ("text", "title", "button_label", "blocks", "buttons", "form_fields")
    }
    runs: dict[str, Callable[[], object]] = {
        "dict + orjson": plain(card),
        "the template by jinja2 alone": rendered(deck, customer),
        "facts to card": draw,
        "card to Slack's blocks": lambda: message(card),
        "blocks to bytes": lambda: json_bytes(payload),
        "**facts to wire bytes**": lambda: json_bytes(message(draw())),
        "fit, nothing to do": lambda: fit(card, **limits),
        "digest": lambda: digest(card),
        "inert, a name": lambda: inert(customer.title),
    }
    costs = {name: microseconds(run, number, repeat) for name, run in runs.items()}
    base = costs["dict + orjson"]
    rows = [[name, cost, cost / base] for name, cost in costs.items()]
    note = f"{elements(card)} elements, {len(TAGS)} tags known; the best of {repeat} times {number}."
    keep(out, "Cards", machine("Jinja2", "orjson"), note, table(["", "CPU µs", "of dict + orjson"], rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=400)
    parser.add_argument("--repeat", type=int, default=25)
    parser.add_argument("--out", type=Path, default=HERE / "cards" / "RESULTS.md")
    main(**vars(parser.parse_args()))
