"""`make bench`: every benchmark of the house, one after another, each printing its table.

python -m benchmarks            all of them
python -m benchmarks mentions   one folder's
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(words: list[str]) -> int:
    found = sorted(HERE.glob("*/bench*.py"))
    chosen = [path for path in found if not words or path.parent.name in words]
    if not chosen:
        names = ", ".join(sorted({path.parent.name for path in found}))
        sys.stderr.write(f"No benchmark of that name. There are: {names}\n")
        return 2
    codes = [_run(path) for path in chosen]
    return max(codes)


def _run(path: Path) -> int:
    name = ".".join(path.relative_to(HERE.parent).with_suffix("").parts)
    sys.stdout.write(f"\n== {name}\n")
    sys.stdout.flush()
    return subprocess.run([sys.executable, "-m", name], cwd=HERE.parent, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
