"""What the console's lists ask: each one page of rows, found through an index, whatever else there is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, cast

import orjson
from sqlalchemy import Connection

from gateway.store import sql, upsert
from gateway.store.alerts import Alert, State
from gateway.store.engine import Store
from gateway.store.ledger import ConflictCase
from gateway.store.spans import source
from gateway.store.tables_console import conflict_owner

Cursor = tuple[int, str]
"""The time and the id of the last row one has."""


@dataclass(frozen=True, slots=True)
class RoomRow:
    """`members`: how many of each kind the network last told us of. `budget`: None as configured."""

    key: str
    title: str
    kind: str
    external: bool
    complete: bool
    rostered_at: int
    quiet_until: int
    bound: str
    budget: int | None
    members: Mapping[str, int] = field(default_factory=dict)
    cards: int = 0


@dataclass(frozen=True, slots=True)
class OpenCase:
    """`owner`: who was asked to look at it, empty for nobody."""

    case: ConflictCase
    owner: str
    owned_at: int


class AuditRow(NamedTuple):
    """A decision with the edit it was made for; one that a change of policy made has none."""

    decision: str
    at: int
    record: str
    field: str
    cause: str
    reason: str
    conflict: bool
    policy: str
    edit: str
    kind: str
    system: str
    surface: str
    actor_kind: str
    actor: str
    trace: str
    standing: str
    heads: tuple[str, ...]
    parents: tuple[str, ...]
    """What its maker had seen."""


Held = Literal["", "mine", "nobody"]
RoomsWhich = Literal["all", "quiet", "outside", "unread"]
Trouble = Literal["disputed", "refused"]
_TROUBLED: Mapping[Trouble, str] = {
    "disputed": "SELECT DISTINCT record FROM conflict WHERE closed_at IS NULL",
    "refused": "SELECT DISTINCT record FROM outbox WHERE state = 'refused'",
}
_MADE = "d.record, d.field, d.cause, d.reason, d.conflict, d.policy"
_EDIT = "e.id, e.kind, e.system, e.surface, e.actor_kind, e.actor, e.trace, d.standing, d.heads, e.parents"
_COLUMNS = 18


def _last(connection: Connection) -> str:
    """Undoing a settlement says every side again, each by an edit: who reads of it reads of one deed, by its last
    one."""
    there, of = source(connection, "l", "t")
    return (
        f"NOT EXISTS (SELECT 1 FROM {there} WHERE {of}.record = e.record AND {of}.field = e.field AND l.n = e.n + 1 "  # noqa: S608
        "AND l.ingest_time = e.ingest_time AND e.kind = 'revert' AND l.kind = 'revert' AND l.actor = e.actor "
        "AND substr(e.instance, 1, 7) = 'undoes:' AND substr(l.instance, 1, 7) = 'undoes:')"
    )


def _theirs(connection: Connection, record: str, person: str) -> tuple[str, str, str]:
    """Of a record or else of a person: where their edits are read from, the condition, and what it is asked with."""
    if record:
        there, of = source(connection, "e", "s")
        return there, f"{of}.record = ?", record
    return "edit e", "e.actor_kind = 'person' AND e.actor = ?", person


class ConsoleStore:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def rooms(
        self, after: str, limit: int, wanted: str = "", which: RoomsWhich = "all", now: int = 0
    ) -> list[RoomRow]:
        """In the order of their keys, from behind `after` on; `wanted` is a part of a title or a key."""
        return await self._store.read(lambda connection: _rooms(connection, after, limit, wanted, which, now))

    async def room(self, key: str) -> RoomRow | None:
        found = await self._store.read(lambda connection: _with_members(connection, _room_rows(connection, key)))
        return found[0] if found else None

    async def troubled(self, which: Trouble, after: str, limit: int) -> list[str]:
        """Keys of customers with an open conflict, or with a value their CRM did not take, in order."""
        query = f"{_TROUBLED[which]} AND record > ? ORDER BY record LIMIT {limit:d}"
        return [row[0] for row in await self._store.read(lambda connection: sql.ask(connection, query, (after,)))]

    async def alerts(self, states: Sequence[str], rule: str, before: Cursor | None, limit: int) -> list[Alert]:
        """The newest first."""
        return await self._store.read(lambda connection: _alerts(connection, states, rule, before, limit))

    async def alert_counts(self) -> dict[str, int]:
        query = "SELECT state, count(*) FROM alert GROUP BY state"
        return {row[0]: row[1] for row in await self._store.read(lambda connection: sql.ask(connection, query))}

    async def open_conflicts(
        self, held: Held, me: str, after: Cursor | None, limit: int, field: str = ""
    ) -> list[OpenCase]:
        """The oldest first; with `field` those about it alone."""
        return await self._store.read(lambda connection: _open(connection, held, me, after, limit, field))

    async def settled_conflicts(self, before: Cursor | None, limit: int) -> list[OpenCase]:
        """The latest first; the cursor's time is that of its end."""
        return await self._store.read(lambda connection: _settled(connection, before, limit))

    async def open_count(self) -> int:
        query = "SELECT count(*) FROM conflict WHERE closed_at IS NULL"
        return int((await self._store.read(lambda connection: sql.first(connection, query)))[0])

    async def owner(self, conflict: str) -> tuple[str, int]:
        query = "SELECT person, at FROM conflict_owner WHERE conflict = ?"
        found = await self._store.look(lambda connection: sql.first(connection, query, (conflict,)))
        return (found[0], found[1]) if found is not None else ("", 0)

    async def assign(self, conflicts: Sequence[str], person: str, by: str, at: int) -> None:
        """To one person; empty: to nobody any more."""
        await self._store.write(_assign, (tuple(conflicts), person, by, at))

    async def of_record(self, record: str, before: Cursor | None, limit: int) -> list[AuditRow]:
        """Its edits, the newest first."""
        return await self._store.read(lambda connection: _of(connection, record, "", before, limit))

    async def of_person(self, person: str, before: Cursor | None, limit: int) -> list[AuditRow]:
        return await self._store.read(lambda connection: _of(connection, "", person, before, limit))

    async def latest(self, below: Mapping[int, int], limit: int) -> tuple[list[AuditRow], dict[int, int]]:
        """Decisions of every chain, the newest first, and where in each to go on from."""
        return await self._store.read(lambda connection: _latest(connection, below, limit))

    async def audit_count(self, record: str = "", person: str = "") -> int:
        return await self._store.read(lambda connection: _count(connection, record, person))


def _in(values: Sequence[object]) -> str:
    return f"IN ({', '.join('?' * len(values))})"


_ROOM = (
    "SELECT r.key, r.title, r.kind, r.external, r.complete, r.rostered_at, r.quiet_until, coalesce(m.record, ''), "
    "m.budget FROM room r LEFT JOIN room_mentioning m ON m.room = r.key WHERE"
)


def _room_rows(connection: Connection, key: str) -> list[Any]:
    return sql.ask(connection, f"{_ROOM} r.key = ?", (key,))


_NARROWED: Mapping[RoomsWhich, str] = {
    "all": "",
    "quiet": " AND r.quiet_until > ?",
    "outside": " AND (r.external OR EXISTS (SELECT 1 FROM member t WHERE t.room = r.key AND t.kind NOT IN (?, ?)))",
    "unread": " AND NOT r.complete",
}


_ASKED: Mapping[RoomsWhich, Callable[[int], list[Any]]] = {
    "all": lambda _: [],
    "quiet": lambda now: [now],
    "outside": lambda _: ["member", "bot"],
    "unread": lambda _: [],
}


def _rooms(connection: Connection, after: str, limit: int, wanted: str, which: RoomsWhich, now: int) -> list[RoomRow]:
    where, asked = f"r.key > ?{_NARROWED[which]}", list[Any]([after])
    asked += _ASKED[which](now)
    if wanted:
        part = f"%{_escaped(wanted.lower())}%"
        where += " AND (lower(r.title) LIKE ? ESCAPE '!' OR lower(r.key) LIKE ? ESCAPE '!')"
        asked += [part, part]
    rows = sql.ask(connection, f"{_ROOM} {where} ORDER BY r.key LIMIT {limit:d}", asked)
    return _with_members(connection, rows)


def _escaped(text: str) -> str:
    return "".join(f"!{sign}" if sign in "!%_" else sign for sign in text)


def _with_members(connection: Connection, rows: Sequence[Any]) -> list[RoomRow]:
    keys = [row[0] for row in rows]
    if not keys:
        return []
    members: dict[str, dict[str, int]] = {}
    counted = f"SELECT room, kind, count(*) FROM member WHERE room {_in(keys)} GROUP BY room, kind"  # noqa: S608
    for room, kind, count in sql.ask(connection, counted, keys):
        members.setdefault(room, {})[kind] = count
    where = f"room {_in(keys)} AND purpose = 'card' AND message IS NOT NULL"
    cards = dict(sql.ask(connection, f"SELECT room, count(*) FROM slot WHERE {where} GROUP BY room", keys))  # noqa: S608
    return [_room(row, members.get(row[0], {}), cards.get(row[0], 0)) for row in rows]


def _room(row: Any, members: Mapping[str, int], cards: int) -> RoomRow:
    key, title, kind, external, complete, rostered, quiet, bound, budget = row
    return RoomRow(key, title, kind, bool(external), bool(complete), rostered, quiet, bound, budget, members, cards)


def _alerts(connection: Connection, states: Sequence[str], rule: str, before: Cursor | None, limit: int) -> list[Alert]:
    query = f"SELECT id, rule, record, subject, since, state, by, until, trace FROM alert WHERE state {_in(states)}"  # noqa: S608
    asked: list[Any] = [*states]
    if rule:
        query, asked = f"{query} AND rule = ?", [*asked, rule]
    if before is not None:
        query, asked = f"{query} AND (since < ? OR (since = ? AND id < ?))", [*asked, before[0], *before]
    rows = sql.ask(connection, f"{query} ORDER BY since DESC, id DESC LIMIT {limit:d}", asked)
    return [_alert(row) for row in rows]


def _alert(row: Any) -> Alert:
    id_, about, record, subject, since, state, by, until, trace = row
    return Alert(id_, about, record, subject, since, cast("State", state), by, until, trace)


_CASE = (
    "SELECT c.id, c.record, c.field, c.opened_at, c.closed_at, c.closed_by, e.id, e.actor, o.person, o.at "
    "FROM conflict c LEFT JOIN conflict_owner o ON o.conflict = c.id "
    "LEFT JOIN decision d ON d.id = c.closed_by LEFT JOIN edit e ON e.id = d.cause_edit"
)


def _open(connection: Connection, held: Held, me: str, after: Cursor | None, limit: int, field: str) -> list[OpenCase]:
    query, asked = f"{_CASE} WHERE c.closed_at IS NULL", list[Any]()
    if field:
        query, asked = f"{query} AND c.field = ?", [field]
    if held == "mine":
        query, asked = f"{query} AND o.person = ?", [*asked, me]
    elif held == "nobody":
        query += " AND coalesce(o.person, '') = ''"
    if after is not None:
        query, asked = f"{query} AND (c.opened_at > ? OR (c.opened_at = ? AND c.id > ?))", [*asked, after[0], *after]
    rows = sql.ask(connection, f"{query} ORDER BY c.opened_at, c.id LIMIT {limit:d}", asked)
    return [_case(row) for row in rows]


def _settled(connection: Connection, before: Cursor | None, limit: int) -> list[OpenCase]:
    query, asked = f"{_CASE} WHERE c.closed_at IS NOT NULL", list[Any]()
    if before is not None:
        query, asked = f"{query} AND (c.closed_at < ? OR (c.closed_at = ? AND c.id < ?))", [before[0], *before]
    rows = sql.ask(connection, f"{query} ORDER BY c.closed_at DESC, c.id DESC LIMIT {limit:d}", asked)
    return [_case(row) for row in rows]


def _case(row: Any) -> OpenCase:
    id_, record, name, opened, closed, by, edit, actor, owner, at = row
    return OpenCase(ConflictCase(id_, record, name, opened, closed, by, edit, actor or ""), owner or "", at or 0)


def _assign(connection: Connection, items: Sequence[tuple[tuple[str, ...], str, str, int]]) -> list[None]:
    for conflicts, person, by, at in items:
        rows = [{"conflict": each, "person": person, "by": by, "at": at} for each in dict.fromkeys(conflicts)]
        upsert.put(connection, conflict_owner, rows)
    return [None] * len(items)


def _count(connection: Connection, record: str, person: str) -> int:
    query, asked = "SELECT coalesce(sum(seq), 0) FROM shard_head", list[str]()
    if record or person:
        there, where, wanted = _theirs(connection, record, person)
        query, asked = f"SELECT count(*) FROM {there} WHERE {where} AND {_last(connection)}", [wanted]  # noqa: S608
    return int(sql.first(connection, query, asked)[0])


def _of(connection: Connection, record: str, person: str, before: Cursor | None, limit: int) -> list[AuditRow]:
    there, where, wanted = _theirs(connection, record, person)
    query = (
        f"SELECT d.id, e.ingest_time, {_MADE}, {_EDIT} FROM {there} JOIN decision d ON d.id = e.decision "  # noqa: S608
        f"WHERE {_last(connection)} AND {where}"
    )
    asked = list[Any]([wanted])
    if before is not None:
        query = f"{query} AND (e.ingest_time < ? OR (e.ingest_time = ? AND e.id < ?))"
        asked += [before[0], *before]
    rows = sql.ask(connection, f"{query} ORDER BY e.ingest_time DESC, e.id DESC LIMIT {limit:d}", asked)
    return [_audit(row) for row in rows]


def _audit(row: Any) -> AuditRow:
    *told, heads, parents = row[:_COLUMNS]
    told = [each if each is not None else "" for each in told]
    told[6] = bool(told[6])
    told += [tuple(orjson.loads(heads)), tuple(orjson.loads(parents or "[]"))]
    return AuditRow(*told)


def _latest(connection: Connection, below: Mapping[int, int], limit: int) -> tuple[list[AuditRow], dict[int, int]]:
    heads = [row[0] for row in sql.ask(connection, "SELECT shard FROM shard_head ORDER BY shard")]
    query = (
        f"SELECT d.id, d.at, {_MADE}, {_EDIT}, d.shard, d.seq FROM decision d LEFT JOIN edit e ON e.id = d.cause_edit "  # noqa: S608
        f"WHERE d.shard = ? AND d.seq < ? AND {_last(connection)} ORDER BY d.seq DESC LIMIT {limit:d}"
    )
    rows = [row for shard in heads for row in sql.ask(connection, query, (shard, below.get(shard, _ALL)))]
    rows.sort(key=lambda row: (-row[1], row[_COLUMNS], -row[_COLUMNS + 1]))
    chosen, on = rows[:limit], {shard: below.get(shard, _ALL) for shard in heads}
    for row in chosen:
        shard, seq = row[_COLUMNS:]
        on[shard] = min(on[shard], seq)
    return [_audit(row) for row in chosen], on


_ALL = 2**62
