"""slack-bolt's AsyncApp on aiohttp, with a listener that does nothing. `python -m benchmarks.wire.bolt PORT`"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from benchmarks.wire.bodies import SECRET, TEAM


def application() -> web.Application:
    async def authorize(**_: Any) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None, team_id=TEAM, bot_user_id="U0BOT", bot_id="B0BOT", bot_token="xoxb-1"
        )

    app = AsyncApp(signing_secret=SECRET, authorize=authorize, logger=logging.getLogger("bolt"))

    @app.event("message")
    async def said(event: dict[str, Any]) -> None:
        return None

    made: web.Application = app.server(port=0).web_app
    return made


async def main(port: int) -> None:
    logging.getLogger("bolt").setLevel(logging.ERROR)
    runner = web.AppRunner(application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
