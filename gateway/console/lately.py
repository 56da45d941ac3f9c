"""Counts that may be half a minute old: however many look at a page, the store is asked for them once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from gateway.services import Services
from gateway.store.engine import Store

EVERY_MS: Final = 30_000
MOST: Final = 64
"""Of one store: readers' zones and CRMs are few."""
T = TypeVar("T")

_KNOWN: WeakKeyDictionary[Store, dict[Hashable, tuple[int, Any]]] = WeakKeyDictionary()


async def lately(s: Services, about: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
    known, now = _KNOWN.setdefault(s.store, {}), s.clock.now()
    at, value = known.get(about, (now - EVERY_MS, None))
    if not 0 <= now - at < EVERY_MS:
        value = await ask()
        if len(known) >= MOST:
            known.clear()
        known[about] = now, value
    found: T = value
    return found
