"""The settings of a CRM of type `odoo`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, SecretStr

from crm.http import address
from crm.mapping import FieldMap, Mapped

USUAL: Mapping[str, FieldMap] = {
    "phone": FieldMap(theirs="phone", type="phone"),
    "email": FieldMap(theirs="email", type="email"),
    "address": FieldMap(theirs="street"),
    "city": FieldMap(theirs="city"),
    "website": FieldMap(theirs="website"),
    "industry": FieldMap(theirs="industry_id"),
    "description": FieldMap(theirs="comment"),
}


class Config(Mapped):
    usual: ClassVar[Mapping[str, FieldMap]] = USUAL
    fixed: ClassVar[frozenset[str]] = frozenset(
        {"id", "display_name", "write_date", "write_uid", "create_date", "create_uid", "active"}
    )

    url: Annotated[str, AfterValidator(address)] = Field(
        description="Where Odoo is, such as `https://crm.example.com`. Over plain http the key can be read on the way."
    )
    database: str = Field(min_length=1, description="The name of the database.")
    login: str = Field(min_length=1, description="The account of the gateway: one of its own, that nobody else uses.")
    key: SecretStr = Field(min_length=1, description="That account's API key (Preferences → Account Security).")
    customers: Literal["all", "companies"] = Field(
        "all",
        description="`companies`: only partners that are companies; `all`: also people who belong to none. Contacts of "
        "a company and the partners of Odoo's own users are no customers.",
    )
    notes: bool = Field(
        True, description="Whether a note on the partner tells the source of every change the gateway writes."
    )
    page: int = Field(50, ge=1, le=200, description="Records read at a time.")
    timeout: float = Field(20.0, gt=0, le=120, description="Seconds for one call.")
