"""A real Chromium for the tests that look at the page."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.gateway.chat.house import House

expect.set_options(timeout=30_000)  # generous: a busy machine is not a fault of the page


def chromium() -> str:
    """The machine's Chromium; skips without one, fails without one where CI=true."""
    named = os.environ.get("FLOATCARD_CHROMIUM", "")
    found = named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
    if found:
        return found
    reason = "no Chromium on this machine; install it, or name one in FLOATCARD_CHROMIUM"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


class Looking:
    """Opens windows, each with cookies and storage of its own, and keeps what their consoles complained of."""

    def __init__(self, house: House, browser: Browser) -> None:
        self.house = house
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    async def window(self, person: str, query: str = "", *, width: int = 1280, **more: Any) -> Page:
        options = {"viewport": {"width": width, "height": 844}, "locale": "zh-CN", **more}
        context = await self._browser.new_context(**options)
        self._contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(30_000)
        page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda broke: self.complaints.append(str(broke)))
        await page.goto(f"{self.house.url}/demo?as={person}{query}")
        await page.wait_for_selector("#rooms button[aria-current]", state="attached")
        return page

    async def close(self) -> None:
        for context in self._contexts:
            await context.close()


async def say(page: Page, text: str) -> None:
    await page.fill("#composer-text", text)
    await page.press("#composer-text", "Enter")
    await expect(page.locator("#composer-text")).to_have_value("")
