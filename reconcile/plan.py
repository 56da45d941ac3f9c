"""What one ingest does to one field, before anything is stored: pure, from the rows it locked."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from reconcile.canonical import canonical, equal, sound
from reconcile.model import Edit, EditKind, Json, MergePolicy, Resolution, Standing
from reconcile.resolve import resolve, standing, value_of

ConflictStep = Literal["none", "opened", "open", "closed"]


@dataclass(frozen=True, slots=True)
class Planned:
    """`edit` as it is to be stored: bound or not, quarantined or not, and under an id of its own."""

    edit: Edit
    resolution: Resolution
    standing: Standing
    changed: bool
    """The decision or the standing value is another than before; a card that shows the field must be repainted."""
    conflict: ConflictStep
    write: bool
    """Targets that hold something else than `standing.value` should receive it."""
    duplicate: bool = False
    """The edit is stored already: nothing is to be done, and no decision made."""


def plan(
    history: Sequence[Edit], incoming: Edit, policy: MergePolicy, previous: Standing | None, may_bind: bool
) -> Planned:
    """`history` is every edit of the field so far. `may_bind`: the actor of a resolve or revert is an authenticated
    person holding the policy's `min_role`; it says nothing about other kinds."""
    before = resolve(history, policy)
    held = standing(previous, before, history, policy)
    edit, known = _stored_as(history, incoming, policy, may_bind)
    if known:
        return Planned(edit, before, held, False, "open" if before.conflict else "none", False, True)
    edits = [*history, edit]
    after = resolve(edits, policy)
    holds = standing(held if history else previous, after, edits, policy)
    changed = (after, holds) != (before, held)
    settled = not after.conflict and after.reason != "empty"
    write = changed and settled and not edit.quarantined
    return Planned(edit, after, holds, changed, _step(before.conflict, after.conflict), write)


def _step(was: bool, is_: bool) -> ConflictStep:
    if was:
        return "open" if is_ else "closed"
    return "opened" if is_ else "none"


def _stored_as(history: Sequence[Edit], incoming: Edit, policy: MergePolicy, may_bind: bool) -> tuple[Edit, bool]:
    """The edit as stored, and whether it is there already."""
    by_id = {edit.id: edit for edit in history}
    known = by_id.get(incoming.id)
    if known is not None and _same(known, incoming, policy):
        return known, True
    if known is not None:
        other = replace(incoming, id=_beside(incoming), quarantined=True)
        return by_id.get(other.id, other), other.id in by_id
    if any(_same_position(edit, incoming) for edit in history):
        return replace(incoming, quarantined=True), False
    bound = incoming.binding and _may_bind(incoming, policy, may_bind) and not _superseded(history, incoming)
    return replace(incoming, binding=bound), False


def _may_bind(edit: Edit, policy: MergePolicy, may_bind: bool) -> bool:
    if edit.kind == "proposal" or edit.source.system in policy.propose_only:
        return False
    return may_bind or edit.kind not in ("resolve", "revert")


def _same(known: Edit, incoming: Edit, policy: MergePolicy) -> bool:
    """A read and a feed event of one position are one edit, however they came in."""
    a, b = value_of(known), value_of(incoming)
    if not (sound(a) and sound(b)):
        return repr(a) == repr(b)
    return equal(policy.normaliser, a, b)


def _same_position(edit: Edit, incoming: Edit) -> bool:
    if incoming.stream is None or incoming.watermark is None:
        return False
    return (edit.stream, edit.watermark) == (incoming.stream, incoming.watermark)


def _superseded(history: Sequence[Edit], incoming: Edit) -> bool:
    """A read has already told what the source held at a later position."""
    if incoming.stream is None or incoming.watermark is None:
        return False
    return any(
        edit.kind == "snapshot"
        and edit.stream == incoming.stream
        and edit.watermark is not None
        and edit.watermark > incoming.watermark
        for edit in history
    )


def _beside(incoming: Edit) -> str:
    return f"{incoming.id}~{_id(incoming.payload_hash, incoming.once)[:8]}"


def snapshot_id(source: str, record: str, field: str, position: int) -> str:
    """The id of what `source` held at `position`, whether it was read or came by the feed."""
    return _id("position", source, record, field, position)


def edit_id(once: str, record: str, field: str) -> str:
    """The id of an edit from its deduplication key: a redelivery has the same."""
    return _id("once", once, record, field)


def _id(*parts: str | int) -> str:
    # 120 bits; escaped JSON takes any text, lone surrogates included, and keeps the parts apart
    raw = hashlib.sha256(json.dumps(parts).encode("ascii")).digest()[:15]
    return b32encode(raw).decode("ascii").lower()


def payload_hash(key: bytes, *, record: str, field: str, kind: EditKind, value: Json) -> str:
    """What a redelivery under the same key must repeat. Keyed, since the plain hash of a phone number is guessed
    in a second. Raises ValueError for a value without canonical spelling."""
    body = canonical([record, field, kind, None if kind == "clear" else value])
    return hmac.digest(key, b"floatcard payload\0" + body, "sha256").hex()
