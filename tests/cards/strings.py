"""Every string of a card, with where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any


def strings(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, tuple):
        for part in value:
            yield from strings(part, path)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from strings(getattr(value, field.name), f"{type(value).__name__}.{field.name}")


def shape(value: Any) -> Any:
    """The tree without its strings: what must not depend on what is said in it."""
    if isinstance(value, tuple):
        return tuple(shape(part) for part in value)
    if is_dataclass(value) and not isinstance(value, type):
        return type(value).__name__, tuple(shape(getattr(value, field.name)) for field in fields(value))
    return None if isinstance(value, str) else value
