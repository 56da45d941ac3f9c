"""A signed call to the chat, and what its answer means."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

import aiohttp
from yarl import URL

from cards.words import N_
from channels.seal import sign
from channels.web.config import Config
from channels.web.events import Id, Who
from channels.wire import TIRED, Body, BodyT, json_object, read, settle
from gateway.errors import Gone, Refused, Retry, Unreadable

JSON = {"content-type": "application/json; charset=utf-8"}


class Made(Body):
    id: Id


class Room(Body):
    title: str = ""
    kind: Literal["group", "direct", "public"] = "group"
    external: bool = False
    complete: bool = False
    members: tuple[Who, ...] = ()


class Direct(Body):
    room: Id


class Calls:
    def __init__(self, config: Config, session: aiohttp.ClientSession, wall: Callable[[], int]) -> None:
        self._config = config
        self._secret = config.secret.get_secret_value()
        self._session = session
        self._wall = wall

    async def call(
        self, method: str, path: str, body: dict[str, Any] | None, refusal: Callable[[int], Refused]
    ) -> bytes:
        url = URL(self._config.url + path, encoded=True)
        raw = b"" if body is None else encode(body)
        limit = aiohttp.ClientTimeout(total=self._config.timeout)
        try:
            async with self._session.request(
                method, url, data=raw, headers=self._headers(method, url, raw), timeout=limit, allow_redirects=False
            ) as response:
                settle(response.status, response.headers, self._wall(), refusal)
                return await response.read()
        except (aiohttp.ClientError, TimeoutError) as fault:
            raise Retry(TIRED, f"the web chat: {type(fault).__name__}") from fault

    def _headers(self, method: str, url: URL, raw: bytes) -> dict[str, str]:
        timestamp = str(self._wall() // 1000)
        signature = sign(self._secret, timestamp, method, url.raw_path_qs, raw)
        return {**JSON, "X-Floatcard-Timestamp": timestamp, "X-Floatcard-Signature": signature}


def answer_of(shape: type[BodyT], raw: bytes) -> BodyT:
    """An answer we cannot read is tried again: `once` keeps the second try from being a second message."""
    try:
        return read(shape, json_object(raw))
    except Unreadable as fault:
        raise Retry(TIRED, f"the web chat answered with {fault}") from fault


def encode(payload: object) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _refusing(gone: str, absent: type[Refused] = Refused) -> Callable[[int], Refused]:
    def refusal(status: int) -> Refused:
        if status in (404, 409, 410):
            return absent(gone)
        if status in (401, 403):
            return Refused("The chat does not accept our signature. Check the secret and the clock on both sides.")
        return Refused("The chat refused this with status {status}.", status=status)

    return refusal


NO_ROOM = _refusing(N_("The room is not there any more, or the bot is not in it."))
NO_MESSAGE = _refusing(N_("The message is not there any more."), Gone)
NO_PERSON = _refusing(N_("This person cannot be written to directly."))
NO_TRIGGER = _refusing(N_("The form could not be opened in time. Press the button again."))
