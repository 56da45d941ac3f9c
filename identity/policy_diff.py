"""What is different between two sets of policies: policy by policy, and line by line within each."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from identity.policy_files import statements

Kind = Literal["added", "removed", "changed", "moved", "comment"]
_ID: Final = re.compile(r'@id\s*\(\s*"((?:\\.|[^"\\])*)"\s*\)')


@dataclass(frozen=True, slots=True)
class Changed:
    """`file` and `line`: where it is now; of what was removed, where it was. `lines`: (" ", "-" or "+", text).

    `moved`: the same text elsewhere. `comment`: only comments or blanks of the file are others.
    """

    kind: Kind
    id: str
    file: str
    line: int
    lines: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Part:
    id: str
    file: str
    line: int
    text: str


def diff(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[Changed, ...]:
    """In the order of the files and lines; the texts need not be valid policies."""
    before, after = _parts(old), _parts(new)
    _pair(before, after)
    found = [*_differing(before, after)]
    found += [
        Changed("comment", file, file, 1, _lines(old[file], new[file]))
        for file in sorted(old.keys() & new.keys())
        if old[file] != new[file] and _policies(old[file]) == _policies(new[file])
    ]
    return tuple(sorted(found, key=lambda each: (each.file, each.line, each.kind)))


def _policies(text: str) -> list[str]:
    return [one for _, one in statements(text)]


def _parts(texts: Mapping[str, str]) -> dict[str, _Part]:
    """By id; a second one of the same id is told apart by its place, as one without an id is."""
    found: dict[str, _Part] = {}
    for file in sorted(texts):
        for line, text in statements(texts[file]):
            named = _ID.search(text)
            id_ = named.group(1) if named else f"{file}:{line}"
            found.setdefault(id_ if id_ not in found else f"{file}:{line}", _Part(id_, file, line, text))
    return found


def _pair(before: dict[str, _Part], after: dict[str, _Part]) -> None:
    """A policy without an id is called by its place: the same text elsewhere is the same policy."""
    gone = {part.text: key for key, part in before.items() if key not in after or after[key].text != part.text}
    for key, part in list(after.items()):
        if ":" in key and (was := gone.get(part.text)) is not None and ":" in was and was != key:
            if key in before and before[key].text == part.text:
                continue
            after[was + "\0"] = after.pop(key)
            before[was + "\0"] = before.pop(was)
            del gone[part.text]


def _differing(before: Mapping[str, _Part], after: Mapping[str, _Part]) -> Iterator[Changed]:
    for key in before.keys() | after.keys():
        was, now = before.get(key), after.get(key)
        if was is None and now is not None:
            yield Changed("added", now.id, now.file, now.line, _lines("", now.text))
        elif now is None and was is not None:
            yield Changed("removed", was.id, was.file, was.line, _lines(was.text, ""))
        elif was is not None and now is not None and was.text != now.text:
            yield Changed("changed", now.id, now.file, now.line, _lines(was.text, now.text))
        elif was is not None and now is not None and was.file != now.file:
            yield Changed("moved", now.id, now.file, now.line)


def _lines(was: str, now: str) -> tuple[tuple[str, str], ...]:
    told = difflib.ndiff(was.splitlines(), now.splitlines())
    return tuple((line[0], line[2:]) for line in told if line[0] in " -+")
