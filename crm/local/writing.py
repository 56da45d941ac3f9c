"""Every write there is. Each bumps the record's version and its place in the feed in the transaction it is given."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, Table, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from crm.local.schema import account, account_field, alias, applied, contact, feed, note, open_item, owner, risk, users
from crm.model import CrmUser
from reconcile.model import Json

KEEP_ANSWERS = 90 * 86_400_000
_NEXT = select(feed.c.last + 1).scalar_subquery()


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who writes, when, and on behalf of which source."""

    at: int
    by: str
    label: str = ""


def new_id(kind: str) -> str:
    return f"{kind}-{secrets.token_hex(8)}"


def swap(
    conn: Connection,
    id_: str,
    stamp: Stamp,
    *,
    precondition: int | None = None,
    live: bool = True,
    deleted: bool = False,
) -> int | None:
    """Compare-and-set in one statement: the new version, or None when the record moved, is gone, or was deleted.

    `live`: which records it takes, the live ones or the deleted ones; `deleted`: what they are afterwards.
    """
    statement = update(account).where(account.c.id == id_, account.c.deleted.is_(not live))
    if precondition is not None:
        statement = statement.where(account.c.version == precondition)
    statement = statement.values(
        version=account.c.version + 1, seq=_NEXT, modified=stamp.at, modified_by=stamp.by, deleted=deleted
    ).returning(account.c.version)
    version: int | None = conn.execute(statement).scalar_one_or_none()
    if version is not None:
        conn.execute(update(feed).values(last=feed.c.last + 1))
    return version


def create(conn: Connection, rows: Sequence[Mapping[str, object]], stamp: Stamp) -> None:
    """New accounts at version 1; each row is `id`, `name` and, where known, `team`, `region`."""
    last = int(conn.execute(update(feed).values(last=feed.c.last + len(rows)).returning(feed.c.last)).scalar_one())
    first = last - len(rows) + 1
    defaults = {"version": 1, "team": "", "region": "", "deleted": False}
    at = {"modified": stamp.at, "modified_by": stamp.by}
    if rows:
        conn.execute(insert(account), [{**defaults, **at, **row, "seq": first + n} for n, row in enumerate(rows)])


def put_fields(conn: Connection, values: Sequence[tuple[str, str, str | None]], stamp: Stamp) -> None:
    """(account, field, value) each; a None value clears."""
    for id_, name, value in values:
        if value is None:
            conn.execute(delete(account_field).where(account_field.c.account == id_, account_field.c.name == name))
    at = {"modified": stamp.at, "modified_by": stamp.by, "label": stamp.label, "visible_until": None}
    rows = [{"account": id_, "name": name, "value": value, **at} for id_, name, value in values if value is not None]
    if rows:
        statement = upsert(account_field)
        changed = {key: statement.excluded[key] for key in ("value", *at)}
        conn.execute(statement.on_conflict_do_update(index_elements=["account", "name"], set_=changed), rows)


def put_aliases(conn: Connection, pairs: Collection[tuple[str, str]]) -> None:
    """(account, name) each; one that is there already stays."""
    rows = [{"account": id_, "name": name} for id_, name in pairs]
    if rows:
        conn.execute(upsert(alias).on_conflict_do_nothing(), rows)


def set_owners(conn: Connection, owners: Mapping[str, Sequence[str]]) -> None:
    """Account -> the ids of its owners from now on."""
    if owners:
        conn.execute(delete(owner).where(owner.c.account.in_(owners)))
    rows = [{"account": id_, "user": user} for id_, ids in owners.items() for user in dict.fromkeys(ids)]
    if rows:
        conn.execute(insert(owner), rows)


def rename(conn: Connection, id_: str, name: str) -> None:
    """The former name stays findable: people go on using it."""
    former = conn.execute(select(account.c.name).where(account.c.id == id_)).scalar_one()
    conn.execute(update(account).where(account.c.id == id_).values(name=name))
    conn.execute(delete(alias).where(alias.c.account == id_, alias.c.name == name))
    if former != name:
        put_aliases(conn, [(id_, former)])


def add_items(conn: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Rows of a list; an id that is there already stays as it is."""
    blank: dict[str, object] = {"who": "", "sensitivity": None, "visible_until": None, **_BLANK[table.name]}
    if rows:
        conn.execute(upsert(table).on_conflict_do_nothing(), [{**blank, **row} for row in rows])


_BLANK: dict[str, dict[str, object]] = {
    contact.name: {"detail": {}},
    note.name: {},
    open_item.name: {"due": None, "done": False},
    risk.name: {},
}


def set_item(conn: Connection, table: Table, account_id: str, item: str, **values: object) -> bool:
    """Whether there was such an item of that account."""
    wanted = table.c.id == item, table.c.account == account_id
    return conn.execute(update(table).where(*wanted).values(**values)).rowcount == 1


def put_users(conn: Connection, people: Sequence[CrmUser]) -> None:
    rows = [asdict(person) | {"roles": list(person.roles), "im": dict(person.im)} for person in people]
    if rows:
        statement = upsert(users)
        changed = {key: statement.excluded[key] for key in rows[0] if key != "id"}
        conn.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed), rows)


def digest(*asked: Json) -> str:
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def remembered(conn: Connection, once: str) -> tuple[str, dict[str, Json]] | None:
    """What was asked under this key, as a digest, and what was answered."""
    row = conn.execute(select(applied.c.request, applied.c.answer).where(applied.c.once == once)).first()
    return None if row is None else (row.request, row.answer)


def remember(conn: Connection, once: str, request: str, answer: Mapping[str, Json], at: int) -> None:
    conn.execute(delete(applied).where(applied.c.at < at - KEEP_ANSWERS))
    conn.execute(insert(applied).values(once=once, request=request, answer=dict(answer), at=at))
