"""Odoo's JSON-RPC: a call, and what its faults mean. They come with HTTP 200."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from typing import Any

from crm.http import GARBLED, TIRED, Client, Manners, rows
from crm.keys import NoKeys
from crm.odoo.config import Config
from gateway.errors import Refused, Retry
from reconcile.model import Json

OLDEST = 17
_DENIED = frozenset({"AccessDenied", "SessionExpiredException"})
_BUSY = frozenset(
    {
        "DeadlockDetected",
        "InterfaceError",
        "InFailedSqlTransaction",
        "LockNotAvailable",
        "OperationalError",
        "PoolError",
        "QueryCanceled",
        "SerializationFailure",
        "TransactionRollbackError",
    }
)
_NO_DATABASE = re.compile(r'database "[^"]*" does not exist')


class Denied(Exception):
    """Odoo does not take the login or the key."""


class Rpc:
    """One account in one database. It is logged in at the first call, and once more when Odoo denies it."""

    def __init__(self, name: str, config: Config) -> None:
        self._config = config
        self._key = config.key.get_secret_value()
        self._client = Client(name, config.url, NoKeys(self._key), Manners(timeout=config.timeout, at_once=4))
        self._lock = asyncio.Lock()
        self._uid = 0
        self._context: dict[str, Json] = {}
        self._calls = 0

    async def close(self) -> None:
        await self._client.close()

    async def uid(self) -> int:
        async with self._lock:
            if not self._uid:
                uid = await self._log_in()
                self._context = await self._spoken(uid)
                self._uid = uid
        return self._uid

    def now(self) -> float:
        """Seconds since the epoch by Odoo's clock, or ours where it does not tell the time."""
        return time.time() + (self._client.clock_offset or 0.0)

    async def rows(self, model: str, domain: Json, fields: list[str], **more: Json) -> list[dict[str, Json]]:
        """`search_read`. Archived records come too where the domain asks for them."""
        asked: list[Json] = list(fields)
        return rows(await self.call(model, "search_read", [domain], {"fields": asked, **more}, reads=True))

    async def call(
        self,
        model: str,
        method: str,
        args: list[Json],
        kwargs: Mapping[str, Json] | None = None,
        *,
        reads: bool = False,
    ) -> Json:
        for _ in range(2):
            uid = await self.uid()
            named: dict[str, Json] = {**(kwargs or {}), **({"context": self._context} if self._context else {})}
            try:
                return await self._execute(uid, model, method, args, named, reads=reads)
            except Denied:
                self._uid = 0
        raise self._locked_out()

    async def _execute(
        self, uid: int, model: str, method: str, args: list[Json], kwargs: dict[str, Json], *, reads: bool
    ) -> Json:
        asked: list[Json] = [self._config.database, uid, self._key, model, method, args, kwargs]
        return await self._service("object", "execute_kw", asked, reads=reads)

    async def _spoken(self, uid: int) -> dict[str, Json]:
        """The account's language, in which names that Odoo translates are read and written, and refusals are told;
        without one Odoo speaks English."""
        try:
            told = await self._execute(uid, "res.users", "context_get", [], {}, reads=True)
        except (Refused, Denied):
            return {}
        lang = told.get("lang") if isinstance(told, dict) else None
        return {"lang": lang} if isinstance(lang, str) and lang else {}

    async def _log_in(self) -> int:
        told = await self._service("common", "version", [], reads=True)
        major = _major(told)
        if major < OLDEST:
            raise Refused("The CRM {crm} is of version {version}; it has to be {oldest} or newer.", **self._old(major))
        asked: list[Json] = [self._config.database, self._config.login, self._key, {}]
        try:
            uid = await self._service("common", "authenticate", asked, reads=True)
        except Denied:
            uid = False
        if isinstance(uid, bool) or not isinstance(uid, int):
            raise self._locked_out()
        return uid

    def _old(self, major: int) -> dict[str, object]:
        return {"crm": self._client.name, "version": major, "oldest": OLDEST}

    def _locked_out(self) -> Refused:
        return Refused("The CRM {crm} does not accept our access any more: reconnect it.", crm=self._client.name)

    async def _service(self, service: str, method: str, args: list[Json], *, reads: bool) -> Json:
        self._calls += 1
        params: Json = {"service": service, "method": method, "args": args}
        body: Json = {"jsonrpc": "2.0", "method": "call", "params": params, "id": self._calls}
        number = self._calls
        answer = (await self._client.call("POST", "/jsonrpc", body=body, reads=reads)).table
        if answer.get("id") != number and "error" not in answer:
            raise Retry(GARBLED, "answered something else than was asked")
        if "error" in answer:
            raise self._fault(answer["error"])
        return answer.get("result")  # Odoo leaves it out where a method returns nothing

    def _fault(self, error: Json) -> Exception:
        """Odoo has rolled back whatever raised, so that none of these leaves a doubt."""
        told: dict[str, Any] = error if isinstance(error, dict) else {}
        data: dict[str, Any] = told["data"] if isinstance(told.get("data"), dict) else {}
        kind = str(data.get("name") or "").rpartition(".")[2]
        words = str(data.get("message") or told.get("message") or "")
        if kind in _DENIED or told.get("code") == 100:
            return Denied()
        if kind in _BUSY and not _NO_DATABASE.search(words):
            return Retry(TIRED, f"answered {kind}")
        if kind == "AccessError":
            words = self._client.quoted(words)
            return Refused("The CRM {crm} does not permit this: {words}", crm=self._client.name, words=words)
        return self._client.refusal(words or kind or "?")


def _major(version: Json) -> int:
    """Of `{"server_version_info": [17, 0, 0, "final", 0, ""]}`; Odoo's own hosting says `saas~17` there."""
    info = version.get("server_version_info") if isinstance(version, dict) else None
    first = str(info[0]) if isinstance(info, list) and info else ""
    found = re.search(r"[0-9]{1,3}", first)
    if found is None:
        raise Retry(GARBLED, "does not say which version it is of")
    return int(found[0])
