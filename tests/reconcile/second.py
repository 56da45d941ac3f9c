"""A second resolver, written apart from the first: sets, recursion and the sentences of the rules, no bit sets.

It takes and gives the interchange form. Slow on purpose: nothing is shared with the engine, not even JSON's spelling.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Any

Row = dict[str, Any]
SETTLES = ("resolve", "revert")


def answer(case: Row) -> Row:
    return {"name": case["name"], **decide(case["policy"], case["edits"])}


def decide(policy: Row, edits: Iterable[Row]) -> Row:
    rows = {row["id"]: row for row in edits}
    past = closure(rows)
    found = judge(policy, rows, past)
    counted = binding(policy, rows, past)
    loose = set(rows) - counted
    proposals = [
        one
        for one in loose
        if not any(one in past[b] for b in counted) and not any(one in past[o] for o in loose if o != one)
    ]
    return {
        "reason": found["reason"],
        "winner": found["winner"],
        "value": found["value"],
        "heads": sorted(found["heads"]),
        "losers": sorted(losers(found)),
        "conflict": found["reason"] == "review",
        "open_proposals": sorted(proposals),
    }


def losers(found: Row) -> set[str]:
    if found["reason"] in ("empty", "causal", "agree"):
        return set()
    heads: set[str] = found["heads"]
    return heads if found["reason"] == "review" else heads - {found["winner"]}


def closure(rows: dict[str, Row]) -> dict[str, set[str]]:
    """id -> everything that happened before it, by walking back from each edit."""
    straight: dict[str, set[str]] = {}
    for one, row in rows.items():
        straight[one] = {parent for parent in row["parents"] if parent in rows}
        straight[one] |= {other for other, that in rows.items() if earlier_in_stream(that, row)}
    return {one: walk(one, straight) for one in rows}


def earlier_in_stream(a: Row, b: Row) -> bool:
    if a["stream"] is None or a["stream"] != b["stream"] or a["watermark"] is None or b["watermark"] is None:
        return False
    return bool(a["watermark"] < b["watermark"])


def walk(start: str, straight: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    todo = list(straight[start])
    while todo:
        one = todo.pop()
        if one not in seen:
            seen.add(one)
            todo.extend(straight[one])
    return seen


def binding(policy: Row, rows: dict[str, Row], past: dict[str, set[str]]) -> set[str]:
    out = set()
    for one, row in rows.items():
        free = row["binding"] and row["kind"] != "proposal" and not row.get("quarantined", False)
        free = free and row["source"] not in policy.get("propose_only", ())
        if policy["mode"] == "authoritative" and row["kind"] not in SETTLES:
            free = free and row["source"] in policy["authority"]
        if free and one not in past[one] and says_something(value(row)):
            out.add(one)
    return out


def says_something(held: Any) -> bool:
    try:
        json.dumps(held, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        return False
    return True


def value(row: Row) -> Any:
    return None if row["kind"] == "clear" else row["value"]


def judge(policy: Row, rows: dict[str, Row], past: dict[str, set[str]]) -> Row:
    counted = binding(policy, rows, past)
    heads = {one for one in counted if not any(one in past[other] for other in counted)}
    values = {same(policy, value(rows[head])) for head in heads}
    found: Row = {"heads": heads, "winner": None, "value": None}
    if not heads:
        return found | {"reason": "empty"}
    if len(heads) == 1 or len(values) == 1:
        first = min(heads)
        reason = "causal" if len(heads) == 1 else "agree"
        return found | {"reason": reason, "winner": first, "value": value(rows[first])}
    shared = set.intersection(*(past[head] for head in heads))
    base = judge(policy, {one: rows[one] for one in shared}, {one: past[one] & shared for one in shared})
    winner: str | None
    winner, reason = three_way(policy, rows, past, counted, heads, shared, base), "three_way"
    if winner is None:
        winner, reason = by_source(policy, rows, heads), {"authoritative": "authority"}.get(policy["mode"], "master")
    if winner is None and policy["mode"] == "merge" and base["reason"] != "review":
        done, value_ = put_together(policy, base["value"], [value(rows[head]) for head in heads])
        if done:
            return found | {"reason": "merged", "value": value_}
    if winner is None and clock_decides(policy):
        winner, reason = latest(policy, rows, heads), "last_writer"
    if winner is None:
        return found | {"reason": "review", "winner": base["winner"], "value": base["value"]}
    return found | {"reason": reason, "winner": winner, "value": value(rows[winner])}


def three_way(
    policy: Row,
    rows: dict[str, Row],
    past: dict[str, set[str]],
    counted: set[str],
    heads: set[str],
    shared: set[str],
    base: Row,
) -> str | None:
    if base["winner"] is None or base["reason"] == "review":
        return None
    was = same(policy, base["value"])
    changed = []
    for head in heads:
        line = (past[head] - shared) & counted | {head}
        kept = all(same(policy, value(rows[one])) == was for one in line)
        if not (kept and rows[head]["kind"] in ("set", "clear", "snapshot")):
            changed.append(head)
    if len({same(policy, value(rows[head])) for head in changed}) != 1:
        return None
    return min(changed)


def by_source(policy: Row, rows: dict[str, Row], heads: set[str]) -> str | None:
    asked: str | None = None
    if policy["mode"] == "authoritative":
        asked = next((s for s in policy["authority"] if any(rows[head]["source"] == s for head in heads)), None)
    elif policy["mode"] == "master_wins":
        asked = policy["master"]
    theirs = [head for head in heads if rows[head]["source"] == asked]
    return theirs[0] if len(theirs) == 1 else None


def clock_decides(policy: Row) -> bool:
    if policy["mode"] == "review":
        return False
    return "last_writer_wins" in (policy["mode"], policy["fallback"])


def latest(policy: Row, rows: dict[str, Row], heads: set[str]) -> str:
    strongest_last = [*reversed(policy["rank"])]

    def place(head: str) -> tuple[int, int, str]:
        source = rows[head]["source"]
        return rows[head]["time"], strongest_last.index(source) + 1 if source in strongest_last else 0, head

    return sorted(heads, key=place)[-1]


def put_together(policy: Row, base: Any, heads: list[Any]) -> tuple[bool, Any]:
    if policy.get("merge") == "set_union":
        return union(policy, base, heads)
    if policy.get("merge") == "counter":
        return count(base, heads)
    if policy.get("merge") == "monotone":
        return furthest(policy, heads)
    return False, None


def furthest(policy: Row, heads: list[Any]) -> tuple[bool, Any]:
    place = {same(policy, level): number for number, level in enumerate(policy.get("order", ()))}
    if any(same(policy, head) not in place for head in heads):
        return False, None
    top = max(place[same(policy, head)] for head in heads)
    return True, json.loads(min(spell(head) for head in heads if place[same(policy, head)] == top))


def union(policy: Row, base: Any, heads: list[Any]) -> tuple[bool, Any]:
    lists = [[] if one is None else one for one in [base, *heads]]
    if not all(isinstance(one, list) for one in lists):
        return False, None
    sets = [{same(policy, item) for item in one} for one in lists]
    was, are = sets[0], sets[1:]
    everyone = was.union(*are)
    kept = {item for item in everyone if item not in was or all(item in one for one in are)}
    spelt: dict[str, str] = {}
    for one in lists:
        for item in one:
            key, spelling = same(policy, item), spell(item)
            spelt[key] = min(spelling, spelt.get(key, spelling))
    return True, [json.loads(text) for text in sorted(spelt[key] for key in kept)]


def count(base: Any, heads: list[Any]) -> tuple[bool, Any]:
    numbers = []
    for one in [base, *heads]:
        digits = "0" if one is None else unicodedata.normalize("NFKC", str(one)).strip()
        if isinstance(one, bool | list | dict) or (isinstance(one, str) and set(digits) - set("+-.0123456789")):
            return False, None
        try:
            numbers.append(Decimal(digits))
        except ArithmeticError:
            return False, None
    total = numbers[0] + sum((head - numbers[0] for head in numbers[1:]), Decimal(0))
    if any(isinstance(one, str | float) for one in [base, *heads]):
        text = f"{total:f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return True, "0" if text == "-0" else text
    return True, int(total)


def same(policy: Row, held: Any) -> str:
    return spell(seen_as(policy.get("normaliser") or "identity", held))


def seen_as(normaliser: str, held: Any) -> Any:
    if normaliser == "identity" or not isinstance(held, str):
        return held
    if normaliser == "trimmed":
        return held.strip()
    if normaliser == "email":
        return held.strip().lower() if held.count("@") == 1 else held
    raise AssertionError(f"the second resolver does not know {normaliser}")


def spell(held: Any) -> str:
    return _spell(json.dumps(held, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


@lru_cache(maxsize=4096)
def _spell(text: str) -> str:
    return unicodedata.normalize("NFC", text)
