"""On which loops a test runs: the gateway has uvloop where there is one, and asyncio's own elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

Loops = Mapping[str, Callable[[], asyncio.AbstractEventLoop]]

ASYNCIO: Loops = {"asyncio": asyncio.new_event_loop}
UVLOOP: Loops = {"uvloop": uvloop.new_event_loop}


def loops_of(item: pytest.Item) -> Loops:
    """What is marked `both_loops` runs on both, one after the other."""
    return {**ASYNCIO, **UVLOOP} if item.get_closest_marker("both_loops") is not None else ASYNCIO
