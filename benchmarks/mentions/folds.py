"""How right the learned weights are on messages they were not learned from.

    FLOATCARD_DATA=… python -m benchmarks.mentions.folds

Five folds of en and en_org, told apart by a hash of a message's id: each is scored with weights learned from the other
four, as the command would score it.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from unittest import mock
from zlib import crc32

from benchmarks.mentions.quality import Counts, predict, score
from mentions import index
from mentions.score import Model, model
from mentions.train import fit

FOLDS = 5


def fold(message: str) -> int:
    return crc32(message.encode()) % FOLDS


def learned(rows: Sequence[fit.Row]) -> Model:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        fit.save(path, {**fit.BY_HAND, **fit.fit(rows, fit.BY_HAND)}, "")
        data = json.loads(path.read_text(encoding="utf-8"))
    return Model(data["bias"], data["weights"], [(one, other, weight) for one, other, weight in data["pairs"]])


def results(folder: Path) -> Iterator[tuple[str, Counts]]:
    rows = [row for name in fit.SETS for row in fit.rows(folder / name)]
    models = [learned([row for row in rows if fold(row.message) != at]) for at in range(FOLDS)]
    for name in fit.SETS:
        lines = (folder / name / "dev.jsonl").read_text(encoding="utf-8").splitlines()
        gold = [json.loads(line) for line in lines]
        yield name, score(gold, _predicted(folder / name / "dictionary.jsonl", gold, models))


def _predicted(
    dictionary: Path, gold: Sequence[Mapping[str, object]], models: Sequence[Model]
) -> dict[str, list[dict[str, object]]]:
    found = dict[str, list[dict[str, object]]]()
    for at, one in enumerate(models):
        with mock.patch.object(index, "model", lambda kind, one=one: one if kind == "latin" else model(kind)):
            found |= predict(dictionary, [message for message in gold if fold(str(message["id"])) == at])
    return found


def main() -> None:
    for name, counts in results(Path(os.environ["FLOATCARD_DATA"]) / "mentions"):
        false, asks = counts.per_1000(counts.false_cards), counts.per_1000(counts.asks)
        print(f"{name:10} F1 {counts.f1:.3f}, false cards/1000 {false:.1f}, asks/1000 {asks:.1f}")


if __name__ == "__main__":
    main()
