"""The gateway, whose transactions on PostgreSQL have seconds where they have half a minute."""

from __future__ import annotations

from gateway.cli.main import main
from gateway.store import connect, engine

connect.WRITE_S = 4.0
engine.WRITE_S = 4.0  # type: ignore[attr-defined]

main()
