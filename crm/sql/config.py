"""The settings of a CRM of type `sql`."""

from __future__ import annotations

from typing import Literal
from zoneinfo import available_timezones

from pydantic import Field, SecretStr, field_validator, model_validator
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from crm.mapping import Mapped

DRIVERS = {"postgresql": "postgresql+psycopg", "sqlite": "sqlite"}


class Config(Mapped):
    database: str = Field(
        description="The database's address, such as `postgresql://crm@db.example.com/erp` or `sqlite:////var/erp.db`; "
        "without a password."
    )
    password: SecretStr = Field(SecretStr(""), description="`env:NAME` or `file:PATH` of the password.")
    table: str = Field(min_length=1, description="The table or view that is read, with its schema if need be.")
    writes_to: str = Field(
        "", description="The table that is written, where `table` is a view; its columns bear the same names."
    )
    id: str = Field(min_length=1, description="The column that names a row for ever.")
    title: str = Field(min_length=1, description="The column with the customer's name.")
    version: str = Field(
        "",
        description="The column that changes with each write: a counter or a timestamp; empty: `modified`, "
        "and without that the row's own contents.",
    )
    modified: str = Field(
        "",
        description="The column with the time of the last write, or a number that grows over the whole table; "
        "empty: all rows are looked through.",
    )
    raised_by: Literal["us", "database"] = Field(
        "us", description="Who raises `version` and `modified` when Floatcard writes; `database`: a trigger does."
    )
    modified_by: str = Field("", description="The column with the name of who wrote last; we write `floatcard` there.")
    deleted: str = Field("", description="The column that marks a deleted row: true, 1, or a time.")
    names: tuple[str, ...] = Field((), description="Columns with other names of the customer.")
    owner: str = Field("", description="The column with the id of the user who looks after the customer.")
    team: str = Field("", description="The column with the owner's team.")
    region: str = Field("", description="The column with the customer's region.")
    zone: str = Field("UTC", description="The time zone of timestamps that tell none.")
    state: str = Field(
        "",
        description="Where it is kept what each row was, when there is no `modified`: a database's address; "
        "empty: a SQLite file of its own in the working directory.",
    )
    scan_every: float = Field(
        60.0, ge=0, le=86_400, description="Seconds from one look through all rows to the next, without `modified`."
    )
    look_back: float = Field(
        60.0,
        ge=0,
        le=3600,
        description="Seconds the feed looks back: a row becomes visible when its transaction ends, and bears the time "
        "at which it was written.",
    )
    page: int = Field(500, ge=1, le=10_000, description="Rows read at a time.")
    timeout: float = Field(15.0, gt=0, le=300, description="Seconds until a statement is given up.")

    @field_validator("database", "state")
    @classmethod
    def _an_address(cls, value: str) -> str:
        if not value:
            return value
        try:
            url = make_url(value)
            url.set(drivername=DRIVERS.get(url.drivername, url.drivername)).get_dialect().import_dbapi()
        except NoSuchModuleError:
            raise ValueError("no driver is known for this kind of database") from None
        except ArgumentError:
            raise ValueError("write a database's address, such as postgresql://user@host/name") from None
        except ImportError as absent:
            raise ValueError(f"the driver {absent.name} is not installed") from None
        if url.password:
            raise ValueError("a password stands in `password`, never in the address")
        return value

    @field_validator("zone")
    @classmethod
    def _a_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("an IANA name such as Asia/Shanghai")
        return value

    @model_validator(mode="after")
    def _nobody_writes_these(self) -> Config:
        kept = {self.id, self.version, self.modified, self.deleted, self.modified_by} - {""}
        for ours, spec in self.fields.items():
            if spec.writes and spec.theirs in kept:
                raise ValueError(f'fields.{ours}: {spec.theirs!r} is not for people: give it direction = "read"')
        return self

    @property
    def url(self) -> URL:
        url = make_url(self.database)
        secret = self.password.get_secret_value()
        url = url.set(drivername=DRIVERS.get(url.drivername, url.drivername))
        return url.set(password=secret) if secret else url

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read, each once."""
        own = (self.id, self.title, self.version, self.modified, self.modified_by, self.deleted)
        more = (*self.names, self.owner, self.team, self.region)
        return tuple(dict.fromkeys(each for each in (*own, *more, *self.mapping.asked) if each))
