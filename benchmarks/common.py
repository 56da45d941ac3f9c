"""What every benchmark says of the machine, and how its table is kept."""

from __future__ import annotations

import os
import platform
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
TICK = os.sysconf("SC_CLK_TCK")


def machine(*packages: str) -> str:
    """One line: when, on what, how busy, with which versions."""
    load = " ".join(f"{each:.2f}" for each in os.getloadavg())
    known = ", ".join(f"{name} {version(name)}" for name in packages)
    parts = [
        datetime.now(UTC).strftime("%Y-%m-%d"),
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
        known,
        f"load average {load}",
    ]
    return "; ".join(part for part in parts if part)


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(_cell(each) for each in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(it: Any) -> str:
    if isinstance(it, float):
        return f"{it:,.0f}" if abs(it) >= 100 else f"{it:.1f}" if abs(it) >= 10 else f"{it:.2f}"
    return f"{it:,}" if isinstance(it, int) and not isinstance(it, bool) else str(it)


def keep(path: Path, title: str, *parts: str) -> None:
    """Prints the result and writes it beside its benchmark."""
    text = "\n\n".join((f"# {title}", *(part for part in parts if part))) + "\n"
    print(text, flush=True)
    path.write_text(text, "utf-8")


def percentile(ordered: Sequence[float], part: float) -> float:
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)] if ordered else float("nan")


def cpu(pid: int) -> float:
    """Seconds of processor time a process has used, in it and for it."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICK


def rss(pid: int) -> float:
    """MB it holds in memory."""
    line = next(each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if each.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


def process(module: str, *words: str, **more: Any) -> subprocess.Popen[str]:
    """A process of its own that says when it is ready."""
    started = subprocess.Popen(
        [sys.executable, "-m", module, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True, **more
    )
    assert started.stdout is not None
    said = ""
    while "ready" not in said:
        said = started.stdout.readline()
        if not said:
            started.kill()
            raise RuntimeError(f"{module} did not start")
    return started


def stop(started: subprocess.Popen[str]) -> None:
    started.terminate()
    try:
        started.wait(15)
    except subprocess.TimeoutExpired:
        started.kill()
        started.wait()
    if started.stdout is not None:
        started.stdout.close()


def answers(port: int, within: float = 30.0) -> None:
    """Returns once something listens there."""
    end = time.monotonic() + within
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return
