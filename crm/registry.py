"""From a configured `type` to the module that speaks that CRM. A vendor's module is imported when configured."""

from __future__ import annotations

import importlib
import re
from types import ModuleType

from pydantic import BaseModel

PARTS = ("Config", "Crm")
_OURS = re.compile(r"[a-z][a-z0-9_]*")
_THEIRS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
NOT_CRMS = frozenset(
    {"each", "hosts", "http", "keys", "late", "mapping", "markup", "model", "once", "registry", "values"}
)


def load(type_: str) -> ModuleType:
    """`local` is `crm.local`; a dotted type is anybody's own package. Raises ValueError saying what to change."""
    module = _import(type_)
    missing = [part for part in PARTS if not callable(getattr(module, part, None))]
    if missing:
        raise ValueError(f"CRM type {type_!r}: {module.__name__} has no {' and no '.join(missing)}")
    if not (isinstance(module.Config, type) and issubclass(module.Config, BaseModel)):
        raise ValueError(f"CRM type {type_!r}: {module.__name__}.Config is not a pydantic model")
    return module


def _import(type_: str) -> ModuleType:
    ours = _OURS.fullmatch(type_) is not None and type_ not in NOT_CRMS
    if not ours and not _THEIRS.fullmatch(type_):
        raise ValueError(f"CRM type {type_!r}: not a CRM; give one of ours, or a dotted module of your own")
    name = f"crm.{type_}" if ours else type_
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as fault:
        raise ValueError(_absent(type_, name, fault.name or "")) from fault


def _absent(type_: str, name: str, missing: str) -> str:
    if name == missing or name.startswith(f"{missing}."):
        return f"CRM type {type_!r}: there is no module {name}"
    return f"CRM type {type_!r}: {name} needs the package {missing}, which is not installed"
