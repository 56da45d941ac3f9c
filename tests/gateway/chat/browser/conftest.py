from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.gateway.chat.browser.looking import Looking, chromium
from tests.gateway.chat.house import House, open_house


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = chromium()
    async with async_playwright() as driver:
        opened = await driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path / "chat.db") as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def look(house: House, browser: Browser) -> AsyncIterator[Looking]:
    looking = Looking(house, browser)
    yield looking
    await looking.close()
