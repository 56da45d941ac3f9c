"""The master key is changed: every key of a subject is wrapped anew, some at a time. Broken off, it goes on where it
stopped; until it is done a gateway refuses to start with either key.

A gateway that runs meanwhile would wrap new keys with the old one: all of them have to be stopped.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from gateway.errors import Misconfigured
from gateway.store import auditing, sql
from gateway.store.engine import Store
from gateway.store.tables import floatcard_meta
from gateway.store.vault import Tampered, Vault

BATCH = 500
_PROOF, _UNDER_WAY = "vault", "vault_next"
_NEITHER = "neither the old nor the new master key opens this database"


class Rotation:
    def __init__(self, store: Store, old: Vault, new: Vault, at: int) -> None:
        self._store = store
        self._old = old
        self._new = new
        self._at = at

    async def run(self) -> int:
        """How many keys were wrapped anew in this run. Raises `Misconfigured` where a key is neither's."""
        if not await self._store.write(self._begin, None):
            return 0
        done, after = 0, ""
        while True:
            count, after = await self._store.write(self._some, after)
            done += count
            if not after:
                break
        await self._store.write(self._end, done)
        return done

    def _begin(self, connection: Connection, items: Sequence[None]) -> list[bool]:
        return [self._begun(connection) for _ in items]

    def _begun(self, connection: Connection) -> bool:
        """False when it was done before. The proof of neither key stands until all is done."""
        row = sql.first(connection, "SELECT value FROM floatcard_meta WHERE key = ?", (_PROOF,))
        if row is not None and self._new.wrote(bytes.fromhex(row[0])):
            return False
        if sql.first(connection, "SELECT value FROM floatcard_meta WHERE key = ?", (_UNDER_WAY,)) is None:
            if row is None or not self._old.wrote(bytes.fromhex(row[0])):
                raise Misconfigured([(self._store.name, "master_key", _NEITHER)])
            proof = {"key": _UNDER_WAY, "value": self._new.proof().hex()}
            sql.store(connection, floatcard_meta, [proof, {"key": _PROOF, "value": "00"}], "replace")
        return True

    def _some(self, connection: Connection, items: Sequence[str]) -> list[tuple[int, str]]:
        return [self._batch(connection, after) for after in items]

    def _batch(self, connection: Connection, after: str) -> tuple[int, str]:
        """(how many, the last of them or "")."""
        query = "SELECT subject, wrapped FROM subject_key WHERE wrapped IS NOT NULL AND subject > ? "
        query += "ORDER BY subject LIMIT ?"
        rows = sql.ask(connection, query, (after, BATCH))
        fresh = [(wrapped, subject) for subject, old in rows if (wrapped := self._wrapped(subject, bytes(old)))]
        sql.many(connection, "UPDATE subject_key SET wrapped = ? WHERE subject = ? AND wrapped IS NOT NULL", fresh)
        return len(fresh), rows[-1][0] if rows else ""

    def _wrapped(self, subject: str, wrapped: bytes) -> bytes | None:
        """None for one that was wrapped anew before this was broken off."""
        try:
            return self._new.rewrapped(self._old, subject, wrapped)
        except Tampered:
            pass
        try:
            self._new.rewrapped(self._new, subject, wrapped)
        except Tampered:
            raise Misconfigured([(self._store.name, "master_key", _NEITHER)]) from None
        return None

    def _end(self, connection: Connection, counts: Sequence[int]) -> list[None]:
        sql.store(connection, floatcard_meta, [{"key": _PROOF, "value": self._new.proof().hex()}], "replace")
        sql.change(connection, "DELETE FROM floatcard_meta WHERE key = ?", (_UNDER_WAY,))
        auditing.add(connection, [(self._at, "cli", "key_rotated", "", {"keys": sum(counts)})])
        return [None for _ in counts]
