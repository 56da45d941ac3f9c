"""What test_kill and test_memory run as a process of its own: `child.py import|apply|strike|measure DATABASE …`."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
import time
from pathlib import Path

from sqlalchemy import event

from crm.local import Config, Crm
from crm.local.importer import run
from crm.model import Change


def opened(path: str) -> Crm:
    return Crm("local", Config(database=f"sqlite:///{path}"))


def import_until(path: str, csv: str, rows: str) -> None:
    """Stands still once so many rows are written, until it is killed."""

    def stand_still(done: int, total: int) -> None:
        if done >= int(rows):
            print("here", flush=True)
            time.sleep(600)

    run(Path(csv), opened(path), stand_still)


async def apply_for_ever(path: str, id_: str) -> None:
    """A line for each answer: number, version."""
    crm = opened(path)
    ref = crm.shape.ref(id_)
    for number in range(1_000_000):
        answer = await crm.apply(Change(ref, "phone", str(number), None), once=str(number))
        print(number, answer.version if hasattr(answer, "version") else "conflict", flush=True)


def strike(path: str, ids: str) -> None:
    """Applies a change to the n-th id and kills itself before the n-th statement or commit; prints the n that lived."""
    for number, id_ in enumerate(ids.split(","), start=1):
        pid = os.fork()
        if pid == 0:
            asyncio.run(_struck(path, id_, number))
            os._exit(0)
        if os.waitpid(pid, 0)[1] == 0:
            print(number, flush=True)
            return


async def _struck(path: str, id_: str, number: int) -> None:
    crm = opened(path)
    left = itertools.count(number - 1, -1)

    def count(*_: object) -> None:
        if next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(crm.database.engine, "before_cursor_execute", count)
    event.listen(crm.database.engine, "commit", count)
    await crm.apply(Change(crm.shape.ref(id_), "phone", "88", 1), once=id_)


def measure(path: str, csv: str) -> None:
    """The most memory this program ever took, in MB."""
    tally = run(Path(csv), opened(path))
    print(tally.created, _peak(), flush=True)


def _peak() -> int:
    """Not what `getrusage` tells: that begins with what the process had which made this one, before it became it."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) // 1024


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["import", path, csv, rows]:
            import_until(path, csv, rows)
        case ["apply", path, id_]:
            asyncio.run(apply_for_ever(path, id_))
        case ["strike", path, ids]:
            strike(path, ids)
        case ["measure", path, csv]:
            measure(path, csv)
        case _:
            sys.exit("usage: child.py import|apply|strike|measure DATABASE …")
