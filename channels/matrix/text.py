"""What was typed in Matrix: quotes, calls of the bot, commands, and replies that press something on a card."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WORDS = ("card", "bind", "link", "quiet", "why", "doctor", "help")
"""The gateway's commands. Clients keep `/card` for themselves, so it is `!card`, or the word as a reply to a card."""
_COMMAND = re.compile(rf"!({'|'.join(WORDS)})(?![\w])", re.IGNORECASE)
_WORD = re.compile(rf"({'|'.join(WORDS)})(\s.*)?", re.IGNORECASE | re.DOTALL)
_NUMBER = re.compile(r"(?:\[)?([0-9]{1,2})(?:\])?(?:[\s.:：、]+|$)")
_END = " \t\r\n.。!！"


@dataclass(frozen=True, slots=True)
class Press:
    label: str
    action: str
    data: str


def without_fallback(body: str) -> str:
    """A reply may begin with what it answers, each line after `> ` (spec: fallbacks for rich replies)."""
    lines = body.split("\n")
    quoted = 0
    while quoted < len(lines) and lines[quoted].startswith("> "):
        quoted += 1
    if not quoted:
        return body
    return "\n".join(lines[quoted + (quoted < len(lines) and not lines[quoted].strip()) :])


def quoted_spans(text: str) -> tuple[tuple[int, int], ...]:
    """Code points of the lines that begin with `>`."""
    spans, at = [], 0
    for line in text.split("\n"):
        if line.startswith(">") and len(line) > 1:
            spans.append((at, at + len(line)))
        at += len(line) + 1
    return tuple(spans)


def uncalled(text: str, names: Iterable[str]) -> tuple[str, bool]:
    """Without the bot's name before it, and whether that stood there: as `@name`, `name:` or `name,`."""
    for name in sorted(filter(None, names), key=len, reverse=True):
        found = re.match(
            rf"\s*(@?{re.escape(name)}[:,\uff0c\uff1a]|@{re.escape(name)}(?=\s|$))\s*", text, re.IGNORECASE
        )
        if found:
            return text[found.end() :], True
    return text, False


def as_command(text: str) -> str | None:
    """`!card 华星` as `/card 华星`; None for what is no command."""
    stripped = text.strip()
    return "/" + stripped[1:] if _COMMAND.match(stripped) else None


def replied_command(text: str) -> str | None:
    """The same for a word said in reply to a card: `quiet 2h`."""
    stripped = text.strip()
    return as_command(text) or (f"/{stripped}" if _WORD.fullmatch(stripped.rstrip(_END)) else None)


def pressed(text: str, presses: Sequence[Press]) -> tuple[Press, str] | None:
    """What a reply presses: a number, a label or an action's name; with *edit* also what is to be edited."""
    said = text.strip()
    number = _NUMBER.match(said)
    if number and 0 < int(number[1]) <= len(presses):
        return _with(presses[int(number[1]) - 1], said[number.end() :])
    labels = {press: press.label for press in presses}
    actions = {press: press.action.replace("_", " ") for press in presses}
    for words in (labels, actions):
        meant = {press: rest for press, word in words.items() if (rest := _after(said, word)) is not None}
        if len(meant) == 1:
            ((press, rest),) = meant.items()
            return _with(press, rest)
    return None


def is_number(text: str) -> bool:
    """What it means hangs on what stands on the card."""
    return _NUMBER.match(text.strip()) is not None


def _with(press: Press, rest: str) -> tuple[Press, str] | None:
    """Only an edit takes words with it; with others it is a sentence, and presses nothing."""
    typed = rest.strip(_END + ":：")
    return (press, typed) if not typed or press.action == "edit" else None


def _after(said: str, word: str) -> str | None:
    """What follows the word, None when it does not begin with it."""
    if not word or said[: len(word)].casefold() != word.casefold():
        return None
    rest = said[len(word) :]
    return rest if not rest or rest[0] in f"{_END}:：" or rest[0].isspace() else None
