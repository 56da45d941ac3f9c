"""What is configured: where the chat is, and the secret both sides sign with."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from channels.wire import base_address


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, AfterValidator(base_address)]
    """Where the chat takes what the gateway says."""
    secret: Annotated[SecretStr, Field(min_length=16)]
    """Shared with the chat; signs the requests of both."""
    scope: Annotated[str, Field(min_length=1, max_length=200)] = "demo"
    """The workspace the chat's accounts belong to, as it names it in `scope`."""
    timeout: Annotated[float, Field(gt=0, le=120)] = 10.0
    """Seconds for one call to the chat."""
