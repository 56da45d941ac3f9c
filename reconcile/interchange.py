"""Cases as JSON lines, for the command line, the tests and anybody's own engine (docs/reconcile)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeVar, get_args

from reconcile.canonical import known_normaliser
from reconcile.explain import explained, printable
from reconcile.history import spelt
from reconcile.model import Actor, Edit, EditKind, Fallback, Json, MergePolicy, Mode, Resolution, Source
from reconcile.resolve import resolve, value_of

_T = TypeVar("_T")
_NOBODY: Final = Actor("unknown", "")


class BadLine(ValueError):
    """A line that is no case; the text names what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    policy: MergePolicy
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one line gave: `text` is a line of JSON; `error` is None when the line was a case."""

    line: int
    text: str
    error: str | None = None


def run(lines: Iterable[str]) -> Iterator[str]:
    """One line of JSON per case. A line that is none gives `{"error": "line 3: …", "line": 3}`; the rest goes on."""
    return (answer.text for answer in answers(lines))


def answers(lines: Iterable[str], say: Callable[[Case], str] | None = None) -> Iterator[Answer]:
    """As `run`, with the errors apart. `say` replaces the JSON of a case, for example by `explain`."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            case = parse(line)
        except BadLine as fault:
            error = f"line {number}: {fault}"
            yield Answer(number, _dump({"error": error, "line": number}), error)
        else:
            yield Answer(number, (say or answer_line)(case))


def explain(case: Case) -> str:
    """Why a case comes out as it does, in English, for `--explain`."""
    return f"{printable(case.name) or 'unnamed'}\n{explained(case.edits, case.policy)}"


def answer_line(case: Case) -> str:
    return _dump({"name": case.name, **result(resolve(case.edits, case.policy))})


def result(resolution: Resolution) -> dict[str, Json]:
    return {
        "reason": resolution.reason,
        "winner": resolution.winner,
        "value": resolution.value,
        "heads": list(resolution.heads),
        "losers": list(resolution.losers),
        "conflict": resolution.conflict,
        "open_proposals": list(resolution.open_proposals),
    }


def _dump(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value)
    return text


def parse(line: str) -> Case:
    """Raises BadLine."""
    try:
        body = json.loads(line, parse_constant=_no_constant)
    except RecursionError:
        raise BadLine("nested too deeply") from None
    except ValueError as fault:
        raise BadLine(f"not JSON: {fault}") from None
    if not isinstance(body, dict):
        raise BadLine("a case is an object")
    rows = _get(body, "edits", list, [], "the case")
    edits = [_edit(row, f"edit {i}") for i, row in enumerate(rows, 1)]
    _no_twins(edits)
    return Case(
        _get(body, "name", str, "", "the case"), _policy(_get(body, "policy", dict, {}, "the case")), tuple(edits)
    )


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _no_twins(edits: list[Edit]) -> None:
    known: dict[str, str] = {}
    for edit in edits:
        if known.setdefault(edit.id, spelt(edit)) != spelt(edit):
            raise BadLine(f"two different edits have the id {edit.id!r}")


def _get(row: Mapping[str, Any], key: str, kind: type[_T], default: _T | None, where: str) -> _T:
    """`row[key]`, or the default when it is absent or null; no default means it must be there."""
    value = row.get(key)
    if value is None:
        if default is None:
            raise BadLine(f"{where}: {key} is missing")
        return default
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise BadLine(f"{where}: {key} must be {_NAMES[kind]}")
    return value


_NAMES: Final[Mapping[type, str]] = {
    str: "a string",
    int: "an integer",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}


def _strings(row: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    items = _get(row, key, list, [], where)
    if not all(isinstance(item, str) for item in items):
        raise BadLine(f"{where}: {key} must be a list of strings")
    return tuple(items)


def _optional(row: Mapping[str, Any], key: str, kind: type[_T], where: str) -> _T | None:
    return None if row.get(key) is None else _get(row, key, kind, None, where)


def _one_of(row: Mapping[str, Any], key: str, words: tuple[Any, ...], default: str, where: str) -> Any:
    word = _get(row, key, str, default, where)
    if word not in words:
        raise BadLine(f"{where}: {key} {word!r} is none of {', '.join(words)}")
    return word


def _edit(row: object, where: str) -> Edit:
    if not isinstance(row, dict):
        raise BadLine(f"{where} is an object")
    return Edit(
        id=_get(row, "id", str, None, where),
        record="",
        field="",
        kind=_one_of(row, "kind", get_args(EditKind), "set", where),
        value=row.get("value"),
        source=Source(_get(row, "source", str, None, where)),
        actor=_NOBODY,
        parents=frozenset(_strings(row, "parents", where)),
        stream=_optional(row, "stream", str, where),
        watermark=_optional(row, "watermark", int, where),
        effective_time=_get(row, "time", int, 0, where),
        binding=_get(row, "binding", bool, True, where),
        quarantined=_get(row, "quarantined", bool, False, where),
    )


def _policy(row: Mapping[str, Any]) -> MergePolicy:
    where = "the policy"
    normaliser = _get(row, "normaliser", str, "identity", where)
    if not known_normaliser(normaliser):
        raise BadLine(f"{where}: no normaliser is called {normaliser!r}")
    merge = row.get("merge")
    return MergePolicy(
        mode=_one_of(row, "mode", get_args(Mode), "master_wins", where),
        fallback=_one_of(row, "fallback", get_args(Fallback), "review", where),
        authority=_strings(row, "authority", where),
        master=_optional(row, "master", str, where),
        rank=_strings(row, "rank", where),
        propose_only=_strings(row, "propose_only", where),
        normaliser=normaliser,
        merge=None if merge is None else _one_of(row, "merge", ("set_union", "counter", "monotone"), "", where),
        order=_strings(row, "order", where),
    )


def case_row(name: str, policy: MergePolicy, edits: Iterable[Edit]) -> dict[str, Json]:
    """The interchange form of a case; columns that are not the plain ones appear only where they say something."""
    ruled: dict[str, Json] = {
        "mode": policy.mode,
        "authority": list(policy.authority),
        "master": policy.master,
        "rank": list(policy.rank),
        "fallback": policy.fallback,
    }
    more: dict[str, Json] = {"merge": policy.merge, "order": list(policy.order)}
    more |= {"propose_only": list(policy.propose_only)}
    more |= {"normaliser": None if policy.normaliser == "identity" else policy.normaliser}
    ruled |= {key: value for key, value in more.items() if value}
    return {"name": name, "policy": ruled, "edits": [_edit_row(edit) for edit in edits]}


def _edit_row(edit: Edit) -> Json:
    row: dict[str, Json] = {
        "id": edit.id,
        "source": edit.source.system,
        "value": value_of(edit),
        "parents": [*sorted(edit.parents)],
        "stream": edit.stream,
        "watermark": edit.watermark,
        "time": edit.effective_time,
        "kind": edit.kind,
        "binding": edit.binding,
    }
    return row | {"quarantined": True} if edit.quarantined else row
