"""What a mention is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Name:
    """One name of one customer. `kind` says how it came to be; admin aliases beat derived forms, `never` beats all."""

    text: str
    kind: Literal["title", "alias", "derived", "never"] = "title"
    prior: float = 1.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer a stretch of text may mean. `ref` is the key it was put under; `score` in 0..1; `why` in words."""

    ref: str
    score: float
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mention:
    """`text[start:end]` in code points of the original text, end exclusive; candidates best first, never empty."""

    start: int
    end: int
    candidates: tuple[Candidate, ...]
