"""What is configured: one bot by its token, and how its updates come."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from channels.wire import base_address


def _sayable(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9_-]*", secret.get_secret_value()):
        raise ValueError("Telegram takes only letters, digits, _ and - in a secret token")
    return secret


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    bot_token: Annotated[SecretStr, Field(min_length=20)]
    """BotFather → /newbot, or /token: `123456789:…`. The digits are the bot's own id."""
    username: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{3,31}$")]
    """The bot's user name without its @."""
    secret: Annotated[SecretStr, Field(min_length=16, max_length=256), AfterValidator(_sayable)]
    """Made up by you; Telegram sends it with each update it delivers."""
    mode: Literal["webhook", "polling"] = "webhook"
    """Whether Telegram delivers to us, or we ask."""
    webhook: Annotated[str, Field(pattern=r"^(https://\S+)?$")] = ""
    """Where Telegram is told to deliver at start; empty: you tell it yourself."""
    base_url: Annotated[str, AfterValidator(base_address)] = "https://api.telegram.org"
    """Where the Bot API is."""
    timeout: Annotated[float, Field(gt=0, le=120)] = 10.0
    """Seconds for one call."""
