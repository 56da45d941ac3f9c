"""The user lists of CRMs and networks as last told, sealed: one gateway asks for them, the others read them here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from channels.model import Account, ImId
from crm.model import CrmUser
from gateway.clock import Clock
from gateway.store.counters import count
from gateway.store.engine import Store
from gateway.store.kept import Kept
from gateway.store.vault import Vault

COUNTER: Final = "user lists"
KEPT_MS: Final = 3 * 86_400_000
"""Without being told again; a list that nobody asks for any more goes."""
AGAIN_MS: Final = KEPT_MS // 3
_OWNER: Final = "-users"  # no channel has this name
_ASKED: Final = "asked"


class UserLists:
    def __init__(self, store: Store, vault: Vault, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._kept = Kept(store, vault, clock, _OWNER)

    async def tell(self, source: str, text: str) -> None:
        """It takes the place of the one before, and whoever follows `COUNTER` looks."""
        await self._store.write(self._tell, (source, text))

    async def told(self, source: str) -> str | None:
        return await self._kept.get(source)

    async def asked(self, at: int) -> None:
        """All of them were asked for then, whether or not anything was new."""
        await self._kept.put(_ASKED, json.dumps(at), until=at + KEPT_MS)

    async def asked_at(self) -> int:
        """0: never, or long ago."""
        return int(json.loads(await self._kept.get(_ASKED) or "0"))

    def _tell(self, connection: Connection, items: Sequence[tuple[str, str]]) -> list[None]:
        until = self._clock.now() + KEPT_MS
        for source, text in items:
            self._kept.put_in(connection, source, text, until)
        count(connection, COUNTER)
        return [None] * len(items)


def written(told: Sequence[CrmUser | Account]) -> str:
    plain = [{each.name: _plain(getattr(one, each.name)) for each in fields(one)} for one in told]
    try:
        return orjson.dumps(plain).decode()
    except TypeError:  # half a surrogate in a name
        return json.dumps(plain)


def _plain(value: Any) -> Any:
    if isinstance(value, ImId):
        return value.key
    return dict(value) if isinstance(value, Mapping) else value


def users_of(text: str) -> tuple[CrmUser, ...]:
    return tuple(CrmUser(**{**each, "roles": tuple(each["roles"])}) for each in _read(text))


def accounts_of(text: str) -> tuple[Account, ...]:
    return tuple(Account(**{**each, "id": ImId.parse(each["id"])}) for each in _read(text))


def _read(text: str) -> list[dict[str, Any]]:
    try:
        read: list[dict[str, Any]] = orjson.loads(text)
    except orjson.JSONDecodeError:
        read = json.loads(text)
    return read
