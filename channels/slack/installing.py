"""Installing the app in a workspace: to Slack with a state of ours in a cookie, and back with a code for its token."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

from cards.words import N_, match, say
from channels import model
from channels.keeper import Keeper
from channels.slack.calls import Calls
from channels.slack.config import Config
from channels.slack.installs import Install, read
from channels.slack.manifest import SCOPES
from gateway.errors import Refused, Rejected, Unreadable

MINUTES = 10
_COOKIE = "floatcard-install"
_TEXT = {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store"}


class Installing:
    def __init__(self, name: str, config: Config, calls: Calls, clock: Callable[[], int]) -> None:
        self._name = name
        self._config = config
        self._calls = calls
        self._clock = clock
        self.keeper: Keeper | None = None

    async def page(self, path: str, request: model.Inbound) -> model.Reply:
        if self._config.client_id is None or self.keeper is None or request.method != "GET":
            return model.Reply(status=404, headers=_TEXT, body=b"There is no such page.")
        if path == "install":
            return await self._begin(request, self.keeper)
        if path == "oauth":
            return await self._end(request, self.keeper)
        return model.Reply(status=404, headers=_TEXT, body=b"There is no such page.")

    async def _begin(self, request: model.Inbound, keeper: Keeper) -> model.Reply:
        state = secrets.token_urlsafe(24)
        await keeper.put(_key(state), "begun", until=self._clock() + MINUTES * 60_000)
        asked = {
            "client_id": self._config.client_id,
            "scope": ",".join(SCOPES),
            "state": state,
            "redirect_uri": _back(request),
        }
        site = self._config.base_url.removesuffix("/api")
        secure = "; Secure" if request.url.startswith("https:") else ""
        cookie = f"{_COOKIE}={state}; HttpOnly; SameSite=Lax; Path=/in/; Max-Age={MINUTES * 60}{secure}"
        return model.Reply(
            status=302,
            headers={"location": f"{site}/oauth/v2/authorize?{urlencode(asked)}", "set-cookie": cookie, **_TEXT},
        )

    async def _end(self, request: model.Inbound, keeper: Keeper) -> model.Reply:
        given = {key: values[0] for key, values in parse_qs(urlsplit(request.url).query).items()}
        state, locale = given.get("state", ""), match(request.headers.get("accept-language", "").split(",")[0])
        if not state or not _same(state, _cookie(request)):
            raise Rejected("an installation that was not begun in this browser")
        if await keeper.get(_key(state)) is None:
            raise Rejected("an installation that was not begun here, or too long ago")
        await keeper.drop(_key(state))
        if "code" not in given:
            raise Refused(N_("The app was not installed: Slack says {reason}."), reason=given.get("error", "?")[:100])
        answer = await self._calls.access({"code": given["code"], "redirect_uri": _back(request)})
        team = answer.get("team") or {}
        await self._take(str(team.get("id") or ""), read(answer, self._clock()))
        said = say(locale, "Floatcard is installed in {team}. Invite it to a room there.", team=str(team.get("name")))
        return model.Reply(headers=_TEXT, body=said.encode("utf-8", "replace"))

    async def _take(self, team: str, install: Install) -> None:
        """A workspace that is not on the list gets nothing: its people would count as ours."""
        if not team or not install.token:
            raise Unreadable("oauth.v2.access: no team or no bot token")
        if team not in (*self._config.teams, self._config.team):
            await self._calls.one(install.token, "auth.revoke", json={})
            raise Refused(N_("The workspace {team} is not among those this gateway works for (`teams`)."), team=team)
        if team != self._config.team:
            await self._calls.installs.keep(team, install)


def _key(state: str) -> str:
    return f"state/{hashlib.sha256(state.encode()).hexdigest()}"


def _back(request: model.Inbound) -> str:
    return request.url.partition("?")[0].rpartition("/")[0] + "/oauth"


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def _cookie(request: model.Inbound) -> str:
    """Other pages of the host may have left cookies that a strict reader stops at."""
    found = (part.strip().partition("=") for part in request.headers.get("cookie", "").split(";"))
    return next((value for name, _, value in found if name == _COOKIE), "")
