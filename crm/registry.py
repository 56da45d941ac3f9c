"""From a configured `type` to the module that speaks that CRM. A vendor's module is imported when configured."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from types import ModuleType

from pydantic import BaseModel

NOT_CRMS = frozenset(
    {"each", "given", "hosts", "http", "keys", "late", "mapping", "markup", "model", "once", "registry", "values"}
)
_OURS = re.compile(r"[a-z][a-z0-9_]*")
_THEIRS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")


@dataclass(frozen=True, slots=True)
class Registry:
    """Modules of one kind, such as CRMs: ours are in one package, a dotted type is anybody's own."""

    package: str
    kind: str
    parts: tuple[str, ...]
    """What such a module has, `Config` among it."""
    besides: frozenset[str]
    """What else is in our package."""

    def load(self, type_: str) -> ModuleType:
        """Raises ValueError saying what to change."""
        module = self._import(type_)
        missing = [part for part in self.parts if not callable(getattr(module, part, None))]
        if missing:
            raise ValueError(f"{self.kind} type {type_!r}: {module.__name__} has no {' and no '.join(missing)}")
        if not (isinstance(module.Config, type) and issubclass(module.Config, BaseModel)):
            raise ValueError(f"{self.kind} type {type_!r}: {module.__name__}.Config is not a pydantic model")
        return module

    def _import(self, type_: str) -> ModuleType:
        ours = _OURS.fullmatch(type_) is not None and type_ not in self.besides
        if not ours and not _THEIRS.fullmatch(type_):
            raise ValueError(
                f"{self.kind} type {type_!r}: not a {self.kind}; give one of ours, or a dotted module of your own"
            )
        name = f"{self.package}.{type_}" if ours else type_
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as fault:
            raise ValueError(self._absent(type_, name, fault.name or "")) from fault

    def _absent(self, type_: str, name: str, missing: str) -> str:
        if name == missing or name.startswith(f"{missing}."):
            return f"{self.kind} type {type_!r}: there is no module {name}"
        return f"{self.kind} type {type_!r}: {name} needs the package {missing}, which is not installed"


CRMS = Registry("crm", "CRM", ("Config", "Crm"), NOT_CRMS)
load = CRMS.load
