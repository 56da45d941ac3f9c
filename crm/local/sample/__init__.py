"""A made-up company's customers. Every name is invented; any likeness to a real one is accidental."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Table, select

from crm.local import writing
from crm.local.fields import KNOWN
from crm.local.native import NativeEdits
from crm.local.schema import account, contact, note, open_item, risk, users
from crm.local.writing import Stamp
from crm.model import CrmUser

ZONE = ZoneInfo("Asia/Shanghai")
DAY = 86_400_000


def _user(id_: str, name: str, role: str, team: str, region: str) -> CrmUser:
    return CrmUser(
        id_,
        name,
        f"{id_}@example.com",
        im={"web": f"u_{id_.replace('.', '')}"},
        roles=(role,),
        team=team,
        region=region,
    )


USERS = (
    _user("li.ting", "李婷", "rep", "east", "华东"),
    _user("chen.wei", "陈伟", "rep", "south", "华南"),
    _user("wang.min", "王敏", "manager", "sales", ""),
    _user("zhao.lei", "赵磊", "admin", "it", ""),
)
HERO = "hx-medical"


@dataclass(frozen=True, slots=True)
class Customer:
    """As the files have it: days count from the day of loading; `renewal` among the fields is a number of days."""

    id: str
    name: str
    aliases: list[str]
    owners: list[str]
    team: str
    region: str
    fields: dict[str, Any]
    notes: list[list[Any]] = field(default_factory=list)
    """[days ago, who, text, sensitivity or nothing]"""
    open: list[list[Any]] = field(default_factory=list)
    """[due in days, text, who]"""
    risks: list[list[Any]] = field(default_factory=list)
    """[level, days ago, text]"""
    contacts: list[list[str]] = field(default_factory=list)
    """[name, title, phone, e-mail]"""


async def load_sample(crm: NativeEdits, now: int) -> int:
    """Adds what is missing, in one transaction, and leaves what is there. How many customers were added."""
    return await crm.database.run(partial(_load, crm, now))


def customers() -> tuple[Customer, ...]:
    folder = files(__name__)
    featured = folder.joinpath("featured.jsonl").read_text("utf-8").splitlines()
    others = csv.DictReader(io.StringIO(folder.joinpath("others.csv").read_text("utf-8")))
    return (*(Customer(**json.loads(line)) for line in featured), *(_other(row) for row in others))


def _other(row: dict[str, str]) -> Customer:
    fields: dict[str, Any] = {name: row[name] for name in KNOWN if row.get(name)}
    if "renewal" in fields:
        fields["renewal"] = int(fields["renewal"])
    person = [row["contact"], row["title"], row["phone"], ""]
    aliases = row["aliases"].split(";")
    return Customer(
        row["id"], row["name"], aliases, [row["owner"]], row["team"], row["region"], fields, contacts=[person]
    )


def _load(crm: NativeEdits, now: int) -> int:
    with crm.database.write() as conn:
        known = set(conn.execute(select(users.c.id)).scalars())
        writing.put_users(conn, [user for user in USERS if user.id not in known])
        present = set(conn.execute(select(account.c.id)).scalars())
        missing = [customer for customer in customers() if customer.id not in present]
        for position, customer in enumerate(missing):
            _add(conn, customer, now, position)
    return len(missing)


def _add(conn: Connection, customer: Customer, now: int, position: int) -> None:
    stamp = Stamp(now - DAY - position * 3_600_000, customer.owners[0])
    row = {"id": customer.id, "name": customer.name, "team": customer.team, "region": customer.region}
    writing.create(conn, [row], stamp)
    values = {name: _date(now, value) if name == "renewal" else value for name, value in customer.fields.items()}
    writing.put_fields(conn, [(customer.id, name, value) for name, value in values.items()], stamp)
    writing.put_aliases(conn, [(customer.id, name) for name in customer.aliases])
    writing.set_owners(conn, {customer.id: customer.owners})
    _list(conn, note, customer.id, [_note(now, given) for given in customer.notes])
    _list(conn, open_item, customer.id, [_open_item(now, given) for given in customer.open])
    _list(conn, risk, customer.id, [_risk(now, given) for given in customer.risks])
    _list(conn, contact, customer.id, [_contact(now, given) for given in customer.contacts])


def _list(conn: Connection, table: Table, id_: str, rows: list[dict[str, Any]]) -> None:
    numbered = [{**row, "id": f"{id_}-{table.name}-{n}", "account": id_} for n, row in enumerate(rows, start=1)]
    writing.add_items(conn, table, numbered)


def _note(now: int, given: list[Any]) -> dict[str, Any]:
    ago, who, text, *sensitivity = given
    return {"at": _ago(now, ago), "who": who, "text": text, "sensitivity": next(iter(sensitivity), None)}


def _open_item(now: int, given: list[Any]) -> dict[str, Any]:
    days, text, who = given
    return {"at": _ago(now, 12), "who": who, "text": text, "due": _evening(now, days)}


def _risk(now: int, given: list[Any]) -> dict[str, Any]:
    level, ago, text = given
    return {"at": _ago(now, ago), "text": text, "level": level}


def _contact(now: int, given: list[str]) -> dict[str, Any]:
    name, *detail = given
    known = {key: text for key, text in zip(("title", "phone", "email"), detail, strict=True) if text}
    return {"at": _ago(now, 60), "text": name, "detail": known}


def _ago(now: int, days: int) -> int:
    return now - days * DAY - 5_400_000


def _day(now: int, days: int) -> datetime:
    return datetime.fromtimestamp(now / 1000, UTC).astimezone(ZONE) + timedelta(days=days)


def _date(now: int, days: int) -> str:
    return _day(now, days).date().isoformat()


def _evening(now: int, days: int) -> int:
    return int(_day(now, days).replace(hour=18, minute=0, second=0, microsecond=0).timestamp() * 1000)
