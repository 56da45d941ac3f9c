"""Of every test that has a `far`: the stand-in, and a connector to it."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def fake(far: Any) -> Any:
    return far.fake


@pytest.fixture
def client(far: Any) -> Any:
    return far.client()
