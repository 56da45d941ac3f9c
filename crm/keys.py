"""How a connector proves who it is: a token that stays, or one that is renewed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Protocol


class Keys(Protocol):
    """How a connector proves who it is."""

    async def headers(self) -> Mapping[str, str]: ...

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """After a 401 that was answered to these headers. False: there is nothing that could be renewed."""
        ...

    def secrets(self) -> Collection[str]:
        """What may stand in no error and no log."""
        ...


class Bearer:
    """A token that stays what it is."""

    def __init__(self, token: str, *, scheme: str = "Bearer") -> None:
        self._token = token
        self._scheme = scheme

    async def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"{self._scheme} {self._token}"}

    async def renew(self, refused: Mapping[str, str]) -> bool:
        return False

    def secrets(self) -> Collection[str]:
        return (self._token,)


class NoKeys(Bearer):
    """Where the call itself carries what proves us."""

    def __init__(self, *secrets: str) -> None:
        self._secrets = secrets

    async def headers(self) -> Mapping[str, str]:
        return {}

    def secrets(self) -> Collection[str]:
        return self._secrets


Fetch = Callable[[], Awaitable[tuple[str, float]]]
"""Asks for a new token: it, and the seconds it lives."""


class Renewed:
    """A token that is asked for when there is none, shortly before it ends, and once after a 401.

    Whoever comes while one is being asked for waits for that one.
    """

    MARGIN = 60.0

    def __init__(self, fetch: Fetch, *secrets: str) -> None:
        self._fetch = fetch
        self._secrets = secrets
        self._lock = asyncio.Lock()
        self._token = ""
        self._until = 0.0

    async def headers(self) -> Mapping[str, str]:
        if time.monotonic() >= self._until:
            await self._ask(self._token)
        return self._proof()

    async def renew(self, refused: Mapping[str, str]) -> bool:
        if refused == self._proof():  # else somebody has renewed it since
            await self._ask(self._token)
        return True

    def _proof(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    async def _ask(self, stale: str) -> None:
        async with self._lock:
            if self._token != stale:
                return  # somebody else has just brought a new one
            token, lives = await self._fetch()
            self._token, self._until = token, time.monotonic() + max(lives - self.MARGIN, lives / 2)

    def secrets(self) -> Collection[str]:
        return tuple(each for each in (*self._secrets, self._token) if each)
