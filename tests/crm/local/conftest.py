from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from crm.local import Config, Crm

Open = Callable[[], Crm]


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000_000

    def __call__(self) -> int:
        self.now += 1
        return self.now


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(database=f"sqlite:///{tmp_path / 'crm.db'}", busy_timeout=5)


@pytest_asyncio.fixture
async def crm(config: Config) -> AsyncIterator[Crm]:
    opened = Crm("local", config, clock=Clock())
    yield opened
    await opened.close()


@pytest.fixture
def shut(config: Config) -> Iterator[Crm]:
    """For tests that are not asynchronous, as the importer is not."""
    opened = Crm("local", config, clock=Clock())
    yield opened
    asyncio.run(opened.close())
