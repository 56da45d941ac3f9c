"""slack-bolt's AsyncApp on aiohttp, its listener does nothing. `python -m benchmarks.wire.bolt PORT [uvloop]`"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from benchmarks.wire.bodies import SECRET, TEAM
from benchmarks.wire.serving import listen, serve


async def nothing(event: dict[str, Any]) -> None:
    return None


def application(
    said: Callable[..., Awaitable[None]] = nothing, client: AsyncWebClient | None = None
) -> web.Application:
    """`said` hears the messages; what it names among its arguments (`event`, `client`) Bolt gives it."""

    async def authorize(**_: Any) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None, team_id=TEAM, bot_user_id="U0BOT", bot_id="B0BOT", bot_token="xoxb-1"
        )

    log = logging.getLogger("bolt")
    log.setLevel(logging.ERROR)
    app = AsyncApp(signing_secret=SECRET, authorize=authorize, client=client, logger=log)
    app.event("message")(said)
    made: web.Application = app.server(port=0).web_app
    return made


async def main(port: int) -> None:
    await listen(application(), port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    serve(main(int(sys.argv[1])), *sys.argv[2:])
