"""`floatcard mentions --explain`: what each message names, how sure that is and why, for people to read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from cards.words import match, say
from gateway.mentioning import reasons
from mentions.cli import Tally, read_dictionary
from mentions.decide import Decision, decide
from mentions.reading import objects


def explained(dictionary: Path, messages: Path, out: TextIO) -> Tally:
    """In the language of the terminal. Raises OSError when a file cannot be read."""
    tally, tongue = Tally(), match(os.environ.get("LC_ALL") or os.environ.get("LANG") or "en")
    index = read_dictionary(dictionary, tally)
    for name, text in _messages(messages, tally):
        tally.messages += 1
        decisions = [decide(mention) for mention in index.find(text)]
        tally.cards += sum(each.action == "show" for each in decisions)
        tally.asks += sum(each.action == "ask" for each in decisions)
        told = [_line(tongue, text, each) for each in decisions] or [say(tongue, "No customer is named.")]
        out.writelines(f"{line}\n" for line in (f"{_plain(name)}: {_plain(text)}", *(f"    {each}" for each in told)))
    return tally


def _messages(path: Path, tally: Tally) -> Iterator[tuple[str, str]]:
    for number, value in objects(path, tally.messages_ignored):
        if isinstance(value.get("id"), str) and isinstance(value.get("text"), str):
            yield value["id"], value["text"]
        else:
            tally.messages_ignored.append((number, '"id" or "text" is missing or not a string'))


def _line(tongue: str, text: str, each: Decision) -> str:
    words = _plain(text[each.mention.start : each.mention.end])
    refs = ", ".join(_plain(ref) for ref in each.refs)
    why = reasons.sure(tongue, {"score": each.score, "why": [*each.reasons]})
    told = {"show": say(tongue, "a card"), "ask": say(tongue, "a question"), "silent": say(tongue, "silence")}
    return f"{words}: {told[each.action]} {refs}".rstrip() + f" ({why})"


def _plain(text: str) -> str:
    """Nothing in it moves a terminal's cursor, and it can be written."""
    safe = text.encode("utf-8", "replace").decode()
    return "".join(sign if sign.isprintable() else " " for sign in safe)
