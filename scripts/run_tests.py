"""`make test` and `make soak`: the suite in two halves, since what drives a browser or kills processes wants the
machine for itself. With CI=true a skipped test is a failure, except those that only outside data or a soak would run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALONE = "browser or alone"


def pytest(*words: str) -> int:
    command = [sys.executable, "-m", "pytest", "-q", *words, *sys.argv[1:]]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def main() -> int:
    cores = str(max(1, min(os.cpu_count() or 1, 8)))
    codes = [pytest("-n", cores, "--dist", "loadfile", "-m", f"not ({ALONE})"), pytest("-m", ALONE)]
    # 5: nothing was collected in that half, as when one file is asked for.
    return next((code for code in codes if code not in (0, 5)), 0)


if __name__ == "__main__":
    sys.exit(main())
