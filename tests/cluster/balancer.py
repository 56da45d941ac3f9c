"""A balancer of connections: each goes to the next gateway in turn, or to the one after it when that one is gone."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager


class Balancer:
    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = ports
        self._turn = itertools.count()
        self.taken = dict.fromkeys(ports, 0)
        """Connections by port."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream = await self._open()
            if upstream is not None:
                await _both(asyncio.create_task(_pipe(reader, upstream[1])), _pipe(upstream[0], writer))
                upstream[1].close()
        finally:
            writer.close()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in self._ports:
            port = self._ports[next(self._turn) % len(self._ports)]
            with contextlib.suppress(OSError):
                opened = await asyncio.open_connection("127.0.0.1", port)
                self.taken[port] += 1
                return opened
        return None


async def _both(task: asyncio.Task[None], other: object) -> None:
    """Until one of the two directions ends."""
    second = asyncio.ensure_future(other)  # type: ignore[call-overload]
    try:
        await asyncio.wait((task, second), return_when=asyncio.FIRST_COMPLETED)
    finally:
        task.cancel()
        second.cancel()
        await asyncio.gather(task, second, return_exceptions=True)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def balanced(ports: Sequence[int]) -> AsyncIterator[tuple[str, Balancer]]:
    """Its address, and what it counted."""
    balancer = Balancer(ports)
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(balancer.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", balancer
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
