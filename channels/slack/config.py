"""What is configured: one workspace by its token, others by installing the app there, or both."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from channels.wire import base_address

TeamId = Annotated[str, Field(pattern=r"^[TE][A-Z0-9]{1,30}$")]
Secret = Annotated[SecretStr, Field(min_length=8)]


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    team: TeamId | None = None
    """The workspace's id: `T…`, as in the address of its web client. Goes with `bot_token`."""
    signing_secret: Secret
    """Basic Information → App Credentials → Signing Secret."""
    bot_token: Secret | None = None
    """OAuth & Permissions → Bot User OAuth Token (`xoxb-…`)."""
    client_id: Annotated[str, Field(min_length=3)] | None = None
    """Basic Information → App Credentials → Client ID: to install the app in further workspaces."""
    client_secret: Secret | None = None
    """Basic Information → App Credentials → Client Secret."""
    teams: tuple[TeamId, ...] = ()
    """The workspaces in which the app may be installed besides `team`."""
    app_token: Secret | None = None
    """Basic Information → App-Level Tokens (`xapp-…`, scope `connections:write`): for Socket Mode."""
    base_url: Annotated[str, AfterValidator(base_address)] = "https://slack.com/api"
    """Where the Web API is."""
    timeout: Annotated[float, Field(gt=0, le=120)] = 10.0
    """Seconds for one call."""

    @model_validator(mode="after")
    def _whole(self) -> Config:
        if (self.team is None) != (self.bot_token is None):
            raise ValueError("team and bot_token go together")
        if (self.client_id is None) != (self.client_secret is None):
            raise ValueError("client_id and client_secret go together")
        if self.bot_token is None and self.client_id is None:
            raise ValueError("give team and bot_token, or client_id and client_secret to install the app by")
        if self.client_id is not None and self.team is None and not self.teams:
            raise ValueError("teams: name the workspaces in which the app may be installed")
        return self
