"""A load on one server: wrk where it is installed, else a process of our own that does the same more slowly.

`python -m benchmarks.wire.load PORT TARGET BODIES SECONDS` is the second.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import ROOT, percentile

CONNECTIONS = 32
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True, slots=True)
class Result:
    """Times in ms."""

    requests: int
    rate: float
    wrong: int
    p50: float
    p99: float


def generator() -> str:
    return "wrk" if shutil.which("wrk") else "a Python process (wrk is not installed: rates are its own limit too)"


def run(port: int, target: str, bodies: Path, seconds: float) -> Result:
    if shutil.which("wrk"):
        return _wrk(port, target, bodies, seconds)
    words = [sys.executable, "-m", "benchmarks.wire.load", str(port), target, str(bodies), str(seconds)]
    said = subprocess.run(words, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    return Result(**json.loads(said))


def _wrk(port: int, target: str, bodies: Path, seconds: float) -> Result:
    words = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "--latency"]
    words += ["-s", str(Path(__file__).with_name("load.lua")), f"http://127.0.0.1:{port}{target}"]
    told = {**os.environ, "BODIES": str(bodies), "TARGET": target}
    said = subprocess.run(words, check=True, capture_output=True, text=True, env=told).stdout
    count = re.search(r"(\d+) requests in", said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    assert count is not None and rate is not None, said
    return Result(int(count[1]), float(rate[1]), int(wrong[1]) if wrong else 0, _at(said, "50%"), _at(said, "99%"))


def _at(said: str, part: str) -> float:
    found = re.search(rf"{part}\s+([\d.]+)(us|ms|s|m)\b", said)
    return float(found[1]) * _UNITS[found[2]] if found else float("nan")


async def _python(port: int, target: str, bodies: Path, seconds: float) -> Result:
    requests = iter(_requests(target, bodies))
    times: list[float] = []
    wrong = 0
    end = time.perf_counter() + seconds

    async def connection() -> None:
        nonlocal wrong
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (start := time.perf_counter()) < end and (request := next(requests, None)) is not None:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            wrong += not head.startswith(b"HTTP/1.1 2")
            times.append((time.perf_counter() - start) * 1000)
        writer.close()

    start = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    took = time.perf_counter() - start
    times.sort()
    return Result(len(times), len(times) / took, wrong, percentile(times, 0.5), percentile(times, 0.99))


def _requests(target: str, bodies: Path) -> list[bytes]:
    lines = bodies.read_bytes().splitlines()
    made = []
    for headers, body in zip(lines[::2], lines[1::2], strict=True):
        said = {"Host": "127.0.0.1", **json.loads(headers), "Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in said.items())
        made.append(f"POST {target} HTTP/1.1\r\n{head}\r\n".encode() + body)
    return made


if __name__ == "__main__":
    port_, target_, bodies_, seconds_ = sys.argv[1:]
    result = asyncio.run(_python(int(port_), target_, Path(bodies_), float(seconds_)))
    print(json.dumps({name: getattr(result, name) for name in Result.__dataclass_fields__}))
