"""From decisions to what the targets must be told, and from what the targets say to edits.

A target's own change becomes an edit; the echo of what we wrote there, however the target spells it, does not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.store import sql
from gateway.store.ledger.field import Field, There, Write
from gateway.store.ledger.rows import spelt
from reconcile.model import Edit, Source
from reconcile.policy import LIFE

if TYPE_CHECKING:
    from gateway.store.ledger.touched import Touched


def write_back(batch: Touched, it: Field, new: Edit) -> tuple[str, ...]:
    """After a decision: queues what targets lack. Returns those worth reading, as they hold the value unknowingly."""
    if it.name.startswith(LIFE):
        return ()  # a CRM alone says whether its record lives
    targets = batch.shared.targets(it.record, it.name)
    outside = (new.stream or "").partition("#")[0] not in targets
    if outside:
        _calm(it)
    label = new.source.watermark if it.standing == new.id else ""
    return tuple(target for target in targets if sync(batch, it, target, label=label, again=outside))


def write_again(batch: Touched, it: Field) -> None:
    """After a decision that no edit brought: queues what targets lack."""
    for target in () if it.name.startswith(LIFE) else batch.shared.targets(it.record, it.name):
        sync(batch, it, target)


def sync(
    batch: Touched, it: Field, target: str, *, label: str = "", again: bool = False, tries: int = 0, since: int = 0
) -> bool:
    """Queues the standing value for `target` unless it holds it, or writing there is disputed; nothing is queued
    while a conflict is open, and what waited when it opened is ended: what is written then is what a person decides.
    `again`: what was refused before may be tried once more. `since`: when this value was queued first (ms).
    True: worth a read."""
    if it.conflict is not None or not it.heads:
        for write in _writes(it, target, "waiting"):
            _end(batch, it, write)
        return False
    there = it.there.get(target)
    if it.standing_image in _expected(it, target) or (there is not None and there.disputed):
        for write in _writes(it, target, "waiting", "refused"):
            _end(batch, it, write)
        return there is not None and not set(it.heads) <= {*there.acked, there.last_edit}
    for write in _writes(it, target, "waiting", "refused"):
        if write.state == "refused" and write.image == it.standing_image and not again:
            return False
        _end(batch, it, write)
    _queue(batch, it, target, label or _label(batch, it), tries, since or batch.now)
    return False


def _calm(it: Field) -> None:
    """An edit from outside the targets: whatever fought us may have been meant this time."""
    for there in it.there.values():
        if there.fights:
            there.fights, there.fought, there.dirty = 0, "", True


def _expected(it: Field, target: str) -> set[str]:
    """What the target holds, or will once it answers."""
    for write in _writes(it, target, "sent"):
        return {write.image}
    there = it.there.get(target)
    return {there.seen, there.written} - {""} if there is not None else set()


def _writes(it: Field, target: str, *states: str) -> Iterator[Write]:
    return (write for write in list(it.writes) if write.target == target and write.state in states)


def _end(batch: Touched, it: Field, write: Write) -> None:
    """Coalesced away: a newer decision took its place."""
    it.writes.remove(write)
    if write.row is not None:
        batch.rows["outbox"].remove(write.row)
    else:
        batch.ended.add(write.id)


def _queue(batch: Touched, it: Field, target: str, label: str, tries: int, since: int) -> None:
    id_ = f"{batch.now:012x}{os.urandom(8).hex()}"
    row = {
        "id": id_,
        "target": target,
        "record": it.record,
        "field": it.name,
        "value": it.standing_value,
        "image": it.standing_image,
        "decision": it.decision,
        "heads": spelt(it.heads),
        "label": label,
        "state": "waiting",
        "precondition": None,
        "tries": tries,
        "due_at": batch.now + backoff(tries),
        "lease": 0,
        "owner": "",
        "version": None,
        "overwrote_unseen": False,
        "why": "",
        "at": since,
    }
    batch.add("outbox", row)
    it.writes.append(Write(id_, target, it.standing_image, "waiting", row))


def backoff(tries: int) -> int:
    """Milliseconds before the next try: 0, then 1 s doubling to 5 minutes, each with up to a quarter more."""
    if tries <= 0:
        return 0
    wait: int = min(1000 * 2 ** min(tries - 1, 20), 300_000)
    return wait + int.from_bytes(os.urandom(2), "big") % (wait // 4)


def _label(batch: Touched, it: Field) -> str:
    query = "SELECT system, surface, source_version FROM edit WHERE id = ?"
    for edit in it.added:
        if edit.id == it.standing:
            return edit.source.watermark
    row = sql.first(batch.connection, query, (it.standing,)) if it.standing else None
    return Source(*row).watermark if row is not None else ""


def acknowledged(batch: Touched, it: Field, target: str, version: int, heads: tuple[str, ...]) -> None:
    """The target knows these heads as of `version`: what is changed there later has seen them."""
    row = {"target": target, "record": it.record, "field": it.name, "version": version, "heads": spelt(heads)}
    batch.add("ack", row)
    there = it.there.setdefault(target, There())
    there.acked, there.dirty = heads, True


def echo(it: Field, target: str, version: int, raw: str, image: str) -> bool:
    """Whether what was read says nothing new: the target's own last value, or its rendering of ours."""
    there = it.there.get(target)
    if there is None:
        return False
    ours = there.written != "" and there.position == version
    if not (image in (there.seen, there.written) or ours):
        return False
    if (there.raw, there.seen) != (raw, image) and there.position <= version:
        there.raw, there.seen, there.dirty = raw, image, True
    return True


def changed_there(it: Field, target: str, version: int, raw: str, image: str, edit: str, by: str) -> None:
    """The target's value changed by itself. Notes when it answers the same write of ours in the same way again."""
    there = it.there.setdefault(target, There())
    pair = f"{there.written}>{image}"
    if there.written:
        there.fights = there.fights + 1 if pair == there.fought else 1
        there.fought, there.automation = pair, by
    it.there[target] = replace(there, position=version, raw=raw, seen=image, written="", last_edit=edit, dirty=True)


def settled(batch: Touched, it: Field, target: str, began: int, version: int, image: str) -> None:
    """A read begun after the decision that returns its value is an acknowledgement too."""
    there = it.there.get(target)
    if there is None or it.conflict is not None or it.standing_image != image or it.decided_at > began:
        return
    if not set(it.heads) <= {*there.acked, there.last_edit}:
        acknowledged(batch, it, target, version, it.heads)


def written(batch: Touched, it: Field, target: str, version: int, image: str, rendered: tuple[str, str]) -> None:
    """The target took our write as `version` and spells it as `rendered` (raw, normalised)."""
    there = it.there.setdefault(target, There())
    there.position, there.written, there.written_at, there.dirty = version, image, batch.now, True
    there.raw, there.seen = rendered
