"""An open-loop load: every message goes out at its own time, whether or not the gateway keeps up."""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import dataclass, field
from itertools import count

from benchmarks.wire.bodies import slack_event, slack_headers
from benchmarks.wire.servers import OURS

CONNECTIONS = 64
_LENGTH = re.compile(rb"(?i)content-length: (\d+)")


@dataclass
class Paced:
    """`due`: the message's id to when it was to be sent. Acknowledgement times in ms since then."""

    due: dict[str, float] = field(default_factory=dict)
    acks: list[float] = field(default_factory=list)
    wrong: int = 0


_SERIAL = count(1)


def request(text: str, room: str, target: str) -> tuple[str, bytes]:
    """The message's id, and the whole HTTP request."""
    event = slack_event(next(_SERIAL), text, room)
    body = json.dumps(event, separators=(",", ":")).encode()
    said = {"Host": "127.0.0.1", **slack_headers(body), "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in said.items())
    return event["event"]["ts"], f"POST {target} HTTP/1.1\r\n{head}\r\n".encode() + body


async def send(port: int, texts: list[tuple[str, str]], rate: float, target: str = OURS) -> Paced:
    """Each (text, room) at its turn, `rate` a second, over connections that are kept open."""
    told = Paced()
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    start = time.time() + 0.1

    async def one(at: float, text: str, room: str) -> None:
        id_, raw = request(text, room, target)
        told.due[id_] = at
        reader, writer = await free.get()
        writer.write(raw)
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        await reader.readexactly(int(length[1]) if length else 0)
        told.wrong += not head.startswith(b"HTTP/1.1 200")
        told.acks.append((time.time() - at) * 1000)
        free.put_nowait((reader, writer))

    tasks = []
    for n, (text, room) in enumerate(texts):
        at = start + n / rate
        await asyncio.sleep(max(at - time.time(), 0))
        tasks.append(asyncio.create_task(one(at, text, room)))
    await asyncio.gather(*tasks)
    while not free.empty():
        free.get_nowait()[1].close()
    return told
