"""What the policies in force ask of a reader: two who differ in nothing that is asked about are judged as one.

Read from the policies' parsed form. Whatever is used in a way that is not understood here is kept whole: that costs
time, never a wrong verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from identity.model import Attributes

WHOLE: Final = None
"""Asked about in a way that needs the value itself."""
_KEPT: Final = 65_536
_SET: Final = ("contains", "containsAny", "containsAll")
_CONTEXT: Final = ("owner", "same_team", "same_region")


class Asked(NamedTuple):
    """One reader of one record, as far as the policies can tell. `team` and `region` are the record's."""

    who: Attributes
    owner: bool
    same_team: bool
    same_region: bool
    team: str
    region: str


@dataclass(frozen=True, slots=True)
class Narrow:
    """Of each attribute the literals it is compared with, or `WHOLE`; of the circumstances those asked about."""

    roles: frozenset[str] | None
    texts: Mapping[str, frozenset[str] | None]
    """By `principal.team`, `principal.region`, `resource.team`, `resource.region`."""
    context: frozenset[str]
    _known: dict[Attributes, Attributes] = field(default_factory=dict, compare=False)

    def asked(self, who: Attributes, owner: bool, team: str, region: str) -> Asked:
        return Asked(
            self._who(who),
            owner and "owner" in self.context,
            bool(team) and who.team == team and "same_team" in self.context,
            bool(region) and who.region == region and "same_region" in self.context,
            _text(team, self.texts["resource.team"]),
            _text(region, self.texts["resource.region"]),
        )

    def _who(self, who: Attributes) -> Attributes:
        if (known := self._known.get(who)) is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            known = self._known[who] = replace(
                who,
                roles=who.roles
                if self.roles is WHOLE
                else tuple(role for role in who.roles if role in self.roles or not _sound(role)),
                team=_text(who.team, self.texts["principal.team"]),
                region=_text(who.region, self.texts["principal.region"]),
            )
        return known


def _text(value: str, literals: frozenset[str] | None) -> str:
    """Itself where it is compared with or cannot be judged at all; else one that, like it, nothing is compared with."""
    if literals is WHOLE or value in literals or not _sound(value):
        return value
    other = ""
    while other in literals:
        other += "-"
    return other


def _sound(value: str) -> bool:
    """A lone surrogate is no text: Cedar does not judge it, and that is a deny."""
    return value.isascii() or not any("\ud800" <= each <= "\udfff" for each in value)


def narrow(policies: Iterable[Mapping[str, Any]]) -> Narrow:
    """Of policies in their parsed form (EST)."""
    uses = _Uses()
    for est in policies:
        for condition in est.get("conditions", ()):
            uses.walk(condition["body"])
    return Narrow(uses.literals("principal.roles"), {name: uses.literals(name) for name in _TEXTS}, uses.context())


_TEXTS: Final = ("principal.team", "principal.region", "resource.team", "resource.region")


class _Uses:
    def __init__(self) -> None:
        self._found: dict[str, set[str]] = {}
        self._whole: set[str] = set()

    def literals(self, name: str) -> frozenset[str] | None:
        variable = name.partition(".")[0]
        return WHOLE if {name, variable} & self._whole else frozenset(self._found.get(name, ()))

    def context(self) -> frozenset[str]:
        return frozenset(name for name in _CONTEXT if {f"context.{name}", "context"} & self._whole)

    def walk(self, node: Any) -> None:
        if isinstance(node, list):
            for part in node:
                self.walk(part)
        elif isinstance(node, Mapping):
            for kind, operands in node.items():
                self._node(kind, operands)

    def _node(self, kind: str, operands: Any) -> None:
        if kind == "Value":
            return
        if kind == "Var":
            self._whole.add(str(operands))
        elif (name := _attribute({kind: operands})) is not None:
            self._whole.add(name)
        elif (compared := _compared(kind, operands)) is not None:
            name, literals = compared
            self._found.setdefault(name, set()).update(literals)
        elif isinstance(operands, Mapping) and kind == "Record":
            self.walk(list(operands.values()))
        else:
            self.walk(list(operands.values()) if isinstance(operands, Mapping) else operands)


def _attribute(node: Any) -> str | None:
    match node:
        case {".": {"left": {"Var": str(variable)}, "attr": str(attribute)}}:
            return f"{variable}.{attribute}"
    return None


def _compared(kind: str, operands: Any) -> tuple[str, set[str]] | None:
    """An attribute beside nothing but literals, in a way that only these can tell apart."""
    if not isinstance(operands, Mapping) or set(operands) != {"left", "right"}:
        return None
    left, right = operands["left"], operands["right"]
    one, other = _attribute(left), _attribute(right)
    if kind in _SET and one == "principal.roles":
        found = _literals(right)
        return (one, found) if found is not None else None
    if kind in ("==", "!=") and one in _TEXTS:
        found = _literals(right)
    elif (kind in ("==", "!=") and other in _TEXTS) or (kind == "contains" and other in _TEXTS and "Set" in left):
        one, found = other, _literals(left)
    else:
        return None
    return (one, found) if one is not None and found is not None else None


def _literals(node: Any) -> set[str] | None:
    nodes = node.get("Set", [node]) if isinstance(node, Mapping) else [node]
    found = [each["Value"] for each in nodes if isinstance(each, Mapping) and isinstance(each.get("Value"), str)]
    return set(found) if len(found) == len(nodes) else None
