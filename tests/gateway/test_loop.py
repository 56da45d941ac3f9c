"""What serves runs on uvloop where there is one, and on asyncio's own loop elsewhere."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from gateway.loop import run


async def _where() -> str:
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]


def test_it_is_uvloop_where_there_is_one() -> None:
    assert run(_where()) == "uvloop"


def test_without_one_it_is_asyncios(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert run(_where()) == "asyncio"


def test_what_broke_in_it_is_told() -> None:
    async def broken() -> None:
        raise LookupError("x")

    with pytest.raises(LookupError, match="x"):
        run(broken())


def test_it_ends_in_good_order_where_no_standard_stream_is_open() -> None:
    """What would get their numbers is closed by libuv, which aborts the process at one of those."""
    code = (
        "import asyncio, sys\n"
        "from gateway.loop import run\n"
        "async def served():\n"
        "    server = await asyncio.start_server(lambda *_: None, '127.0.0.1', 0)\n"
        "    server.close()\n"
        "run(served())\n"
    )
    closed = ["sh", "-c", 'exec "$0" -c "$1" <&- >&- 2>&-', sys.executable, code]
    assert subprocess.run(closed, check=False, timeout=60).returncode == 0


def test_names_that_nobody_answers_for_leave_threads_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV_THREADPOOL_SIZE", raising=False)
    run(_where())
    assert int(os.environ["UV_THREADPOOL_SIZE"]) > 4, "libuv's own"
