"""Ours and the peers, each a process that can be started as often as one likes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import free_port, process, stop
from benchmarks.engines import config, postgresql, redis, scratch

WHAT = {
    "yardstick": "aiohttp alone: HMAC, orjson, queue in memory",
    "yardstick-uvloop": "the same on uvloop, as ours runs",
    "ours-accept": "ours, SQLite FULL: stored durably and answered, handed to nobody",
    "ours-sqlite": "ours, SQLite FULL and the embedded bus",
    "ours-postgresql": "ours, PostgreSQL and Redis",
    "ours-turn": "ours, SQLite FULL, with the whole turn of a message that names nobody",
    "bolt": "slack-bolt AsyncApp on aiohttp",
    "bolt-uvloop": "the same on uvloop",
    "nonebot": "NoneBot2, OneBot v11 on FastAPI",
}
TARGETS = {"bolt": "/slack/events", "yardstick": "/slack/events", "nonebot": "/onebot/v11/"}
"""By the name before the dash; behind it is the loop, where it is not the peer's own choice."""
OURS = "/in/slack"


@dataclass(frozen=True)
class Plan:
    """What it needs beside itself is there already. `kind`: of the events it is sent."""

    name: str
    target: str
    kind: str
    what: str
    port: int
    module: str
    words: tuple[str, ...]
    log: Path | None = None

    def start(self) -> subprocess.Popen[str]:
        """Returns when it says that it is ready."""
        if self.log is None:
            return process(self.module, *self.words)
        with self.log.open("a") as log:
            return process(self.module, *self.words, stderr=log)


def planned(name: str, opened: ExitStack) -> Plan | None:
    """None where a server it needs is not installed."""
    port = free_port()
    peer, _, loop = name.partition("-")
    target, kind = TARGETS.get(peer, OURS), "onebot" if name == "nonebot" else "slack"
    if peer != "ours":
        module, words = {"nonebot": "nonebot_server"}.get(peer, peer), (str(port), *filter(None, (loop,)))
        return Plan(name, target, kind, WHAT[name], port, f"benchmarks.wire.{module}", words)
    folder = Path(opened.enter_context(scratch()))
    store: str | None = f"sqlite:///{folder}/floatcard.db"
    bus: str | None = "store:"
    if name == "ours-postgresql":
        store, bus = opened.enter_context(postgresql()), opened.enter_context(redis())
        if store is None or bus is None:
            print(f"{name} is left out: its server's wheel is not installed")
            return None
    slack = opened.enter_context(fake_slack())
    assert store is not None and bus is not None
    path = config(folder, store=store, bus=bus, port=port, slack_api=api(slack))
    mode = {"ours-turn": "turn", "ours-accept": "accept"}.get(name, "handler")
    return Plan(name, target, kind, WHAT[name], port, "benchmarks.wire.ours", (str(path), mode), folder / "log")


@contextmanager
def fake_slack() -> Iterator[int]:
    """The port of a server that answers as Slack does."""
    port = free_port()
    running = process("benchmarks.wire.fake_slack", str(port))
    try:
        yield port
    finally:
        stop(running)


def api(slack: int) -> str:
    return f"http://127.0.0.1:{slack}/api"
