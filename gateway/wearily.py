"""One word about a trouble that lasts: at once, then every minute, however often it is met."""

from __future__ import annotations

import logging
import time

AGAIN_S = 60.0


class Wearily:
    """For a loop that tries again several times a second; another reason is said at once."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._said: dict[str, float] = {}

    def warning(self, text: str, *about: object) -> None:
        line, now = text % about, time.monotonic()
        if now < self._said.get(line, float("-inf")) + AGAIN_S:
            return
        self._said = {each: at for each, at in self._said.items() if now < at + AGAIN_S}
        self._said[line] = now
        self._log.warning(text, *about)
