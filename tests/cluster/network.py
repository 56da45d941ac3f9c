"""The chat network before the gateways: it keeps what it was sent in the order it came, and is never restarted."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.cluster.gateways import SECRET
from tests.gateway.fake_chat import FakeChat, Message
from tests.gateway.house import CHEN, LI, WANG, members

Json = dict[str, Any]


class Network(FakeChat):
    """Honours `once`, and notes what was posted again under the same: without it there would be a second message."""

    def __init__(self, rooms: Sequence[str]) -> None:
        super().__init__(SECRET.encode())
        self.again: list[tuple[float, str]] = []
        """When (monotonic seconds) a key came that was known, and which."""
        self.by_name: defaultdict[str, list[Message]] = defaultdict(list)
        """Cards by the customer that they are about, as they came."""
        for name in rooms:
            self.room(name, members(LI, CHEN, WANG))

    def _post(self, body: Json) -> str:
        known = body["once"] in self.onces
        if known:
            self.again.append((time.monotonic(), body["once"]))
        id_ = super()._post(body)
        if not known and not body.get("to"):
            self.by_name[titled(body["card"])].append(self.messages[id_])
        return id_

    def once_of(self, id_: str) -> str:
        return next(once for once, message in self.onces.items() if message == id_)


def titled(card: Json) -> str:
    """What the card is called: a customer's name."""
    found = next((block["text"] for block in card["blocks"] if block["type"] == "title"), card["summary"])
    return str(found)


def shows(card: Json, value: str) -> bool:
    return value in json.dumps(card, ensure_ascii=False)


@asynccontextmanager
async def listening(network: Network) -> AsyncIterator[str]:
    """The address the gateways call."""
    runner = web.AppRunner(network.app(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/demo/api"
    finally:
        await runner.cleanup()
