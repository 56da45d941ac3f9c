"""What serves runs on uvloop where there is one, and on asyncio's own loop elsewhere."""

from __future__ import annotations

import asyncio
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
