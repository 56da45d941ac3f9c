"""The settings of a CRM of type `dataverse`."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator

from crm.http import address
from crm.mapping import FieldMap, FieldMapping, Mapped

PERSON: Mapping[str, FieldMap] = {
    "phone": FieldMap(theirs="telephone1", type="phone"),
    "email": FieldMap(theirs="emailaddress1", type="email"),
    "address": FieldMap(theirs="address1_line1"),
    "city": FieldMap(theirs="address1_city"),
    "description": FieldMap(theirs="description"),
}
ACCOUNT: Mapping[str, FieldMap] = {
    **PERSON,
    "industry": FieldMap(theirs="industrycode", type="choice"),
    "website": FieldMap(theirs="websiteurl"),
}
KIND = "account"
"""What a record is for the gateway, whichever rows are its customers."""
_COLUMN = re.compile(r"[a-z_][a-z0-9_]{0,99}")


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    set: str
    key: str
    title: str


TABLES: Mapping[str, Table] = {
    "account": Table("account", "accounts", "accountid", "name"),
    "contact": Table("contact", "contacts", "contactid", "fullname"),
    "lead": Table("lead", "leads", "leadid", "fullname"),
}


class Config(Mapped):
    fixed: ClassVar[frozenset[str]] = frozenset(
        {"accountid", "contactid", "leadid", "createdon", "modifiedon", "versionnumber", "merged", "fullname"}
    )

    url: Annotated[str, AfterValidator(address)] = Field(
        description="The environment's address, such as `https://acme.crm.dynamics.com`."
    )
    tenant: str = Field(
        pattern=r"^[A-Za-z0-9.-]{1,120}$", description="The directory (tenant) of the app's registration: id or domain."
    )
    client_id: str = Field(min_length=1, description="The registration's application (client) id.")
    client_secret: SecretStr = Field(min_length=1, description="A client secret of it.")
    login: Annotated[str, AfterValidator(address)] = Field(
        "https://login.microsoftonline.com",
        description="Where tokens are given; in China `https://login.partner.microsoftonline.cn`.",
    )
    kind: Literal["account", "contact", "lead"] = Field("account", description="Which rows are the customers.")
    version: str = Field("9.2", pattern=r"^[0-9]{1,2}\.[0-9]$", description="The version of the Web API.")
    duplicates: Literal["ignore", "refuse"] = Field(
        "ignore", description="`refuse`: Dataverse's duplicate detection rules hold for what we write, too."
    )
    app: str = Field(
        "", pattern=r"^[0-9A-Fa-f-]{0,36}$", description="The app in which people see a record, by its id."
    )
    every: float = Field(10.0, ge=0, le=3600, description="Seconds between two looks for changes.")
    page: int = Field(100, ge=1, le=100, description="Records read at a time.")
    timeout: float = Field(15.0, gt=0, le=120, description="Seconds for one call.")

    @field_validator("fields")
    @classmethod
    def _names_of_columns(cls, fields: dict[str, FieldMap]) -> dict[str, FieldMap]:
        for ours, spec in fields.items():
            if not _COLUMN.fullmatch(spec.theirs):
                raise ValueError(f"{ours}: {spec.theirs[:40]!r} is no column's logical name, such as telephone1")
            if spec.theirs.startswith("_") and spec.writes:
                raise ValueError(f'{ours}: a lookup such as {spec.theirs!r} is only read; give it direction = "read"')
        return fields

    @functools.cached_property
    def mapping(self) -> FieldMapping:
        return FieldMapping(dict(self.fields) or dict(ACCOUNT if self.kind == "account" else PERSON))

    @property
    def table(self) -> Table:
        return TABLES[self.kind]

    @property
    def page_at(self) -> str:
        """Where people see a record."""
        app = f"appid={self.app}&" if self.app else ""
        return self.link or f"{self.url}/main.aspx?{app}pagetype=entityrecord&etn={self.kind}&id={{id}}"
