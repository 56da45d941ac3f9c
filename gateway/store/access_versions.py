"""Access policies as versions: proposed, put in force by another, replaced, gone back to. Exactly one is in force."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from sqlalchemy import Connection, func, insert, select, update

from gateway.errors import Refused
from gateway.store import sql
from gateway.store.auditing import add
from gateway.store.engine import Store
from gateway.store.tables_policy import access_version

State = Literal["proposed", "applied", "replaced", "withdrawn"]
STATES: Final = get_args(State)
FILES: Final = "configuration"
"""Who proposed what was read from the folder; not a person, so any admin may approve it."""
_ALONE = "access versions"


@dataclass(frozen=True, slots=True)
class AccessVersion:
    """`files`: the text of every policy file by its name, ours included. `base`: what was in force when it was
    proposed. `force`: its place in the order in which versions came in force, 0 if it never did. `back_to`: the version
    whose files it took up again. `alone`: approved by its proposer, the only admin.
    """

    n: int
    hash: str
    files: Mapping[str, str]
    state: State
    proposed_by: str
    proposed_at: int
    reason: str
    base: int = 0
    force: int = 0
    applied_by: str = ""
    applied_at: int = 0
    applied_why: str = ""
    alone: bool = False
    back_to: int = 0
    ended_by: str = ""
    ended_at: int = 0


@dataclass(frozen=True, slots=True)
class Apply:
    """`over`: the version the approver saw in force, refused when it is another by now; None: whichever it is.
    `only`: nobody else is an admin."""

    n: int
    by: str
    reason: str
    now: int
    over: int | None = None
    only: bool = False


def digest(files: Mapping[str, str]) -> str:
    """Equal for equal texts under equal names."""
    return hashlib.sha256(json.dumps(sorted(files.items())).encode()).hexdigest()[:32]


class AccessVersions:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def begin(self, files: Mapping[str, str], now: int) -> AccessVersion:
        """What is in force. While no person has put a version in force that is what the files say; from then on
        files that nobody knows yet are proposed."""
        return await self._store.write(_begin, (files, now))

    async def in_force(self) -> AccessVersion | None:
        return await self._store.read(_in_force)

    async def number(self) -> int:
        """Of the version in force, 0 for none: what is asked every second."""
        return await self._store.read(_number)

    async def get(self, n: int) -> AccessVersion | None:
        return await self._store.read(lambda connection: _get(connection, n))

    async def all(self, limit: int = 50) -> list[AccessVersion]:
        """Newest first."""
        query = select(access_version).order_by(access_version.c.n.desc()).limit(limit)
        return await self._store.read(lambda connection: [_version(row) for row in connection.execute(query)])

    async def propose(self, files: Mapping[str, str], by: str, reason: str, now: int) -> AccessVersion:
        """Raises `Refused` where that is in force already."""
        return await self._store.write(_propose, (files, by, reason, now))

    async def apply(self, asked: Apply) -> AccessVersion:
        """From now on it is in force. Raises `Refused`."""
        return await self._store.write(_apply, asked)

    async def back(self, to: int | None, by: str, reason: str, now: int) -> AccessVersion:
        """The files of an earlier version are in force again, as a new one; None: of the one before. One admin alone
        may do that: they were approved once. Raises `Refused`."""
        return await self._store.write(_back, (to, by, reason, now))

    async def withdraw(self, n: int, by: str, now: int) -> AccessVersion:
        """Raises `Refused` for what is not merely proposed."""
        return await self._store.write(_withdraw, (n, by, now))


def _version(row: Any) -> AccessVersion:
    columns = dict(row._mapping)
    return AccessVersion(**{**columns, "files": json.loads(columns["files"]), "alone": bool(columns["alone"])})


def _one(connection: Connection, *where: Any) -> AccessVersion | None:
    """The one that came in force last, or was proposed last."""
    newest = (access_version.c.force.desc(), access_version.c.n.desc())
    query = select(access_version).where(*where).order_by(*newest).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else _version(row)


def _get(connection: Connection, n: int) -> AccessVersion | None:
    return _one(connection, access_version.c.n == n)


def _in_force(connection: Connection) -> AccessVersion | None:
    return _one(connection, access_version.c.state == "applied")


def _number(connection: Connection) -> int:
    row = sql.first(connection, "SELECT n FROM access_version WHERE state = 'applied'")
    return 0 if row is None else int(row[0])


def _there(connection: Connection, n: int) -> AccessVersion:
    found = _get(connection, n)
    if found is None:
        raise Refused("There is no version {n} of the access policies.", n=n)
    return found


def _put(connection: Connection, files: Mapping[str, str], by: str, reason: str, now: int, **more: Any) -> int:
    n = _next(connection, access_version.c.n)
    blank = {
        "force": 0,
        "applied_by": "", "applied_at": 0, "applied_why": "", "alone": False, "back_to": 0, "ended_by": "",
        "ended_at": 0, "state": "proposed", "base": _number(connection),
    }  # fmt: skip
    row = {**blank, "n": n, "hash": digest(files), "files": json.dumps(dict(sorted(files.items()))), **more}
    connection.execute(insert(access_version).values(**row, proposed_by=by, proposed_at=now, reason=_said(reason)))
    return n


def _next(connection: Connection, column: Any) -> int:
    return int(connection.execute(select(func.coalesce(func.max(column), 0))).scalar_one()) + 1


def _said(reason: str) -> str:
    """As any database keeps it. Raises `Refused` for nothing but blanks."""
    said = reason.replace("\0", "").encode("utf-8", "replace").decode().strip()[:1000]
    if not said:
        raise Refused("Say why: the reason is kept with the version.")
    return said


def _set(connection: Connection, n: int, **columns: Any) -> None:
    connection.execute(update(access_version).where(access_version.c.n == n).values(**columns))


def _note(connection: Connection, now: int, by: str, what: str, n: int, **facts: str | int) -> None:
    """In the transaction of what was done: the record of admins' deeds holds it, or it did not happen."""
    add(connection, [(now, by, what, f"access policies, version {n}", facts)])


# -- what happens to them, one at a time


def _begin(connection: Connection, items: Sequence[tuple[Mapping[str, str], int]]) -> list[AccessVersion]:
    return [_begin_one(connection, *each) for each in items]


def _begin_one(connection: Connection, files: Mapping[str, str], now: int) -> AccessVersion:
    sql.alone(connection, _ALONE)
    ruling = _in_force(connection)
    if ruling is not None and ruling.hash == digest(files):
        return ruling
    if ruling is None or ruling.applied_by == FILES:
        return _configured(connection, ruling.n if ruling is not None else 0, files, now)
    if _one(connection, access_version.c.hash == digest(files)) is None:
        n = _put(connection, files, FILES, "as configured", now)
        _note(connection, now, FILES, "access_proposed", n, hash=digest(files))
    return ruling


def _configured(connection: Connection, over: int, files: Mapping[str, str], now: int) -> AccessVersion:
    why = "as configured"
    n = _put(connection, files, FILES, why, now, applied_by=FILES, applied_at=now, applied_why=why)
    _rule(connection, over, n, now)
    if over:
        _note(connection, now, FILES, "access_applied", n, over=over, hash=digest(files))
    return _there(connection, n)


def _propose(connection: Connection, items: Sequence[tuple[Mapping[str, str], str, str, int]]) -> list[AccessVersion]:
    return [_propose_one(connection, *each) for each in items]


def _propose_one(connection: Connection, files: Mapping[str, str], by: str, reason: str, now: int) -> AccessVersion:
    sql.alone(connection, _ALONE)
    ruling = _in_force(connection)
    if ruling is not None and ruling.hash == digest(files):
        raise Refused("These policies are in force already, as version {n}.", n=ruling.n)
    n = _put(connection, files, by, reason, now)
    _note(connection, now, by, "access_proposed", n, hash=digest(files))
    return _there(connection, n)


def _apply(connection: Connection, items: Sequence[Apply]) -> list[AccessVersion]:
    return [_apply_one(connection, each) for each in items]


def _apply_one(connection: Connection, asked: Apply) -> AccessVersion:
    sql.alone(connection, _ALONE)
    version, over = _there(connection, asked.n), _number(connection)
    alone = asked.by == version.proposed_by
    if version.state != "proposed":
        raise Refused("Version {n} is not waiting for an approval.", n=asked.n)
    if asked.over is not None and asked.over != over:
        raise Refused("Meanwhile version {n} is in force: look at the difference again.", n=over)
    if not asked.by or (alone and not asked.only):
        raise Refused("Somebody else than its proposer has to approve a change of the access policies.")
    why = _said(asked.reason)
    _rule(connection, over, asked.n, asked.now)
    _set(connection, asked.n, applied_by=asked.by, applied_at=asked.now, applied_why=why, alone=alone)
    facts: dict[str, str | int] = {"over": over, "hash": version.hash, "proposed_by": version.proposed_by}
    _note(connection, asked.now, asked.by, "access_applied", asked.n, **facts, alone=int(alone))
    return _there(connection, asked.n)


def _rule(connection: Connection, over: int, n: int, now: int) -> None:
    if over:
        _set(connection, over, state="replaced", ended_at=now)
    _set(connection, n, state="applied", force=_next(connection, access_version.c.force))


def _back(connection: Connection, items: Sequence[tuple[int | None, str, str, int]]) -> list[AccessVersion]:
    return [_back_one(connection, *each) for each in items]


def _back_one(connection: Connection, to: int | None, by: str, reason: str, now: int) -> AccessVersion:
    sql.alone(connection, _ALONE)
    ruling = _in_force(connection)
    past = _there(connection, to) if to is not None else _before(connection, ruling)
    if not past.force:
        raise Refused("Version {n} was never in force: it has to be approved.", n=past.n)
    if ruling is not None and ruling.hash == past.hash:
        raise Refused("These policies are in force already, as version {n}.", n=ruling.n)
    more = {"applied_by": by, "applied_at": now, "applied_why": _said(reason), "back_to": past.n}
    n = _put(connection, past.files, by, reason, now, **more)
    _rule(connection, ruling.n if ruling is not None else 0, n, now)
    _note(connection, now, by, "access_rolled_back", n, to=past.n, over=ruling.n if ruling is not None else 0)
    return _there(connection, n)


def _before(connection: Connection, ruling: AccessVersion | None) -> AccessVersion:
    """What was in force before, and was something else. Gone back to, one goes on further back from there."""
    at = _there(connection, ruling.back_to) if ruling is not None and ruling.back_to else ruling
    c = access_version.c
    if at is not None:
        past = _one(connection, c.state == "replaced", c.force < at.force, c.hash != at.hash)
        if past is not None:
            return past
    raise Refused("No other access policies were in force before.")


def _withdraw(connection: Connection, items: Sequence[tuple[int, str, int]]) -> list[AccessVersion]:
    return [_withdraw_one(connection, *each) for each in items]


def _withdraw_one(connection: Connection, n: int, by: str, now: int) -> AccessVersion:
    sql.alone(connection, _ALONE)
    if _there(connection, n).state != "proposed":
        raise Refused("Version {n} is not waiting for an approval.", n=n)
    _set(connection, n, state="withdrawn", ended_by=by, ended_at=now)
    _note(connection, now, by, "access_withdrawn", n)
    return _there(connection, n)
