"""Cases told by hand, one rule each, for the published vectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Row = dict[str, Any]


def edit(id_: str, source: str, value: Any, *parents: str, **more: Any) -> Row:
    row: Row = {
        "id": id_,
        "source": source,
        "value": value,
        "parents": list(parents),
        "stream": None,
        "watermark": None,
        "time": 0,
        "kind": "set",
        "binding": True,
    }
    return row | more


def feed(id_: str, source: str, value: Any, watermark: int, *parents: str, **more: Any) -> Row:
    return edit(id_, source, value, *parents, **{"stream": source, "watermark": watermark, **more})


def rule(mode: str, **more: Any) -> Row:
    return {"mode": mode, "authority": [], "master": None, "rank": [], "fallback": "review", **more}


REVIEW = rule("review")
CLOCK = rule("last_writer_wins", rank=["crm", "slack"])
MASTER = rule("master_wins", master="crm")
FIRST = edit("a", "crm", "1")
TWO = [FIRST, edit("b", "slack", "2", "a", time=1), edit("c", "wecom", "3", "a", time=2)]


def told() -> Iterator[Row]:
    for name, policy, edits in [*_causes(), *_three_ways(), *_modes(), *_unbound(), *_settled(), *_merges()]:
        yield {"name": name, "policy": policy, "edits": edits}


_Told = list[tuple[str, Row, list[Row]]]


def _causes() -> _Told:
    return [
        ("no edit", REVIEW, []),
        ("one edit", REVIEW, [FIRST]),
        ("an edit that saw the other", REVIEW, [FIRST, edit("b", "slack", "2", "a")]),
        ("the same by chance", REVIEW, [edit("b", "slack", "2"), edit("a", "wecom", "2")]),
        ("a cleared field has a winner", REVIEW, [FIRST, edit("b", "slack", None, "a", kind="clear")]),
        ("stream order", REVIEW, [feed("z", "crm", "1", 1), feed("a", "crm", "2", 2)]),
        ("one position twice is no order", REVIEW, [feed("a", "crm", "1", 4), feed("b", "crm", "2", 4)]),
        (
            "after one position twice",
            REVIEW,
            [feed("a", "crm", "1", 4), feed("b", "crm", "2", 4), feed("c", "crm", "3", 5)],
        ),
        ("through one position twice", REVIEW, [feed(n, "crm", n, int(n) // 2) for n in "234567"]),
        ("two epochs are two streams", REVIEW, [feed("a", "crm", "1", 9), feed("b", "crm", "2", 1, stream="crm#2")]),
        ("a parent not delivered", REVIEW, [FIRST, edit("b", "slack", "2", "x")]),
        (
            "through an edit that does not bind",
            REVIEW,
            [FIRST, edit("p", "agent", "9", "a", binding=False), edit("c", "slack", "2", "p")],
        ),
        ("the clock makes no edge", REVIEW, [edit("a", "slack", "1", time=1), edit("b", "wecom", "2", time=99)]),
        ("1 and true differ", REVIEW, [edit("a", "slack", 1), edit("b", "wecom", True)]),
        (
            "keys in any order are one value",
            REVIEW,
            [edit("a", "slack", {"x": 1, "y": 2}), edit("b", "wecom", {"y": 2, "x": 1})],
        ),
        ("two spellings of one letter are one value", REVIEW, [edit("a", "slack", "é"), edit("b", "wecom", "e\u0301")]),
        (
            "spaces under trimmed",
            rule("review", normaliser="trimmed"),
            [edit("a", "slack", "x "), edit("b", "wecom", "x")],
        ),
    ]


def _three_ways() -> _Told:
    kept = edit("b", "slack", "1", "a")
    return [
        ("one side changed", REVIEW, [FIRST, kept, edit("c", "wecom", "2", "a")]),
        ("both changed to the same", REVIEW, [FIRST, kept, edit("d", "erp", "2", "a"), edit("c", "wecom", "2", "a")]),
        (
            "put back on purpose",
            REVIEW,
            [FIRST, edit("b", "slack", "2", "a"), edit("d", "slack", "1", "b"), edit("c", "wecom", "3", "a")],
        ),
        (
            "put back on purpose, by the clock",
            CLOCK,
            [FIRST, edit("b", "slack", "2", "a"), edit("d", "slack", "1", "b", time=9), edit("c", "wecom", "3", "a")],
        ),
        (
            "a settled value is a change",
            REVIEW,
            [FIRST, edit("b", "slack", "1", "a", kind="resolve"), edit("c", "wecom", "2", "a")],
        ),
        (
            "a snapshot that says the same is none",
            REVIEW,
            [FIRST, edit("b", "slack", "1", "a", kind="snapshot"), edit("c", "wecom", "2", "a")],
        ),
        ("cleared by one side", REVIEW, [FIRST, kept, edit("c", "wecom", None, "a", kind="clear")]),
        (
            "a base that was a conflict is none",
            REVIEW,
            [FIRST, *TWO[1:], edit("d", "slack", "1", "b", "c"), edit("e", "wecom", "4", "b", "c")],
        ),
        (
            "a base decided by the clock",
            CLOCK,
            [FIRST, *TWO[1:], edit("d", "slack", "3", "b", "c"), edit("e", "wecom", "4", "b", "c")],
        ),
        ("no base at all", REVIEW, [edit("b", "slack", "2"), edit("c", "wecom", "3")]),
        (
            "a base that is a cleared field",
            REVIEW,
            [edit("a", "crm", None, kind="clear"), edit("b", "slack", None, "a"), edit("c", "wecom", "3", "a")],
        ),
    ]


def _modes() -> _Told:
    listed = rule("authoritative", authority=["erp", "crm"])
    late = rule("authoritative", authority=["erp", "crm"], fallback="last_writer_wins")
    return [
        ("review", REVIEW, TWO),
        ("review of the first two edits ever", REVIEW, TWO[1:]),
        ("the clock", CLOCK, TWO),
        ("the clock stands, rank decides", CLOCK, [FIRST, edit("b", "slack", "2", "a", time=2), TWO[2]]),
        (
            "clock and rank stand, the id decides",
            rule("last_writer_wins"),
            [FIRST, edit("b", "slack", "2", "a", time=2), TWO[2]],
        ),
        ("the master", MASTER, [FIRST, edit("b", "crm", "2", "a"), TWO[2]]),
        ("two heads of the master", MASTER, [FIRST, edit("b", "crm", "2", "a"), edit("c", "crm", "3", "a")]),
        (
            "equal values do not make two heads one",
            MASTER,
            [edit("a", "crm", "2"), edit("b", "crm", "2"), edit("c", "wecom", "3")],
        ),
        ("no master", rule("master_wins", fallback="last_writer_wins"), TWO),
        ("the first listed source", listed, [FIRST, edit("b", "crm", "2", "a"), edit("c", "erp", "3", "a")]),
        ("never the next source", listed, [edit("b", "erp", "2"), edit("c", "erp", "3"), edit("d", "crm", "4")]),
        (
            "never the next source, by the clock",
            late,
            [edit("b", "erp", "2"), edit("c", "erp", "3"), edit("d", "crm", "4", time=3)],
        ),
        ("an unlisted source proposes", listed, TWO),
        ("a person settles under authority", listed, [*TWO, edit("d", "web", "3", "a", "c", kind="resolve")]),
        (
            "two persons settle under authority",
            listed,
            [FIRST, edit("d", "web", "3", "a", kind="resolve"), edit("e", "web", "4", "a", kind="revert")],
        ),
    ]


def _unbound() -> _Told:
    return [
        ("a proposal", REVIEW, [FIRST, edit("p", "agent", "9", "a", kind="proposal")]),
        ("not binding", REVIEW, [FIRST, edit("p", "agent", "9", "a", binding=False)]),
        ("a source that only proposes", rule("review", propose_only=["agent"]), [FIRST, edit("p", "agent", "9", "a")]),
        (
            "a source that only proposes settles nothing",
            rule("review", propose_only=["agent"]),
            [*TWO, edit("p", "agent", "2", "b", "c", kind="resolve")],
        ),
        (
            "one proposal in sight of another",
            REVIEW,
            [FIRST, edit("p", "agent", "8", "a", binding=False), edit("q", "agent", "9", "p", binding=False)],
        ),
        (
            "a proposal accepted",
            REVIEW,
            [FIRST, edit("p", "agent", "9", "a", binding=False), edit("r", "web", "9", "a", "p", kind="resolve")],
        ),
        (
            "a proposal dismissed",
            REVIEW,
            [FIRST, edit("p", "agent", "9", "a", binding=False), edit("r", "web", "1", "a", "p", kind="resolve")],
        ),
        (
            "a proposal nobody had seen stays",
            REVIEW,
            [FIRST, edit("p", "agent", "9", "a", binding=False), edit("r", "web", "5", "a")],
        ),
        ("quarantined", REVIEW, [feed("a", "crm", "1", 1), feed("b", "crm", "2", 1, quarantined=True)]),
        ("only proposals", REVIEW, [edit("p", "agent", "9", binding=False)]),
        ("a cycle of two", REVIEW, [edit("a", "slack", "1", "b"), edit("b", "wecom", "2", "a")]),
        ("a cycle of one", REVIEW, [edit("a", "slack", "1", "a"), edit("b", "wecom", "2")]),
        (
            "a cycle still carries edges",
            REVIEW,
            [FIRST, edit("b", "slack", "2", "a", "c"), edit("c", "wecom", "3", "b"), edit("d", "erp", "4", "c")],
        ),
        (
            "a cycle through a stream",
            REVIEW,
            [feed("a", "crm", "1", 1, "b"), feed("b", "crm", "2", 2), edit("c", "slack", "3")],
        ),
        ("a value JSON cannot spell", REVIEW, [FIRST, edit("b", "slack", "\ud800", "a")]),
    ]


def _settled() -> _Told:
    three = [*TWO, edit("d", "erp", "4", "a", time=3)]
    return [
        ("settled in sight of every head", REVIEW, [*TWO, edit("r", "web", "2", "b", "c", kind="resolve")]),
        ("settled, one head missed", REVIEW, [*three, edit("r", "web", "2", "b", "c", kind="resolve")]),
        (
            "settled, one head missed, by the clock",
            CLOCK,
            [*three, edit("r", "web", "2", "b", "c", kind="resolve", time=9)],
        ),
        (
            "settled twice, differently",
            REVIEW,
            [*TWO, edit("r", "web", "2", "b", "c", kind="resolve"), edit("s", "web", "3", "b", "c", kind="resolve")],
        ),
        (
            "settled twice, the same",
            REVIEW,
            [*TWO, edit("r", "web", "2", "b", "c", kind="resolve"), edit("s", "web", "2", "b", "c", kind="resolve")],
        ),
        (
            "a resolution nobody may make",
            REVIEW,
            [*TWO, edit("r", "web", "2", "b", "c", kind="resolve", binding=False)],
        ),
        (
            "undone",
            REVIEW,
            [*TWO, edit("r", "web", "2", "b", "c", kind="resolve"), edit("u", "web", "3", "r", kind="revert")],
        ),
        (
            "undone and undone again",
            REVIEW,
            [
                FIRST,
                edit("b", "slack", "2", "a"),
                edit("u", "web", "1", "b", kind="revert"),
                edit("v", "web", "2", "u", kind="revert"),
            ],
        ),
        (
            "undone beside an edit nobody had seen",
            REVIEW,
            [
                FIRST,
                edit("b", "slack", "2", "a"),
                edit("u", "web", "1", "b", kind="revert"),
                edit("n", "wecom", "5", "b"),
            ],
        ),
    ]


def _merges() -> _Told:
    def both(base: Any, left: Any, right: Any) -> list[Row]:
        return [edit("a", "crm", base), edit("b", "slack", left, "a", time=1), edit("c", "wecom", right, "a", time=2)]

    tags, tally = rule("merge", merge="set_union"), rule("merge", merge="counter")
    stage = rule("merge", merge="monotone", order=["lead", "offer", "won"])
    late = {**tally, "fallback": "last_writer_wins"}
    return [
        ("two tags added", tags, both(["x"], ["x", "y"], ["z", "x"])),
        ("a tag removed, a tag added", tags, both(["x", "y"], ["x"], ["x", "y", "z"])),
        ("tags without a base", tags, [edit("b", "slack", ["y"]), edit("c", "wecom", ["z"])]),
        ("tags cleared and added", tags, both(["x"], None, ["x", "y"])),
        ("no list of tags", tags, both(["x"], "y", ["x", "y"])),
        ("counted up twice", tally, both(10, 12, 15)),
        ("counted in decimals", tally, both("10.0", "12.5", 9)),
        ("no number", late, both(1, 2, "many")),
        (
            "counted on a conflict",
            {**tally, "fallback": "review"},
            [*both(1, "x", 2), edit("d", "slack", 5, "b", "c"), edit("e", "wecom", 6, "b", "c")],
        ),
        (
            "merged on a merged base",
            tally,
            [*both(1, 2, 3), edit("d", "slack", 5, "b", "c"), edit("e", "wecom", 6, "b", "c")],
        ),
        ("the furthest stage", stage, both("lead", "won", "offer")),
        ("an unknown stage", stage, both("lead", "won", "lost")),
        ("a stage cleared beside another", stage, both("lead", None, "won")),
        ("merge without a rule", rule("merge"), both("1", "2", "3")),
        ("stages on a base that is none", stage, both("lost", "lead", "offer")),
        (
            "one stage spelt twice",
            {**stage, "normaliser": "trimmed"},
            [*both("lead", "offer ", " offer"), edit("d", "web", "lead ", "a", kind="resolve")],
        ),
        (
            "a stage listed twice",
            {**stage, "order": ["lead", "won", "lead"]},
            [*both("won", "lead", "won ")[:2], edit("c", "wecom", "won", "a", kind="revert")],
        ),
        ("counted in many spellings", tally, both("\uff11\uff10", "+12.50", ".5")),
        ("counted with an exponent", late, both(1, 2, "1e3")),
        ("tags spelt twice", {**tags, "normaliser": "email"}, both(["x@a.cn"], ["X@A.cn", "y@a.cn"], ["x@a.cn", "z"])),
    ]
