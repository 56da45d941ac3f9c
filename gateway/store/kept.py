"""What a channel keeps from one start to the next: sealed, its own alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, or_, select

from gateway.clock import Clock
from gateway.store import upsert
from gateway.store.engine import Store
from gateway.store.tables_shared import kept
from gateway.store.vault import Erased, Tampered, Vault


@dataclass(frozen=True, slots=True)
class _Text:
    key: str
    text: str
    until: int | None


class Kept:
    """A `Keeper` over the store. What another master key sealed is not found: it is asked for again."""

    def __init__(self, store: Store, vault: Vault, clock: Clock, channel: str) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._channel = channel

    async def get(self, key: str) -> str | None:
        return await self._store.read(lambda connection: self._get(connection, key))

    async def put(self, key: str, text: str, *, until: int | None = None) -> None:
        await self._store.write(self._put, _Text(key, text, until))

    def put_in(self, connection: Connection, key: str, text: str, until: int | None) -> None:
        """`put`, in a transaction of somebody else's."""
        self._put(connection, (_Text(key, text, until),))

    async def drop(self, key: str) -> None:
        await self._store.write(self._drop, key)

    async def keys(self, prefix: str = "") -> tuple[str, ...]:
        query = select(kept.c.key).where(kept.c.channel == self._channel, self._fresh())
        query = query.where(kept.c.key.startswith(prefix, autoescape=True)).order_by(kept.c.key)
        return await self._store.read(lambda connection: tuple(connection.execute(query).scalars()))

    def _fresh(self) -> ColumnElement[bool]:
        return or_(kept.c.until.is_(None), kept.c.until > self._clock.now())

    @property
    def _subject(self) -> str:
        return f"channel {self._channel}"

    def _get(self, connection: Connection, key: str) -> str | None:
        query = select(kept.c.sealed).where(kept.c.channel == self._channel, kept.c.key == key, self._fresh())
        sealed = connection.execute(query).scalar()
        if sealed is None:
            return None
        try:
            plain = self._vault.unseal(connection, self._subject, bytes(sealed))
        except (KeyError, Tampered):
            return None
        return None if isinstance(plain, Erased) else plain.decode()

    def _put(self, connection: Connection, items: Sequence[_Text]) -> list[None]:
        rows = [
            {
                "channel": self._channel,
                "key": each.key,
                "sealed": self._vault.seal(connection, self._subject, each.text.encode()),
                "until": each.until,
            }
            for each in items
        ]
        upsert.put(connection, kept, rows)
        return [None] * len(items)

    def _drop(self, connection: Connection, items: Sequence[str]) -> list[None]:
        for key in items:
            connection.execute(delete(kept).where(kept.c.channel == self._channel, kept.c.key == key))
        return [None] * len(items)
