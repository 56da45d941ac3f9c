"""What a channel may keep from one start to the next."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


class Keeper(Protocol):
    """Small texts a channel keeps from one start to the next, sealed in the store: tokens, a place in a stream."""

    async def get(self, key: str) -> str | None: ...

    async def put(self, key: str, text: str, *, until: int | None = None) -> None:
        """In place of what was there; after `until` (ms) it is not found any more."""
        ...

    async def drop(self, key: str) -> None: ...

    async def keys(self, prefix: str = "") -> tuple[str, ...]: ...


@runtime_checkable
class Keeps(Protocol):
    def keep_in(self, keeper: Keeper) -> None:
        """Called once, before anything else. The keeper is this channel's own."""
        ...
