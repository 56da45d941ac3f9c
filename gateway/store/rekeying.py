"""Accounts whose network gave them other ids: links and lists follow, and nobody has to be mapped again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, delete, select, update

from gateway.clock import Clock
from gateway.store import auditing
from gateway.store.counters import count
from gateway.store.engine import Store
from gateway.store.people import COUNTER, PeopleStore
from gateway.store.tables_app import account, link, member

Kind = Literal["im", "crm", "oidc"]
Outcome = Literal["moved", "unknown", "taken"]


@dataclass(frozen=True, slots=True)
class Rekeyed:
    old: str
    new: str
    outcome: Outcome
    """`unknown`: nobody has the old one. `taken`: the new one is somebody's already."""


@dataclass(frozen=True, slots=True)
class _Asked:
    kind: Kind
    pairs: tuple[tuple[str, str], ...]
    by: str
    at: int
    dry: bool


async def rekey(
    store: Store,
    people: PeopleStore,
    clock: Clock,
    kind: Kind,
    pairs: Sequence[tuple[str, str]],
    *,
    by: str,
    dry: bool = False,
) -> list[Rekeyed]:
    """(old, new) keys, all in one transaction. Two accounts may change places."""
    done = await store.write(_rekey, _Asked(kind, tuple(pairs), by, clock.now(), dry))
    if not dry and any(each.outcome == "moved" for each in done):
        await people.again()
    return done


def _rekey(connection: Connection, items: Sequence[_Asked]) -> list[list[Rekeyed]]:
    count(connection, COUNTER)
    return [_all(connection, asked) for asked in items]


def _all(connection: Connection, asked: _Asked) -> list[Rekeyed]:
    standing = select(link.c.key, link.c.id).where(link.c.kind == asked.kind, link.c.ended_at.is_(None))
    ids = {row.key: row.id for row in connection.execute(standing)}
    leaving = {old for old, _ in asked.pairs if old in ids}
    seen: set[str] = set()
    found = []
    for old, new in asked.pairs:
        taken = new in seen or (new in ids and new not in leaving)
        outcome: Outcome = "unknown" if old not in ids or old == new else "taken" if taken else "moved"
        seen.add(new)
        found.append(Rekeyed(old, new, outcome))
    if not asked.dry:
        moved = [each for each in found if each.outcome == "moved"]
        _move(connection, asked, moved, ids)
    return found


def _move(connection: Connection, asked: _Asked, moved: Sequence[Rekeyed], ids: dict[str, str]) -> None:
    for each in moved:  # by the links' own ids: two that change places never stand in each other's way
        connection.execute(update(link).where(link.c.id == ids[each.old]).values(key=each.new))
    if asked.kind == "im":
        _follow(connection, moved)
    facts: dict[str, str | int] = {"kind": asked.kind, "moved": len(moved), "asked": len(asked.pairs)}
    auditing.add(connection, [(asked.at, asked.by, "rekeyed", "", facts)])


def _follow(connection: Connection, moved: Sequence[Rekeyed]) -> None:
    """The lists of rooms tell the new id by themselves soon; until then the old one must not stand for somebody. All
    step aside first: of two that change places in one room neither is lost, and with them what they may not see."""
    for each in moved:
        connection.execute(delete(account).where(account.c.im == each.old))
        connection.execute(update(member).where(member.c.im == each.old).values(im=f"~{each.new}"))
    for each in moved:
        known = select(member.c.room).where(member.c.im == each.new)
        connection.execute(delete(member).where(member.c.im == f"~{each.new}", member.c.room.in_(known)))
        connection.execute(update(member).where(member.c.im == f"~{each.new}").values(im=each.new))
