"""The settings of a CRM of type `salesforce`."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator

from crm.http import address
from crm.mapping import FieldMap, FieldMapping, Mapped

ACCOUNT: Mapping[str, FieldMap] = {
    "phone": FieldMap(theirs="Phone", type="phone"),
    "address": FieldMap(theirs="BillingStreet"),
    "city": FieldMap(theirs="BillingCity"),
    "industry": FieldMap(theirs="Industry"),
    "website": FieldMap(theirs="Website"),
    "description": FieldMap(theirs="Description"),
}
PERSON: Mapping[str, FieldMap] = {
    "phone": FieldMap(theirs="Phone", type="phone"),
    "email": FieldMap(theirs="Email", type="email"),
    "description": FieldMap(theirs="Description"),
}
KIND = "account"
"""What a record is for the gateway, whichever objects are its customers."""
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")


class Config(Mapped):
    fixed: ClassVar[frozenset[str]] = frozenset(
        {"Id", "SystemModstamp", "LastModifiedDate", "LastModifiedById", "CreatedDate", "CreatedById", "IsDeleted"}
    )

    url: Annotated[str, AfterValidator(address)] = Field(
        description="The company's own address, such as `https://acme.my.salesforce.com`."
    )
    client_id: str = Field(min_length=1, description="The connected app's consumer key.")
    client_secret: SecretStr = Field(min_length=1, description="Its consumer secret.")
    refresh_token: SecretStr = Field(
        SecretStr(""), description="The refresh token; without it the app's own user is taken (client credentials)."
    )
    kind: Literal["account", "contact", "lead"] = Field("account", description="Which objects are the customers.")
    version: str = Field("62.0", pattern=r"^[0-9]{2,3}\.0$", description="The version of the API.")
    every: float = Field(10.0, ge=0, le=3600, description="Seconds between two looks for changes.")
    page: int = Field(200, ge=1, le=200, description="Records read at a time.")
    timeout: float = Field(15.0, gt=0, le=120, description="Seconds for one call.")

    @field_validator("fields")
    @classmethod
    def _names_of_fields(cls, fields: dict[str, FieldMap]) -> dict[str, FieldMap]:
        for ours, spec in fields.items():
            if not _FIELD.fullmatch(spec.theirs):
                raise ValueError(
                    f"{ours}: {spec.theirs[:40]!r} is no name of a field; give one such as Phone or Tier__c"
                )
        return fields

    @functools.cached_property
    def mapping(self) -> FieldMapping:
        return FieldMapping(dict(self.fields) or dict(ACCOUNT if self.kind == "account" else PERSON))

    @property
    def page_at(self) -> str:
        """Where people see a record: in Lightning, whose host is another."""
        host = self.url.replace(".my.salesforce.com", ".lightning.force.com")
        return self.link or f"{host}/lightning/r/{self.object}/{{id}}/view"

    @property
    def object(self) -> str:
        return self.kind.title()
