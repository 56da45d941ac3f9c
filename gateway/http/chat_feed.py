"""Live updates: one stream of server-sent events per window, resumable, with the trail beside the messages."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Coroutine
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web

from gateway.chat.messenger import Messenger
from gateway.chat.model import Declined, Entry, FeedRow, Json, Sight
from gateway.chat.ports import UNTOLD, TrailSource
from gateway.chat.wire import dumps
from gateway.http.chat_views import entry_view

QUIET = 15.0
_HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Cursor:
    """`<feed>.<trail>`: how far a window has read in both."""

    feed: int
    trail: int

    @staticmethod
    def parse(text: str) -> Cursor:
        try:
            feed, _, trail = text.partition(".")
            found = Cursor(int(feed or 0), int(trail or 0))
        except ValueError:
            raise Declined(400, "bad_cursor", "after: a cursor such as 12.7 is expected.") from None
        if not (0 <= found.feed < 1 << 62 and 0 <= found.trail < 1 << 62):
            raise Declined(400, "bad_cursor", "after: a cursor such as 12.7 is expected.")
        return found

    def __str__(self) -> str:
        return f"{self.feed}.{self.trail}"


class Stream:
    """One window's stream; `run` ends when the window goes or the server stops."""

    def __init__(
        self,
        chat: Messenger,
        trail: TrailSource | None,
        response: web.StreamResponse,
        *,
        person: str,
        locale: str,
        cursor: Cursor,
    ) -> None:
        self._chat = chat
        self._trail = trail
        self._response = response
        self._person = person
        self._locale = locale
        self._cursor = cursor
        self._lock = asyncio.Lock()

    async def run(self, forms: asyncio.Queue[Json | None]) -> None:
        """Follows all three sources until the house closes, or one fails, which a closed window makes them do."""
        sources: list[Coroutine[Any, Any, None]] = [self._follow_feed(), self._follow_forms(forms)]
        if self._trail is not None:
            sources.append(self._follow_trail(self._trail))
        tasks = [asyncio.ensure_future(source) for source in sources]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow_feed(self) -> None:
        while True:
            bell = self._chat.bell.next()
            rows = await self._chat.feed(self._person, self._cursor.feed)
            if rows:
                await self._send_rows(rows)
            elif not await _within(QUIET, bell.wait()):
                await self._write(b": still here\n\n")

    async def _send_rows(self, rows: list[tuple[FeedRow, Entry | None]]) -> None:
        last = {(row.kind, row.ref): row.id for row, _ in rows}
        for row, entry in rows:
            if last[row.kind, row.ref] == row.id:  # an older state of the same thing is of no interest
                await self._send(row.kind, self._picture(row, entry), feed=row.id)

    def _picture(self, row: FeedRow, entry: Entry | None) -> Json:
        if row.kind == "clock":
            return {"now": self._chat.now()}
        return {} if entry is None else entry_view(entry, self._person)

    async def _follow_forms(self, forms: asyncio.Queue[Json | None]) -> None:
        while (form := await forms.get()) is not None:
            await self._send("form", form)

    async def _follow_trail(self, trail: TrailSource) -> None:
        while True:
            lines = await trail.since(self._cursor.trail, self._locale, _BATCH, self._person)
            sight = await self._chat.sight(self._person) if lines else None
            for line in lines:
                if sight is not None and told(line.room, sight, line.at):
                    await self._send("trail", asdict(line), trail=line.id)
                self._cursor = Cursor(self._cursor.feed, line.id)
            if not lines:
                await trail.wait(self._cursor.trail, QUIET)

    async def _send(self, kind: str, data: Json, *, feed: int | None = None, trail: int | None = None) -> None:
        async with self._lock:
            now = self._cursor
            self._cursor = Cursor(now.feed if feed is None else feed, now.trail if trail is None else trail)
            head = f"id: {self._cursor}\nevent: {kind}\ndata: ".encode()
            await self._response.write(head + dumps(data) + b"\n\n")

    async def _write(self, chunk: bytes) -> None:
        async with self._lock:
            await self._response.write(chunk)


def told(room: str, sight: Sight, at: int) -> bool:
    """Whether what happened in a room then is told to somebody: not what was before they came to it.

    `room` is the chat's id, or a place's key that holds it.
    """
    if room == UNTOLD:
        return False
    if sight.everything:
        return True
    if not room:
        return sight.inside
    return any(part in sight.rooms and at >= sight.rooms[part] for part in room.split("/"))


async def _within(seconds: float, waiting: Awaitable[object]) -> bool:
    try:
        await asyncio.wait_for(waiting, seconds)
    except TimeoutError:
        return False
    return True


async def stream(chat: Messenger, trail: TrailSource | None, request: web.Request) -> web.StreamResponse:
    """`GET events?as=<person>&after=<cursor>&locale=…&window=…`; a `Last-Event-ID` header wins over `after`."""
    person = request.query.get("as", "")
    cursor = Cursor.parse(request.headers.get("Last-Event-ID") or request.query.get("after", ""))
    await chat.snapshot(person)  # refuses an unknown person before the stream begins
    response = web.StreamResponse(headers=_HEADERS)
    await response.prepare(request)
    await response.write(b"retry: 1000\n\n")
    window = request.query.get("window", "")[:100]
    run = Stream(chat, trail, response, person=person, locale=request.query.get("locale", "en"), cursor=cursor)
    with chat.windows.opened(person, window) as forms, contextlib.suppress(ConnectionError):
        await run.run(forms)
    return response
