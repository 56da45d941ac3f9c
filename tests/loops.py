"""On which loops a test runs: the gateway has uvloop where there is one, and asyncio's own elsewhere."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping

import pytest
import uvloop

Loops = Mapping[str, Callable[[], asyncio.AbstractEventLoop]]

LIMIT_S = 1_800 if os.environ.get("FLOATCARD_SOAK") else 600


def _bounded() -> asyncio.AbstractEventLoop:
    """One on which a test ends that hangs: uvloop takes what `pytest-timeout` raises in it for a callback's own fault,
    and one that is idle does not even hear of it."""
    loop = uvloop.new_event_loop()
    loop.call_later(LIMIT_S, _broken_off, loop)
    return loop


def _broken_off(loop: asyncio.AbstractEventLoop) -> None:
    """Again and again: a cancellation may be swallowed."""
    for task in asyncio.all_tasks(loop):
        task.cancel(f"longer than {LIMIT_S} seconds")
    loop.call_later(1, _broken_off, loop)


ASYNCIO: Loops = {"asyncio": asyncio.new_event_loop}
UVLOOP: Loops = {"uvloop": _bounded}


def loops_of(item: pytest.Item) -> Loops:
    """What is marked `both_loops` runs on both, one after the other."""
    return {**ASYNCIO, **UVLOOP} if item.get_closest_marker("both_loops") is not None else ASYNCIO
