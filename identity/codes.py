"""One-time codes that link an account to a person. Pure: the store keeps the hash, the person and the times."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final

ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without 0/O, 1/I/L and U/V, which are taken for each other when read aloud or typed."""

LENGTH: Final = 9
"""Nine of thirty signs are 44 bits."""

LIFETIME: Final = 600_000
TRIES: Final = 5

_TWINS: Final = str.maketrans({"U": "V"})


def new_code() -> str:
    """Shown as it is to be typed: `K7M-2QX-9BD`."""
    signs = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return "-".join(signs[start : start + 3] for start in range(0, LENGTH, 3))


def normalise(typed: str) -> str | None:
    """The signs alone, however they were spaced or cased; None when it can be no code at all."""
    if len(typed) > 64:
        return None
    signs = "".join(
        sign for sign in typed.upper().translate(_TWINS) if sign not in " -\u2010\u2011\u2013\u2014\u00a0\t"
    )
    return signs if len(signs) == LENGTH and set(signs) <= set(ALPHABET) else None


def code_hash(code: str, key: bytes) -> str:
    """What the store keeps instead of the code. What can be no code hashes to nothing that is stored."""
    signs = normalise(code)
    return "" if signs is None else hmac.new(key, b"link-code\0" + signs.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class CodeState:
    """`made` and `used` in milliseconds; `tries` counts the wrong codes typed by this account since then."""

    made: int
    used: int | None = None
    tries: int = 0


def usable(state: CodeState, now: int) -> bool:
    """Once, within its lifetime, and not after too many wrong tries. A clock set back does not revive it."""
    return state.used is None and state.tries < TRIES and 0 <= now - state.made < LIFETIME


def expires(made: int) -> int:
    return made + LIFETIME
