"""Writes docs/reconcile/vectors.jsonl, with the second resolver's answers: `python -m tests.reconcile.make_vectors`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from tests.reconcile import second
from tests.reconcile.told import told

Row = dict[str, Any]

FILE = Path(__file__).parents[2] / "docs" / "reconcile" / "vectors.jsonl"
SEED = 20_260_321
RANDOM_CASES = 360

SOURCES = ("crm", "erp", "wecom", "slack", "agent")
VALUES: tuple[Any, ...] = (None, "7", 7, True, 1, "a", "b", "甲", {"zip": "200000", "city": "上海"}, ["x", "y"])
LISTS: tuple[Any, ...] = ([], ["a"], ["a", "b"], ["b", "c"], ["c", "c", "a"], None, "a")
COUNTS: tuple[Any, ...] = (0, 3, 5, -2, "1.50", "0.25", None, "x", True)
LEVELS: tuple[Any, ...] = ("low", "medium", "high", "urgent", None)
MAILS: tuple[Any, ...] = ("Li@example.com", "li@example.com ", "wang@example.com", "no mail", None)


def policy(dice: Random) -> Row:
    mode = dice.choice(["authoritative", "master_wins", "last_writer_wins", "review", "merge"])
    row: Row = {
        "mode": mode,
        "authority": dice.sample(SOURCES, dice.randint(1, 3)) if mode == "authoritative" else [],
        "master": dice.choice(["crm", "crm", "erp", None]) if mode == "master_wins" else None,
        "rank": dice.sample(SOURCES, dice.randint(0, 4)),
        "fallback": dice.choice(["last_writer_wins", "review"]),
    }
    if mode == "merge":
        row["merge"] = dice.choice(["set_union", "counter", "monotone"])
    if row.get("merge") == "monotone":
        row["order"] = ["low", "medium", "high"]
    if dice.random() < 0.2:
        row["propose_only"] = ["agent"]
    return row


def values(dice: Random, row: Row) -> tuple[Any, ...]:
    by_merge = {"set_union": LISTS, "counter": COUNTS, "monotone": LEVELS}
    if row.get("merge"):
        return by_merge[row["merge"]]
    if dice.random() < 0.15:
        row["normaliser"] = dice.choice(["email", "trimmed"])
        return MAILS
    return tuple(dice.sample(VALUES, dice.choice([2, 2, 2, 3, 4])))


def edits(dice: Random, held: tuple[Any, ...]) -> list[Row]:
    size = dice.choice([1, 2, 3, 3, 4, 4, 5, 6, 7, 9])
    ids = [f"{dice.choice('abcdef')}{dice.randint(100, 999)}-{i}" for i in range(size)]
    rows = [_edit(dice, ids, i, held) for i in range(size)]
    if dice.random() < 0.12 and size > 2:  # a parent that came to be known too late: a cycle
        rows[0]["parents"] = sorted({*rows[0]["parents"], dice.choice(ids[1:])})
    dice.shuffle(rows)
    return rows


def _edit(dice: Random, ids: list[str], i: int, held: tuple[Any, ...]) -> Row:
    source = dice.choice(SOURCES)
    linear = source in ("crm", "erp") and dice.random() < 0.7
    kind = dice.choices(["set", "clear", "resolve", "revert", "snapshot", "proposal"], [20, 2, 2, 1, 1, 1])[0]
    parents = _parents(dice, ids[:i])
    if dice.random() < 0.04:
        parents.add("not-delivered")
    row: Row = {
        "id": ids[i],
        "source": source,
        "value": None if kind == "clear" else dice.choice(held),
        "parents": sorted(parents),
        "stream": source if linear else None,
        "watermark": i + 1 - (1 if dice.random() < 0.15 else 0) if linear else None,
        "time": dice.choice([0, 1, 1, 2, 50, 100]),
        "kind": kind,
        "binding": dice.random() > 0.06,
    }
    return row | {"quarantined": True} if dice.random() < 0.04 else row


def _parents(dice: Random, earlier: list[str]) -> set[str]:
    """Mostly an old edit and not the newest, so that the case has several heads and something before them."""
    if not earlier or dice.random() < 0.12:
        return set()
    if dice.random() < 0.2:
        return set(dice.sample(earlier, min(2, len(earlier))))
    return {dice.choice(earlier[:2] if dice.random() < 0.6 else earlier)}


def cases(seed: int = SEED, number: int = RANDOM_CASES) -> Iterator[Row]:
    yield from told()
    for at in range(number):
        dice = Random(seed * 100_000 + at)
        ruled = policy(dice)
        yield {"name": f"drawn-{at:03}", "policy": ruled, "edits": edits(dice, values(dice, ruled))}


def line(case: Row) -> str:
    expect = second.answer(case)
    del expect["name"]
    text = json.dumps({**case, "expect": expect}, ensure_ascii=False, sort_keys=True)
    # what UTF-8 cannot write is escaped, as JSON allows
    return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def main() -> None:
    FILE.write_text("".join(line(case) + "\n" for case in cases()), encoding="utf-8")


if __name__ == "__main__":
    main()
