"""Values, encrypted under a key of their subject; erasing the key erases them wherever they are.

AES-256-GCM. Each subject has a random key, wrapped by a master key that is not in the database; the keys that
encrypt and that authenticate are derived from it apart.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection

from cards.words import N_
from gateway.errors import Misconfigured, Refused, Retry
from gateway.store import sql
from gateway.store.engine import Store
from gateway.store.tables import floatcard_meta
from gateway.store.tables_ledger import subject_key, value
from reconcile.model import Json

_NONCE = 12
_KEPT = 8192
_ERASED = N_("This customer's data was erased here and is not taken in again.")
_OTHER_KEY = "is not the key this database was made with; put the right one back, values cannot be read without it"
_ROTATED_S = 10.0
_SHORT = "must be at least 32 random bytes; make one with: openssl rand -base64 32"


@dataclass(frozen=True, slots=True)
class Erased:
    """What a value reads as once its subject's key is gone; `at` in ms since the epoch."""

    at: int


class Tampered(Exception):
    """A ciphertext that this key, at this place, did not make."""


class Keys:
    """One subject's keys, unwrapped."""

    __slots__ = ("_aead", "_mac")

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(hmac.digest(key, b"encrypt", "sha256"))
        # with the key taken in already, which is most of what a short MAC costs
        self._mac = hmac.new(hmac.digest(key, b"authenticate", "sha256"), digestmod="sha256")

    def seal(self, plain: bytes, about: str) -> bytes:
        """`about` must be the same to open it: a ciphertext moved to another place does not open."""
        nonce = os.urandom(_NONCE)
        return nonce + self._aead.encrypt(nonce, plain, _raw(about))

    def unseal(self, sealed: bytes, about: str) -> bytes:
        try:
            return self._aead.decrypt(sealed[:_NONCE], sealed[_NONCE:], _raw(about))
        except (InvalidTag, ValueError):
            raise Tampered(about) from None

    def mac(self, data: bytes, use: bytes = b"value") -> str:
        """HMAC-SHA256 in hex. Another `use` of equal data gives another MAC."""
        mac = self._mac.copy()
        mac.update(use + b"\0" + data)
        return mac.hexdigest()


class Vault:
    """Safe to use from every thread; nothing of a key is ever written but wrapped."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) < 32:
            raise Misconfigured([("store", "master_key", _SHORT)])
        self._wrapping = AESGCM(hmac.digest(hashlib.sha256(master_key).digest(), b"wrap", "sha256"))
        self._known: dict[bytes, Keys] = {}
        self._lock = threading.Lock()

    async def check(self, store: Store) -> None:
        """Raises `Misconfigured` when the database was made with another master key."""
        await store.write(self._check, store.name)

    def prove(self, connection: Connection, where: str) -> None:
        """`check` inside a transaction of the caller's."""
        self._check(connection, [where])

    def _check(self, connection: Connection, names: Iterable[str]) -> list[None]:
        row = sql.first(connection, "SELECT value FROM floatcard_meta WHERE key = ?", ("vault",))
        if row is None:
            proof = self._wrap(os.urandom(32), "floatcard").hex()
            sql.store(connection, floatcard_meta, [{"key": "vault", "value": proof}], "keep")
            return [None for _ in names]
        try:
            self._unwrap(bytes.fromhex(row[0]), "floatcard")
        except Tampered:
            raise Misconfigured([(next(iter(names)), "master_key", _OTHER_KEY)]) from None
        return [None for _ in names]

    def proof(self) -> bytes:
        """What only this master key made."""
        return self._wrap(os.urandom(32), "floatcard")

    def wrote(self, proof: bytes) -> bool:
        try:
            self._unwrap(proof, "floatcard")
        except Tampered:
            return False
        return True

    def rewrapped(self, old: Vault, subject: str, wrapped: bytes) -> bytes:
        """Of another master key's, for this one. Raises `Tampered` when it is not that one's."""
        return self._wrap(old._unwrap(wrapped, subject), subject)

    def keys(self, connection: Connection, subjects: Iterable[str], *, create: bool = True) -> dict[str, Keys | Erased]:
        """The keys of each subject; with `create`, new subjects get one. Unknown ones are left out otherwise."""
        wanted = sorted(set(subjects))
        found = self._stored(connection, wanted)
        missing = [subject for subject in wanted if subject not in found]
        if create and missing:
            self._ours(connection)
            rows = [{"subject": one, "wrapped": self._wrap(os.urandom(32), one), "erased_at": None} for one in missing]
            sql.store(connection, subject_key, rows, "keep")
            # read back: of two processes that make a key at once, one wins
            found |= self._stored(connection, missing)
        return found

    def _ours(self, connection: Connection) -> None:
        """Nobody makes a key that the database's master key does not open: a gateway that ran on while that was changed
        would lose what is sealed with it. Raises `Retry`."""
        tail = " FOR SHARE" if connection.dialect.name == "postgresql" else ""
        row = sql.first(connection, f"SELECT value FROM floatcard_meta WHERE key = ?{tail}", ("vault",))  # noqa: S608
        if row is not None and not self.wrote(bytes.fromhex(row[0])):
            raise Retry(_ROTATED_S, "another master key was given to this database; start this gateway with it")

    def _stored(self, connection: Connection, subjects: list[str]) -> dict[str, Keys | Erased]:
        return self.asking(connection, subjects)() if subjects else {}

    def asking(self, connection: Connection, subjects: Iterable[str]) -> Callable[[], dict[str, Keys | Erased]]:
        """The keys of those that have one, had by calling it: what is asked meanwhile is asked together with it."""
        query = "SELECT subject, wrapped, erased_at FROM subject_key WHERE subject"
        rows = sql.asking_in(connection, query, [(subject,) for subject in sorted(subjects)])
        return lambda: {row[0]: self.opened(row[0], row[1], row[2]) for row in rows()}

    def opened(self, subject: str, wrapped: bytes | None, erased_at: int | None) -> Keys | Erased:
        if wrapped is None:
            return Erased(erased_at or 0)
        # the wrapped key read in this very transaction is the cache's key, so an erased one is never found again
        wrapped = bytes(wrapped)
        keys = self._known.get(wrapped)
        if keys is None:
            keys = Keys(self._unwrap(wrapped, subject))
            with self._lock:
                if len(self._known) >= _KEPT:
                    self._known.pop(next(iter(self._known)))
                self._known[wrapped] = keys
        return keys

    def put(self, connection: Connection, subject: str, what: Json, id_: str) -> str:
        """Stores one value under `id_` and returns it. Raises `Refused` for an erased subject."""
        keys = self.alive(connection, subject)
        sql.store(connection, value, [sealed_value(keys, subject, id_, spelt(what))])
        return id_

    def get(self, connection: Connection, id_: str) -> Json | Erased:
        """Raises KeyError for an id that is not there."""
        return self.get_many(connection, [id_])[id_]

    def get_many(self, connection: Connection, ids: Iterable[str]) -> dict[str, Json | Erased]:
        wanted = [(id_,) for id_ in sorted(set(ids))]
        query = (
            "SELECT v.id, v.subject, v.ciphertext, k.wrapped, k.erased_at "
            "FROM value v JOIN subject_key k ON k.subject = v.subject WHERE v.id"
        )
        rows = sql.ask_in(connection, query, wanted) if wanted else []
        return {row[0]: self.reveal(row) for row in rows}

    def reveal(self, row: Any) -> Json | Erased:
        """From (id, subject, ciphertext, wrapped, erased_at). Raises `Tampered`."""
        keys = self.opened(row[1], row[3], row[4])
        if isinstance(keys, Erased):
            return keys
        found: Json = json.loads(keys.unseal(bytes(row[2]), f"value {row[0]}"))
        return found

    def mac(self, connection: Connection, subject: str, canonical: bytes) -> str:
        return self.alive(connection, subject).mac(canonical)

    def seal(self, connection: Connection, subject: str, plain: bytes) -> bytes:
        """For another table's blob of personal data. Raises `Refused` for an erased subject."""
        return self.alive(connection, subject).seal(plain, f"blob {subject}")

    def unseal(self, connection: Connection, subject: str, sealed: bytes) -> bytes | Erased:
        """Raises KeyError for an unknown subject, `Tampered` for what is not ours."""
        keys = self.keys(connection, [subject], create=False)[subject]
        return keys if isinstance(keys, Erased) else keys.unseal(sealed, f"blob {subject}")

    def unsealed(self, connection: Connection, blobs: Mapping[str, bytes]) -> Iterator[tuple[str, bytes | Erased]]:
        """Of very many subjects, once: none of their keys is kept at hand. Raises as `unseal`."""
        query = "SELECT subject, wrapped, erased_at FROM subject_key WHERE subject"
        rows = sql.ask_in(connection, query, [(subject,) for subject in sorted(blobs)]) if blobs else []
        keys = {row[0]: row for row in rows}
        for subject, sealed in blobs.items():
            _, wrapped, erased_at = keys[subject]
            plain: bytes | Erased = Erased(erased_at or 0)
            if wrapped is not None:
                plain = Keys(self._unwrap(bytes(wrapped), subject)).unseal(sealed, f"blob {subject}")
            yield subject, plain

    def alive(self, connection: Connection, subject: str) -> Keys:
        keys = self.keys(connection, [subject])[subject]
        if isinstance(keys, Erased):
            raise Refused(_ERASED)
        return keys

    def erase(self, connection: Connection, subject: str, at: int) -> bool:
        """Deletes the subject's key, for ever; whether there was one."""
        overwriting(connection)
        row = sql.first(connection, "SELECT wrapped FROM subject_key WHERE subject = ?", (subject,))
        if row is not None and row[0] is not None:
            self._known.pop(bytes(row[0]), None)
        erase = "UPDATE subject_key SET wrapped = NULL, erased_at = ? WHERE subject = ? AND wrapped IS NOT NULL"
        return sql.change(connection, erase, (at, subject)) == 1

    def _wrap(self, key: bytes, subject: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._wrapping.encrypt(nonce, key, _raw(subject))

    def _unwrap(self, wrapped: bytes, subject: str) -> bytes:
        try:
            return self._wrapping.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], _raw(subject))
        except (InvalidTag, ValueError):
            raise Tampered(subject) from None


def overwriting(connection: Connection) -> None:
    """From now on SQLite overwrites the bytes of what is deleted, and does not only unlink them."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")


def sealed_value(keys: Keys, subject: str, id_: str, plain: bytes) -> Mapping[str, Any]:
    return {"id": id_, "subject": subject, "ciphertext": keys.seal(plain, f"value {id_}")}


def spelt(what: Json) -> bytes:
    """As it was given: unlike the canonical form it keeps the spelling. Any size of number; no lone surrogates."""
    if isinstance(what, str):
        return encode_basestring(what).encode("utf-8")
    return json.dumps(what, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
