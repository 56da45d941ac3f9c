"""The demo as its own process, and persons in browsers of their own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PHONE = "电话"


def chromium() -> str:
    """The machine's Chromium. Skips without one, and fails instead where CI=true."""
    for name in (os.environ.get("FLOATCARD_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name) if name else None
        if found:
            return found
    reason = "no Chromium: apt install chromium fonts-noto-cjk"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class DemoProcess:
    """`floatcard demo` in a folder of its own; `kill` is a kill -9."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "gateway.cli", "demo", "--folder", str(self.folder), "--port", str(self.port)]
        log = (self.folder.parent / "demo.log").open("ab")
        self._process = subprocess.Popen(command, stdout=log, stderr=log)
        log.close()
        self._wait()

    def _wait(self) -> None:
        assert self._process is not None
        for _ in range(600):
            if self._process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"the demo did not start:\n{self.log()}")

    def log(self) -> str:
        return (self.folder.parent / "demo.log").read_text("utf-8", "replace")[-4000:]

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(timeout=20)


@contextmanager
def running(folder: Path) -> Iterator[DemoProcess]:
    demo = DemoProcess(folder)
    demo.start()
    try:
        yield demo
    finally:
        demo.stop()


@dataclass(slots=True)
class Window:
    """One person's browser window on the demo."""

    page: Any

    def room(self, name: str) -> None:
        self.page.locator("#rooms").get_by_role("button", name=name).first.click()

    def say(self, text: str) -> None:
        box = self.page.locator("#composer-text")
        box.fill(text)
        box.press("Enter")

    def card(self, title: str) -> Any:
        """The newest card of the room with that title, whispers and conflicts apart."""
        cards = self.page.locator("#entries article.card").filter(has_text=title)
        return cards.filter(has=self.page.get_by_role("button", name="给我看")).last

    def fact(self, title: str, label: str) -> Any:
        return self.card(title).locator(".fact").filter(has=self.page.locator("dt", has_text=label)).first

    def open_form(self, title: str) -> Any:
        self.card(title).get_by_role("button", name="编辑").click()
        form = self.page.locator("form.fields").last
        form.wait_for()
        return form

    def conflict(self) -> Any:
        return self.page.locator("#entries article.card").filter(has=self.page.locator(".columns")).last


@contextmanager
def window(browser: Any, demo: DemoProcess, person: str, **options: Any) -> Iterator[Window]:
    settings = {"viewport": {"width": 1280, "height": 900}, "locale": "zh-CN", "timezone_id": "Asia/Shanghai"}
    context = browser.new_context(**(settings | options))
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(f"{demo.url}/demo?as={person}")
    page.locator("#rooms li").first.wait_for()
    try:
        yield Window(page)
    finally:
        context.close()
