"""How a task of ours is ended: cancelled again until it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_S = 0.5


async def ended(tasks: Iterable[asyncio.Task[Any]], again: float = AGAIN_S) -> None:
    """Until all are over, however they end. A cancellation may be swallowed on its way: up to Python 3.11
    `asyncio.wait_for` does so when what it waits for ends in that very moment, and clients' libraries are full of it.

    `again`: seconds for what a task still does when it is cancelled.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        over, left = await asyncio.wait(left, timeout=again)
        for task in over:
            if not task.cancelled():
                task.exception()  # it was looked at
