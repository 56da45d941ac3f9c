from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.gateway.chat.house import House, open_house


@pytest_asyncio.fixture(loop_scope="function")
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path / "chat.db") as opened:
        yield opened
