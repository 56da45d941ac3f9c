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
from channels.slack import views
from channels.slack.api import quiet
from crm.hosts import Hosts, guarded
from gateway.errors import Retry, Unreadable

log = logging.getLogger("floatcard.slack.socket")

Read = Callable[[Mapping[str, Any]], Awaitable[tuple[model.Event, ...]]]


async def listen(web: AsyncWebClient, token: str, read: Read, put: model.Put) -> None:
    """Until it is cancelled. The SDK keeps the connection, follows Slack's wish for another, and answers its pings."""
    client = SocketModeClient(token, logger=_discreet(), web_client=web)
    await client.aiohttp_client_session.close()  # the SDK's own would go wherever it is told to
    client.aiohttp_client_session = guarded(Hosts.of(own=[web.base_url]))
    waiting: set[asyncio.Task[None]] = set()

    async def answer(request: SocketModeRequest) -> None:
        payload = await _answered(request, read, put)
        if payload is not None:
            await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, payload or None))

    async def heard(_: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        if request.type != "interactive":
            return await answer(request)  # one after the other, in the order they were said
        task = asyncio.create_task(answer(request))  # who waits for an answer keeps nobody else waiting
        waiting.add(task)
        task.add_done_callback(waiting.discard)
        return None

    client.socket_mode_request_listeners.append(heard)
    try:
        await client.connect()  # type: ignore[no-untyped-call]
        await asyncio.Event().wait()
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await client.close()  # type: ignore[no-untyped-call]


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
                answer = views.action(event, said)
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
