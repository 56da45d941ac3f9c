"""The servers any test may ask for; with CI=true a skip is a failure, but for what only outside data could run."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from gateway.store import spans
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

# How long an example takes is the machine's; what hypothesis does differently where CI is set stays as it is.
settings.register_profile("unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# The few edits of a test come to stand in several spans of the ledger, as many do.
spans.LENGTH = 3


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
