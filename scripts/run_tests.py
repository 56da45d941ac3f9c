"""`make test` and `make soak`: the suite in two parts, since what kills processes under load wants the machine for
itself. The others run together, one process more than there are cores, since many of them wait. A soak writes what
ran, and for how long, to `benchmarks/soak.md`.

Up to FEW tests that failed are tried once more, with nothing beside them: most of them have real servers, real
faults and a clock. What fails again has failed; what does not is named at the end as unsteady. A soak tries once.
Both tries have one seed, which is printed first and may be given as `FLOATCARD_SEED`.
"""

from __future__ import annotations

import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
ALONE = "alone"
SOAK = os.environ.get("FLOATCARD_SOAK") == "1"
FAILED, NOTHING = 1, 5  # pytest's own exit codes
FEW = 5


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


def failing(reports: list[Path]) -> list[str]:
    """What failed, by pytest's own words for it."""
    return [_name(case) for case in _cases(reports) if _outcome(case) == 1]


def passing(reports: list[Path]) -> set[str]:
    return {_name(case) for case in _cases(reports) if _outcome(case) == 0}


def _cases(reports: list[Path]) -> Iterator[ElementTree.Element]:
    return (case for report in reports if report.exists() for case in ElementTree.parse(report).iter("testcase"))


def _name(case: ElementTree.Element) -> str:
    return f"{case.get('classname')}::{case.get('name')}"


def again(codes: list[int], reports: list[Path]) -> list[int]:
    """The codes after a second go at what failed."""
    failed = failing(reports)
    if SOAK or FAILED not in codes or not failed or len(failed) > FEW:
        return codes
    sys.stdout.write(f"\n{len(failed)} failed; once more, alone:\n")
    sys.stdout.flush()
    report = reports[0].with_name("again.xml")
    code = pytest("--last-failed", "--last-failed-no-failures", "none", f"--junitxml={report}")
    if not passing([report]).issuperset(failed):  # also one that was not found again
        code = code or FAILED
    if code == 0:
        sys.stdout.write("".join(f"UNSTEADY {name}: failed once, then passed\n" for name in failed))
    return [code if each == FAILED else each for each in codes]


def main() -> int:
    beside = str(max(1, min(os.cpu_count() or 1, 8)) + 1)
    started = time.monotonic()
    seed = os.environ.setdefault("FLOATCARD_SEED", str(random.SystemRandom().randrange(1 << 32)))
    sys.stdout.write(f"FLOATCARD_SEED={seed}\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory() as folder:
        reports = [Path(folder, name) for name in ("together.xml", "alone.xml")]
        # in the order of their names: by how many tests they have a file of one long test would come last, and alone
        files = ("--dist", "loadfile", "--no-loadscope-reorder")
        together = ("-n", beside, *files, "-m", f"not {ALONE}", f"--junitxml={reports[0]}")
        codes = [pytest("--cache-clear", *together), pytest("-m", ALONE, f"--junitxml={reports[1]}")]
        if SOAK:
            written = table([report for report in reports if report.exists()], time.monotonic() - started)
            (ROOT / "benchmarks/soak.md").write_text(written, "utf-8")
        codes = again(codes, reports)
    # a part in which nothing was collected, as when one file is asked for, did not fail
    return next((code for code in codes if code not in (0, NOTHING)), 0)


if __name__ == "__main__":
    sys.exit(main())
