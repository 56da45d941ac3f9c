"""The settings of a CRM of type `hubspot`."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from crm.http import address
from crm.mapping import FieldMap, FieldMapping, Mapped

COMPANY: Mapping[str, FieldMap] = {
    "phone": FieldMap(theirs="phone", type="phone"),
    "address": FieldMap(theirs="address"),
    "city": FieldMap(theirs="city"),
    "industry": FieldMap(theirs="industry"),
    "website": FieldMap(theirs="website"),
    "description": FieldMap(theirs="description"),
}
CONTACT: Mapping[str, FieldMap] = {
    "phone": FieldMap(theirs="phone", type="phone"),
    "email": FieldMap(theirs="email", type="email"),
    "address": FieldMap(theirs="address"),
    "city": FieldMap(theirs="city"),
    "website": FieldMap(theirs="website"),
}
NONE = SecretStr("")
KIND = "account"
"""What a record is for the gateway, whichever objects are its customers."""


class Config(Mapped):
    fixed: ClassVar[frozenset[str]] = frozenset(
        {"hs_object_id", "createdate", "hs_createdate", "hs_lastmodifieddate", "lastmodifieddate"}
    )

    kind: Literal["company", "contact"] = Field("company", description="Which objects are the customers.")
    token: SecretStr = Field(NONE, description="A private app's access token; or instead of it the three below.")
    client_id: str = Field("", description="OAuth: the app's client id.")
    client_secret: SecretStr = Field(
        NONE, description="The app's client secret: for OAuth, and to verify webhooks. Without it none is taken."
    )
    refresh_token: SecretStr = Field(NONE, description="OAuth: the refresh token of this installation.")
    portal: int = Field(0, ge=0, description="The account's number; cards then link to HubSpot. 0: not told.")
    app: str = Field(
        "", description="The app's id, by which its own writes are known again in HubSpot's history (`sourceId`)."
    )
    label: str = Field(
        "", description="A text property of your own that takes the source of the newest change; empty: none does."
    )
    every: float = Field(10.0, ge=0, le=3600, description="Seconds between two looks for changes.")
    deleted_every: float = Field(600.0, ge=0, le=86400, description="Seconds between two looks for archived records.")
    page: int = Field(100, ge=1, le=100, description="Records read at a time.")
    searches: float = Field(4.0, gt=0, le=1000, description="Searches in a second at most.")
    base_url: Annotated[str, AfterValidator(address)] = Field("https://api.hubapi.com", description="Where the API is.")
    timeout: float = Field(15.0, gt=0, le=120, description="Seconds for one call.")

    @model_validator(mode="after")
    def _one_way_in(self) -> Config:
        oauth = bool(self.client_id and self.client_secret.get_secret_value() and self.refresh_token.get_secret_value())
        if not oauth and not self.token.get_secret_value():
            raise ValueError("give a token, or client_id, client_secret and refresh_token")
        return self

    @functools.cached_property
    def mapping(self) -> FieldMapping:
        return FieldMapping(dict(self.fields) or dict(COMPANY if self.kind == "company" else CONTACT))
