"""A suggester in a file: made from an index's file in another process, and used where it lies, without being read.

python -m mentions.slips INDEX OUT
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
import zlib
from pathlib import Path

from mentions import filed
from mentions.aside import GENTLE, run_aside
from mentions.filed import BadIndexFile
from mentions.segment import Segment
from mentions.suggest import Suggester

MAGIC = b"floatcard slips 2\n" + b"\0" * 6
_HEAD = struct.Struct("<6QII")  # the sections' lengths, their checksum, and one that tells the order of bytes
_ORDER = 0x01020304
MOST = 2_000_000
"""Customers whose names are known by their slips; making it takes a kilobyte of memory each."""


def build(index: Path, out: Path) -> None:
    """In another process. Raises OSError."""
    run_aside("mentions.slips", str(index), str(out))


def save(suggester: Suggester, path: Path) -> None:
    sections = [bytes(memoryview(each).cast("B")) for each in suggester.sections()]
    beside, total = path.with_name(path.name + ".new"), 0
    with beside.open("wb") as out:
        out.write(MAGIC + b"\0" * _HEAD.size)
        for section in sections:
            padded = section + b"\0" * (-len(section) % 8)
            total = zlib.crc32(padded, total)
            out.write(padded)
        out.seek(len(MAGIC))
        out.write(_HEAD.pack(*map(len, sections), total, int.from_bytes(_ORDER.to_bytes(4, sys.byteorder), "little")))
        out.flush()
        os.fsync(out.fileno())
    beside.replace(path)


def load(path: Path) -> Suggester:
    """Raises BadIndexFile, or OSError. Other threads run on meanwhile."""
    with path.open("rb") as source:
        if os.fstat(source.fileno()).st_size < len(MAGIC) + _HEAD.size:
            raise BadIndexFile("cut short")
        data = memoryview(mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ))
    if data[: len(MAGIC)] != MAGIC:
        raise BadIndexFile("not a file of slips, or of another version")
    *lengths, total, order = _HEAD.unpack_from(data, len(MAGIC))
    body = data[len(MAGIC) + _HEAD.size :]
    if order != int.from_bytes(_ORDER.to_bytes(4, sys.byteorder), "little") or zlib.crc32(body) != total:
        raise BadIndexFile("cut short, changed, or of another machine")
    sections, at = [], 0
    for length in lengths:
        sections.append(body[at : at + length])
        at += length + -length % 8
    try:
        return Suggester.of(sections)
    except (ValueError, TypeError) as broken:
        raise BadIndexFile("the slips in the file do not fit together") from broken


def main(index: Path, out: Path) -> None:
    os.nice(GENTLE)
    save(Suggester(each for parts in filed.read(index) for each in Segment.of(parts).names()), out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
