"""A resolution in English, for `floatcard resolve --explain`. Cards have their own, translated words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from reconcile.model import Edit, Json, MergePolicy, Reason, Resolution
from reconcile.resolve import resolve, value_of


def explained(edits: Iterable[Edit], policy: MergePolicy) -> str:
    known = {edit.id: edit for edit in edits}
    resolution = resolve(known.values(), policy)
    said = [f"  value: {_value(resolution.value)}", f"  why: {_REASONS[resolution.reason](resolution, policy)}"]
    if resolution.winner is not None:
        said.append(f"  from: {_edit(known[resolution.winner])}")
    if resolution.base is not None:
        said.append(f"  before: {_edit(known[resolution.base])}")
    said += [f"  lost: {_edit(known[one])}: {_LOSSES[word]}" for one, word in resolution.why.items()]
    said += [f"  proposed: {_edit(known[one])}: waits for a person" for one in resolution.open_proposals]
    return "\n".join(said)


def _edit(edit: Edit) -> str:
    at = f", position {edit.watermark} of {_value(edit.stream)}" if edit.stream is not None else ""
    return f"{_value(edit.id)} {edit.kind} {_value(value_of(edit))} by {_value(edit.source.system)}{at}"


def _value(value: Json) -> str:
    return printable(json.dumps(value, ensure_ascii=False))


def printable(text: str) -> str:
    """Nothing in it steers the terminal it is printed on, direction marks included."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


_REASONS: Final[Mapping[Reason, Callable[[Resolution, MergePolicy], str]]] = {
    "empty": lambda _, __: "no edit counts yet",
    "causal": lambda _, __: "it was made in sight of every other edit that counts",
    "agree": lambda r, _: f"{len(r.heads)} edits were made unaware of each other and say the same",
    "three_way": lambda r, _: f"of {len(r.heads)} edits unaware of each other all that changed the value say this",
    "authority": lambda _, __: "edits unaware of each other differ; of the sources with one, the first listed decides",
    "master": lambda _, p: f"edits unaware of each other differ, and {p.master!r} is the master",
    "last_writer": lambda _, __: "edits unaware of each other differ, and the policy takes the latest by the clock",
    "merged": lambda r, p: f"the changes of {len(r.heads)} edits were put together ({p.merge})",
    "review": lambda r, _: f"{len(r.heads)} edits unaware of each other differ: a person decides; until then as before",
}

_LOSSES: Final[Mapping[str, str]] = {
    "undecided": "waits for a person",
    "merged_in": "is part of the value",
    "same_value": "says the same",
    "unchanged": "did not change the value",
    "not_authority": "is not from the leading source",
    "not_master": "is not from the master",
    "earlier": "is earlier",
    "lower_rank": "is as late, from a source of lower rank",
    "smaller_id": "is as late and of equal rank; the greater id was taken",
}
