"""`floatcard mentions`: an admin's own customer list tried on their own messages, before a room is switched on.

In: lines of JSON, or a table with these columns. Dictionary {"id", "name", "aliases"}, messages {"id", "text"}; other
members are not looked at.
Out: {"id", "mentions": [{"start", "end", "customer_id"} | {"start", "end", "candidates": [...]}]}, offsets in code
points; with `candidates` it would ask the author.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import orjson

from mentions import building
from mentions.decide import Decision, decide
from mentions.derive import derive
from mentions.index import NameIndex
from mentions.model import Name
from mentions.names import unusable
from mentions.reading import Ignored, objects

Parse = Callable[[dict[str, Any]], Any]


@dataclass(slots=True)
class Tally:
    """What was read, and every line or name left aside with its number and the reason."""

    customers: int = 0
    messages: int = 0
    cards: int = 0
    asks: int = 0
    dictionary_ignored: Ignored = field(default_factory=list)
    messages_ignored: Ignored = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """For people, in English."""
        for what, ignored in (("dictionary", self.dictionary_ignored), ("messages", self.messages_ignored)):
            for number, reason in ignored:
                yield f"{what} line {number}: {reason}"
        yield f"{self.customers} customers, {self.messages} messages, {self.cards} mentions, {self.asks} would be asked"


def run(dictionary: Path, messages: Path, out: TextIO) -> Tally:
    """Raises OSError when a file cannot be read; a line that cannot be is in the tally."""
    tally = Tally()
    index = read_dictionary(dictionary, tally)
    for _, (message, text) in _read(messages, _message, tally.messages_ignored):
        mentions = index.find(text)
        tally.messages += 1
        shown = [line for mention in mentions for line in _shown(decide(mention))]
        tally.asks += sum("candidates" in one for one in shown)
        tally.cards += sum("customer_id" in one for one in shown)
        out.write(orjson.dumps({"id": message, "mentions": shown}).decode() + "\n")
    return tally


def read_dictionary(path: Path, tally: Tally) -> NameIndex:
    """The index of a customer list; of two lines with one id the later counts."""
    customers: dict[str, Sequence[Name]] = {}
    for number, (ref, given) in _read(path, _customer, tally.dictionary_ignored):
        if ref in customers:
            tally.dictionary_ignored.append((number, "the same id again; this line counts"))
        customers[ref] = _names(number, given, tally)
    tally.customers = len(customers)
    return NameIndex.build(customers.items())


def build_index(dictionary: Path, out: Path) -> Tally:
    """Writes the index of a customer list to a file that `mentions.saved.load` reads; runs in any process.

    In parts, so that it takes some five gigabytes of memory, however long the list is. Raises OSError.
    """
    tally = Tally()
    building.build(_once(dictionary, _last_lines(dictionary), tally), out)
    return tally


def _last_lines(dictionary: Path) -> dict[int, int]:
    """Where customers who stand there several times stand last, by a hash of the id."""
    several = building.repeated(ref for _, (ref, _) in _read(dictionary, _id, []))
    if not several:
        return {}
    return {hash(ref): number for number, (ref, _) in _read(dictionary, _id, []) if hash(ref) in several}


def _once(dictionary: Path, last: Mapping[int, int], tally: Tally) -> Iterator[tuple[str, Sequence[Name]]]:
    for number, (ref, given) in _read(dictionary, _customer, tally.dictionary_ignored):
        if last.get(hash(ref), number) > number:
            tally.dictionary_ignored.append((number, "the same id again; a later line counts"))
            continue
        tally.customers += 1
        yield ref, _names(number, given, tally)


def _names(number: int, given: Sequence[str], tally: Tally) -> Sequence[Name]:
    """Of a title and aliases; those that cannot be looked for are in the tally."""
    for name in (given[0], *filter(str.strip, given[1:])):
        if (reason := unusable(name)) is not None:
            tally.dictionary_ignored.append((number, f"name not looked for: {reason}"))
    return derive(given[0], given[1:])


def _read(path: Path, parse: Parse, ignored: Ignored) -> Iterator[tuple[int, Any]]:
    for number, value in objects(path, ignored):
        try:
            parsed = parse(value)
        except ValueError as broken:
            ignored.append((number, str(broken)))
        else:
            yield number, parsed


def _text(value: dict[str, Any], key: str) -> str:
    if not isinstance(text := value.get(key), str):
        raise ValueError(f'"{key}" is missing or not a string')
    return text


def _message(value: dict[str, Any]) -> tuple[str, str]:
    return _text(value, "id"), _text(value, "text")


def _id(value: dict[str, Any]) -> tuple[str, None]:
    """Of a line that can be read as a customer."""
    return _customer(value)[0], None


def _customer(value: dict[str, Any]) -> tuple[str, Sequence[str]]:
    """The id, and the title with the aliases."""
    aliases = value.get("aliases") or []
    if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
        raise ValueError('"aliases" is not a list of strings')
    return _text(value, "id"), (_text(value, "name"), *aliases)


def _shown(decision: Decision) -> Iterator[dict[str, Any]]:
    place = {"start": decision.mention.start, "end": decision.mention.end}
    if decision.action == "show":
        yield {**place, "customer_id": decision.refs[0]}
    elif decision.action == "ask":
        yield {**place, "candidates": list(decision.refs)}
