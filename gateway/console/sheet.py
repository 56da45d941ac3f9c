"""Rows as a file that spreadsheets open, and in which nothing is a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def sheet(rows: Iterable[Sequence[str]]) -> bytes:
    """CSV in UTF-8 with a mark, so that spreadsheets read Chinese; the first row is the head."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([safe(cell) for cell in row] for row in rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8", "replace")


def safe(cell: str) -> str:
    """No spreadsheet takes it for a formula: what would begin one has an apostrophe before it. NUL is made visible."""
    text = cell.replace("\x00", "\ufffd")
    return f"'{text}" if text.lstrip().startswith(_FORMULA) or text.startswith(_FORMULA) else text
