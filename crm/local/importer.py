"""`customers.csv` into the embedded CRM: a row is whole or not at all, the import is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from crm.local.batch import Batch, Entry
from crm.local.columns import split, target, typed
from crm.local.csvfile import Format, Row, recognise, rows
from crm.local.fields import KNOWN, LIMIT, NAME_LIMIT, NOTE_LIMIT, bounded, clean, required, spelled
from crm.local.native import NativeEdits
from crm.local.writing import Stamp
from gateway.errors import Refused

BY = "import"
BATCH = 500
ID_LIMIT = 128
MOST_TOLD = 1_000
"""Unreadable lines named one by one; more are only counted."""

Progress = Callable[[int, int], None]
Choices = Mapping[str, Collection[str]]
"""What a field may be, where that is fewer than this CRM takes: a value no form offers is unreadable."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """`line` counts from 1 as an editor does; `say` is an English message id, `facts` fill it."""

    line: int
    say: str
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        return self.say.format(**self.facts)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a file is, before anything is written."""

    path: Path
    format: Format
    columns: tuple[tuple[str, str | None], ...]
    """Each heading and what it is taken for, in the file's order; a None column is left out."""
    rows: int
    """Rows below the heading, readable or not."""

    @property
    def ignored(self) -> tuple[str, ...]:
        return tuple(heading for heading, meant in self.columns if meant is None and heading)


@dataclass(slots=True)
class Tally:
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    unreadable_count: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)
    """In the order of lines; at most MOST_TOLD of them."""

    def give_up(self, line: int, why: Refused) -> None:
        self.unreadable_count += 1
        if len(self.unreadable) < MOST_TOLD:
            self.unreadable.append(Unreadable(line, why.say, why.facts))

    def add(self, created: int, changed: int, unchanged: int) -> None:
        self.created += created
        self.changed += changed
        self.unchanged += unchanged


def plan(path: Path) -> Plan:
    """Reads the file once; writes nothing. Raises `Refused` when no column holds the customers' names."""
    fmt = recognise(path)
    reading = rows(path, fmt)
    heading = next(reading, None)
    if heading is None or heading.fault:
        raise Refused("{file}: the line that names the columns cannot be read.", file=str(path))
    columns = tuple((cell.strip().removeprefix("\ufeff"), target(cell)) for cell in heading.cells)
    if "name" not in {meant for _, meant in columns}:
        raise Refused(
            "No column holds the customers' names. Call it name or 客户名称; this file has: {columns}.",
            columns=", ".join(heading for heading, _ in columns)[:200],
        )
    return Plan(path, fmt, columns, sum(1 for _ in reading))


def rehearse(path: Path, choices: Choices | None = None) -> tuple[Plan, Tally]:
    """Reads every row as `run` would and writes nothing; what only the database knows of is not told."""
    planned, tally = plan(path), Tally()
    for _ in _entries(planned, tally, choices or {}):
        pass
    return planned, tally


def _silent(done: int, total: int) -> None:
    pass


def run(path: Path, crm: NativeEdits, progress: Progress = _silent, choices: Choices | None = None) -> Tally:
    """Imports on the caller's thread, `progress(rows done, rows in all)`, and ends with everything or nothing written.

    Raises `Refused` for the file as a whole, `Retry` while another process writes.
    """
    planned = plan(path)
    tally = Tally()
    done = 0
    progress(done, planned.rows)
    with crm.database.write() as conn:
        batch = Batch(conn, crm.shape, Stamp(crm.clock(), BY))
        entries = _entries(planned, tally, choices or {})
        while some := list(islice(entries, BATCH)):
            tally.add(*batch.write([entry for entry in some if entry is not None], tally.give_up))
            done += len(some)
            progress(done, planned.rows)
    tally.unreadable.sort(key=lambda told: told.line)
    return tally


def _entries(planned: Plan, tally: Tally, choices: Choices) -> Iterator[Entry | None]:
    """One per row; None where the tally says why it cannot be read."""
    for row in islice(rows(planned.path, planned.format), 1, None):
        try:
            yield _entry(row.line, _cells(row, planned), choices)
        except Refused as why:
            tally.give_up(row.line, why)
            yield None


def _cells(row: Row, planned: Plan) -> dict[str, str]:
    """Target -> cell, the filled ones; of two columns for one target the first that is filled."""
    width = len(planned.columns)
    if row.fault:
        raise Refused("{reason}", reason=row.fault)
    if len(row.cells) < width or any(cell.strip() for cell in row.cells[width:]):
        raise Refused("{found} cells here, {expected} columns above.", found=len(row.cells), expected=width)
    cells: dict[str, str] = {}
    for (_, meant), cell in zip(planned.columns, row.cells[:width], strict=True):
        if meant is not None and cell.strip():
            cells.setdefault(meant, cell.strip())
    return cells


def _entry(line: int, cells: dict[str, str], choices: Choices) -> Entry:
    fields = {name: _value(name, cells[name], choices.get(name, ())) for name in KNOWN if name in cells}
    return Entry(
        line=line,
        id=bounded("Id", cells.get("id", ""), ID_LIMIT),
        name=required("Name", cells.get("name", ""), NAME_LIMIT),
        fields={name: value for name, value in fields.items() if value is not None},
        aliases=_names("aliases", cells),
        owners=_names("owner", cells),
        team=bounded("Team", cells.get("team", ""), NAME_LIMIT),
        region=bounded("Region", cells.get("region", ""), NAME_LIMIT),
        note=bounded("Note", cells.get("note", ""), NOTE_LIMIT),
        contact=bounded("Contact", cells.get("contact", ""), NAME_LIMIT),
        detail={
            key: bounded("Contact", cells[f"contact_{key}"], NAME_LIMIT)
            for key in ("title", "phone", "email")
            if f"contact_{key}" in cells
        },
    )


def _value(name: str, cell: str, options: Collection[str]) -> str | None:
    value = clean(name, typed(name, cell))
    return spelled(KNOWN[name].label, "choice", value, limit=LIMIT, options=options) if options else value


def _names(column: str, cells: dict[str, str]) -> tuple[str, ...]:
    return tuple(required("Name", name, NAME_LIMIT) for name in split(cells.get(column, "")))
