"""One call of the Web API, with the right workspace's token; what went wrong said by what happens next."""

from __future__ import annotations

import asyncio
import logging
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from cards.words import N_
from channels.slack.config import Config
from channels.slack.installs import REINSTALL, Installs
from channels.wire import TIRED, retry_after
from gateway.errors import Fixed, Gone, Refused, Retry

T = TypeVar("T")

_TRY_AGAIN = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
_OVER = frozenset({"token_expired", "invalid_auth", "token_revoked"})
_KINDS: dict[str, type[Refused]] = {
    "message_not_found": Gone,
    **dict.fromkeys(("cant_update_message", "cant_delete_message", "edit_window_closed"), Fixed),
}
_REFUSALS = {
    **dict.fromkeys(
        (*_OVER, "not_authed", "account_inactive", "invalid_refresh_token", "invalid_grant", "org_login_required"),
        REINSTALL,
    ),
    **dict.fromkeys(
        ("channel_not_found", "not_in_channel", "is_archived"),
        N_("The room is not there any more, or the bot is not in it."),
    ),
    **dict.fromkeys(
        (
            "message_not_found",
            "cant_update_message",
            "cant_delete_message",
            "edit_window_closed",
            "cannot_unfurl_message",
        ),
        N_("The message is not there any more."),
    ),
    **dict.fromkeys(
        ("user_not_found", "user_disabled", "user_not_visible", "cannot_dm_bot"),
        N_("This person cannot be written to directly."),
    ),
    **dict.fromkeys(
        (
            "expired_trigger_id",
            "trigger_expired",
            "exchanged_trigger_id",
            "trigger_exchanged",
            "invalid_trigger_id",
            "invalid_trigger",
        ),
        N_("The form could not be opened in time. Press the button again."),
    ),
    "user_not_in_channel": N_("This person is not in the room, so nothing can be whispered to them here."),
}


class SlackRefused(Refused):
    """With Slack's own word for it."""

    def __init__(self, say: str, word: str, /, **facts: object) -> None:
        super().__init__(say, **facts)
        self.word = word


class Calls:
    """The session is the gateway's and stays open."""

    def __init__(
        self, config: Config, session: aiohttp.ClientSession, clock: Callable[[], int], wall: Callable[[], int]
    ) -> None:
        self._config = config
        self._session = session
        self._wall = wall
        self._clients: dict[str, AsyncWebClient] = {}
        self.installs = Installs(config, clock, self.access)

    async def call(self, team: str, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return (await self.asked(team, method, json=dict(body)))[0]

    async def get(self, team: str, method: str, **params: Any) -> dict[str, Any]:
        """Reading methods take no JSON. Parameters that are empty are left out."""
        given = {key: value for key, value in params.items() if value != ""}
        return (await self.asked(team, method, data=given))[0]

    async def asked(self, team: str, method: str, **how: Any) -> tuple[dict[str, Any], Mapping[str, str]]:
        """The answer and its headers."""
        install = await self.installs.of(team)
        try:
            return await self.one(install.token, method, **how)
        except Refused as refused:
            if not install.refresh or getattr(refused, "word", "") not in _OVER:
                raise
        return await self.one((await self.installs.turned(team, install)).token, method, **how)

    async def access(self, fields: Mapping[str, str]) -> dict[str, Any]:
        """`oauth.v2.access`, which is asked with the app's own id and secret."""
        secret = self._config.client_secret
        assert self._config.client_id is not None and secret is not None
        basic = b64encode(f"{self._config.client_id}:{secret.get_secret_value()}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}"}
        return (await self.one("", "oauth.v2.access", data=dict(fields), headers=headers))[0]

    async def one(self, token: str, method: str, **how: Any) -> tuple[dict[str, Any], Mapping[str, str]]:
        try:
            async with asyncio.timeout(self._config.timeout):
                answer = await self.client(token).api_call(method, **how)
        except SlackApiError as fault:
            raise _happens_next(fault, self._wall()) from None  # its text holds the whole answer
        except (SlackClientError, aiohttp.ClientError, TimeoutError) as fault:
            raise Retry(TIRED, f"Slack: {type(fault).__name__}") from fault
        return dict(answer.data) if isinstance(answer.data, dict) else {}, dict(answer.headers)

    def client(self, token: str) -> AsyncWebClient:
        known = self._clients.get(token)
        if known is None:
            if len(self._clients) >= 100:
                self._clients.clear()
            # Trying again is the bus's business: no retry handlers.
            known = AsyncWebClient(
                token or None, self._config.base_url, session=self._session, logger=quiet(), retry_handlers=[]
            )
            self._clients[token] = known
        return known


def part(answer: Mapping[str, Any], key: str, kind: type[T]) -> T:
    """What an answer has to hold. Raises `Retry`: something between Slack and us answered for it."""
    value = answer.get(key)
    if not isinstance(value, kind):
        raise Retry(TIRED, f"Slack: an answer without its {key}")
    return value


def quiet() -> logging.Logger:
    """slack_sdk writes whole requests and answers to its log at DEBUG; this one has no such level."""
    log = logging.getLogger("floatcard.slack")
    log.setLevel(logging.WARNING)
    return log


def _happens_next(fault: SlackApiError, now: int) -> Exception:
    response = fault.response
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0))
    data = getattr(response, "data", None)
    reason = str(data.get("error", "")) if isinstance(data, dict) else ""
    if status == 429 or reason in ("ratelimited", "rate_limited"):
        return Retry(retry_after(response.headers.get("Retry-After"), now), "Slack: rate limit", limit="method")
    if status >= 500 or reason in _TRY_AGAIN or not reason:
        return Retry(TIRED, f"Slack answered {status} {reason}".rstrip())
    if reason == "missing_scope" and isinstance(data, dict):
        say = N_("The Slack app lacks the scope {scope}. Add it under OAuth & Permissions and install the app again.")
        return SlackRefused(say, reason, scope=str(data.get("needed", "")))
    say = _REFUSALS.get(reason, N_("Slack refused this: {reason}."))
    if reason in _KINDS:
        return _KINDS[reason](say, reason=reason)
    return SlackRefused(say, reason, reason=reason)
