"""In which workspaces the app is installed, and the token of each: configured, or sealed in the store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from cards.words import N_
from channels.keeper import Keeper
from channels.slack.config import Config
from gateway.errors import Refused

LOOK_MS = 15_000
"""For so long a token is known without asking the store, where another gateway may have changed it."""
EARLY_MS = 7_200_000
"""A token that turns is turned this long before its twelve hours are over."""
SOON = (0.1, 0.4, 1.0)
"""Seconds in which another gateway keeps the token it was just given."""
_TEAM = "team/"
REINSTALL = N_("Slack does not accept the bot's token any more. Install the app again and give its new token.")
NOWHERE = N_("The app is not installed in this Slack workspace. Install it there.")

Ask = Callable[[Mapping[str, str]], Awaitable[dict[str, Any]]]
"""`oauth.v2.access` with these fields; its answer. Raises `Retry`, `Refused`."""


@dataclass(frozen=True, slots=True)
class Install:
    token: str = field(repr=False)
    refresh: str = field(default="", repr=False)
    expires: int = 0
    """0 = never."""
    at: int = 0
    bot: str = ""


class Installs:
    """The configured workspace goes by the empty name."""

    def __init__(self, config: Config, clock: Callable[[], int], ask: Ask) -> None:
        self._home = config.team or ""
        self._own = Install(config.bot_token.get_secret_value()) if config.bot_token is not None else None
        self._several = config.client_id is not None
        self._clock = clock
        self._ask = ask
        self._known: dict[str, tuple[int, Install | None]] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self.keeper: Keeper | None = None

    async def all(self) -> tuple[str, ...]:
        """Their ids, the configured one as the empty name."""
        kept = await self.keeper.keys(_TEAM) if self._several and self.keeper is not None else ()
        others = [key.removeprefix(_TEAM) for key in kept if key != _TEAM + self._home]
        return (*([""] if self._own is not None else []), *others)

    async def has(self, team: str) -> bool:
        return self._configured(team) or await self._stored(team) is not None

    async def of(self, team: str) -> Install:
        """With a token that is good for a while yet. Raises `Refused` where the app is not installed."""
        if self._configured(team) and self._own is not None:
            return self._own
        found = await self._stored(team)
        if found is None:
            raise Refused(NOWHERE)
        due = found.refresh and found.expires - EARLY_MS <= self._clock()
        return await self.turned(team, found) if due else found

    async def turned(self, team: str, old: Install) -> Install:
        """A new token for one that is over, or soon will be; once, however many ask. Raises `Refused`, `Retry`."""
        async with self._locks.setdefault(team, asyncio.Lock()):
            found = await self._stored(team, surely=True)
            if found is None or not found.refresh:
                raise Refused(REINSTALL)
            if found.token != old.token:
                return found  # another call, or another gateway, was first
            try:
                given = await self._ask({"grant_type": "refresh_token", "refresh_token": found.refresh})
            except Refused:
                again = await self._by_another(team, old)
                if again is not None:
                    return again
                raise
            return await self.keep(team, read(given, self._clock(), found))

    async def _by_another(self, team: str, old: Install) -> Install | None:
        """A refresh token is good once: another gateway may have used it, and be about to keep what it got for it."""
        for wait in (*SOON, None):
            again = await self._stored(team, surely=True)
            if again is None or again.token != old.token:
                return again
            if wait is not None:
                await asyncio.sleep(wait)
        return None

    async def keep(self, team: str, install: Install) -> Install:
        if self.keeper is not None:
            await self.keeper.put(_TEAM + team, json.dumps(asdict(install)))
        self._known[team] = (self._clock(), install)
        return install

    async def gone(self, team: str, at: int) -> None:
        """Slack says so, of `at` (ms): what was installed since stays."""
        found = await self._stored(team, surely=True)
        if found is not None and found.at <= at and self.keeper is not None:
            await self.keeper.drop(_TEAM + team)
            self._known[team] = (self._clock(), None)

    def _configured(self, team: str) -> bool:
        return self._own is not None and team in ("", self._home)

    async def _stored(self, team: str, *, surely: bool = False) -> Install | None:
        if not self._several or self.keeper is None:
            return None
        looked, known = self._known.get(team, (0, None))
        if not surely and known is not None and self._clock() - looked < LOOK_MS:
            return known
        text = await self.keeper.get(_TEAM + team)
        found = Install(**json.loads(text)) if text is not None else None
        self._known[team] = (self._clock(), found)
        return found


def read(given: Mapping[str, Any], now: int, before: Install | None = None) -> Install:
    """What `oauth.v2.access` gave; a refreshed one stays installed since when it was."""
    lasts = given.get("expires_in")
    made = Install(
        token=str(given.get("access_token", "")),
        refresh=str(given.get("refresh_token", "")),
        expires=now + int(lasts) * 1000 if isinstance(lasts, int) and lasts > 0 else 0,
        at=now,
        bot=str(given.get("bot_user_id") or ""),
    )
    return made if before is None else replace(made, at=before.at, bot=made.bot or before.bot)
