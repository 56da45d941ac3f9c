"""The first load tells how far it is, and a feed that was forgotten is read anew."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from crm.model import CursorLost, Record
from gateway.errors import Retry
from gateway.loading import EVERY_S, Loading
from gateway.metrics import LOADED, REGISTRY
from tests.gateway.house import opened


class Counted:
    name = "counted"

    def __init__(self, total: int | None) -> None:
        self.total = total

    async def count(self) -> int:
        if self.total is None:
            raise Retry(5.0)
        return self.total


def measured(part: str) -> float | None:
    return REGISTRY.get_sample_value("floatcard_crm_load", {"crm": "counted", "kind": part})


async def test_a_first_load_says_how_far_it_is(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    loading = Loading(Counted(1_000), lambda: now[0])  # type: ignore[arg-type]
    await loading.begin(100)  # what was read before it was broken off
    with caplog.at_level(logging.INFO, "floatcard.sweep"):
        loading.read(200)
        now[0] += EVERY_S
        loading.read(200)
        assert (measured("done"), measured("total")) == (500.0, 1_000.0)
        loading.end()
        loading.read(10)  # a change of an ordinary day
    assert [record.getMessage() for record in caplog.records] == [
        "loading the CRM counted: 500 of 1000 (50 %)",
        "the CRM counted is loaded: 1000",
    ]
    assert measured("done") == 1_000.0
    LOADED.clear()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


async def test_on_a_terminal_it_is_a_bar(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    screen = Terminal()
    loading = Loading(Counted(1_000), lambda: 1e9)  # type: ignore[arg-type]
    await loading.begin(0)
    monkeypatch.setattr(sys, "stderr", screen)
    with caplog.at_level(logging.INFO, "floatcard.sweep"):
        loading.read(500)
        loading.end()
    first, last = screen.getvalue().rstrip("\n").lstrip("\r").split("\r")
    assert first.startswith("counted [" + "#" * 15 + "." * 15 + "] 500 of 1000")
    assert "1000 of 1000" in last and screen.getvalue().endswith("\n")
    assert [record.getMessage() for record in caplog.records] == ["the CRM counted is loaded: 1000"]
    LOADED.clear()


async def test_a_crm_that_cannot_say_how_many_is_loaded_all_the_same() -> None:
    loading = Loading(Counted(None))  # type: ignore[arg-type]
    await loading.begin(0)
    loading.read(5)
    loading.end()
    assert measured("done") is None


class Forgetful:
    """A CRM that keeps its change feed for a while only."""

    def __init__(self, crm: Any) -> None:
        self._crm, self.asked = crm, list[str]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._crm, name)

    async def changes(self, cursor: str) -> AsyncIterator[tuple[Record, str]]:
        self.asked.append(cursor)
        if cursor:
            raise CursorLost("The CRM cannot continue from {cursor}. Start from the beginning.", cursor=cursor)
        async for each in self._crm.changes(""):
            yield each


async def test_a_feed_that_was_forgotten_is_read_anew(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        sweep = live.house.sweeps["local"]
        forgetful = Forgetful(sweep._crm)
        sweep._crm = forgetful
        decided = await live.rows("decision")
        await live.natively("city", "昆山")
        for _ in range(2):
            await sweep.once()
        assert [bool(cursor) for cursor in forgetful.asked] == [True, False]
        assert await live.value("city") == "昆山"
        assert await live.rows("decision") == decided + 1, "what was read again decided nothing anew"
