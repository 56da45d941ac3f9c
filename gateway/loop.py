"""What the gateway runs on: uvloop where there is one, else asyncio's own loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`. For what serves: a command that asks one thing needs nothing faster."""
    with asyncio.Runner(loop_factory=_loop()) as runner:
        return runner.run(work)


def _loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # there is none for Windows and PyPy
        return None
    # Half of its threads, of four if nothing is said, look names up: two that nobody answers for, and all else waits.
    os.environ.setdefault("UV_THREADPOOL_SIZE", "16")
    _three_open()
    return uvloop.new_event_loop


def _three_open() -> None:
    """Where standard input, output or errors are closed, what is opened next gets their number, and libuv aborts the
    process when it closes that."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
