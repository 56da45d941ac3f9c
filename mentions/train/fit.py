"""Makes `data/model_latin.json` from labelled messages.

    FLOATCARD_DATA=… python -m mentions.train.fit

Reads `$FLOATCARD_DATA/mentions/{en,en_org}` only (WNUT16/17 and the Broad Twitter Corpus, CC BY 4.0): customer lists
and messages in which people marked the names. Names the index derives are left out, since nobody marked those; their
weights are set by hand. See `data_card.md`.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mentions.bounds import protected
from mentions.cli import Tally, read_dictionary
from mentions.index import NameIndex, entries_of, named_in_full
from mentions.match import Ground, stretches
from mentions.normal import normalise
from mentions.score import candidate, place, sigmoid
from mentions.segment import KINDS
from mentions.words import DATA

SETS = ("en", "en_org")
RIDGE = 2.0
ROUNDS = 30
# Where the search begins and is drawn back to: what is known without data.
BY_HAND = {
    "a derived name": -1.5,
    "a derived name, far from the whole": -4.0,
    "a derived name that is a word": -2.0,
    "a derived name & words of work around": 1.5,
    "a derived name & somebody one deals with": 0.5,
    "a derived name & no word of the language": 0.8,
    "one word, beside another name": -1.5,
    "one word of the whole name": -0.1,
    "short for a legal name": -0.5,
    "known as a place": -1.0,
    "in, a place": -1.0,
    "named in full nearby": 1.0,
    "before a street": -2.5,
    "a town before its state": -3.5,
    "in, a proper name": -0.5,
    "behind a person's title": 0.3,
    "behind a given name": -1.0,
    "behind a given name & no word of the language": -1.0,
    "written small, a common word & behind a determiner": -1.0,
    "a given name before a family name": -1.5,
    "words of work around": 0.5,
}
PAIRS = (
    ("a common word", "before a capitalised word"),
    ("a common word", "begins a sentence"),
    ("a common word", "behind a capitalised word"),
    ("a proper name", "behind a capitalised word"),
    ("no word of the language", "behind a capitalised word"),
    ("no word of the language", "before a capitalised word"),
    ("written small", "a proper name"),
    ("written small", "no word of the language"),
    ("written small", "a tag"),
    ("a tag", "an acronym spelled as a word"),
    ("a tag", "a common word"),
    ("a tag", "no word of the language"),
    ("up to three letters", "written large"),
    ("up to three letters", "no word of the language"),
    ("several words", "a common word"),
    ("among many capitals", "a common word"),
    ("among many capitals", "a proper name"),
    ("ends a sentence", "a common word"),
    ("somebody one deals with", "a common word"),
    ("behind in", "a common word"),
    ("short for a legal name", "a common word"),
    ("short for a legal name", "a proper name"),
)


class Row(NamedTuple):
    features: Mapping[str, float]
    right: bool
    weight: float
    message: str


def rows(folder: Path) -> Iterator[Row]:
    index = read_dictionary(folder / "dictionary.jsonl", Tally())
    for line in (folder / "dev.jsonl").read_text(encoding="utf-8").splitlines():
        yield from _message_rows(index, json.loads(line))


def _message_rows(index: NameIndex, message: Mapping[str, object]) -> Iterator[Row]:
    text = str(message["text"])
    normal = normalise(text)
    found = stretches(index.segments(), normal, lambda: Ground(normal, protected(text)))
    named = [(stretch, entries_of(stretch)) for stretch in found]
    in_full = named_in_full(normal, named)
    for stretch, entries in named:
        start, end = normal.span(stretch.start, stretch.end)
        meant = _meant(message, start, end)
        at = place(text, normal, stretch.start, stretch.end)
        own = [entry for entry in entries if KINDS[entry.kind] != "derived"]
        if meant is None or at.model != "latin":
            continue
        for entry in own:
            full = in_full.get(entry.ref, 0) > stretch.end - stretch.start
            features = candidate(at, text[start:end], entry, full)
            yield Row(features, entry.ref in meant, 1 / len(own), str(message["id"]))


def _meant(message: Mapping[str, object], start: int, end: int) -> set[str] | None:
    """The customers marked at this stretch; None where the marks are in doubt."""
    marks: Sequence[Mapping[str, object]] = message["mentions"]  # type: ignore[assignment]
    doubts: Sequence[Mapping[str, int]] = message.get("ignore", ())  # type: ignore[assignment]
    for mark in marks:
        if (mark["start"], mark["end"]) == (start, end):
            return {str(one) for one in mark["customer_ids"]}  # type: ignore[attr-defined]
    return None if any(one["start"] < end and start < one["end"] for one in doubts) else set()


def fit(data: Sequence[Row], prior: Mapping[str, float], ridge: float = RIDGE) -> dict[str, float]:
    """Logistic regression drawn towards `prior`; the intercept is named "bias". Newton's way, exact."""
    names = ["bias", *sorted({name for row in data for name in with_pairs(row.features)})]
    at = {name: place for place, name in enumerate(names)}
    sparse = [([(0, 1.0), *((at[k], v) for k, v in with_pairs(row.features).items())], row) for row in data]
    begin = [prior.get(name, 0.0) for name in names]
    weights = list(begin)
    for _ in range(ROUNDS):
        slope = [(0.001 if not at_ else ridge) * (w - b) for at_, (w, b) in enumerate(zip(weights, begin, strict=True))]
        curve = [[(0.001 if not i else ridge) * (i == j) for j in range(len(names))] for i in range(len(names))]
        for cells, row in sparse:
            guess = sigmoid(sum(weights[i] * v for i, v in cells))
            bend = row.weight * guess * (1 - guess)
            for i, v in cells:
                slope[i] += row.weight * (guess - row.right) * v
                for j, u in cells:
                    curve[i][j] += bend * v * u
        step = solve(curve, slope)
        weights = [w - s for w, s in zip(weights, step, strict=True)]
        if max(map(abs, step)) < 1e-6:
            break
    return dict(zip(names, weights, strict=True))


def with_pairs(features: Mapping[str, float]) -> dict[str, float]:
    both = {f"{a} & {b}": features[a] * features[b] for a, b in PAIRS if a in features and b in features}
    return {**features, **both}


def solve(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """Gauss' elimination, for a matrix that is positive definite."""
    rows_ = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    size = len(rows_)
    for pivot in range(size):
        for below in range(pivot + 1, size):
            if factor := rows_[below][pivot] / rows_[pivot][pivot]:
                rows_[below] = [a - factor * b for a, b in zip(rows_[below], rows_[pivot], strict=True)]
    answer = [0.0] * size
    for at in reversed(range(size)):
        known = math.fsum(rows_[at][j] * answer[j] for j in range(at + 1, size))
        answer[at] = (rows_[at][size] - known) / rows_[at][at]
    return answer


def save(path: Path, weights: Mapping[str, float], about: str) -> None:
    singles = {name: round(value, 3) for name, value in weights.items() if name != "bias" and " & " not in name}
    model = {
        "about": about,
        "bias": round(weights["bias"], 3),
        "weights": singles,
        "pairs": [[*name.split(" & "), round(value, 3)] for name, value in weights.items() if " & " in name],
    }
    path.write_text(json.dumps(model, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    folder = Path(os.environ["FLOATCARD_DATA"]) / "mentions"
    data = [row for name in SETS for row in rows(folder / name)]
    weights = {**BY_HAND, **fit(data, BY_HAND)}
    about = "Learned from en and en_org (CC BY 4.0) by mentions/train/fit.py; see mentions/train/data_card.md. Logits."
    save(DATA / "model_latin.json", weights, about)


if __name__ == "__main__":
    main()
