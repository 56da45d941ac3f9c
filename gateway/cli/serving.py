"""A server in this process, from its start to a signal, and how it ended."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal

import typer

from gateway.loop import run as run_on_loop

LATEST_S = 12.0
"""After a signal: what still hangs by then is cut off, and stays in the queue."""
Start = Callable[[Callable[[], None]], Coroutine[Any, Any, tuple[str, Callable[[], Awaitable[None]]]]]
"""Given what to call when it cannot go on: the address it listens on, and what closes it."""


def serve(start: Start, say: str, logs: Literal["json", "text"] = "text", instance: str = "") -> None:
    """Runs until SIGINT or SIGTERM, then drains; a second one ends it at once: what was acknowledged is stored. Exit
    code 1 when it could not go on."""
    well = True

    async def whole() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()

        def over() -> None:
            stop.set()
            last = threading.Timer(LATEST_S, os._exit, (1,))
            last.daemon = True
            last.start()

        def told(number: int) -> None:
            if stop.is_set():
                os._exit(128 + number)
            over()

        def unable() -> None:
            nonlocal well
            well = False
            if not stop.is_set():
                over()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, told, number)
        address, close = await start(unable)
        typer.echo(say.format(address=address))
        await stop.wait()
        await close()

    _log(logs, instance)
    run_on_loop(whole())
    if not well:
        sys.exit(1)


def _log(form: Literal["json", "text"], instance: str) -> None:
    from gateway.logs import set_up

    set_up(form, os.environ.get("FLOATCARD_LOG", "INFO").upper(), instance)
