"""How right the mentions are, on labelled messages: the project's own and, when FLOATCARD_DATA names them, others'."""

from __future__ import annotations

import io
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mentions.cli import run

HERE = Path(__file__).parent / "work_chat"
SETS = ("zh", "zh_social", "zh_variants", "en", "en_org", "el")
_MARK = re.compile(r"\[\[([^\]|]+)\|(\w+)\]\]")


@dataclass(slots=True)
class Counts:
    messages: int = 0
    hits: int = 0
    wrong: int = 0
    missed: int = 0
    false_cards: int = 0
    asks: int = 0

    @property
    def f1(self) -> float:
        return 2 * self.hits / max(1, 2 * self.hits + self.wrong + self.missed)

    def per_1000(self, count: int) -> float:
        return 1000 * count / max(1, self.messages)


def own_messages(name: str) -> Iterator[dict[str, object]]:
    """Of `messages_<name>.txt`: the text without its marks, and the mentions marked."""
    lines = (HERE / f"messages_{name}.txt").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        if not line.startswith("#"):
            yield {"id": f"{name}-{number}", **_unmarked(line.replace("\\n", "\n"))}


def _unmarked(line: str) -> dict[str, object]:
    text, mentions, last = "", [], 0
    for mark in _MARK.finditer(line):
        text += line[last : mark.start()]
        mentions.append({"start": len(text), "end": len(text) + len(mark[1]), "customer_ids": [mark[2]]})
        text += mark[1]
        last = mark.end()
    return {"text": text + line[last:], "mentions": mentions}


def predict(dictionary: Path, messages: Sequence[Mapping[str, object]]) -> dict[str, list[dict[str, object]]]:
    """By the command's own function, which is given `id` and `text` alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "messages.jsonl"
        path.write_text(
            "".join(json.dumps({"id": m["id"], "text": m["text"]}) + "\n" for m in messages), encoding="utf-8"
        )
        out = io.StringIO()
        run(dictionary, path, out)
    return {line["id"]: line["mentions"] for line in map(json.loads, out.getvalue().splitlines())}


def score(gold: Sequence[Mapping[str, object]], predicted: Mapping[str, list[dict[str, object]]]) -> Counts:
    counts = Counts(len(gold))
    for message in gold:
        _score_one(message, predicted.get(str(message["id"]), []), counts)
    return counts


def _score_one(message: Mapping[str, object], predicted: Sequence[Mapping[str, object]], counts: Counts) -> None:
    marks: list[Mapping[str, object]] = list(message["mentions"])  # type: ignore[call-overload]
    doubts: Sequence[Mapping[str, object]] = message.get("ignore", ())  # type: ignore[assignment]
    open_marks, cards = list(marks), set()
    for one in predicted:
        if any(_meet(one, doubt) for doubt in doubts) and not any(_meet(one, mark) for mark in marks):
            continue
        if "customer_id" not in one:
            counts.asks += 1
            continue
        cards.add(one["customer_id"])
        hit = next((mark for mark in open_marks if _same(one, mark)), None)
        if hit is None:
            counts.wrong += 1
        else:
            open_marks.remove(hit)
            counts.hits += 1
    counts.missed += len(open_marks)
    counts.false_cards += len(cards - {one for mark in marks for one in mark["customer_ids"]})  # type: ignore[attr-defined]


def _meet(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    return bool(one["start"] < other["end"] and other["start"] < one["end"])  # type: ignore[operator]


def _same(one: Mapping[str, object], mark: Mapping[str, object]) -> bool:
    bounds = (one["start"], one["end"]) == (mark["start"], mark["end"])
    return bounds and one["customer_id"] in mark["customer_ids"]  # type: ignore[operator]


def results() -> Iterator[tuple[str, Counts]]:
    for name in ("zh", "en"):
        gold = list(own_messages(name))
        yield f"work_chat {name}", score(gold, predict(HERE / "dictionary.jsonl", gold))
    if folder := os.environ.get("FLOATCARD_DATA"):
        for name in SETS:
            yield name, _other(Path(folder) / "mentions", name)


def _other(folder: Path, name: str) -> Counts:
    dictionary = folder / ("zh" if name == "zh_variants" else name) / "dictionary.jsonl"
    gold = [json.loads(line) for line in (folder / name / "dev.jsonl").read_text(encoding="utf-8").splitlines()]
    return score(gold, predict(dictionary, gold))


def table() -> Iterator[str]:
    yield f"{'set':16}{'messages':>9}{'F1':>8}{'false cards/1000':>18}{'asks/1000':>11}"
    for name, counts in results():
        false, asks = counts.per_1000(counts.false_cards), counts.per_1000(counts.asks)
        yield f"{name:16}{counts.messages:>9}{counts.f1:>8.3f}{false:>18.1f}{asks:>11.1f}"
