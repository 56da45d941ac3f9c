"""What kills processes for minutes on end is collected by a soak alone, until it is as quick as the rest."""

from __future__ import annotations

import os

collect_ignore = [] if os.environ.get("FLOATCARD_SOAK") == "1" else ["test_kills.py", "test_three.py", "test_watch.py"]
