"""Persons out of a CSV file: every row an entry, or told by its line and why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from channels.model import ImId
from crm.local.csvfile import recognise, rows
from gateway.errors import Refused
from identity.sources import Account, Entry

_NAMES: Final = {
    "id": ("id", "employee id", "external id", "工号", "编号"),
    "name": ("name", "full name", "display name", "姓名", "名字"),
    "emails": ("email", "emails", "e-mail", "mail", "邮箱", "邮件"),
    "roles": ("role", "roles", "角色"),
    "team": ("team", "department", "团队", "部门"),
    "region": ("region", "区域", "地区"),
    "active": ("active", "enabled", "在职"),
    "external": ("external", "外部"),
    "locale": ("locale", "language", "语言"),
    "zone": ("zone", "timezone", "time zone", "时区"),
    "im": ("im", "chat", "account", "accounts"),
    "crm": ("crm", "crm user"),
}
_YES: Final = frozenset({"1", "true", "yes", "y", "是", "active", "enabled", "在职"})
_NO: Final = frozenset({"0", "false", "no", "n", "否", "inactive", "disabled", "离职"})
MOST: Final = 200_000


@dataclass(frozen=True, slots=True)
class Unreadable:
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class PeopleFile:
    entries: Sequence[Entry]
    unreadable: Sequence[Unreadable]
    columns: Sequence[tuple[str, str]]
    """Each heading and what it means; "" is left out."""


def read(path: Path) -> PeopleFile:
    """Raises `Refused` for what is no such file, has no column of names, or has no row: zero is a failure."""
    entries, unreadable = list[Entry](), list[Unreadable]()
    lines = rows(path, recognise(path))
    first = next(lines, None)
    heading = [cell.strip() for cell in first.cells] if first is not None else []
    meant = [_meaning(each) for each in heading]
    if "name" not in meant or not {"id", "emails", "im", "crm"} & set(meant):
        raise Refused("The first line must name the columns: name, and one of id, email, im and crm.")
    for row in lines:
        if row.fault or len(entries) >= MOST:
            unreadable.append(Unreadable(row.line, row.fault or f"more than {MOST} rows"))
            continue
        try:
            entries.append(_entry(row.line, dict(zip(meant, row.cells, strict=False))))
        except ValueError as wrong:
            unreadable.append(Unreadable(row.line, str(wrong)))
    if not entries:
        raise Refused("There is not one person to read in this file. Nothing was changed.")
    return PeopleFile(entries, unreadable, [*zip(heading, meant, strict=True)])


def _meaning(heading: str) -> str:
    wanted = heading.casefold().replace("_", " ")
    return next((name for name, also in _NAMES.items() if wanted in also), "")


def _entry(line: int, cells: dict[str, str]) -> Entry:
    """Raises ValueError, saying what is wrong."""

    def text(name: str, longest: int) -> str:
        told = "".join(sign for sign in cells.get(name, "") if sign.isprintable()).strip()
        if len(told) > longest:
            raise ValueError(f"{name}: at most {longest} signs")
        return told

    return Entry(
        text("id", 256),
        text("name", 200),
        tuple(_split(text("emails", 1000))),
        frozenset(_split(text("roles", 256))) if "roles" in cells else None,
        text("team", 100) if "team" in cells else None,
        text("region", 100) if "region" in cells else None,
        _truth(text("external", 16), "external", default=False) if "external" in cells else None,
        _truth(text("active", 16), "active", default=True),
        text("locale", 16),
        text("zone", 64),
        (*(("im", _im(each)) for each in _split(text("im", 1000))), *(_crm(each) for each in _split(text("crm", 512)))),
        line,
    )


def _split(text: str) -> list[str]:
    return [each.strip() for each in text.replace("|", ";").replace(",", ";").split(";") if each.strip()]


def _truth(text: str, name: str, *, default: bool) -> bool:
    if not text:
        return default
    if text.casefold() in _YES | _NO:
        return text.casefold() in _YES
    raise ValueError(f"{name}: write yes or no")


def _im(text: str) -> str:
    try:
        return ImId.parse(text).key
    except ValueError:
        raise ValueError("im: write channel/scope/kind/id") from None


def _crm(text: str) -> Account:
    crm, _, user = text.partition(":")
    if not (crm and user):
        raise ValueError("crm: write crm:user")
    return ("crm", text)
