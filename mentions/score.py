"""How sure it is that a stretch of text names a customer, and why, in words.

A logistic model over named features; the weights lie in `data/model_*.json` and can be read. A feature never says which
name it is about. The probability is of a card being right, were one shown.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from mentions import han, latin
from mentions.derive import BARE, SHORT
from mentions.normal import Normal
from mentions.segment import KINDS, Entry
from mentions.words import DATA

Features = Mapping[str, float]
MOST_REASONS = 4
LEAST_REASON = 0.3
_WORDS = {"known as a place", "one common word", "made of ordinary words"}
_DERIVED, _ALIAS = KINDS.index("derived"), KINDS.index("alias")


class Model(NamedTuple):
    """`pairs`: weights of two features together."""

    bias: float
    weights: Mapping[str, float]
    pairs: Sequence[tuple[str, str, float]]

    def parts(self, features: Features) -> Iterable[tuple[str, float]]:
        for name, value in features.items():
            if weight := self.weights.get(name):
                yield name, weight * value
        for one, other, weight in self.pairs:
            if one in features and other in features:
                yield f"{one}, and {other}", weight * features[one] * features[other]

    def judge(self, features: Features) -> tuple[float, tuple[str, ...]]:
        """The probability and what weighs most, each as "for: …" or "against: …"."""
        parts = sorted(self.parts(features), key=lambda part: -abs(part[1]))
        reasons = (
            f"{'for' if weight > 0 else 'against'}: {name}" for name, weight in parts if abs(weight) > LEAST_REASON
        )
        return sigmoid(self.bias + sum(weight for _, weight in parts)), tuple(reasons)[:MOST_REASONS]


def sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def logit(probability: float) -> float:
    inside = min(1 - 1e-9, max(1e-9, probability))
    return math.log(inside / (1 - inside))


@cache
def model(name: str) -> Model:
    data = json.loads((DATA / f"model_{name}.json").read_text(encoding="utf-8"))
    pairs = [(one, other, weight) for one, other, weight in data["pairs"]]
    return Model(data["bias"], data["weights"], pairs)


class Judged(NamedTuple):
    """The model that is to judge and the features of the place."""

    model: str
    features: dict[str, float]


def place(text: str, normal: Normal, start: int, end: int) -> Judged:
    """Of a folded stretch, whoever is meant by it."""
    near = normal.text[max(0, start - han.REACH) : end + han.REACH]
    if any(c >= "\u3040" for c in near):
        return Judged("han", han.features(han.Place(normal.text, start, end)))
    return Judged("latin", latin.features(text, *normal.span(start, end)))


def candidate(at: Judged, written: str, entry: Entry, in_full: bool) -> dict[str, float]:
    """With those of one customer's name at the place. `in_full`: the text names them in full elsewhere."""
    found = dict(at.features)
    if in_full:
        found["named in full nearby"] = 1.0
    if entry.kind == _DERIVED:
        found["a derived name"] = 1.0
        found["a derived name, far from the whole"] = 1 + entry.rank
    if at.model == "latin":
        found |= latin.spelling(written, entry.spelling)
        found |= _part(at.features, entry)
    if entry.kind == _DERIVED and found.keys() & _WORDS:
        found["a derived name that is a word"] = 1.0 if entry.rank > -BARE else 0.4
    return found


def _part(features: Features, entry: Entry) -> dict[str, float]:
    if entry.kind != _ALIAS or entry.rank == -1:
        return {}
    if entry.rank == -SHORT:
        return {"short for a legal name": 1.0}
    beside = features.keys() & {"behind a capitalised word", "before a capitalised word"}
    return {"one word of the whole name": 1.0} | ({"one word, beside another name": 1.0} if beside else {})
