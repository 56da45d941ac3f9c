"""Reading and answering JSON for the demo chat, with every refusal worded."""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.chat.model import Declined
from gateway.chat.wire import dumps
from gateway.errors import Refused, Rejected

PAGE_LIMIT = 256 * 1024
CARD_LIMIT = 512 * 1024
B = TypeVar("B", bound="Body")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Say(Body):
    room: str = Field(max_length=100)
    text: str
    quote: str = Field("", max_length=100)


class Rewrite(Body):
    text: str


class Move(Body):
    person: str = Field(max_length=100)


class Press(Body):
    room: str = Field(max_length=100)
    message: str = Field("", max_length=100)
    action: str = Field(max_length=200)
    data: str = Field("", max_length=8000)
    window: str = Field("", max_length=100)


class Fill(Body):
    room: str = Field(max_length=100)
    message: str = Field("", max_length=100)
    data: str = Field(max_length=8000)
    values: dict[str, str]
    tokens: dict[str, str] = Field(default_factory=dict)


class Jump(Body):
    seconds: int = Field(gt=0, le=31 * 86_400)


class Write(Body):
    field: str = Field(max_length=200)
    value: str = Field(max_length=10_000)


class CardBody(Body):
    model_config = ConfigDict(extra="ignore", frozen=True)
    card: dict[str, Any]


class Post(CardBody):
    room: str = Field(max_length=100)
    thread: str = Field("", max_length=200)
    once: str = Field(min_length=1, max_length=500)


class Whisper(Post):
    to: str = Field(max_length=100)


class Direct(Body):
    to: str = Field(max_length=100)


class OpenForm(CardBody):
    trigger: str = Field(max_length=100)


async def raw(request: web.Request, limit: int) -> bytes:
    """The body, read no further than `limit` bytes. Raises `Declined` 413."""
    body = bytearray()
    async for chunk in request.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > limit:
            raise Declined(413, "too_large", f"A request has at most {limit // 1024} KiB.")
    return bytes(body)


def parsed(model: type[B], body: bytes) -> B:
    """Raises `Declined` 400 naming the first field that does not fit."""
    try:
        return model.model_validate(
            json.loads(body)
        )  # the standard library reads a lone surrogate; pydantic's own refuses
    except ValidationError as broke:
        fault = broke.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in fault["loc"]) or "body"
        raise Declined(400, "bad_body", f"{where}: {fault['msg']}") from None
    except (ValueError, RecursionError):
        raise Declined(400, "bad_body", "The body is not JSON.") from None


def reply(value: object, status: int = 200) -> web.Response:
    return web.Response(body=dumps(value), status=status, content_type="application/json", headers=_PRIVATE)


_PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def problem(declined: Declined) -> web.Response:
    return reply({"error": {"code": declined.code, "say": declined.say}}, declined.status)


def worded(handler: Handler) -> Handler:
    """Turns what a person can mend into an answer that says how."""

    @functools.wraps(handler)
    async def wrapped(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Declined as declined:
            return problem(declined)
        except Refused as refused:
            return problem(Declined(409, "refused", _filled(refused)))
        except Rejected as rejected:
            return problem(Declined(401, "rejected", str(rejected)))

    return wrapped


def _filled(refused: Refused) -> str:
    text = refused.say
    for name, value in refused.facts.items():
        text = text.replace("{" + name + "}", str(value))
    return text
