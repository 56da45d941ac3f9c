"""The client-server API over aiohttp: the token in a header, what a refusal means, how long a tired server rests."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from cards.words import N_
from channels.wire import LONGEST, TIRED, json_object, retry_after
from gateway.errors import Gone, Refused, Retry, Unreadable

Json = dict[str, Any]

_TOKEN = N_("Matrix does not accept the bot's access token any more. Make a new one and put it into the configuration.")
_REFUSALS: Final = {
    "M_UNKNOWN_TOKEN": _TOKEN,
    "M_MISSING_TOKEN": _TOKEN,
    "M_USER_DEACTIVATED": _TOKEN,
    "M_FORBIDDEN": N_("The bot is not in this room, or its power level is too low for this. Invite it, or raise it."),
    "M_GUEST_ACCESS_FORBIDDEN": N_(
        "The bot is not in this room, or its power level is too low for this. Invite it, or raise it."
    ),
    "M_TOO_LARGE": N_("Matrix takes no message of this size."),
}


def path(*parts: str, version: str = "v3") -> str:
    return f"/_matrix/client/{version}/" + "/".join(quote(part, safe="") for part in parts)


class Unknown(Refused):
    """The account itself is not taken: whatever is asked for, it is refused."""


class Calls:
    """`call` returns the answer's JSON object. Raises `Retry`, `Gone` for what is not found, else `Refused`."""

    def __init__(
        self, url: str, token: str, session: aiohttp.ClientSession, timeout: float, wall: Callable[[], int]
    ) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._session = session
        self._timeout = timeout
        self._wall = wall

    async def call(
        self,
        method: str,
        to: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        more: float = 0.0,
    ) -> Json:
        """`more` seconds of patience for a call that the server holds open."""
        url = URL(f"{self._url}{to}?{urlencode(query)}" if query else self._url + to, encoded=True)
        raw = None if body is None else _encoded(body)
        headers = self._headers if raw is None else {**self._headers, "Content-Type": "application/json"}
        limit = aiohttp.ClientTimeout(total=self._timeout + more)
        try:
            async with self._session.request(
                method, url, data=raw, headers=headers, timeout=limit, allow_redirects=False
            ) as response:
                said, status, told = await response.read(), response.status, response.headers.get("Retry-After")
        except (aiohttp.ClientError, TimeoutError) as fault:
            raise Retry(TIRED, f"Matrix: {type(fault).__name__}") from None  # its words hold the address
        return self._settled(status, said, told)

    def _settled(self, status: int, said: bytes, after: str | None) -> Json:
        try:
            answer = json_object(said)
        except Unreadable:
            raise Retry(TIRED, f"Matrix answered {status} and no JSON") from None
        if 200 <= status < 300:
            return answer
        code = answer.get("errcode")
        if status == 429 or code == "M_LIMIT_EXCEEDED":
            raise Retry(self._rest(answer, after), "Matrix: M_LIMIT_EXCEEDED", limit="network")
        if status >= 500 or not isinstance(code, str):
            raise Retry(TIRED, f"Matrix answered {status}")
        if code == "M_NOT_FOUND":
            raise Gone("The message is not there any more.")
        says = _REFUSALS.get(code, N_("Matrix refused this: {reason}."))
        raise (Unknown if says == _TOKEN else Refused)(says, reason=code[:100])

    def _rest(self, answer: Json, after: str | None) -> float:
        """The header since version 1.10 of the protocol, the body's milliseconds before."""
        told = answer.get("retry_after_ms")
        if after is None and isinstance(told, int | float):
            return min(max(told / 1000, 0.1), LONGEST)
        return retry_after(after, self._wall())


def _encoded(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
