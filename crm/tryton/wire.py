"""One call to a Tryton server: its session, its types on the wire, and what its errors mean."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from crm.http import GARBLED, TIRED, Client, Manners, rows
from crm.keys import NoKeys
from crm.mapping import vanished
from crm.tryton.config import Config
from gateway.errors import Refused, Retry
from reconcile.model import Json

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
_PARTS = ("year", "month", "day", "hour", "minute", "second", "microsecond")


class Moved(Exception):
    """The record had another `_timestamp`: nothing was written."""


class Session:
    """Tryton's own sessions: asked for with name and password, ended by the server when nobody spoke for a while."""

    def __init__(self, name: str, config: Config) -> None:
        self.user = 0
        """Our own account's id there; known from the first call on."""
        self._config = config
        self._password = config.password.get_secret_value()
        self._client = Client(name, f"{config.url}/{config.database}", NoKeys(self._password), _manners(config))
        self._lock = asyncio.Lock()
        self._token = ""

    async def close(self) -> None:
        await self._client.close()

    async def headers(self) -> Mapping[str, str]:
        if not self._token:
            await self._log_in("")
        return self._headers()

    def _headers(self) -> Mapping[str, str]:
        words = f"{self._config.user}:{self.user}:{self._token}"
        return {"Authorization": f"Session {base64.b64encode(words.encode()).decode()}"}

    async def renew(self, refused: Mapping[str, str]) -> bool:
        if refused == self._headers():
            await self._log_in(self._token)  # else another call has brought a new one already
        return True

    def secrets(self) -> Collection[str]:
        return tuple(each for each in (self._password, self._token) if each)

    async def _log_in(self, stale: str) -> None:
        async with self._lock:
            if self._token != stale:
                return
            params: Json = [self._config.user, {"password": self._password}, "en"]
            body: Json = {"id": 0, "method": "common.db.login", "params": params}
            answer = await self._client.call("POST", "/rpc/", body=body, reads=True)
            match answer.table.get("result"):
                case [int() as user, str() as token, *_]:
                    self.user, self._token = user, token
                case _:
                    raise Refused(
                        "The CRM {crm} does not accept our access any more: reconnect it.", crm=self._client.name
                    )


def _manners(config: Config) -> Manners:
    return Manners(timeout=config.timeout)


class Server:
    """`call` is one remote method. Errors say what happens next, as everywhere."""

    def __init__(self, name: str, config: Config) -> None:
        self.session = Session(name, config)
        self.client = Client(name, f"{config.url}/{config.database}", self.session, _manners(config))
        self._serial = 0
        self._ours: dict[str, Json] | None = None

    async def close(self) -> None:
        await self.client.close()
        await self.session.close()

    async def search(
        self,
        model: str,
        domain: list[Any],
        fields: Collection[str],
        *,
        limit: int | None = None,
        order: list[list[str]] | None = None,
        context: dict[str, Json] | None = None,
    ) -> list[dict[str, Any]]:
        """Archived ones too. Types as in Python."""
        told = {"active_test": False, **(context or {})}
        params = [domain, 0, limit, order, sorted(fields)]
        found = rows(await self.call(f"model.{model}.search_read", *params, context=told, reads=True, asked=fields))
        return list({str(row.get("id")): row for row in found}.values())

    async def count(self, model: str, domain: list[Any]) -> int:
        context: dict[str, Json] = {"active_test": False}
        found = await self.call(f"model.{model}.search_count", domain, 0, None, context=context, reads=True)
        if not isinstance(found, int) or isinstance(found, bool):
            raise Retry(GARBLED, "answered something else where a number was expected")
        return found

    async def call(
        self,
        method: str,
        *params: Any,
        context: Mapping[str, Json] | None = None,
        reads: bool = False,
        asked: Collection[str] = (),
    ) -> Any:
        """Raises `Moved` when a `_timestamp` of the context is not the record's any more."""
        told = {**await self._company(), **(context or {})}
        return await self._call(method, params, told, reads, asked)

    async def _call(
        self, method: str, params: Collection[Any], context: dict[str, Json], reads: bool, asked: Collection[str] = ()
    ) -> Any:
        self._serial += 1
        body: Json = {"id": self._serial, "method": method, "params": [*map(encoded, params), context]}
        answer = (await self.client.call("POST", "/rpc/", body=body, reads=reads)).table
        if "error" in answer:
            self._fail(answer["error"], asked)
        if "result" not in answer:
            raise Retry(GARBLED, "answered neither a result nor an error")
        return decoded(answer["result"])

    async def _company(self) -> dict[str, Json]:
        """The company our account works in: without it the rules of a company hide and refuse everything of it."""
        if self._ours is None:
            told = await self._call("model.res.user.get_preferences", [True], {}, True)
            found = told if isinstance(told, dict) else {}
            self._ours = {key: found[key] for key in ("company", "employee") if isinstance(found.get(key), int)}
        return self._ours

    def _fail(self, error: Json, asked: Collection[str]) -> None:
        name, words = _named(error)
        if name == "ConcurrencyException":
            raise Moved
        if name in ("UserError", "UserWarning"):
            raise self.client.refusal(words)
        gone = name.strip("'\"")  # a KeyError of the server's, as text
        steps = {step for field in asked for step in (field, *field.split("."))}
        if gone in steps or (not gone and asked):
            raise vanished(gone or ", ".join(sorted(asked)))
        # The server broke, and took back what it had begun.
        # Its words may have a value in them, and a `Retry` is logged.
        raise Retry(TIRED, "answered an error of its own")


def _named(error: Json) -> tuple[str, str]:
    """`["UserError", ["words", "more", null]]`, `["UserWarning", ["key", "words", …]]` or `["text", "traceback"]`."""
    if not isinstance(error, list) or not error or not isinstance(error[0], str):
        return "an error without a name", ""
    said = error[1] if len(error) > 1 else ""
    words = said if isinstance(said, list) else [said]
    texts = [each for each in words if isinstance(each, str) and each]
    if error[0] == "UserWarning":
        texts = texts[1:]
    return error[0], " ".join(texts[:2])


# -- types


def encoded(value: Any) -> Json:
    match value:
        case Decimal():
            return {"__class__": "Decimal", "decimal": str(value)}
        case datetime():
            return {"__class__": "datetime", **{part: getattr(value, part) for part in _PARTS}}
        case date():
            return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
        case list() | tuple():
            return [encoded(each) for each in value]
        case dict():
            return {key: encoded(each) for key, each in value.items()}
        case _:
            plain: Json = value
            return plain


def decoded(value: Json) -> Any:
    if isinstance(value, list):
        return [decoded(each) for each in value]
    if not isinstance(value, dict):
        return value
    try:
        match value.get("__class__"):
            case "Decimal":
                return Decimal(str(value["decimal"]))
            case "datetime":
                parts: dict[str, Any] = {each: value[each] for each in _PARTS}
                return datetime(**parts, tzinfo=UTC)
            case "date":
                day: Any = [value[each] for each in ("year", "month", "day")]
                return date(*day)
    except (KeyError, TypeError, ValueError, InvalidOperation):
        raise Retry(GARBLED, "answered a value that is none of its own types") from None
    return {key: decoded(each) for key, each in value.items()}


def moment(at: int) -> datetime:
    """Of microseconds since the epoch."""
    try:
        return _EPOCH + timedelta(microseconds=at)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def micros(at: object) -> int:
    """Of a `_timestamp` such as `1795247643.270220`, or a moment."""
    if isinstance(at, datetime):
        return (at - _EPOCH) // _US
    try:
        return int(Decimal(str(at)) * 1_000_000)
    except (InvalidOperation, ValueError, OverflowError):
        raise Retry(GARBLED, "answered a time that is none") from None
