"""Whose saved value a later edit took the place of without having built on it: written down with the decision itself,
so that no crash comes between the loss and the word about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import orjson

from gateway.store import sql
from gateway.store.ledger.field import Field
from gateway.telemetry import plain
from reconcile.plan import Planned

if TYPE_CHECKING:
    from gateway.store.ledger.touched import Touched

KIND = "lost"
_NO_LOSS = ("same_value", "merged_in", "undecided")


def lost(it: Field, planned: Planned) -> set[str]:
    """Edits that stood, or were a side, until this one; the field is as it was before."""
    new, said = planned.edit, planned.resolution
    if said.conflict or it.reopens is not None:
        return set()
    if it.conflict is not None and new.kind == "resolve":
        return set(it.heads) - {new.id}
    if it.standing is None or planned.standing.winner in (None, it.standing):
        return set()
    undone = new.kind == "revert" and planned.standing.winner == new.id
    return {it.standing} if undone or said.why.get(it.standing, "same_value") not in _NO_LOSS else set()


def note(batch: Touched, it: Field, planned: Planned, ids: Iterable[str]) -> None:
    """A due row for each that another person had made: whoever made it is told, once."""
    made = {each.id: (each.actor.kind, each.actor.id, each.trace) for each in it.added}
    asked = [(id_,) for id_ in sorted(set(ids) - made.keys())]
    if asked:
        rows = sql.ask_in(batch.connection, "SELECT id, actor_kind, actor, trace FROM edit WHERE id", asked)
        made |= {row[0]: (row[1], row[2], row[3]) for row in rows}
    for id_ in sorted(ids):
        kind, actor, trace = made.get(id_, ("", "", ""))
        if kind == "person" and actor != planned.edit.actor.id:
            batch.add("due", _row(it, id_, actor, trace, batch.now))


def _row(it: Field, edit: str, person: str, trace: str, now: int) -> dict[str, Any]:
    about = {"edit": edit, "record": it.record, "field": it.name, "person": person, "trace": plain(trace)}
    payload = orjson.dumps(about).decode()
    return {"key": f"{KIND}:{edit}"[:256], "kind": KIND, "at": now, "payload": payload, "leased_until": 0}
