"""Which fields are meant: by name, by class, or all. Written in the configuration and on tokens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from identity.disclosure import KINDS, ORDER, URL, Classes

ALL: Final = "*"
CLASS: Final = "class:"


def picks(selectors: Iterable[str], field: str, classes: Classes) -> bool:
    """`class:internal` means what is internal or lower."""
    return any(
        each in (ALL, field)
        or (each.startswith(CLASS) and ORDER.index(classes.of(field)) <= _height(each.removeprefix(CLASS)))
        for each in selectors
    )


def _height(sensitivity: str) -> int:
    return next((height for height, each in enumerate(ORDER) if each == sensitivity), -1)


def strange(selectors: Iterable[str], fields: Iterable[str]) -> list[str]:
    """Those that mean nothing here, each with the reason."""
    known = {ALL, "name", URL, *KINDS, *fields, *(CLASS + each for each in ORDER)}
    said = f"is no field, no list ({', '.join(KINDS)}), no class:… and not *"
    return [f"{each!r} {said}" for each in selectors if each not in known]
