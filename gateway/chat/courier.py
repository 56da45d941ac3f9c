"""Carries events to the gateway: messages from the outbox, in order per room; presses at once."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, Protocol

from aiohttp import ClientError, ClientSession, ClientTimeout
from yarl import URL

from gateway.chat.bell import Bell
from gateway.chat.model import Declined, Json, Waiting
from gateway.chat.wire import dumps, signed
from gateway.store.chat import ChatStore, ChatTx

log = logging.getLogger(__name__)
PRESS_TIMEOUT = ClientTimeout(total=12)
EVENT_TIMEOUT = ClientTimeout(total=20)
UNREADABLE = (400, 413, 422)  # sending the same again cannot help; anything else may be mended on their side
_DOWN = (ClientError, OSError, asyncio.TimeoutError)


class Pause(Protocol):
    async def __call__(self, seconds: float, /) -> None: ...


def backoff(tries: int) -> float:
    """Seconds before the next attempt: 0.5, 1, 2, 4, 8, then every 10."""
    return min(10.0, 0.5 * 2.0**tries) if tries < 8 else 10.0


class Courier:
    def __init__(
        self,
        store: ChatStore,
        bell: Bell,
        session: ClientSession,
        *,
        secret: bytes,
        inbound_url: str,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._store = store
        self._bell = bell
        self._session = session
        self._secret = secret
        self._url = URL(inbound_url)
        self._pause = pause
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._fresh: set[str] = set()

    async def start(self) -> None:
        for room in await self._store.run(ChatTx.waiting_rooms):
            self.wake(room)

    async def close(self) -> None:
        lanes = tuple(self._lanes.values())
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)

    def wake(self, room: str) -> None:
        self._fresh.add(room)
        if room not in self._lanes:
            self._lanes[room] = asyncio.create_task(self._lane(room), name=f"chat-lane-{room}")

    async def ask(self, event: Mapping[str, Any]) -> Json:
        """Sends a press or a form now and returns its answer. Raises `Declined` when the gateway did not answer."""
        try:
            status, body = await self._post(dumps(event), PRESS_TIMEOUT)
        except _DOWN as broke:
            raise _silent() from broke
        if status >= 500 or status == 429:
            raise _silent()
        answer = _answer(body)
        if status >= 400 or answer is None:
            raise Declined(502, "gateway_refused", f"Floatcard refused it (HTTP {status}); nothing was changed.")
        return answer

    async def _lane(self, room: str) -> None:
        try:
            while room in self._fresh:  # set again by whoever wrote while we looked
                self._fresh.discard(room)
                await self._drain(room)
        finally:
            del self._lanes[room]

    async def _drain(self, room: str) -> None:
        while (item := await self._store.run(lambda tx: tx.next_waiting(room))) is not None:
            await self._deliver(item)

    async def _deliver(self, item: Waiting) -> None:
        try:
            status, _ = await self._post(item.body.encode(), EVENT_TIMEOUT)
        except _DOWN:
            status = 0
        if 200 <= status < 300:
            await self._settle(item)
        elif status not in UNREADABLE:
            await self._store.run(lambda tx: self._failed(tx, item))
            self._bell.ring()
            await self._pause(backoff(item.tries))
        else:
            log.warning("the gateway refused an event of room %s with HTTP %d; it is kept aside", item.room, status)
            await self._settle(item, refused=f"HTTP {status}")

    def _failed(self, tx: ChatTx, item: Waiting) -> None:
        tx.tried(item.id)
        _mark(tx, item, "late")

    async def _settle(self, item: Waiting, refused: str = "") -> None:
        def work(tx: ChatTx) -> None:
            tx.tried(item.id, refused) if refused else tx.heard(item.id)
            _mark(tx, item, "refused" if refused else "")

        await self._store.run(work)
        self._bell.ring()

    async def _post(self, body: bytes, timeout: ClientTimeout) -> tuple[int, bytes]:  # noqa: ASYNC109
        headers = {"Content-Type": "application/json", **signed(self._secret, "POST", self._url.raw_path_qs, body)}
        async with self._session.post(self._url, data=body, headers=headers, timeout=timeout) as response:
            return response.status, await response.read()


def _mark(tx: ChatTx, item: Waiting, pending: Literal["", "late", "refused"]) -> None:
    entry = tx.entry(item.message) if item.message else None
    if entry is not None and entry.pending != pending:
        tx.save(replace(entry, pending=pending))
        tx.changed("message", entry.room, entry.id, entry.only)


def _silent() -> Declined:
    return Declined(502, "gateway_down", "Floatcard did not answer. Nothing was changed; press again in a moment.")


_KINDS = frozenset({"toast", "card", "form", "errors", "nothing"})


def _answer(body: bytes) -> Json | None:
    try:
        answer = json.loads(body).get("answer")
    except (ValueError, AttributeError):
        return None
    return answer if isinstance(answer, dict) and answer.get("kind") in _KINDS else None
