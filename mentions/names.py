"""Which names are looked for, and by which pattern."""

from __future__ import annotations

from collections.abc import Sequence

from mentions.model import Name
from mentions.normal import normalise_name

MAX_NAME = 1000


def unusable(name: str) -> str | None:
    """Why a name is not looked for, or None."""
    return "too long" if len(name) > MAX_NAME else _fault(normalise_name(name))


def _fault(pattern: str) -> str | None:
    if len(pattern) < 2:
        return "a single character" if pattern else "empty"
    return None if any(c.isalnum() for c in pattern) else "no letter or digit"


def prepared(names: Sequence[Name]) -> list[tuple[str, Name]]:
    """Each usable name with the pattern it is looked for by."""
    patterns = ((normalise_name(name.text), name) for name in names if len(name.text) <= MAX_NAME)
    return [(pattern, name) for pattern, name in patterns if _fault(pattern) is None]
