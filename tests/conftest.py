"""The servers that tests of every room may ask for."""

from __future__ import annotations

from tests.engines.fixtures import (
    _migrated,
    _postgresql,
    _redis,
    postgresql,
    postgresql_url,
    redis_server,
    store_url,
)

__all__ = ["_migrated", "_postgresql", "_redis", "postgresql", "postgresql_url", "redis_server", "store_url"]
