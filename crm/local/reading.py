"""From rows to records. Every function reads within the transaction it is given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote, unquote

from sqlalchemy import Connection, Row, Table, func, or_, select

from crm.local.schema import account, account_field, alias, contact, feed, note, open_item, owner, risk, users
from crm.model import CrmUser, FieldValue, Item, Kind, Record, RecordRef

KIND = "account"
CRM_WATERMARK = "[CRM]"
MOST_ITEMS = 200
"""Of each list of a record, the newest."""

AnyRow: TypeAlias = Row[Any]
Rows: TypeAlias = dict[str, list[AnyRow]]
_LEVELS = {"high": 0, "medium": 1, "low": 2}


@dataclass(frozen=True, slots=True)
class Shape:
    """What a record needs to know besides its rows: the CRM's configured name and the address of a page."""

    crm: str
    link: str = ""

    def url(self, id_: str) -> str:
        return self.link.replace("{id}", quote(id_, safe=""))

    def addressed(self, url: str) -> RecordRef | None:
        before, _, after = self.link.partition("{id}")
        if not self.link or not url.startswith(before) or not url.endswith(after):
            return None
        id_ = unquote(url[len(before) : len(url) - len(after)])
        return self.ref(id_) if id_ and self.url(id_) == url else None

    def ref(self, id_: str) -> RecordRef:
        return RecordRef(self.crm, KIND, id_)


def one(conn: Connection, shape: Shape, id_: str) -> Record | None:
    return next(iter(load(conn, shape, [id_])), None)


def load(conn: Connection, shape: Shape, ids: Sequence[str]) -> tuple[Record, ...]:
    """The records of `ids` that exist, deleted ones too, in that order."""
    rows = {row.id: row for row in conn.execute(select(account).where(account.c.id.in_(ids)))}
    by_table = {
        table.name: _grouped(conn, table, ids)
        for table in (account_field, alias, owner, contact, note, open_item, risk)
    }
    names = _display_names(conn, by_table)
    return tuple(_record(shape, rows[id_], by_table, names) for id_ in ids if id_ in rows)


def _grouped(conn: Connection, table: Table, ids: Sequence[str]) -> Rows:
    grouped: Rows = defaultdict(list)
    for row in conn.execute(select(table).where(table.c.account.in_(ids)).order_by(*table.primary_key)):
        grouped[row.account].append(row)
    return grouped


def _display_names(conn: Connection, by_table: dict[str, Rows]) -> dict[str, str]:
    """Of the CRM users among those who wrote something."""
    ids = {row.who for name in ("note", "open_item", "risk") for rows in by_table[name].values() for row in rows}
    ids |= {row.modified_by for rows in by_table["account_field"].values() for row in rows}
    return {row.id: row.name for row in conn.execute(select(users.c.id, users.c.name).where(users.c.id.in_(ids)))}


def _record(shape: Shape, row: AnyRow, by_table: dict[str, Rows], names: dict[str, str]) -> Record:
    of = {name: grouped.get(row.id, []) for name, grouped in by_table.items()}
    return Record(
        ref=shape.ref(row.id),
        title=row.name,
        url=shape.url(row.id),
        version=row.version,
        fields={field.name: _value(field, names) for field in of["account_field"]},
        related=_related(of, names),
        names=tuple(entry.name for entry in of["alias"]),
        owners=tuple(entry.user for entry in of["owner"]),
        team=row.team,
        region=row.region,
        visible_until={field.name: field.visible_until for field in of["account_field"] if field.visible_until},
        modified=row.modified,
        modified_by=row.modified_by,
        deleted=row.deleted,
    )


def _value(row: AnyRow, names: dict[str, str]) -> FieldValue:
    return FieldValue(
        row.value, source=row.label or CRM_WATERMARK, as_of=row.modified, actor=names.get(row.modified_by, "")
    )


def _related(of: dict[str, list[AnyRow]], names: dict[str, str]) -> dict[Kind, tuple[Item, ...]]:
    """Notes newest first, open items by due date, risks by level, contacts as they were entered."""
    return {
        kind: tuple(sorted((_item(kind, row, names) for row in of[kind]), key=order)[:MOST_ITEMS])
        for kind, order in _ORDER.items()
    }


_ORDER: dict[Kind, Callable[[Item], tuple[object, ...]]] = {
    "note": lambda item: (-item.at, item.id),
    "open_item": lambda item: (item.done, item.due is None, item.due or 0, item.id),
    "risk": lambda item: (_LEVELS[item.level or "low"], -item.at, item.id),
    "contact": lambda item: (item.at, item.id),
}


def item(conn: Connection, table: Table, account_id: str, id_: str) -> Item | None:
    """One entry of an account's list, or None."""
    wanted = select(table, users.c.name.label("display")).outerjoin(users, users.c.id == table.c.who)
    row = conn.execute(wanted.where(table.c.id == id_, table.c.account == account_id)).first()
    return None if row is None else _item(_KIND_OF[table.name], row, {row.who: row.display or row.who})


_KIND_OF: dict[str, Kind] = {kind: kind for kind in _ORDER}


def _item(kind: Kind, row: AnyRow, names: dict[str, str]) -> Item:
    return Item(
        id=row.id,
        kind=kind,
        text=row.text,
        at=row.at,
        who=names.get(row.who, row.who),
        due=row.due if kind == "open_item" else None,
        done=row.done if kind == "open_item" else False,
        level=row.level if kind == "risk" else None,
        detail=dict(row.detail) if kind == "contact" else {},
        sensitivity=row.sensitivity,
        visible_until=row.visible_until,
    )


def last_position(conn: Connection) -> int:
    return int(conn.execute(select(feed.c.last)).scalar_one())


def page(conn: Connection, shape: Shape, after: int, top: int, size: int) -> list[tuple[Record, int]]:
    """Records whose newest version stands in the feed at `after` < position <= `top`, in its order."""
    wanted = select(account.c.id, account.c.seq).where(account.c.seq > after, account.c.seq <= top)
    positions = {row.id: row.seq for row in conn.execute(wanted.order_by(account.c.seq).limit(size))}
    return [(record, positions[record.ref.id]) for record in load(conn, shape, list(positions))]


def search(conn: Connection, shape: Shape, query: str, limit: int) -> tuple[Record, ...]:
    """Live records whose name or alias contains `query`, by name."""
    has_alias = select(alias.c.account).where(alias.c.name.icontains(query, autoescape=True))
    wanted = select(account.c.id).where(
        account.c.deleted.is_(False), or_(account.c.name.icontains(query, autoescape=True), account.c.id.in_(has_alias))
    )
    ids = conn.execute(wanted.order_by(func.lower(account.c.name), account.c.id).limit(limit)).scalars()
    return load(conn, shape, list(ids))


def all_users(conn: Connection) -> tuple[CrmUser, ...]:
    return tuple(_user(row) for row in conn.execute(select(users).order_by(users.c.id)))


def users_called(conn: Connection, texts: Collection[str]) -> dict[str, list[str]]:
    """Ids of the users each text means: by id, by e-mail address, or by exact name."""
    meant: dict[str, list[str]] = {text: [] for text in texts}
    wanted = select(users).where(
        or_(users.c.id.in_(texts), func.lower(users.c.email).in_([t.lower() for t in texts]), users.c.name.in_(texts))
    )
    for row in conn.execute(wanted.order_by(users.c.id)):
        for text in meant:
            if text in (row.id, row.name) or (row.email and text.lower() == row.email.lower()):
                meant[text].append(row.id)
    return meant


def _user(row: AnyRow) -> CrmUser:
    return CrmUser(
        row.id, row.name, row.email, row.active, dict(row.im), tuple(row.roles), team=row.team, region=row.region
    )
