"""Work of this program's own that is done in a process of its own, so that nobody waits for it here."""

from __future__ import annotations

import os
import subprocess
import sys

GENTLE = 10  # by how much such a process gives way to this one


def run_aside(module: str, *arguments: str) -> None:
    """Waits for it; call it in a thread. Raises OSError when it could not be done."""
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", module, *arguments]
    quiet = subprocess.DEVNULL
    done = subprocess.run(command, env=path, stdin=quiet, stdout=quiet, stderr=quiet, check=False)  # noqa: S603
    if done.returncode:
        raise ChildProcessError(f"the process of {module} ended with {done.returncode}")
