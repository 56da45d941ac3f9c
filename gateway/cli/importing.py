"""`floatcard import`: the tally, and every line that could not be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from crm import registry
from crm.local.crm import LocalCrm
from crm.local.importer import Choices, Tally, rehearse, run
from gateway.cli.speaking import err, out
from gateway.config import load
from gateway.errors import Misconfigured, Refused, Retry

Bar = Callable[[Callable[[Callable[[int, int], None]], Any]], Any]
MOST = 50


def import_customers(file: Path, config: Path, crm: str, dry_run: bool, bar: Bar) -> int:
    """The exit code: 0 when every line was read, 1 when some were not, 2 when nothing could be done."""
    house = load(config)
    spec = house.crms.get(crm)
    if spec is None or spec.type != "local":
        raise Misconfigured(
            [(str(config), f"crms.{crm}", "is no CRM of type local: only the embedded CRM imports files")]
        )
    choices = {name: tuple(field.options) for name, field in house.fields.items() if field.type == "choice"}
    try:
        if dry_run:
            return _planned(file, choices)
        opened = LocalCrm(crm, registry.load("local").Config.model_validate(spec.settings))
        return _tally(bar(lambda progress: run(file, opened, progress, choices)))
    except (Refused, Retry) as why:
        say = why.say.format_map(why.facts) if isinstance(why, Refused) else str(why)
        err.print(f"{file}: {say}", style="red", markup=False, soft_wrap=True)
        return 2


def _planned(file: Path, choices: Choices) -> int:
    planned, tally = rehearse(file, choices)
    for heading, meant in planned.columns:
        out.print(f"{heading}: {meant or 'left out'}", markup=False, soft_wrap=True)
    readable = planned.rows - tally.unreadable_count
    rows = f"{planned.rows} row{'' if planned.rows == 1 else 's'}"
    counts = f"{rows}: {readable} readable, {tally.unreadable_count} not; nothing was written."
    out.print(counts, markup=False, soft_wrap=True)
    return _unread(tally)


def _tally(tally: Tally) -> int:
    counts = f"{tally.created} created, {tally.changed} changed, {tally.unchanged} unchanged"
    out.print(f"{counts}, {tally.unreadable_count} not readable", markup=False, soft_wrap=True)
    return _unread(tally)


def _unread(tally: Tally) -> int:
    for each in tally.unreadable[:MOST]:
        err.print(f"line {each.line}: {each.reason}", markup=False, soft_wrap=True)
    if tally.unreadable_count > MOST:
        err.print(f"… and {tally.unreadable_count - MOST} more", markup=False, soft_wrap=True)
    return 1 if tally.unreadable_count else 0
