"""`floatcard crm fields`: what a CRM offers, what is mapped, and what of the mapping cannot work."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.table import Table

from crm import registry
from crm.mapping import Mapped
from crm.model import Crm, Describes, FieldInfo
from gateway.cli.speaking import err, out
from gateway.config import load
from gateway.errors import Misconfigured

KIND = "account"
OPTIONS = 6


def show_fields(config: Path, name: str, *, kind: str = KIND, plain: bool = False) -> bool:
    """Asks the CRM itself. False when something that is mapped cannot work there."""
    spec = load(config).crms.get(name)
    if spec is None:
        raise Misconfigured([(str(config), f"crms.{name}", "there is no CRM of that name")])
    module = registry.load(spec.type)
    settings = module.Config.model_validate(spec.settings)
    crm: Crm = module.Crm(name, settings, clock=lambda: time.time_ns() // 1_000_000)
    offered = asyncio.run(_asked(crm, kind))
    mapped = settings if isinstance(settings, Mapped) else None
    _print(offered, mapped, plain)
    faults = mapped.mapping.unfit(offered) if mapped is not None and kind == KIND else []
    for key, reason in faults:
        err.print(f"{config}: crms.{name}.{key}: {reason}", style="red", markup=False, soft_wrap=True)
    return not faults


async def _asked(crm: Crm, kind: str) -> tuple[FieldInfo, ...]:
    try:
        return await crm.describe(kind) if isinstance(crm, Describes) else ()
    finally:
        await crm.close()


def _print(offered: Sequence[FieldInfo], mapped: Mapped | None, plain: bool) -> None:
    ours = _ours(mapped)
    rows = [
        (info.name, info.label, info.native or info.type, _may(info), ours.get(info.name, ""), _some(_named(info)))
        for info in offered
    ]
    if plain or not out.console.is_terminal:
        for row in rows:
            sys.stdout.write("\t".join(map(_one_line, row)) + "\n")
        return

    table = Table("in the CRM", "label", "type", "", "ours", "options")
    for row in rows:
        table.add_row(*map(_escaped, row))
    out.print(table)


def _ours(mapped: Mapped | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for ours, spec in mapped.mapping if mapped is not None else ():
        arrow = {"both": "↔", "read": "←", "write": "→"}[spec.direction]
        found[spec.theirs] = f"{found.get(spec.theirs, '')} {arrow} {ours}".strip()
    return found


def _may(info: FieldInfo) -> str:
    return "" if info.writable else "only read"


def _named(info: FieldInfo) -> list[str]:
    """An option with what people read for it, where that is something else."""
    labels = info.labels or info.options
    named = zip(info.options, labels, strict=False)
    return [option if option == label else f"{option} = {label}" for option, label in named]


def _some(options: Iterable[str]) -> str:
    listed = list(options)
    return ", ".join(listed[:OPTIONS]) + (" …" if len(listed) > OPTIONS else "")


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _escaped(text: str) -> str:
    return _one_line(text).replace("[", "\\[")
