"""python-telegram-bot's `Bot` over the gateway's own session, and what becomes of what the Bot API refuses."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import aiohttp
from pydantic import SecretStr
from telegram import Bot
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    TelegramError,
)
from telegram.request import BaseRequest, RequestData

from cards.words import N_
from channels.wire import LONGEST, TIRED, retry_after, wall_clock
from gateway.errors import Fixed, Gone, Refused, Retry, Unmet

T = TypeVar("T")

_TOKEN = N_("Telegram does not accept the bot's token any more. Ask BotFather for the present one and put it in place.")
_TAKEN = N_("Another program reads this bot's updates. Give each gateway a bot of its own, or stop the other one.")
_ROOM = N_("The room is not there any more, or the bot is not in it.")
_MUTE = N_("The bot may not write in this room. Let members send messages, or make the bot an administrator.")
_GONE = N_("The message is not there any more.")
_UNMET = N_("This person has to open a chat with the bot and press Start before anything can be said to them alone.")
_OTHER = N_("Telegram refused this: {reason}.")
_UNCHANGED = "message is not modified"
_GONE_WORDS = ("message to edit not found", "message to delete not found", "message_id_invalid")
_FIXED_WORDS = ("message can't be edited", "message can't be deleted")
_ROOM_WORDS = ("chat not found", "chat_not_found", "group chat was deactivated", "topic_deleted", "thread not found")
_MUTE_WORDS = ("not enough rights", "have no rights", "chat_write_forbidden", "topic_closed")


class Tired(TelegramError):
    """It was asked too often; the library's own word for that warns when it is read."""

    def __init__(self, seconds: float) -> None:
        super().__init__("Too Many Requests")
        self.seconds = seconds


class Request(BaseRequest):
    """What the library sends, over our session: its address and its token never reach a log or an exception."""

    def __init__(self, session: aiohttp.ClientSession, timeout: float) -> None:
        self._session = session
        self._timeout = timeout

    @property
    def read_timeout(self) -> float:
        return self._timeout

    async def initialize(self) -> None:
        return None

    async def shutdown(self) -> None:
        return None

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """The library's own writes the whole answer to the log."""
        try:
            answer = json.loads(payload)
        except ValueError:
            raise TelegramError("not JSON") from None
        if not isinstance(answer, dict):
            raise TelegramError("not an object")
        return answer

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *args: Any, **timeouts: Any
    ) -> tuple[int, bytes]:
        read = timeouts.get("read_timeout")
        limit = aiohttp.ClientTimeout(total=read if isinstance(read, int | float) else self._timeout)
        body = json.dumps(request_data.parameters if request_data else {}, ensure_ascii=False)
        headers = {"content-type": "application/json"}
        try:
            async with self._session.request(
                method, url, data=body.encode("utf-8", "replace"), headers=headers, timeout=limit, allow_redirects=False
            ) as response:
                answer = await response.read()
        except (aiohttp.ClientError, TimeoutError) as fault:
            raise TelegramError(type(fault).__name__) from None
        if response.status == 429:
            raise Tired(_named(answer, response.headers.get("Retry-After")))
        return response.status, answer


class Quiet(Bot):
    """At DEBUG the library writes what it sends to its log: this one has no such level."""

    _LOGGER = logging.getLogger("floatcard.telegram")

    async def raw_updates(self, offset: int | None, wait: int, wanted: Sequence[str], patience: float) -> Any:
        """As they came. The library's own call drops the whole batch, and logs it, over one it cannot read."""
        asked: dict[str, Any] = {"offset": offset, "timeout": wait, "limit": 50, "allowed_updates": list(wanted)}
        return await self._post("getUpdates", asked, read_timeout=wait + patience)


Quiet._LOGGER.setLevel(logging.WARNING)


def bot(token: SecretStr, base_url: str, session: aiohttp.ClientSession, timeout: float) -> Quiet:
    request = Request(session, timeout)
    return Quiet(token.get_secret_value(), f"{base_url}/bot", request=request, get_updates_request=request)


async def asked(call: Callable[[], Awaitable[T]], *, direct: bool = False) -> T:
    """`direct`: to one person's own room. Raises `Retry`, `Refused`, and `ChatMigrated` for whoever knows where to."""
    try:
        return await call()
    except ChatMigrated:
        raise
    except TelegramError as fault:
        raise happens_next(fault, direct=direct) from None


def happens_next(fault: TelegramError, *, direct: bool = False) -> Exception:
    words = fault.message.casefold()
    if isinstance(fault, Tired):
        return Retry(fault.seconds, "Telegram: rate limit", limit="room")
    if isinstance(fault, InvalidToken):
        return Refused(_TOKEN)
    if isinstance(fault, Conflict):
        return Refused(_TAKEN)
    if isinstance(fault, Forbidden):
        return Unmet(_UNMET) if direct else Refused(_MUTE if _has(words, _MUTE_WORDS) else _ROOM)
    if isinstance(fault, BadRequest):
        return _bad(words, direct)
    return Retry(TIRED, f"Telegram: {type(fault).__name__}")


def _bad(words: str, direct: bool) -> Exception:
    if _has(words, _GONE_WORDS):
        return Gone(_GONE)
    if _has(words, _FIXED_WORDS):
        return Fixed(_GONE)
    if _has(words, _ROOM_WORDS):
        return Unmet(_UNMET) if direct else Refused(_ROOM)
    if _has(words, _MUTE_WORDS):
        return Refused(_MUTE)
    return Refused(_OTHER, reason=words.removeprefix("bad request: ")[:100])


def unchanged(fault: Refused) -> bool:
    """An edit to what is there already has done what it should."""
    return _UNCHANGED in str(fault.facts.get("reason", ""))


def _has(words: str, any_of: tuple[str, ...]) -> bool:
    return any(each in words for each in any_of)


def _named(answer: bytes, header: str | None) -> float:
    """`parameters.retry_after`, else the header, in seconds."""
    try:
        named = json.loads(answer)["parameters"]["retry_after"]
    except (ValueError, KeyError, TypeError):
        return retry_after(header, wall_clock())
    return min(max(float(named), 0.5), LONGEST) if isinstance(named, int | float) else TIRED
