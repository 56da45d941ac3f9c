from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import pytest_asyncio
import uvloop

from tests.gateway.http.world import World, furnish, open_world

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """What stands on transports runs on either: the gateway has uvloop where there is one, and asyncio's elsewhere."""
    both = item.get_closest_marker("both_loops") is not None
    return LOOPS if both else {"asyncio": asyncio.new_event_loop}


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Opening the sample company takes seconds, copying it none."""
    folder = tmp_path_factory.mktemp("furnished")
    asyncio.run(furnish(folder))
    return folder


@pytest.fixture
def folder(furnished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(furnished, tmp_path / "house"))


@pytest_asyncio.fixture(loop_scope="function")
async def world(folder: Path) -> AsyncIterator[World]:
    async with open_world(folder) as opened:
        yield opened
