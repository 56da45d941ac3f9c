"""A trouble that lasts does not fill the log."""

from __future__ import annotations

import logging

import pytest

from gateway.wearily import AGAIN_S, Wearily


def test_it_is_said_at_once_and_then_every_minute(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("gateway.wearily.time.monotonic", lambda: now[0])
    said = Wearily(logging.getLogger("floatcard.tired"))
    for _ in range(1000):
        said.warning("the outbox of %s waits: %s", "local", "away")
    said.warning("the outbox of %s waits: %s", "local", "full")
    assert caplog.messages == ["the outbox of local waits: away", "the outbox of local waits: full"]
    now[0] += AGAIN_S
    for _ in range(1000):
        said.warning("the outbox of %s waits: %s", "local", "away")
    assert caplog.messages[2:] == ["the outbox of local waits: away"]
