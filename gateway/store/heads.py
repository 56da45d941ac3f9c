"""A day's heads of both chains, decisions and audit, signed so that whoever keeps them can hold the store to them."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_SIGNED = ("version", "deployment", "day", "decisions", "audit_seq", "audit_hash")


@dataclass(frozen=True, slots=True)
class Heads:
    """`decisions`: the published root's own document."""

    deployment: str
    day: str
    decisions: str
    audit_seq: int
    audit_hash: str

    def signed(self, key: Ed25519PrivateKey) -> str:
        """One line of JSON, with the public key beside the signature (Ed25519)."""
        body = {"version": 1, **{name: getattr(self, name) for name in _SIGNED[1:]}}
        public = key.public_key().public_bytes_raw().hex()
        return json.dumps({**body, "key": public, "signature": key.sign(_bytes(body)).hex()}, sort_keys=True)


def signing_key(master: bytes) -> Ed25519PrivateKey:
    """Of one use, derived from the master key: changed together with it."""
    return Ed25519PrivateKey.from_private_bytes(hmac.new(master, b"floatcard/heads", hashlib.sha256).digest())


def public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


def read(text: str, key: str) -> Heads:
    """`key`: the public key one trusts, in hex; the one in the document proves nothing. Raises ValueError."""
    told: Any = json.loads(text)
    if not isinstance(told, dict) or told.get("version") != 1 or not set(_SIGNED) <= told.keys():
        raise ValueError("this is no document of signed heads")
    body = {name: told[name] for name in _SIGNED}
    try:
        signature = bytes.fromhex(told.get("signature", ""))
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, _bytes(body))
    except (InvalidSignature, ValueError, TypeError):
        raise ValueError("it is not signed with this key, or was changed since") from None
    return Heads(**{name: body[name] for name in _SIGNED[1:]})


def _bytes(body: dict[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
