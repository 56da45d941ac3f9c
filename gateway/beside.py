"""Long work in a thread that holds nobody up, not even the end of the program."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


async def beside(work: Callable[P, R], *args: P.args, **more: P.kwargs) -> R:
    """As `asyncio.to_thread`, but the loop does not wait for it when it closes."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[R] = loop.create_future()

    def tell(result: R | None, failed: BaseException | None) -> None:
        if done.cancelled():
            return
        if failed is not None:
            done.set_exception(failed)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        told: tuple[R | None, BaseException | None]
        try:
            told = work(*args, **more), None
        except BaseException as failed:
            told = None, failed
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(tell, *told)

    threading.Thread(target=run, name=getattr(work, "__name__", "beside"), daemon=True).start()
    return await done
