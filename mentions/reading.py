"""Lists of customers and of messages as people have them: lines of JSON or a table, in UTF-8, UTF-16 or GB18030."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

Ignored = list[tuple[int, str]]  # line number, reason
_JSON = (".jsonl", ".ndjson", ".json")
_SURE = 65536  # bytes looked at to tell the encoding


def objects(path: Path, ignored: Ignored) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line's number and members; lines that cannot be read go to `ignored`. Raises OSError.

    A table's first line names its columns; `aliases` in it are set apart by "|" or ";".
    """
    lines = _lines(path, ignored)
    first = next(((number, line) for number, line in lines if line.strip()), None)
    if first is None:
        return
    begins = first[1].lstrip("\ufeff \t")[:1]
    if path.suffix.lower() in (".csv", ".tsv") or (path.suffix.lower() not in _JSON and begins not in ("{", "[")):
        yield from _table(first, lines, ignored)
    else:
        yield from _json(_after(first, lines), ignored)


def _after(first: tuple[int, str], rest: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    yield first
    yield from rest


def encoding_of(start: bytes) -> str:
    """UTF-16 by its mark or its zeros; UTF-8 unless far more of it is broken than a line or two; else GB18030."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    even, odd = start[0:200:2].count(0), start[1:200:2].count(0)
    if max(even, odd) > len(start[:200]) // 5:
        return "utf-16-le" if odd > even else "utf-16-be"
    high = sum(byte > 127 for byte in start)
    broken = start.decode("utf-8", "replace").count("\ufffd")
    return "utf-8" if broken * 10 <= high else "gb18030"


def _lines(path: Path, ignored: Ignored) -> Iterator[tuple[int, str]]:
    with path.open("rb") as raw:
        encoding = encoding_of(raw.read(_SURE))
    if encoding.startswith("utf-16"):
        with path.open(encoding=encoding, errors="replace", newline=None) as text:
            yield from ((number, line.lstrip("\ufeff")) for number, line in enumerate(text, 1))
        return
    with path.open("rb") as raw:
        for number, line in enumerate(raw, 1):
            try:
                yield number, line.decode("utf-8-sig" if number == 1 and encoding == "utf-8" else encoding)
            except UnicodeDecodeError:
                ignored.append((number, f"not in {encoding.upper()}"))


def _json(lines: Iterator[tuple[int, str]], ignored: Ignored) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in lines:
        if not line.strip():
            continue
        try:
            value = orjson.loads(line.encode())
        except (orjson.JSONDecodeError, UnicodeEncodeError):
            ignored.append((number, "not JSON"))
            continue
        if isinstance(value, dict):
            yield number, value
        else:
            ignored.append((number, "not a JSON object"))


def _table(
    first: tuple[int, str], lines: Iterator[tuple[int, str]], ignored: Ignored
) -> Iterator[tuple[int, dict[str, Any]]]:
    separator = max(",\t;", key=first[1].count)
    columns = [name.strip().strip('"').lower() for name in next(csv.reader([first[1]], delimiter=separator))]
    for number, line in lines:
        if not line.strip():
            continue
        try:
            cells = next(csv.reader([line], delimiter=separator, strict=True))
        except csv.Error:
            ignored.append((number, "a broken line of the table"))
            continue
        if len(cells) > len(columns):
            ignored.append((number, "more cells than columns"))
            continue
        yield number, _row(columns, cells)


def _row(columns: list[str], cells: list[str]) -> dict[str, Any]:
    row: dict[str, Any] = dict(zip(columns, cells, strict=False))
    row["aliases"] = [alias for alias in row.get("aliases", "").replace(";", "|").split("|") if alias.strip()]
    return row
