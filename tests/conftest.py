"""The servers any test may ask for; with CI=true a skip is a failure, but for what only outside data could run."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    outside = item.get_closest_marker("data") is not None and not os.environ.get("FLOATCARD_DATA")
    if os.environ.get("CI") == "true" and report.skipped and not outside and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be: {report.longrepr}"
    return report
