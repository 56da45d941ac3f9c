"""A backup's file: a line that says what it is, compressed JSON lines, and the SHA-256 of it all.

Inside: an object opens the file, a section, a table or the end; an array is some rows of the table before it. Bytes
stand as an array of one base64 text. The hash finds damage; what somebody forged is found by the ledger's chain.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson

from gateway.errors import Misconfigured

KIND = b"floatcard backup "
MAGIC = KIND + b"1\n"
SEAL = len("sha256 ") + 64 + 1
GZIP = 31  # as zlib says it
LEVEL = 3  # most of a store is ciphertext, which does not shrink however hard one tries
CHUNK = 1 << 20

THERE = "is there already; name a new file"
FOREIGN = "is no backup made by `floatcard backup`"
NEWER = "was made by a newer Floatcard; restore it with that version"
DAMAGED = "is damaged or cut short; take another copy of it"


class Out:
    """What has been written so far is counted in `size` and hashed."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw, self._hash, self.size = raw, hashlib.sha256(), 0
        self.write(MAGIC)
        self._packed = zlib.compressobj(LEVEL, wbits=GZIP)

    def write(self, data: bytes) -> None:
        self._raw.write(data)
        self._hash.update(data)
        self.size += len(data)

    def line(self, what: object) -> None:
        self.write(self._packed.compress(orjson.dumps(what, default=_bytes, option=orjson.OPT_APPEND_NEWLINE)))

    def end(self) -> None:
        self.write(self._packed.flush())
        self.write(f"sha256 {self._hash.hexdigest()}\n".encode())


def _bytes(value: object) -> list[str]:
    if isinstance(value, bytes | memoryview):
        return [b64encode(value).decode()]
    raise TypeError(type(value).__name__)


def plain(row: Sequence[Any]) -> list[Any]:
    """A row as it was before it was written."""
    return [b64decode(each[0]) if isinstance(each, list) else each for each in row]


@contextmanager
def written(path: Path) -> Iterator[Out]:
    """The file bears its name only when it is whole and on the disk. Raises `OSError` with its name in it."""
    if path.exists():
        raise Misconfigured([(str(path), "", THERE)])
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as raw:
            out = Out(raw)
            yield out
            out.end()
            raw.flush()
            os.fsync(raw.fileno())
        part.rename(path)
        _settle(path.parent)
    except OSError as broke:
        broke.filename = broke.filename or str(path)
        raise
    finally:
        with suppress(OSError):
            part.unlink()


def _settle(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def sound(path: Path) -> None:
    """Raises `Misconfigured` for a file that is no backup, a newer one's, or not as it was written."""
    with path.open("rb") as raw:
        kind = raw.readline(len(MAGIC))
        if not kind.startswith(KIND):
            raise Misconfigured([(str(path), "", FOREIGN)])
        if kind != MAGIC:
            raise Misconfigured([(str(path), "", NEWER)])
        left, hashed = _length(path), hashlib.sha256(kind)
        while left > 0 and (data := raw.read(min(CHUNK, left))):
            hashed.update(data)
            left -= len(data)
        if left or raw.read() != f"sha256 {hashed.hexdigest()}\n".encode():
            raise Misconfigured([(str(path), "", DAMAGED)])


def lines(path: Path) -> Iterator[Any]:
    """What was written with `line`, one after another."""
    try:
        with path.open("rb") as raw:
            raw.seek(len(MAGIC))
            for line in gzip.GzipFile(fileobj=cast("BinaryIO", _Part(raw, _length(path)))):
                yield orjson.loads(line)
    except (zlib.error, EOFError, gzip.BadGzipFile, orjson.JSONDecodeError) as broke:
        raise Misconfigured([(str(path), "", DAMAGED)]) from broke


def _length(path: Path) -> int:
    return path.stat().st_size - len(MAGIC) - SEAL


class _Part:
    """The compressed part: gzip would take the seal behind it for more of its own."""

    def __init__(self, raw: BinaryIO, left: int) -> None:
        self._raw, self._left = raw, left

    def read(self, size: int = -1) -> bytes:
        data = self._raw.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data
