"""A job as a stream's entry, and back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from gateway.bus.model import Delivery, Job
from gateway.bus.redis_lanes import Held


def raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def text(raw: Any) -> str:
    return raw.decode() if isinstance(raw, bytes) else str(raw)


def digest(once: str) -> bytes:
    """A name of any length, remembered in 16 bytes."""
    return hashlib.blake2b(raw(once), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Put:
    """A job to be published; `own`: this process' lane, when it is to run here."""

    job: Job
    at: int
    own: Held | None
    local: object

    @property
    def weight(self) -> int:
        return len(self.job.body)

    def words(self) -> tuple[str | bytes | int, ...]:
        job = self.job
        token = self.own.token if self.own is not None else ""
        return token, digest(job.once), self.at, job.topic, raw(job.lane), raw(job.once), job.body


def number(id_: bytes) -> int:
    """A stream's id (milliseconds-serial) as one number that sorts the same."""
    at, _, serial = id_.partition(b"-")
    return (int(at) << 20) | int(serial)


def spelt(number: int) -> str:
    return f"{number >> 20}-{number & 0xFFFFF}"


def pairs(flat: list[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def job_of(fields: dict[bytes, bytes]) -> Job:
    topic, lane, once = (fields[name].decode("utf-8", "surrogatepass") for name in (b"t", b"l", b"o"))
    return Job(topic, lane, once, fields[b"b"])


def parked_of(id_: bytes, fields: dict[bytes, bytes]) -> tuple[Delivery, str]:
    why = fields[b"w"].decode("utf-8", "surrogatepass")
    return Delivery(number(id_), job_of(fields), int(fields[b"n"]), at=number(id_) >> 20), why
