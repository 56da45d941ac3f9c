"""What is configured: one account on a home server, and which servers are our own."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from channels.wire import base_address

_UserId = Annotated[str, Field(pattern=r"^@[^:\s]{1,200}:[A-Za-z0-9.\-\[\]:]{1,230}$", max_length=255)]
_Server = Annotated[str, Field(pattern=r"^[A-Za-z0-9.\-\[\]:]{1,230}$")]
BRIDGED = tuple(f"@{each}*" for each in ("_", "telegram_", "whatsapp_", "signal_", "slack_", "discord_", "irc_"))


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, AfterValidator(base_address)]
    """Where the home server's client API is."""
    user: _UserId
    """The bot's own account: `@floatcard:example.org`."""
    access_token: Annotated[SecretStr, Field(min_length=8)]
    """Of that account."""
    servers: tuple[_Server, ...] = ()
    """The home servers of our own people; by default the bot's own. Invitations from others are declined."""
    strangers: tuple[str, ...] = BRIDGED
    """Accounts on our own servers that are people from elsewhere, as patterns such as `@telegram_*`."""
    closed: bool = False
    """Nobody from another server can join a room here."""
    timeout: Annotated[float, Field(gt=0, le=120)] = 15.0
    """Seconds for one call."""
    wait: Annotated[float, Field(gt=0, le=300)] = 30.0
    """Seconds for which the server holds a call open until something happens."""
