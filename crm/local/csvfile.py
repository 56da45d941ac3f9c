"""Reading a CSV, or lines of JSON, of unknown making: its encoding, its delimiter, and rows one at a time, the broken
ones by number."""

from __future__ import annotations

import csv
import json
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.errors import Refused

LONGEST_LINE = 1 << 20
"""Bytes; a longer one is unreadable, and is skipped without being held."""
LONGEST_RECORD = 200
"""Lines one row may span by quoted line breaks; a longer one is a quotation mark nobody closed."""

JSON_LINES = "{"
"""The delimiter of a file with a JSON object in each line."""
MOST_MEMBERS = 200

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_BREAK = {"utf-16-le": b"\n\x00", "utf-16-be": b"\x00\n"}
_OPEN = "a quotation mark is opened and not closed"
_FAULTS = (
    ("expected after", "text follows a closing quotation mark"),
    ("new-line character", "a line break stands in a cell without quotation marks"),
    ("field larger", "a cell is longer than 131072 characters"),
)
_QUOTED = re.compile(r'"[^"]*"')


@dataclass(frozen=True, slots=True)
class Format:
    encoding: str
    delimiter: str
    skip: int
    """Bytes of a byte-order mark."""


@dataclass(frozen=True, slots=True)
class Row:
    """`line`: where it begins, from 1. `fault`: why its cells cannot be read."""

    line: int
    cells: tuple[str, ...] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    fault: str = ""


def recognise(path: Path) -> Format:
    """Raises `Refused` when it cannot be opened, is empty, or is no text."""
    try:
        with path.open("rb") as file:
            encoding, skip = _encoding(file)
        first = next((line.text for line in _lines(path, Format(encoding, ",", skip)) if line.text.strip()), "")
    except OSError as error:
        raise Refused("{file} cannot be read: {reason}.", file=str(path), reason=error.strerror or "") from error
    if not first:
        raise Refused("{file} is empty. The first line names the columns.", file=str(path))
    return Format(encoding, _delimiter(first), skip)


def rows(path: Path, fmt: Format) -> Iterator[Row]:
    """Every row but the blank ones. A row that cannot be read costs no other row. Of lines of JSON the first is made:
    it names their members."""
    if fmt.delimiter == JSON_LINES:
        yield from _objects(path, fmt)
        return
    lines = _lines(path, fmt)
    back: deque[_Line] = deque()
    width = 0
    while (line := _take(back, lines)) is not None:
        if line.fault:
            yield Row(line.number, fault=line.fault)
        elif line.text.strip() and not (line.number == 1 and line.text.strip().lower().startswith("sep=")):
            row = _row(line, back, lines, fmt.delimiter, width)
            width = width or len(row.cells)
            yield row


def _objects(path: Path, fmt: Format) -> Iterator[Row]:
    names = dict[str, None]()
    for line in _lines(path, fmt):
        found = _members(line)
        names |= dict.fromkeys(found) if not isinstance(found, str) and len(names) < MOST_MEMBERS else {}
    yield Row(1, tuple(names))
    for line in _lines(path, fmt):
        if line.fault or line.text.strip():
            found = _members(line)
            fault = found if isinstance(found, str) else ""
            yield Row(line.number, () if isinstance(found, str) else tuple(found.get(k, "") for k in names), fault)


def _members(line: _Line) -> dict[str, str] | str:
    """Each as a cell would have it; or why they cannot be read."""
    if line.fault or not line.text.strip():
        return line.fault
    try:
        value = json.loads(line.text, parse_int=str, parse_float=str)
        if not isinstance(value, dict):
            return "this is no JSON object"
        return {name: _cell(each) for name, each in value.items()}
    except (ValueError, RecursionError):
        return "this is no JSON"


def _cell(value: object) -> str:
    """`["华星", "Huaxing"]` is several of them."""
    if isinstance(value, list):
        return "|".join(map(_cell, value))
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _take(back: deque[_Line], lines: Iterator[_Line]) -> _Line | None:
    return back.popleft() if back else next(lines, None)


def _row(first: _Line, back: deque[_Line], lines: Iterator[_Line], delimiter: str, width: int) -> Row:
    """Joins lines while a quotation stays open; when that ends badly, only the first line is given up."""
    taken = [first]
    size = len(first.text)
    while True:
        cells, reason = _parse(taken, delimiter)
        if cells is not None and (len(taken) == 1 or len(cells) == width or not width):
            return Row(first.number, cells)
        joined = cells is None and reason == _OPEN and _join(taken, back, lines, size)
        if not joined:
            back.extendleft(reversed(taken[1:]))
            return Row(first.number, fault=_OPEN if len(taken) > 1 else reason)
        size += joined


def _parse(taken: list[_Line], delimiter: str) -> tuple[tuple[str, ...] | None, str]:
    try:
        return tuple(next(csv.reader([line.text for line in taken], delimiter=delimiter, strict=True))), ""
    except csv.Error as error:
        return None, next((reason for sign, reason in _FAULTS if sign in str(error)), _OPEN)


def _join(taken: list[_Line], back: deque[_Line], lines: Iterator[_Line], size: int) -> int:
    """Takes lines up to the next one with a quotation mark. The characters taken; 0 when there is none to be had."""
    added = 0
    while len(taken) < LONGEST_RECORD and size + added < LONGEST_LINE:
        line = _take(back, lines)
        if line is None:
            return 0
        if line.fault:
            back.appendleft(line)
            return 0
        taken.append(line)
        added += len(line.text)
        if '"' in line.text:
            return added
    return 0


def _lines(path: Path, fmt: Format) -> Iterator[_Line]:
    """Line by line, never more than LONGEST_LINE bytes in memory; ends of lines as `\\n`."""
    with path.open("rb") as file:
        file.seek(fmt.skip)
        for number, raw in enumerate(_raw_lines(file, fmt.encoding), start=1):
            if raw is None:
                yield _Line(number, "", f"the line is longer than {LONGEST_LINE >> 20} MB")
                continue
            try:
                text = raw.decode(fmt.encoding)
            except UnicodeDecodeError:
                yield _Line(number, "", f"not readable as {fmt.encoding.upper()}")
                continue
            yield _Line(number, text.replace("\r\n", "\n").replace("\r", "\n"))


def _raw_lines(file: BinaryIO, encoding: str) -> Iterator[bytes | None]:
    """None for a line that is too long."""
    end = _BREAK.get(encoding, b"\n")
    line = bytearray()
    too_long = False
    while piece := file.readline(LONGEST_LINE):
        if len(end) == 2 and len(piece) % 2:
            piece += file.read(1)  # the byte of a line feed may be half of another character
        line += piece
        too_long = too_long or len(line) > LONGEST_LINE
        complete = piece.endswith(end)
        if complete:
            yield None if too_long else bytes(line)
        if complete or too_long:
            line.clear()
        too_long = too_long and not complete
    if line or too_long:
        yield None if too_long else bytes(line)


def _encoding(file: BinaryIO) -> tuple[str, int]:
    head = file.read(4096)
    for bom, name in _BOMS:
        if head.startswith(bom):
            return name, len(bom)
    if head.startswith(_WORKBOOKS):
        raise Refused("This file is a workbook: save it as CSV first.")
    if b"\x00" in head:
        return _utf16(head), 0
    file.seek(0)
    return _eight_bit(file), 0


def _utf16(head: bytes) -> str:
    """Without a mark: Latin letters and delimiters leave a zero at every other place."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) * 10 < len(head) // 2 or min(even, odd) * 4 > max(even, odd):
        raise Refused("This file is no text: save it as CSV first.")
    return "utf-16-le" if odd > even else "utf-16-be"


def _eight_bit(file: BinaryIO) -> str:
    """UTF-8, unless fewer than half of the lines beyond ASCII are that and GB18030 explains more of them."""
    counts = {"utf-8": 0, "gb18030": 0}
    beyond = 0
    for raw in _raw_lines(file, "utf-8"):
        if raw is None or raw.isascii():
            continue
        beyond += 1
        for encoding in counts:
            counts[encoding] += _decodes(raw, encoding)
    unsure = counts["utf-8"] * 2 < beyond and counts["gb18030"] > counts["utf-8"]
    return "gb18030" if unsure else "utf-8"


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(line: str) -> str:
    if line.lower().startswith("sep=") and len(line.strip()) == 5:
        return line.strip()[4]
    if line.lstrip().startswith(JSON_LINES):
        return JSON_LINES
    plain = _QUOTED.sub("", line)
    return max(",;\t|", key=plain.count)
