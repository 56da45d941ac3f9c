"""`make test` and `make soak`: the suite in two halves, since what drives a browser or kills processes wants the
machine for itself. A soak writes what ran, and for how long, to `benchmarks/soak.md`.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
ALONE = "browser or alone"
SOAK = os.environ.get("FLOATCARD_SOAK") == "1"


def pytest(*words: str) -> int:
    patience = ["--timeout", "1800"] if SOAK else []  # ten times the examples, on whatever machine
    command = [sys.executable, "-m", "pytest", "-q", *patience, *words, *sys.argv[1:]]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def table(reports: list[Path], seconds: float) -> str:
    """Passed, failed, skipped and seconds of each folder of tests."""
    counted: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0, 0.0])
    for report in reports:
        for case in ElementTree.parse(report).iter("testcase"):
            row = counted["/".join((case.get("classname") or "").split(".")[:3])]
            row[_outcome(case)] += 1
            row[3] += float(case.get("time") or 0)
    lines = [f"| {name} | {p:.0f} | {f:.0f} | {s:.0f} | {t:.0f} |" for name, (p, f, s, t) in sorted(counted.items())]
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    head = f"# `make soak`\n\n{machine}; {seconds / 60:.0f} minutes in all. Seeds are fixed in the tests.\n"
    columns = ["| tests | passed | failed | skipped | seconds |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([head, *columns, *lines, ""])


def _outcome(case: ElementTree.Element) -> int:
    tags = {child.tag for child in case}
    return 1 if tags & {"failure", "error"} else 2 if "skipped" in tags else 0


def main() -> int:
    cores = str(max(1, min(os.cpu_count() or 1, 8)))
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        reports = [Path(folder, name) for name in ("together.xml", "alone.xml")]
        together = ("-n", cores, "--dist", "loadfile", "-m", f"not ({ALONE})", f"--junitxml={reports[0]}")
        codes = [pytest(*together), pytest("-m", ALONE, f"--junitxml={reports[1]}")]
        if SOAK:
            written = table([report for report in reports if report.exists()], time.monotonic() - started)
            (ROOT / "benchmarks/soak.md").write_text(written, "utf-8")
    # 5: nothing was collected in that half, as when one file is asked for.
    return next((code for code in codes if code not in (0, 5)), 0)


if __name__ == "__main__":
    sys.exit(main())
