"""Segments in a file, one behind the other: each a run of sections behind their lengths, with a checksum at its end."""

from __future__ import annotations

import os
import shutil
import struct
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from mentions.segment import ARRAYS, Parts, resting

MAGIC = b"floatcard names 1\n"
_LENGTH = struct.Struct("<Q")
_SUM = struct.Struct("<I")
_MOST = 1 << 36
_PIECE = 1 << 18


class BadIndexFile(ValueError):
    """Not a file of names, of another version or machine, cut short or changed."""


def write(path: Path, several: Iterable[Parts]) -> None:
    """Beside its place, and moved there whole. Raises OSError when the place cannot be written."""
    beside = path.with_name(path.name + ".new")
    with beside.open("wb") as out:
        for parts in several:
            _write(out, parts)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(path)


def join(path: Path, files: Iterable[Path]) -> None:
    """The segments of several such files in one, each file read before the next is asked for. Raises OSError."""
    beside = path.with_name(path.name + ".new")
    with beside.open("wb") as out:
        for file in files:
            with file.open("rb") as source:
                shutil.copyfileobj(source, out, 1 << 20)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(path)


def read(path: Path) -> list[Parts]:
    """At least one. Raises BadIndexFile, or OSError when it cannot be read. Other threads run on meanwhile."""
    with path.open("rb") as source:
        several = [_read(source)]
        while _left(source):
            several.append(_read(source))
    return several


def _write(out: BinaryIO, parts: Parts) -> None:
    total = zlib.crc32(MAGIC)
    out.write(MAGIC)
    for section in _sections(parts):
        for piece in (_LENGTH.pack(len(section)), section):
            out.write(piece)
            total = zlib.crc32(piece, total)
    out.write(_SUM.pack(total))


def _sections(parts: Parts) -> Iterable[bytes]:
    return (section if isinstance(section, bytes) else _little(section) for section in parts)


def _little(numbers: array[int]) -> bytes:
    if sys.byteorder == "big":
        numbers = array("I", numbers)
        numbers.byteswap()
    return numbers.tobytes()


def _read(source: BinaryIO) -> Parts:
    if source.read(len(MAGIC)) != MAGIC:
        raise BadIndexFile("not a file of names, or of another version")
    total = zlib.crc32(MAGIC)
    sections: list[bytes] = []
    for _ in Parts._fields:
        head = source.read(_LENGTH.size)
        if len(head) != _LENGTH.size or not 0 <= (length := _LENGTH.unpack(head)[0]) < _MOST:
            raise BadIndexFile("cut short")
        section = source.read(min(length, _left(source)))
        if len(section) != length:
            raise BadIndexFile("cut short")
        total = zlib.crc32(section, zlib.crc32(head, total))
        sections.append(section)
    if source.read(_SUM.size) != _SUM.pack(total):
        raise BadIndexFile("changed since it was written")
    return Parts._make(_typed(sections))


def _left(source: BinaryIO) -> int:
    return os.fstat(source.fileno()).st_size - source.tell()


def _typed(sections: list[bytes]) -> Iterator[bytes | array[int]]:
    for name, section in zip(Parts._fields, sections, strict=True):
        yield _numbers(section) if name in ARRAYS else section


def _numbers(section: bytes) -> array[int]:
    """By pieces with a rest between them: copied at once it holds the interpreter for a score of milliseconds."""
    numbers, whole = array("I"), memoryview(section)
    if len(section) % numbers.itemsize:
        raise BadIndexFile("cut short")
    for at in resting(range(0, len(section), _PIECE), 1):
        numbers.frombytes(whole[at : at + _PIECE])
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
