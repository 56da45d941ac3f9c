"""A settlement that is undone: its conflict is open again, each side restated by whoever undid it.

The engine sees plain `revert` edits on top of the settlement. The first restates the value from before the conflict,
then what stood during it, then every side beside the others, so that sides, base and standing value come back as they
were. Nothing is written to any target: it waits for a person again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from gateway.store import sql
from gateway.store.ledger.batch import Batch, Item, item
from gateway.store.ledger.field import Field
from gateway.store.ledger.model import Incoming, Ingested
from gateway.store.ledger.rows import restating
from gateway.store.spans import source
from gateway.store.vault import Erased
from reconcile.model import Json
from reconcile.plan import edit_id
from reconcile.resolve import resolve, value_of


@dataclass(frozen=True, slots=True)
class _Case:
    """The conflict as it was before its settlement."""

    conflict: str
    decision: str
    heads: tuple[str, ...]
    base: str | None
    standing: str | None


def reopen(batch: Batch, given: Incoming, settlement: str) -> Ingested | None:
    """None when `settlement` settled no conflict, somebody has built on it, or its sides would not conflict now."""
    it = batch.fields[(given.record, given.field)]
    seen = given.seen.parents if given.seen is not None else given.parents
    rule = batch.shared.rule(it.record, it.name)
    if it.conflict is not None or it.heads != (settlement,) or settlement not in seen:
        return None
    if not given.may_bind(rule.policy):
        return None
    case = _before(batch, it, settlement)
    if case is None:
        return None
    batch.alive(it.record)
    items = _items(given, settlement, case, _values(batch, it, case))
    if not resolve([batch.drafted(it, each) for each in items], rule.policy).conflict:
        return None
    batch.read_inbox(each.incoming.once for each in items)
    it.reopens = case.conflict
    made = [batch.ingest(each) for each in items]
    it.reopens = None
    opened = next((each for each in made if each.conflict == "opened"), made[-1])
    return replace(made[-1], conflict=opened.conflict, conflict_id=opened.conflict_id)


def _before(batch: Batch, it: Field, settlement: str) -> _Case | None:
    there, of = source(batch.connection, "p", "s")
    query = (
        "SELECT c.id, d.id, d.heads, d.base, d.standing FROM edit e JOIN conflict c ON c.closed_by = e.decision "  # noqa: S608
        f"CROSS JOIN {there} JOIN decision d ON d.id = p.decision "
        f"WHERE {of}.record = e.record AND {of}.field = e.field AND p.n = e.n - 1 "
        "AND e.id = ? AND e.record = ? AND e.field = ?"
    )
    row = sql.first(batch.connection, query, (settlement, *it.key))
    if row is None:
        return None
    conflict, *made = row
    decision, heads, base, standing = _redecided(batch, it, settlement) or made
    return _Case(conflict, decision, tuple(orjson.loads(heads)), base, standing)


def _redecided(batch: Batch, it: Field, settlement: str) -> Any:
    """What a change of policy made of the field between the edit before the settlement and the settlement."""
    query = (
        "SELECT d.id, d.heads, d.base, d.standing FROM policy_step p JOIN decision d ON d.id = p.after "
        "AND d.cause = 'policy' JOIN edit e ON e.record = p.record AND e.field = p.field AND e.n = p.n + 1 "
        "WHERE p.record = ? AND p.field = ? AND e.id = ? ORDER BY d.seq DESC LIMIT 1"
    )
    return sql.first(batch.connection, query, (*it.key, settlement))


def _values(batch: Batch, it: Field, case: _Case) -> dict[str, Json]:
    wanted = sorted({*case.heads, *(each for each in (case.base, case.standing) if each is not None)})
    values = {each.id: value_of(each) for each in batch.load(it, wanted)}
    if case.standing is None:  # put together from several: kept under its decision
        held = batch.shared.vault.get_many(batch.connection, [case.decision]).get(case.decision)
        values[case.decision] = None if isinstance(held, Erased) else held
    return values


def _items(given: Incoming, settlement: str, case: _Case, values: dict[str, Json]) -> list[Item]:
    """In the order in which they are to be ingested: base, what stood, the sides."""
    stood = case.standing or case.decision
    base = _item(given, settlement, case.base or "", values.get(case.base or ""), (settlement,), "base")
    if stood in case.heads:
        others = [each for each in case.heads if each != stood]
        return [base, *(_item(given, settlement, each, values[each], _ids(base)) for each in (stood, *others))]
    held = _item(given, settlement, stood, values.get(stood), _ids(base), "stood")
    *first, last = case.heads
    beside = [_item(given, settlement, each, values[each], _ids(base)) for each in first]
    return [base, held, *beside, _item(given, settlement, last, values[last], _ids(base, held))]


def _ids(*items: Item) -> Sequence[str]:
    return [each.id for each in items if each.id is not None]


def _item(given: Incoming, settlement: str, side: str, value: Json, parents: Iterable[str], which: str = "") -> Item:
    once = f"{given.once}:{which or side}"
    source = replace(given.source, instance=restating(settlement, side))
    incoming = replace(
        given, kind="revert", value=value, source=source, once=once, seen=None, parents=frozenset(parents)
    )
    return item(incoming, edit_id(once, given.record, given.field))
