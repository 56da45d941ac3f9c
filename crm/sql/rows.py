"""What a row is as a record, and how a value goes into a column."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from sqlalchemy import TableClause, column, inspect, table, types
from sqlalchemy.engine import Connection

from crm.http import storable
from crm.mapping import vanished
from crm.model import FieldInfo, Record, RecordRef
from crm.sql.config import Config
from crm.values import scrub, short
from gateway.errors import Refused

KIND = "account"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,20})?")
Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """The table as it was found, and what is written, which may be another."""

    read: TableClause
    written: TableClause


def found(conn: Connection, config: Config) -> Shape:
    """Raises `Refused` naming the table or column that is not there."""
    read, _ = _table(conn, config.table)
    missing = [name for name in config.columns if name not in read.c]
    if missing:
        raise vanished(missing[0])
    return Shape(read, _table(conn, config.writes_to)[0] if config.writes_to else read)


def offered(conn: Connection, config: Config) -> tuple[FieldInfo, ...]:
    """Every column of the table, with its type in the database's own words."""
    return _table(conn, config.table)[1]


def _table(conn: Connection, name: str) -> tuple[TableClause, tuple[FieldInfo, ...]]:
    schema, _, plain = name.rpartition(".")
    told = inspect(conn).get_columns(plain, schema or None)
    clause = table(plain, *(column(each["name"], each["type"]) for each in told), schema=schema or None)
    return clause, tuple(_info(each) for each in told)


def _info(told: Any) -> FieldInfo:
    type_ = told["type"]
    fixed = bool(told.get("computed")) or bool((told.get("identity") or {}).get("always"))
    options = tuple(type_.enums) if isinstance(type_, types.Enum) else ()
    kind = _kind(type_)
    label = str(told.get("comment") or told["name"])
    return FieldInfo(told["name"], label, kind, options, not fixed and kind != "other", str(type_))


def _kind(type_: Any) -> Literal["text", "decimal", "date", "choice", "other"]:
    if isinstance(type_, types.Enum | types.Boolean):
        return "choice"
    if isinstance(type_, types.Numeric | types.Integer):
        return "decimal"
    if isinstance(type_, types.Date | types.DateTime):
        return "date"
    return "text" if isinstance(type_, types.String) else "other"


@dataclass(frozen=True, slots=True)
class Reader:
    name: str
    config: Config

    def record(self, raw: Raw, version: int) -> Record:
        config, id_ = self.config, self.id(raw)
        at = self.at(raw[config.modified] if config.modified else None)
        when = at // 1000 if config.modified and isinstance(raw[config.modified], date) else 0
        return Record(
            ref=RecordRef(self.name, KIND, id_),
            title=_text(raw[config.title]) or id_,
            url=config.link.replace("{id}", quote(id_, safe="")),
            version=version,
            fields=config.mapping.hear({name: _plain(value) for name, value in raw.items()}, as_of=when).fields,
            related={},
            names=tuple(filter(None, (_text(raw[each]) for each in config.names))),
            owners=tuple(filter(None, (self._of(raw, config.owner),))),
            team=self._of(raw, config.team),
            region=self._of(raw, config.region),
            modified=when,
            modified_by=self._of(raw, config.modified_by),
            deleted=bool(config.deleted) and _marked(raw[config.deleted]),
        )

    def gone(self, id_: str, version: int) -> Record:
        return Record(RecordRef(self.name, KIND, id_), id_, "", version, {}, {}, deleted=True)

    def id(self, raw: Raw) -> str:
        return str(raw[self.config.id])

    def at(self, value: Any) -> int:
        """A timestamp in microseconds since the epoch; a number as it is; nothing is 0."""
        match value:
            case None:
                return 0
            case datetime():
                aware = value if value.tzinfo else value.replace(tzinfo=ZoneInfo(self.config.zone))
                return (aware - _EPOCH) // _US
            case date():
                return self.at(datetime.combine(value, time()))
            case int() | Decimal():
                return int(value)
            case _:
                raise Refused(
                    "{field} is neither a number nor a time, and cannot tell a version.", field=str(value)[:40]
                )

    def bound(self, at: int, type_: Any) -> Any:
        """`at` as a value of the column it came from."""
        if not isinstance(type_, types.DateTime | types.Date):
            return at
        moment = _EPOCH + timedelta(microseconds=at)
        return moment if getattr(type_, "timezone", False) else self._naive(moment)

    def _naive(self, moment: datetime) -> datetime:
        return moment.astimezone(ZoneInfo(self.config.zone)).replace(tzinfo=None)

    def raised(self, raw: Raw, name: str, type_: Any, now_us: int) -> Any:
        """What a version column becomes with our write."""
        before = self.at(raw[name])
        if not isinstance(type_, types.DateTime | types.Date):
            return before + 1
        return self.bound(max(now_us, before + 1), type_)

    def _of(self, raw: Raw, name: str) -> str:
        return _text(raw[name]) if name else ""


def _text(value: Any) -> str:
    return "" if value is None else scrub(str(value))


def _marked(value: Any) -> bool:
    return value not in (None, False, 0, "", "0", "f", "false", "n", "no", "N")


def _plain(value: Any) -> object:
    return bytes(value).hex() if isinstance(value, bytes | bytearray | memoryview) else value


def digest(raw: Raw) -> str:
    """Of a row's contents: the same again for the same row, whichever driver read it."""
    told = [[name, type(value).__name__, str(_plain(value))] for name, value in sorted(raw.items())]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def key_of(id_: str, type_: Any) -> Any:
    """The key's value in the database, as it stands there, with its blanks; None for a text that is none."""
    if id_ != storable(id_) or not id_:
        return None
    if isinstance(type_, types.Integer):
        return int(id_) if _WHOLE.fullmatch(id_) and abs(int(id_)) < 2**63 else None
    if isinstance(type_, types.Numeric):
        return Decimal(id_) if _NUMBER.fullmatch(id_) else None
    return id_


def as_theirs(name: str, type_: Any, text: str | None) -> Any:
    """Raises `Refused` for what the column does not take."""
    if text is None:
        return None
    match type_:
        case types.Boolean():
            return _boolean(name, text)
        case types.Integer():
            return _whole(name, text)
        case types.Float():
            return float(_number(name, text))
        case types.Numeric():
            return _number(name, text)
        case types.DateTime():
            return datetime.combine(_day(name, text), time(), UTC if type_.timezone else None)
        case types.Date():
            return _day(name, text)
        case types.String():
            return _fitting(name, type_.length, text)
        case _:
            raise Refused("{field} is only read from the CRM. Change it there.", field=short(name))


def _boolean(name: str, text: str) -> bool:
    if text.casefold() not in ("true", "false"):
        raise Refused("{field}: {value} is not one of {options}.", field=name, value=short(text), options="true, false")
    return text.casefold() == "true"


def _number(name: str, text: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError:
        raise Refused(
            "{field}: {value} is not a number. Write it as 480000.00.", field=name, value=short(text)
        ) from None


def _whole(name: str, text: str) -> int:
    number = _number(name, text)
    if number != number.to_integral_value():
        raise Refused("{field}: {value} is not a whole number.", field=name, value=short(text))
    return int(number)


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(
            "{field}: {value} is not a date. Write it as 2026-12-01.", field=name, value=short(text)
        ) from None


def _fitting(name: str, length: int | None, text: str) -> str:
    if length is not None and len(text) > length:
        raise Refused(
            "{field}: at most {limit} characters fit, this has {length}.", field=name, limit=length, length=len(text)
        )
    return text


def columns(raw: Any) -> Iterator[dict[str, Any]]:
    yield from (dict(each) for each in raw.mappings())
