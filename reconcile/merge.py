"""The three `merge` rules: a value made of every head's change to the base."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal, DecimalException
from typing import Final

from reconcile.canonical import as_decimal, decimal_text, image, sound
from reconcile.model import Json, MergePolicy

_EXACT: Final = Context(prec=10_000, Emax=100_000, Emin=-100_000)
_NO: Final[tuple[bool, Json]] = (False, None)


def merged(policy: MergePolicy, base: Json, heads: Sequence[Json]) -> tuple[bool, Json]:
    """(True, value), or (False, None) when the rule gives nothing and the fallback decides.

    null is absent: the empty set, zero, or for `monotone` no level at all.
    """
    if policy.merge == "set_union":
        return _set_union(policy.normaliser, base, heads)
    if policy.merge == "counter":
        return _counter(base, heads)
    if policy.merge == "monotone":
        return _monotone(policy, heads)
    return _NO


def _set_union(normaliser: str, base: Json, heads: Sequence[Json]) -> tuple[bool, Json]:
    was = _elements(normaliser, base)
    are = [_elements(normaliser, head) for head in heads]
    if was is None or any(one is None for one in are):
        return _NO
    sets = [one for one in are if one is not None]
    added = {key for one in sets for key in one if key not in was}
    removed = {key for one in sets for key in was if key not in one}
    spelt: dict[bytes, tuple[bytes, Json]] = {}
    for one in [was, *sets]:
        for key, spelling in one.items():
            spelt[key] = min(spelt.get(key, spelling), spelling, key=lambda pair: pair[0])
    kept = (was.keys() | added) - (removed - added)
    return True, [value for _, value in sorted((spelt[key] for key in kept), key=lambda pair: pair[0])]


def _elements(normaliser: str, value: Json) -> dict[bytes, tuple[bytes, Json]] | None:
    """Each element by its image, with its spelling; None when `value` is no set."""
    if value is None:
        return {}
    if not isinstance(value, list):
        return None
    out: dict[bytes, tuple[bytes, Json]] = {}
    for item in value:
        spelling = (image("identity", item), item)
        key = image(normaliser, item)
        out[key] = min(out.get(key, spelling), spelling, key=lambda pair: pair[0])
    return out


def _counter(base: Json, heads: Sequence[Json]) -> tuple[bool, Json]:
    values = [base, *heads]
    numbers = [Decimal(0) if value is None else as_decimal(value) for value in values]
    was, *are = numbers
    if was is None:
        return _NO
    total = was
    try:
        for one in are:
            if one is None:
                return _NO
            total = _EXACT.add(total, _EXACT.subtract(one, was))
    except DecimalException:
        return _NO
    # whole numbers stay numbers when nobody wrote one as text
    whole = all(value is None or isinstance(value, int) for value in values)
    value: Json = int(total) if whole else decimal_text(total)
    return (True, value) if sound(value) else _NO


def _monotone(policy: MergePolicy, heads: Sequence[Json]) -> tuple[bool, Json]:
    levels = {image(policy.normaliser, level): i for i, level in enumerate(policy.order)}
    found = [(levels.get(image(policy.normaliser, head), -1), head) for head in heads]
    if min(level for level, _ in found) < 0:
        return _NO
    top = max(level for level, _ in found)
    spellings = [head for level, head in found if level == top]
    return True, min(spellings, key=lambda value: image("identity", value))
