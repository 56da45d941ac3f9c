"""Changes of merge policies as rows: proposed, approved, applied step by step, taken back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Literal, get_args

from sqlalchemy import Connection, func, insert, select, update

from cards.words import N_
from gateway.errors import Refused
from gateway.store import sql
from gateway.store.counters import count_once
from gateway.store.engine import Store
from gateway.store.tables_ledger import DECIDING
from gateway.store.tables_policy import policy_change, policy_step
from reconcile.model import Json, MergePolicy
from reconcile.policy import Policies, policy_hash

State = Literal["planning", "trying", "planned", "failed", "applying", "applied", "undoing", "undone", "cancelled"]
Phase = Literal["apply", "undo"]
STATES: Final = get_args(State)
COUNTER: Final = "policies"
"""Grows with whatever is in force."""
OPEN: Final = ("planning", "applying", "undoing")
"""States in which a gateway has work to do."""
PLANNED: Final = ("planning", "trying")
"""`trying`: being planned by a command, in a process of its own."""
IN_FORCE: Final = ("applying", "applied")
_UNKNOWN = N_("There is no such change of policy.")
_BUSY = N_("Another change of {field} is being applied or undone. Wait until it is done.")
_LATER = N_("A later change rules {field} now. Undo that one first.")


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """`since`: fields decided before are left as they are (ms; 0: none is). `records`: these customers alone."""

    id: str
    policies: Mapping[str, MergePolicy]
    state: State = "planned"
    since: int = 0
    records: tuple[str, ...] = ()
    keep_settled: bool = False
    proposed_by: str = ""
    proposed_at: int = 0
    approved_by: str = ""
    approved_at: int = 0
    reason: str = ""
    ended_by: str = ""
    ended_at: int = 0
    ended_why: str = ""
    ends_as: str = ""
    done: int = 0
    total: int = 0
    report: Mapping[str, Json] | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(sorted(self.policies))

    @property
    def hashes(self) -> frozenset[str]:
        """Of decisions that were made under it."""
        return frozenset(map(policy_hash, self.policies.values()))


@dataclass(frozen=True, slots=True)
class PolicyStep:
    """One field that a change decides or decided again."""

    record: str
    field: str
    state: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """The change a decision was made by, or under; `before`: what it replaced when it was made by it."""

    change: PolicyChange
    before: str = ""
    undoes: bool = False


class PolicyChanges:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def propose(self, change: PolicyChange) -> None:
        await self._store.write(_propose, change)

    async def get(self, id_: str) -> PolicyChange | None:
        return await self._store.read(lambda connection: found(connection, id_))

    async def all(self, states: Sequence[str] = STATES, limit: int = 50) -> list[PolicyChange]:
        """Newest first."""
        return await self._store.read(lambda connection: _all(connection, states, limit))

    async def progress(self, id_: str, done: int, total: int) -> bool:
        """Of planning; False once nobody waits for it any more."""
        return await self._store.write(_progress, (id_, done, total))

    async def steps_found(self, id_: str, keys: Sequence[tuple[str, str]]) -> None:
        """Fields that the plan found to be decided differently."""
        await self._store.write(_found, (id_, keys))

    async def planned(self, id_: str, report: Mapping[str, Json] | None) -> None:
        """None: it could not be planned."""
        await self._store.write(_planned, (id_, report))

    async def approve(self, id_: str, by: str, reason: str, keep_settled: bool, now: int) -> PolicyChange:
        """From now on it rules. Raises `Refused`."""
        return await self._store.write(_approve, (id_, by, reason, keep_settled, now))

    async def end(self, id_: str, by: str, why: str, now: int) -> PolicyChange:
        """Cancels what is planned or being applied, undoes what is applied. Raises `Refused`."""
        return await self._store.write(_end, (id_, by, why, now))

    async def untold(self, id_: str, limit: int = 500) -> list[PolicyStep]:
        """Steps whose cards were not drawn again yet."""
        return await self._store.read(lambda connection: _steps(connection, id_, ("done",), limit))

    async def steps(self, id_: str, limit: int = 100) -> list[PolicyStep]:
        """Those that made a decision."""
        return await self._store.read(lambda connection: _steps(connection, id_, ("done", "told"), limit))

    async def told(self, id_: str, steps: Sequence[PolicyStep]) -> None:
        await self._store.write(_told, (id_, steps))

    async def with_untold(self) -> list[str]:
        """Changes with steps whose cards were not drawn again yet."""
        return await self._store.read(_with_untold)

    async def why(self, decision: str, policy: str) -> Why | None:
        """The change by which, or under whose policy, a decision was made."""
        return await self._store.read(lambda connection: _why(connection, decision, policy))


# -- rows


def document(policy: MergePolicy) -> dict[str, Json]:
    return {name: list(it) if isinstance(it, tuple) else it for name, it in asdict(policy).items()}


def policy_of(said: Mapping[str, Any]) -> MergePolicy:
    known = {column.name for column in fields(MergePolicy)}
    columns: dict[str, Any] = {name: tuple(it) if isinstance(it, list) else it for name, it in said.items()}
    return MergePolicy(**{name: it for name, it in columns.items() if name in known})


def _change(row: Any) -> PolicyChange:
    columns = dict(row._mapping)
    policies = {name: policy_of(said) for name, said in json.loads(columns.pop("policies")).items()}
    records, report = tuple(json.loads(columns.pop("records"))), columns.pop("report")
    return PolicyChange(policies=policies, records=records, report=json.loads(report) if report else None, **columns)


def found(connection: Connection, id_: str) -> PolicyChange | None:
    row = connection.execute(select(policy_change).where(policy_change.c.id == id_)).one_or_none()
    return None if row is None else _change(row)


def _there(connection: Connection, id_: str) -> PolicyChange:
    """Its row is locked until the commit."""
    row = connection.execute(select(policy_change).where(policy_change.c.id == id_).with_for_update()).one_or_none()
    if row is None:
        raise Refused(_UNKNOWN)
    return _change(row)


def _all(connection: Connection, states: Sequence[str], limit: int) -> list[PolicyChange]:
    query = select(policy_change).where(policy_change.c.state.in_(states))
    newest = query.order_by(policy_change.c.proposed_at.desc(), policy_change.c.id).limit(limit)
    return [_change(row) for row in connection.execute(newest)]


def _set(connection: Connection, id_: str, **columns: Any) -> None:
    connection.execute(update(policy_change).where(policy_change.c.id == id_).values(**columns))


def _propose(connection: Connection, changes: Sequence[PolicyChange]) -> list[None]:
    for change in changes:
        row = asdict(replace(change, policies={}, report=None))
        row["policies"] = json.dumps({name: document(one) for name, one in sorted(change.policies.items())})
        row["records"] = json.dumps(list(change.records))
        row["report"] = json.dumps(change.report) if change.report is not None else ""
        connection.execute(insert(policy_change).values(**row))
    return [None] * len(changes)


def _progress(connection: Connection, items: Sequence[tuple[str, int, int]]) -> list[bool]:
    out = []
    for id_, done, total in items:
        moves = update(policy_change).where(policy_change.c.id == id_, policy_change.c.state.in_(PLANNED))
        out.append(connection.execute(moves.values(done=done, total=total)).rowcount == 1)
    return out


def _found(connection: Connection, items: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> list[None]:
    for id_, keys in items:
        pend(connection, id_, "apply", keys)
    return [None] * len(items)


def pend(connection: Connection, id_: str, phase: Phase, keys: Iterable[tuple[str, str]]) -> None:
    blank = {"state": "pending", "before": "", "after": "", "n": 0, "standing": None, "standing_value": None}
    rows = [{"change": id_, "phase": phase, "record": record, "field": field, **blank} for record, field in keys]
    sql.store(connection, policy_step, rows, "keep")


def _planned(connection: Connection, items: Sequence[tuple[str, Mapping[str, Json] | None]]) -> list[None]:
    for id_, report in items:
        change = found(connection, id_)
        if change is not None and change.state in PLANNED:
            state = "planned" if report is not None else "failed"
            _set(connection, id_, state=state, report=json.dumps(report) if report is not None else "")
    return [None] * len(items)


# -- what people do


def _alone(connection: Connection) -> None:
    """What was begun under the policies of before is decided by now, and will be looked at."""
    sql.alone(connection, COUNTER)
    sql.alone(connection, DECIDING)


def _approve(connection: Connection, items: Sequence[tuple[str, str, str, bool, int]]) -> list[PolicyChange]:
    return [_approve_one(connection, *each) for each in items]


def _approve_one(connection: Connection, id_: str, by: str, reason: str, keep: bool, now: int) -> PolicyChange:
    _alone(connection)
    change = _there(connection, id_)
    if change.state != "planned":
        raise Refused("This change is not waiting for an approval.")
    if not by or by == change.proposed_by:
        raise Refused("Somebody else than its proposer has to approve a change of policy.")
    if not reason.strip():
        raise Refused("Say why: the reason is kept with every decision.")
    _nothing_else(connection, change)
    total = _count(connection, id_, "apply")
    _set(
        connection,
        id_,
        state="applying",
        approved_by=by,
        approved_at=now,
        reason=reason.strip()[:1000],
        keep_settled=keep,
        done=0,
        total=total,
    )
    count_once(connection, COUNTER)
    return _there(connection, id_)


def _nothing_else(connection: Connection, change: PolicyChange) -> None:
    for other in _all(connection, ("applying", "undoing"), 1000):
        for field in sorted(change.policies.keys() & other.policies.keys()):
            if other.id != change.id:
                raise Refused(_BUSY, field=field)


def _end(connection: Connection, items: Sequence[tuple[str, str, str, int]]) -> list[PolicyChange]:
    return [_end_one(connection, *each) for each in items]


def _end_one(connection: Connection, id_: str, by: str, why: str, now: int) -> PolicyChange:
    _alone(connection)
    change = _there(connection, id_)
    ended = {"ended_by": by, "ended_at": now, "ended_why": why.strip()[:1000]}
    if change.state in (*PLANNED, "planned"):
        _set(connection, id_, state="cancelled", **ended)
        return _there(connection, id_)
    if change.state not in IN_FORCE:
        raise Refused("This change is neither planned nor in force.")
    if change.state == "applied" and not ended["ended_why"]:
        raise Refused("Say why: the reason is kept with every decision.")
    if change.state == "applied":
        _nothing_else(connection, change)
        _none_later(connection, change)
    ends = "cancelled" if change.state == "applying" else "undone"
    _set(connection, id_, state="undoing", ends_as=ends, done=0, total=0, **ended)
    count_once(connection, COUNTER)
    return _there(connection, id_)


def _none_later(connection: Connection, change: PolicyChange) -> None:
    for other in _all(connection, IN_FORCE, 1000):
        for field in sorted(change.policies.keys() & other.policies.keys()):
            if (other.approved_at, other.id) > (change.approved_at, change.id):
                raise Refused(_LATER, field=field)


# -- what rules


def asking_version(connection: Connection) -> Callable[[], int]:
    """How often a change was put in force or taken back, had by calling it."""
    rows = sql.asking(connection, "SELECT n FROM counter WHERE name = ?", (COUNTER,))
    return lambda: next((int(n) for (n,) in rows()), 0)


def ruling(connection: Connection, configured: Policies) -> Policies:
    """The configuration's policies with every change in force laid over them, the latest on top."""
    over = dict(configured.fields)
    for change in sorted(_all(connection, IN_FORCE, 1000), key=lambda each: (each.approved_at, each.id)):
        over |= change.policies
    return Policies(configured.default, configured.kinds, over, configured.named)


# -- steps


def _count(connection: Connection, id_: str, phase: str) -> int:
    where = (policy_step.c.change == id_, policy_step.c.phase == phase)
    return int(connection.execute(select(func.count()).select_from(policy_step).where(*where)).scalar_one())


def _steps(connection: Connection, id_: str, states: Sequence[str], limit: int) -> list[PolicyStep]:
    c = policy_step.c
    query = select(c.record, c.field, c.state, c.before, c.after).where(c.change == id_, c.state.in_(states))
    rows = connection.execute(query.order_by(c.record, c.field, c.phase).limit(limit))
    return [PolicyStep(*row) for row in rows]


def _told(connection: Connection, items: Sequence[tuple[str, Sequence[PolicyStep]]]) -> list[None]:
    told = "UPDATE policy_step SET state = 'told' WHERE change = ? AND record = ? AND field = ? AND after = ?"
    for id_, steps in items:
        sql.many(connection, told, [(id_, step.record, step.field, step.after) for step in steps])
    return [None] * len(items)


def _with_untold(connection: Connection) -> list[str]:
    recent = select(policy_change.c.id).where(policy_change.c.state.in_(("applying", "applied", "undoing", *_ENDS)))
    done = select(policy_step.c.change).where(
        policy_step.c.change == policy_change.c.id,
        policy_step.c.phase.in_(("apply", "undo")),
        policy_step.c.state == "done",
    )
    return list(connection.execute(recent.where(done.exists())).scalars())


_ENDS = ("undone", "cancelled")


def _why(connection: Connection, decision: str, policy: str) -> Why | None:
    row = sql.first(connection, "SELECT change, phase, before FROM policy_step WHERE after = ?", (decision,))
    change = found(connection, row[0] if row is not None else policy)
    if change is None:
        return None
    return Why(change, row[2] if row is not None else "", row is not None and row[1] == "undo")
