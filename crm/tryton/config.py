"""The settings of a CRM of type `tryton`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field, SecretStr, field_validator

from crm.http import address
from crm.mapping import FieldMap, FieldMapping, Fields, Mapped

PARTY = "party.party"
OPPORTUNITY = "sale.opportunity"
NEVER = frozenset(
    {
        "id",
        "create_date",
        "create_uid",
        "write_date",
        "write_uid",
        "last_modified_at",
        "rec_name",
        "xml_id",
        "_timestamp",
    }
)
BY_MECHANISM = frozenset({"phone", "mobile", "fax", "email", "website"})
"""The server shows these on a party, and takes them only through its contact mechanisms."""
OF_OPPORTUNITIES: Mapping[str, FieldMap] = {
    "description": FieldMap(theirs="description"),
    "amount": FieldMap(theirs="amount", type="decimal"),
    "probability": FieldMap(theirs="conversion_probability", type="decimal"),
    "stage": FieldMap(theirs="state", type="choice", direction="read"),
    "closes": FieldMap(theirs="end_date", type="date"),
}


class Config(Mapped):
    fixed: ClassVar = NEVER | BY_MECHANISM
    usual: ClassVar = {
        "phone": FieldMap(theirs="contact_mechanisms.phone", type="phone"),
        "email": FieldMap(theirs="contact_mechanisms.email", type="email"),
        "website": FieldMap(theirs="contact_mechanisms.website"),
        "city": FieldMap(theirs="addresses.city"),
    }

    url: str = Field(description="The server's address, without the database, such as `https://erp.example.com`.")
    database: str = Field(min_length=1, pattern=r"^[A-Za-z0-9_.-]+$", description="The database's name there.")
    user: str = Field(min_length=1, description="The login name of an account of Floatcard's own.")
    password: SecretStr = Field(description="`env:NAME` or `file:PATH` of that account's password.")
    opportunity_fields: Fields = Field(
        {}, description="The mapping of `sale.opportunity`; empty: description, amount, probability, stage and closes."
    )
    opportunities: bool = Field(True, description="Whether the module `sale_opportunity` is there and is read.")
    deletions: bool = Field(
        True, description="Whether `ir.model.log` is read, which alone tells that a party was deleted and not archived."
    )
    page: int = Field(200, ge=1, le=1000, description="Records asked for at a time.")
    look_back: float = Field(
        60.0,
        ge=0,
        le=3600,
        description="Seconds the feed looks back: a change becomes visible when its transaction ends, and bears the "
        "time at which it began.",
    )
    timeout: float = Field(15.0, gt=0, le=300, description="Seconds until a call is given up.")

    @field_validator("url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        return address(value)

    @field_validator("opportunity_fields")
    @classmethod
    def _can_be_written(cls, fields: dict[str, FieldMap]) -> dict[str, FieldMap]:
        for ours, spec in fields.items():
            if spec.writes and (spec.theirs in NEVER or "." in spec.theirs or spec.theirs in ("state", "number")):
                raise ValueError(f'{ours}: {spec.theirs!r} cannot be written there: give it direction = "read"')
        return fields

    @field_validator("fields")
    @classmethod
    def _one_step_away(cls, fields: dict[str, FieldMap]) -> dict[str, FieldMap]:
        for ours, spec in fields.items():
            first, dot, rest = spec.theirs.partition(".")
            if dot and (not first or not rest or "." in rest):
                raise ValueError(f"{ours}: {spec.theirs!r} is more than one step away from the party")
            if dot and spec.writes and first not in ("contact_mechanisms", "addresses"):
                raise ValueError(f'{ours}: {spec.theirs!r} belongs to another record: give it direction = "read"')
        return fields

    @property
    def opportunity_mapping(self) -> FieldMapping:
        return FieldMapping(dict(self.opportunity_fields) or dict(OF_OPPORTUNITIES))
