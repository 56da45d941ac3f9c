"""slack-bolt, whose listener posts a card that is always the same.

`python -m benchmarks.float.bolt PORT API CARD`, where CARD is a file.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import orjson
from aiohttp import ClientSession
from slack_sdk.web.async_client import AsyncWebClient

from benchmarks.wire.bolt import application
from benchmarks.wire.serving import listen


async def main(port: int, api: str, card: dict[str, Any]) -> None:
    async def said(event: dict[str, Any], client: AsyncWebClient) -> None:
        await client.chat_postMessage(channel=event["channel"], thread_ts=event["ts"], **card)

    # without a session of ours its SDK makes a connection for every call
    async with ClientSession() as session:
        await listen(application(said, AsyncWebClient(base_url=f"{api}/", session=session)), port)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], orjson.loads(Path(sys.argv[3]).read_bytes())))
