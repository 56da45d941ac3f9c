"""A field decided again without a new edit, because the policy that rules it is another now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from gateway.store import sql
from gateway.store.ledger.batch import Batch, item
from gateway.store.ledger.field import Field
from gateway.store.ledger.model import Incoming
from gateway.store.ledger.rows import DECISION, decision_of, decision_row, inputs_digest
from gateway.store.ledger.ruling import Rule
from gateway.store.ledger.writeback import write_again
from gateway.store.policy_changes import Phase, PolicyChange, found, pend
from gateway.store.vault import Erased, Keys
from reconcile.canonical import canonical
from reconcile.model import Actor, Resolution, Source, Standing
from reconcile.resolve import resolve, standing

LABORATORY = Source("floatcard", "Policy laboratory")
_STEP = "UPDATE policy_step SET state = ?, before = ?, after = ?, n = ?, standing = ?, standing_value = ? "
_STEP += "WHERE change = ? AND phase = ? AND record = ? AND field = ?"
_PENDING = "SELECT record, field FROM policy_step WHERE change = ? AND phase = ? AND state = 'pending' "
_PENDING += "ORDER BY record, field LIMIT ?"


@dataclass(frozen=True, slots=True)
class Again:
    resolution: Resolution
    standing: Standing


def work(batch: Batch, id_: str, limit: int) -> PolicyChange | None:
    """The next fields of a change that is being applied or undone; the change as it is then."""
    connection = batch.connection
    sql.alone(connection, f"policy {id_}")
    change = found(connection, id_)
    if change is None or change.state not in ("applying", "undoing"):
        return change
    phase: Phase = "apply" if change.state == "applying" else "undo"
    keys = _next(connection, change, phase, limit)
    if not keys:
        return _ended(connection, change)
    batch.lock(keys)
    _again(batch, change, phase, keys)
    done = "UPDATE policy_change SET done = done + ? WHERE id = ?"
    sql.change(connection, done, (len(keys), id_))
    return found(connection, id_)


def _next(connection: Connection, change: PolicyChange, phase: Phase, limit: int) -> list[tuple[str, str]]:
    """Of what was found before; then of what was decided by another policy meanwhile, until there is nothing."""
    keys = _pending(connection, change, phase, limit)
    if keys:
        return keys
    pend(connection, change.id, phase, missed(connection, change, phase))
    counted = "UPDATE policy_change SET total = (SELECT count(*) FROM policy_step WHERE change = ? AND phase = ?) "
    sql.change(connection, f"{counted}WHERE id = ?", (change.id, phase, change.id))
    return _pending(connection, change, phase, limit)


def _pending(connection: Connection, change: PolicyChange, phase: Phase, limit: int) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in sql.ask(connection, _PENDING, (change.id, phase, limit))]


def missed(connection: Connection, change: PolicyChange, phase: Phase) -> list[tuple[str, str]]:
    """Applying: fields decided since the plan was made, and not under the change. Undoing: those decided under it."""
    names, hashes = (",".join("?" * len(some)) for some in (change.fields, change.hashes))
    under = "IN" if phase == "undo" else "NOT IN"
    query = (
        f"SELECT s.record, s.field FROM field_state s WHERE s.field IN ({names}) AND s.policy_hash {under} ({hashes}) "  # noqa: S608
        "AND s.n > 0 AND s.decided_at >= ? AND NOT EXISTS (SELECT 1 FROM policy_step p WHERE p.change = ? "
        "AND p.phase = ? AND p.record = s.record AND p.field = s.field)"
    )
    since = change.proposed_at if phase == "apply" else 0
    rows = sql.ask(connection, query, (*change.fields, *sorted(change.hashes), since, change.id, phase))
    only = set(change.records) if phase == "apply" else set()
    return [(row[0], row[1]) for row in rows if not only or row[0] in only]


def _ended(connection: Connection, change: PolicyChange) -> PolicyChange | None:
    state = "applied" if change.state == "applying" else change.ends_as
    moves = "UPDATE policy_change SET state = ? WHERE id = ? AND state = ?"
    sql.change(connection, moves, (state, change.id, change.state))
    return found(connection, change.id)


def _again(batch: Batch, change: PolicyChange, phase: Phase, keys: Sequence[tuple[str, str]]) -> None:
    """Every one of these fields, and what came of it noted beside it."""
    before = {key: _applied(batch.connection, change, key) for key in keys} if phase == "undo" else {}
    batch.read_inbox(_once(change, batch.fields[key]) for key in keys)
    rows: list[tuple[Any, ...]] = []
    for key in keys:
        it = batch.fields[key]
        was = (it.decision, it.n, it.standing, it.standing_value)
        changed = redecide(batch, it, before.get(key), change if phase == "apply" and change.keep_settled else None)
        state = "done" if changed else "same"
        after = it.decision if changed else ""
        rows.append((state, was[0], after, was[1], was[2], was[3], change.id, phase, *key))
    sql.many(batch.connection, _STEP, rows)


def _applied(connection: Connection, change: PolicyChange, key: tuple[str, str]) -> Any:
    """(after, n, standing, standing_value) of the step that applied the change to this field."""
    query = "SELECT after, n, standing, standing_value FROM policy_step WHERE change = ? AND phase = 'apply' "
    return sql.first(connection, f"{query}AND record = ? AND field = ? AND after <> ''", (change.id, *key))


def redecide(batch: Batch, it: Field, applied: Any = None, keep: PolicyChange | None = None) -> bool:
    """Whether another decision had to be made. `applied`: what is to be put back if nobody built on it.
    `keep`: a value nobody disputes stays as it is, by an edit of the change's approver."""
    keys = batch.keys.get(it.record)
    if it.n == 0 or not isinstance(keys, Keys):
        return False
    rule = batch.shared.rule(it.record, it.name)
    edits = it.past = it.past if it.past is not None else batch.load(it, None)
    was = batch.stand(it)
    resolution = resolve(edits, rule.policy)
    holds = _restored(batch, it, applied, resolution) or standing(was, resolution, edits, rule.policy)
    if _same(batch, it, Again(resolution, holds), was, keys):
        if it.policy_hash != rule.hash:
            it.policy_hash, it.dirty = rule.hash, True
        return False
    if keep is not None and it.conflict is None and (resolution.conflict or holds.value != was.value):
        batch.ingest(item(_settling(it, was, keep)))
        return True
    _decide(batch, it, Again(resolution, holds), rule, keys)
    return True


def _same(batch: Batch, it: Field, said: Again, was: Standing, keys: Keys) -> bool:
    query = f"SELECT {DECISION} FROM decision d WHERE d.id = ?"  # noqa: S608
    made = decision_of(sql.first(batch.connection, query, (it.decision,)))
    one, other = made.resolution, said.resolution
    if (one.reason, one.winner, one.heads, one.conflict) != (other.reason, other.winner, other.heads, other.conflict):
        return False
    if (one.open_proposals, dict(one.why), was) != (other.open_proposals, dict(other.why), said.standing):
        return False
    return made.value_mac == keys.mac(canonical(other.value))


def _restored(batch: Batch, it: Field, applied: Any, resolution: Resolution) -> Standing | None:
    """While nobody edited the field since: what stood before the change, not what the change made of it."""
    if applied is None or (applied[0], applied[1]) != (it.decision, it.n) or not resolution.conflict:
        return None
    held = batch.shared.vault.get(batch.connection, applied[3]) if applied[3] is not None else None
    return Standing(applied[2], None if isinstance(held, Erased) else held)


def _decide(batch: Batch, it: Field, said: Again, rule: Rule, keys: Keys) -> None:
    made = batch.sealed(it.record, it.name, said, rule, keys, inputs_digest(it.inputs), None)
    batch.add("decision", decision_row(made))
    batch.policies[rule.hash] = rule.document
    batch.opens_or_closes(it, made)
    batch.settle(it, said.resolution, said.standing, made, rule, keys)
    write_again(batch, it)


def _once(change: PolicyChange, it: Field) -> str:
    return f"policy:{change.id}:{it.record}:{it.name}"


def _settling(it: Field, was: Standing, change: PolicyChange) -> Incoming:
    return Incoming(
        record=it.record,
        field=it.name,
        kind="resolve",
        value=was.value,
        source=LABORATORY,
        actor=Actor("person", change.approved_by),
        once=_once(change, it),
        parents=frozenset((*it.heads, *it.proposals)),
        role_ok=True,
    )
