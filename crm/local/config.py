"""The settings of a CRM of type `local`."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

PREFIX = "sqlite:///"


class Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    database: str = Field(
        default="sqlite:///floatcard-crm.db",
        description="`sqlite:///` and a path, relative to the working directory. Never the gateway's own database.",
    )
    busy_timeout: float = Field(
        default=5.0,
        ge=0,
        le=60,
        description="Seconds to wait for another process's write before answering *again later*.",
    )
    link: str = Field(
        default="", description="Address of a customer's page, with `{id}` in it; empty: cards carry no link."
    )

    @field_validator("database")
    @classmethod
    def _is_a_file(cls, value: str) -> str:
        path = value.removeprefix(PREFIX)
        if path == value or not path or path == ":memory:" or "?" in path:
            raise ValueError("write sqlite:/// and the path of a file, such as sqlite:///floatcard-crm.db")
        return value

    @property
    def path(self) -> Path:
        return Path(self.database.removeprefix(PREFIX))
