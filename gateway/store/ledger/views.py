"""What the ledger knows, read for people: what stands, why, and how it came to be so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection

from cards.words import N_
from gateway.errors import Refused
from gateway.store import sql
from gateway.store.ledger.field import FIGHTS, Field, field_of
from gateway.store.ledger.model import (
    Before,
    Challenger,
    ConflictCase,
    DecisionView,
    FieldState,
    HistoryRow,
    WriteState,
)
from gateway.store.ledger.outbox import UNSURE, why_refused
from gateway.store.ledger.rows import (
    DECISION,
    EDIT,
    VALUE,
    WITH_VALUE,
    challenger,
    decision_of,
    edit_columns,
    edit_of,
    restated,
)
from gateway.store.ledger.touched import Shared
from gateway.store.spans import in_order, source
from gateway.store.tables_ledger import OPEN, field_state
from gateway.store.tables_ledger import edit as edit_table
from gateway.store.vault import Erased, Vault
from gateway.telemetry import plain
from reconcile.chain import read_trace_code
from reconcile.model import EditKind, Json, Reason, Source

GONE = N_("This value is not there any more.")
_WIDTH = len(edit_table.columns)
_SYSTEM = Challenger("", "set", None, "", "", "system", "", 0)


def states(shared: Shared, connection: Connection, record: str, field: str | None = None) -> dict[str, FieldState]:
    only, asked = (" AND f.field = ?", (record, field)) if field is not None else ("", (record,))
    query = f"{_STATES} WHERE f.record = ?{only} AND f.n > 0"
    read = [(field_of(row[:-3]), _Made(*row[-3:])) for row in sql.ask(connection, query, asked)]
    fields, made = [it for it, _ in read], {it.name: how for it, how in read}
    spoken = _spoken(shared.vault, connection, (id_ for it in fields for id_ in _spoken_of(it, made[it.name])))
    merged = shared.vault.get_many(
        connection, [it.standing_value for it in fields if it.standing is None and it.standing_value is not None]
    )
    writes = _writes(shared, connection, record, fields)
    return {it.name: _state(it, made[it.name], spoken, merged, writes[it.name]) for it in fields}


class Wrote(NamedTuple):
    """How far a value came; `at`: when the target took it, where we wrote it."""

    state: WriteState
    why: str = ""
    at: int = 0


class _Made(NamedTuple):
    """What a state tells of the decision that made it."""

    reason: Reason
    base: str | None
    losing: str


_STATES = (
    f"SELECT {', '.join(f'f.{column.name}' for column in field_state.columns)}, d.reason, d.base, d.why "  # noqa: S608
    "FROM field_state f JOIN decision d ON d.id = f.decision"
)
_SAID = (
    "SELECT e.id, e.kind, e.system, e.surface, e.source_version, e.actor_kind, e.actor, e.effective_time, "  # noqa: S608
    f"e.instance, {VALUE} FROM edit e {WITH_VALUE} WHERE e.id"
)


def _spoken(vault: Vault, connection: Connection, ids: Iterable[str]) -> dict[str, Challenger]:
    """With those that one of them says again."""
    found: dict[str, Challenger] = {}
    wanted = set(ids)
    while wanted:
        rows = sql.ask_in(connection, _SAID, [(id_,) for id_ in sorted(wanted)])
        found |= {row[0]: _said(vault, *row) for row in rows}
        wanted = {each.restates for each in found.values()} - found.keys() - wanted - {""}
    return found


def _said(
    vault: Vault,
    id_: str,
    kind: EditKind,
    system: str,
    surface: str,
    version: str,
    actor_kind: str,
    actor: str,
    at: int,
    instance: str,
    *sealed: Any,
) -> Challenger:
    value = _value(vault, sealed)
    erased = value.at if isinstance(value, Erased) else None
    shown = None if isinstance(value, Erased) else value
    watermark = Source(system, surface, version).watermark
    said = (id_, kind, shown, system, watermark, actor_kind, actor, at, erased, "")
    return Challenger(*said, *restated(kind, instance))


def _side(shown: Mapping[str, Challenger], id_: str, why: str = "") -> Challenger:
    """An edit of a conflict; one that only says another again, as that one was said."""
    first = _first(shown, id_)
    of = {name: getattr(first, name) for name in ("system", "source", "actor_kind", "actor", "at")}
    return replace(shown[id_], why=why, **of)


def _first(shown: Mapping[str, Challenger], id_: str) -> Challenger:
    while shown[id_].restates in shown:
        id_ = shown[id_].restates
    return shown[id_]


def _base(shown: Mapping[str, Challenger], id_: str) -> Challenger | None:
    """None as well where a settlement was undone to say that there was no value before."""
    if id_ not in shown or (_first(shown, id_).undoes and not _first(shown, id_).restates):
        return None
    return _side(shown, id_)


def _spoken_of(it: Field, made: _Made) -> list[str]:
    wanted = [*it.proposals, *([it.standing] if it.standing else [])]
    return [*wanted, *it.heads, *([made.base] if made.base else [])] if it.conflict else wanted


def _state(
    it: Field,
    made: _Made,
    shown: Mapping[str, Challenger],
    merged: Mapping[str, Json | Erased],
    write: Wrote,
) -> FieldState:
    stands = shown.get(it.standing or "", _SYSTEM)
    value: Json | Erased = merged.get(it.standing_value or "") if it.standing is None else stands.value
    erased = value.at if isinstance(value, Erased) else stands.erased_at
    losing: Mapping[str, str] = orjson.loads(made.losing) if it.conflict else {}
    return FieldState(
        record=it.record,
        field=it.name,
        value=None if isinstance(value, Erased) else value,
        source=stands.source,
        system=stands.system,
        actor_kind=stands.actor_kind,
        actor=stands.actor,
        as_of=stands.at or it.decided_at,
        decision=it.decision,
        edit=it.standing,
        reason=made.reason,
        heads=it.heads,
        proposals=it.proposals,
        conflict=it.conflict,
        challengers=tuple(_side(shown, id_, losing.get(id_, "")) for id_ in it.heads) if it.conflict else (),
        proposed=tuple(shown[id_] for id_ in it.proposals if id_ in shown),
        base=_base(shown, made.base or "") if it.conflict else None,
        write=write.state,
        why_refused=write.why,
        written_at=write.at,
        erased_at=erased,
    )


def _writes(shared: Shared, connection: Connection, record: str, fields: Iterable[Field]) -> dict[str, Wrote]:
    query = (
        "SELECT field, CASE WHEN state = 'sent' AND (lease = 0 OR owner <> ?) THEN 'in_doubt' ELSE state END, why "  # noqa: S608
        f"FROM outbox WHERE record = ? AND {OPEN.said}"
    )
    queued: dict[tuple[str, str], Wrote] = {}
    for field, state, kept in sql.ask(connection, query, (shared.owner, record)):
        why = why_refused(connection, shared.vault, record, kept) if state == "refused" else ""
        queued[field, state] = Wrote("in_doubt" if kept.startswith(UNSURE) else state, why)
    query = "SELECT field, target, seen, written, fights, automation, written_at FROM rendering WHERE record = ?"
    there = {(row[0], row[1]): row[2:] for row in sql.ask(connection, query, (record,))}
    return {it.name: _write(it, shared.targets(record, it.name), queued, there) for it in fields}


def _write(
    it: Field, targets: Iterable[str], queued: Mapping[tuple[str, str], Wrote], there: Mapping[tuple[str, str], Any]
) -> Wrote:
    told = [there[(it.name, target)] for target in targets if (it.name, target) in there]
    for _, _, fights, automation, _ in told:
        if fights >= FIGHTS:
            return Wrote("disputed", automation)
    if (refused := queued.get((it.name, "refused"))) is not None:
        return refused
    if (it.name, "waiting") in queued or (it.name, "sent") in queued:
        return Wrote("saved_here")
    if (it.name, "in_doubt") in queued:
        return Wrote("in_doubt")
    if any(it.standing_image in each[:2] for each in told):
        # a value that is there by the target's own doing was not written by us at the time of an older write
        return Wrote("in_crm", at=max((each[4] or 0) if each[1] else 0 for each in told))
    # Nothing is queued while people must decide; what stands until then is still ours alone.
    return Wrote("saved_here" if it.conflict is not None and targets else "")


def edits_of(
    vault: Vault, connection: Connection, ids: Iterable[str]
) -> dict[str, tuple[dict[str, Any], Json | Erased]]:
    query = f"SELECT {EDIT}, {VALUE} FROM edit e {WITH_VALUE} WHERE e.id"  # noqa: S608
    wanted = [(id_,) for id_ in sorted(set(ids))]
    rows = sql.ask_in(connection, query, wanted) if wanted else []
    return {row[0]: (edit_columns(row), _value(vault, row[_WIDTH:])) for row in rows}


def challengers(vault: Vault, connection: Connection, ids: Iterable[str]) -> dict[str, Challenger]:
    return {id_: challenger(columns, held) for id_, (columns, held) in edits_of(vault, connection, ids).items()}


def _value(vault: Vault, sealed: Any) -> Json | Erased:
    return vault.reveal(sealed[:5]) if sealed[0] is not None else None


def history(
    vault: Vault, connection: Connection, record: str, field: str, limit: int, before: int | None
) -> list[HistoryRow]:
    past = "" if before is None else " AND e.n < ?"
    there, of = source(connection, "e", "s")
    query = (
        f"SELECT {EDIT}, {VALUE}, {DECISION} FROM {there} {WITH_VALUE} "  # noqa: S608
        "JOIN decision d ON d.id = e.decision AND d.record = e.record "
        f"WHERE {of}.record = ? AND {of}.field = ?{past} ORDER BY {in_order(connection, 'e', 'DESC')} LIMIT ?"
    )
    asked = [record, field, *([] if before is None else [before]), limit]
    return [_past(vault, row) for row in sql.ask(connection, query, asked)]


def _past(vault: Vault, row: Any) -> HistoryRow:
    columns, made = edit_columns(row), decision_of(row[_WIDTH + 5 :])
    return HistoryRow(
        n=columns["n"],
        edit=challenger(columns, _value(vault, row[_WIDTH:])),
        decision=made.id,
        at=made.at,
        reason=made.resolution.reason,
        winner=made.resolution.winner,
        conflict=made.resolution.conflict,
        policy=made.policy,
        trace=plain(columns["trace"]),
        binding=columns["binding"],
        quarantined=columns["quarantined"],
        skewed=columns["skewed"],
        parents=tuple(orjson.loads(columns["parents"])),
        losers=made.resolution.why,
    )


def decision(vault: Vault, connection: Connection, trace: str) -> DecisionView | None:
    code = read_trace_code(trace)
    row = sql.first(connection, f"SELECT {DECISION} FROM decision d WHERE d.id = ?", (code,)) if code else None  # noqa: S608
    if row is None:
        return None
    bare = decision_of(row)
    said = bare.resolution
    ids = {*said.heads, *said.open_proposals, bare.trigger_edit, said.winner, said.base, bare.standing} - {None}
    edits = edits_of(vault, connection, (str(id_) for id_ in ids))
    source = said.winner or (code if said.reason == "merged" else None)
    value = vault.get_many(connection, [source]).get(source) if source else None
    document = sql.first(connection, "SELECT document FROM policy_used WHERE hash = ?", (bare.policy_hash,))
    trigger = edits.get(bare.trigger_edit or "")
    return DecisionView(
        decision=decision_of(row, None if isinstance(value, Erased) else value),
        edits={id_: challenger(columns, held, said.why.get(id_, "")) for id_, (columns, held) in edits.items()},
        policy=document[0] if document is not None else "",
        trigger=edit_of(trigger[0], None if isinstance(trigger[1], Erased) else trigger[1]) if trigger else None,
        erased_at=next((held.at for _, held in edits.values() if isinstance(held, Erased)), None),
    )


_CASE = (
    "SELECT c.id, c.record, c.field, c.opened_at, c.closed_at, c.closed_by, e.id, e.actor FROM conflict c "
    "LEFT JOIN decision d ON d.id = c.closed_by LEFT JOIN edit e ON e.id = d.cause_edit"
)


def conflicts(connection: Connection, open_only: bool, limit: int) -> list[ConflictCase]:
    where = " WHERE c.closed_at IS NULL" if open_only else ""
    return [_case(row) for row in sql.ask(connection, f"{_CASE}{where} ORDER BY c.opened_at LIMIT ?", (limit,))]


def conflict(connection: Connection, id_: str) -> ConflictCase | None:
    row = sql.first(connection, f"{_CASE} WHERE c.id = ?", (id_,))
    return _case(row) if row is not None else None


def _case(row: Any) -> ConflictCase:
    id_, record, field, opened_at, closed_at, closed_by, edit, actor = row
    return ConflictCase(id_, record, field, opened_at, closed_at, closed_by, edit, actor or "")


def value_of(vault: Vault, connection: Connection, id_: str) -> Json:
    found = edits_of(vault, connection, [id_]).get(id_)
    if found is None or isinstance(found[1], Erased):
        raise Refused(GONE)
    return found[1]


def before(vault: Vault, connection: Connection, record: str, field: str, id_: str) -> Before | None:
    there, of = source(connection, "p", "s")
    query = (
        f"SELECT d.id, d.standing FROM edit e CROSS JOIN {there} JOIN decision d ON d.id = p.decision "  # noqa: S608
        f"WHERE {of}.record = e.record AND {of}.field = e.field AND p.n = e.n - 1 "
        "AND e.id = ? AND e.record = ? AND e.field = ?"
    )
    row = sql.first(connection, query, (id_, record, field))
    if row is None:
        return None
    row = _decided_between(connection, record, field, id_) or row
    if row[1] is not None:
        return Before(row[1], value_of(vault, connection, row[1]))
    merged = vault.get_many(connection, [row[0]]).get(row[0])
    return Before(None, None if isinstance(merged, Erased) else merged)


def _decided_between(connection: Connection, record: str, field: str, id_: str) -> Any:
    """What a change of policy made of the field after the edit before `id_`: its newest decision, and what stood."""
    query = (
        "SELECT d.id, d.standing FROM policy_step p JOIN decision d ON d.id = p.after AND d.cause = 'policy' "
        "JOIN edit e ON e.record = p.record AND e.field = p.field AND e.n = p.n + 1 "
        "WHERE p.record = ? AND p.field = ? AND e.id = ? ORDER BY d.seq DESC LIMIT 1"
    )
    return sql.first(connection, query, (record, field, id_))
