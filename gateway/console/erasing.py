"""What an erasure takes, as an admin reads it before it is done."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from cards.words import N_
from gateway.console.seeing import Eyes
from gateway.store.erasing import EraseStore, Weight

GOES = (
    ("values", N_("values that become unreadable for ever: {n}")),
    ("edits", N_("edits that stay as rows without a value (who changed which field, and when): {n}")),
    ("cards", N_("cards taken away from their rooms: {n}")),
    ("names", N_("names an admin gave it that are forgotten: {n}")),
    ("conflicts", N_("open conflicts that end undecided: {n}")),
    ("waiting", N_("writes that wait for the CRM and are not done any more: {n}")),
    ("alerts", N_("open alerts that end: {n}")),
)


@dataclass(frozen=True, slots=True)
class Erasing:
    """`counted`: of the numbers, so that what is confirmed is what was read."""

    key: str
    title: str
    lines: Sequence[str]
    counted: str


async def weighed(eyes: Eyes, store: EraseStore, key: str) -> Erasing | None:
    """None when it is not known here, or was erased before."""
    weight = await store.weigh(key) if key.count(":") >= 2 else None
    if weight is None:
        return None
    lines = [eyes.reader.say(words, n=getattr(weight, name)) for name, words in GOES]
    return Erasing(key, await eyes.title(key), lines, _counted(weight))


def _counted(weight: Weight) -> str:
    return hashlib.sha256(repr(astuple(weight)).encode()).hexdigest()[:16]
