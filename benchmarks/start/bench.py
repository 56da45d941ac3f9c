"""How long it takes to be there, and what it holds while nothing happens: `python -m benchmarks.start.bench`."""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path

from benchmarks.common import HERE, ROOT, answers, free_port, keep, machine, process, rss, stop, table
from benchmarks.engines import config, scratch
from benchmarks.float.pace import send
from benchmarks.float.seed import names
from benchmarks.start.beside import REST_S, beside, weighed
from benchmarks.wire.servers import api, fake_slack
from gateway.http.run import SETTLED_S

IMPORT = "import time; t = time.process_time(); import gateway.http.run; print(time.process_time() - t)"
VENDORS = ("slack_sdk", "redis", "psycopg", "jieba", "lark_oapi", "telegram", "opentelemetry.sdk")
LOADED = f"import sys, gateway.http.run; print(*[each for each in {VENDORS!r} if each in sys.modules])"


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()


def demo(folder: Path) -> tuple[float, float]:
    """Seconds from the command to the page, and MB at rest."""
    port = free_port()
    words = [sys.executable, "-m", "gateway.cli.main", "demo", "--folder", str(folder), "--port", str(port)]
    words[1:3] = ["-c", "from gateway.cli.main import main; main()"]
    quiet = subprocess.DEVNULL
    begin = partial(subprocess.Popen, words, cwd=ROOT, stdout=quiet, stderr=quiet, text=True)
    return weighed(begin, partial(page, f"http://127.0.0.1:{port}"), REST_S)


def page(url: str, end: float) -> None:
    """Returns when the page is served and the gateway says that it is ready."""
    while True:
        try:
            for path in ("/demo", "/readyz"):
                urllib.request.urlopen(f"{url}{path}", timeout=1).read()
        except (OSError, urllib.error.URLError):
            if time.perf_counter() > end:
                raise
            time.sleep(0.02)
        else:
            return


def idle(customers: int) -> tuple[float, float]:
    """Seconds to start, and MB at rest a minute after a first message has loaded the mention model."""
    with scratch() as folder, fake_slack() as slack:
        port, store = free_port(), f"sqlite:///{folder}/floatcard.db"
        path = config(Path(folder), store=store, bus="store:", port=port, slack_api=api(slack))
        stop(process("benchmarks.float.seed", str(path), str(customers)))
        start = time.perf_counter()
        ours = process("benchmarks.wire.ours", str(path), "float")
        try:
            took = time.perf_counter() - start
            answers(port)
            text = f"Has anybody called {next(names(1))}?"
            asyncio.run(send(port, [(text, "C0ROOM0001"), (text, "C0ROOM0002")], 1))
            time.sleep(SETTLED_S + 5)
            return took, rss(ours.pid)
        finally:
            stop(ours)


def main(rounds: int, customers: int, out: Path) -> None:
    """With bytecode kept, as wherever Floatcard was started once, whatever this shell says of it."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with scratch() as kept:
        os.environ["PYTHONPYCACHEPREFIX"] = kept
        measured(rounds, customers, out)


def measured(rounds: int, customers: int, out: Path) -> None:
    imports = [float(python(IMPORT)) for _ in range(rounds + 1)][1:]
    fresh, again = [], []
    with scratch() as folder, beside() as others:
        for n in range(rounds):
            fresh.append(demo(Path(folder) / f"demo{n}"))
            again.append(demo(Path(folder) / f"demo{n}"))
            others.round()
    starting, memory = idle(customers)
    rows: list[list[object]] = [
        ["importing the gateway, s of processor time", statistics.median(imports), "1.0"],
        ["vendor modules loaded by that", python(LOADED) or "none", "none"],
        ["demo, from the command to the page, first start, s", statistics.median(t for t, _ in fresh), "3"],
        ["demo, the same again, s", statistics.median(t for t, _ in again), "3"],
        ["demo at rest, MB", statistics.median(m for _, m in again), ""],
        [f"gateway with {customers:,} customers, from the command to listening, s", starting, ""],
        [f"gateway with {customers:,} customers and the mention model, at rest, MB", memory, "160"],
    ]
    note = (
        f"Medians of {rounds} rounds, interleaved, and at rest {REST_S:g} s after the first answer; with "
        f"{customers:,} customers once, and at rest after a minute."
    )
    versions = machine("aiohttp", "slack-bolt", "nonebot2")
    keep(out, "Start and rest", versions, note, table(["", "", "aim"], rows), others.text())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=HERE / "start" / "RESULTS.md")
    main(**vars(parser.parse_args()))
