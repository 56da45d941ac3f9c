from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.gateway.http.world import World, furnish, open_world


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
