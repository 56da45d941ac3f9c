"""Socket Mode: the same payloads over a connection of ours, by slack_sdk's own client. Acknowledged once stored."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from channels import model
from channels.slack import answers
from channels.slack.calls import quiet
from crm.hosts import Hosts, guarded
from gateway.errors import Retry, Unreadable

log = logging.getLogger("floatcard.slack.socket")

Read = Callable[[Mapping[str, Any]], Awaitable[tuple[model.Event, ...]]]


class Listener:
    def __init__(self, web: AsyncWebClient, token: str, read: Read) -> None:
        self._web = web
        self._token = token
        self._read = read
        self._waiting: set[asyncio.Task[None]] = set()

    async def run(self, put: model.Put) -> None:
        """Until it is cancelled. The SDK keeps the connection, follows Slack's wish for another, answers its pings."""
        client = SocketModeClient(self._token, logger=_discreet(), web_client=self._web)
        await client.aiohttp_client_session.close()  # the SDK's own would go wherever it is told to
        client.aiohttp_client_session = guarded(Hosts.of(own=[self._web.base_url]))

        async def heard(_: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
            await self._heard(client, request, put)

        client.socket_mode_request_listeners.append(heard)
        try:
            await client.connect()  # type: ignore[no-untyped-call]
            await asyncio.Event().wait()
        finally:
            for task in self._waiting:
                task.cancel()
            await asyncio.gather(*self._waiting, return_exceptions=True)
            await client.close()  # type: ignore[no-untyped-call]

    async def _heard(self, client: SocketModeClient, request: SocketModeRequest, put: model.Put) -> None:
        if request.type != "interactive":
            return await self._answer(client, request, put)  # one after the other, in the order they were said
        task = asyncio.create_task(self._answer(client, request, put))  # who waits for an answer keeps nobody waiting
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        return None

    async def _answer(self, client: SocketModeClient, request: SocketModeRequest, put: model.Put) -> None:
        payload = await _answered(request, self._read, put)
        if payload is not None:
            await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, payload or None))


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


async def _answered(request: SocketModeRequest, read: Read, put: model.Put) -> dict[str, Any] | None:
    """What to acknowledge with; None when it is not stored, so that Slack brings it again."""
    try:
        told = await read(_named(request))
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


def _named(request: SocketModeRequest) -> Mapping[str, Any]:
    if request.type == "slash_commands":
        return {**request.payload, "type": "slash_command"}
    return request.payload
