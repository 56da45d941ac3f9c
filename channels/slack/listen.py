"""Socket Mode by Bolt: the same payloads over a connection of ours, into the same `parse`. Acknowledged once stored.

Bolt's app has one thing to do, before it would ask whose token a payload needs: to hand it over. Its router, its check
of tokens and its own settings from the environment are never come to.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from channels import model
from channels.slack import answers
from channels.slack.calls import quiet
from crm.hosts import Hosts, guarded
from gateway.errors import Retry, Unreadable

log = logging.getLogger("floatcard.slack.socket")

CUT_OFF_S = 30.0
"""Without a connection for so long, another one is asked for."""
LOOK_S = 2.0

Read = Callable[[Mapping[str, Any]], Awaitable[tuple[model.Event, ...]]]


class Listener:
    def __init__(self, web: AsyncWebClient, token: str, read: Read) -> None:
        self._web = web
        self._token = token
        self._read = read
        self._waiting: set[asyncio.Task[None]] = set()
        self._ending: asyncio.Task[None] | None = None

    async def run(self, put: model.Put) -> None:
        """Until it is cancelled. The SDK keeps the connection, follows Slack's wish for another, answers its pings."""
        handler = AsyncSocketModeHandler(self._app(put), self._token, logger=_discreet(), web_client=self._web)
        client = handler.client
        await client.aiohttp_client_session.close()  # the SDK's own would go wherever it is told to
        client.aiohttp_client_session = guarded(Hosts.of(own=[self._web.base_url]))

        async def heard(_: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
            await self._heard(handler, request)

        client.socket_mode_request_listeners[:] = [heard]  # its own keeps a press waiting behind messages
        connecting = asyncio.create_task(handler.connect_async())  # type: ignore[no-untyped-call]
        try:
            await _connected(client, connecting)
        finally:
            # To its end, even if it is cancelled once more meanwhile: one that stayed open would go on being given a
            # share of what is said, and nobody would hear it.
            self._ending = asyncio.create_task(self._ended(handler, connecting))
            await asyncio.shield(self._ending)

    async def _ended(self, handler: AsyncSocketModeHandler, connecting: asyncio.Task[None]) -> None:
        open_ = (*self._waiting, connecting)
        for task in open_:
            task.cancel()
        await asyncio.gather(*open_, return_exceptions=True)
        await handler.close_async()  # type: ignore[no-untyped-call]

    def _app(self, put: model.Put) -> AsyncApp:
        async def handed_over(req: AsyncBoltRequest) -> BoltResponse:
            answer = await _answered(req.body, self._read, put)
            return BoltResponse(status=503) if answer is None else BoltResponse(status=200, body=answer or "")

        return AsyncApp(
            name="slack_bolt.floatcard",
            logger=_discreet(),
            client=self._web,
            authorize=_nobody,
            before_authorize=handed_over,
            ssl_check_enabled=False,
            request_verification_enabled=False,  # there is nothing to verify on a connection of ours
        )

    async def _heard(self, handler: AsyncSocketModeHandler, request: SocketModeRequest) -> None:
        if request.type != "interactive":
            return await handler.handle(handler.client, request)  # one after the other, in the order they were said
        task = asyncio.create_task(handler.handle(handler.client, request))  # who waits keeps nobody waiting
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        return None


async def _connected(client: SocketModeClient, connecting: asyncio.Task[None]) -> None:
    """As long as it is. Raises `Retry` where the SDK tries one address again and again: its ticket ends soon, and
    another is asked for by nobody but a new client."""
    last = time.monotonic()
    while time.monotonic() - last < CUT_OFF_S:
        await asyncio.wait({connecting}, timeout=0 if connecting.done() else LOOK_S)
        if connecting.done():
            connecting.result()
            await asyncio.sleep(LOOK_S)
        if await client.is_connected():
            last = time.monotonic()
    raise Retry(1.0, "the connection to Slack is cut, and does not come back by itself")


async def _nobody(**_: Any) -> AuthorizeResult:
    """Whose token an answer goes by is asked where it is sent."""
    return AuthorizeResult(enterprise_id=None, team_id=None)


def _discreet() -> logging.Logger:
    """What went wrong with a connection may hold its address, and that a ticket: only what comes before it is told."""
    log = quiet().getChild("sdk")
    if not log.filters:
        log.addFilter(_without_details)
    return log


def _without_details(record: logging.LogRecord) -> bool:
    record.msg, record.args = record.getMessage().partition("(")[0].strip(), ()
    record.exc_info = record.exc_text = None
    return True


async def _answered(payload: Mapping[str, Any], read: Read, put: model.Put) -> dict[str, Any] | None:
    """What to acknowledge with; None when it is not stored, so that Slack brings it again."""
    try:
        told = await read(_named(payload))
        answer = {}
        for event in told:
            wanted = isinstance(event, model.Submitted)
            said = await put(event, wait=wanted)
            if isinstance(event, model.Submitted) and said is not None:
                answer = answers.words(event, said)
        return answer
    except Unreadable as why:
        log.warning("a delivery was not understood: %s", why)
        return {}
    except Retry:
        return None
    except Exception:
        log.exception("a delivery could not be taken")
        return None


def _named(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """A slash command says of itself only which it is."""
    return {**payload, "type": "slash_command"} if "command" in payload and "type" not in payload else payload
