from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.gateway.http.world import World, furnish, open_world
from tests.loops import Loops, loops_of


def pytest_asyncio_loop_factories(item: pytest.Item) -> Loops:
    """What stands on transports runs on either."""
    return loops_of(item)


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
