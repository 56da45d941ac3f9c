"""Bugs put into a copy of the engine, one at a time: the comparison with the second resolver catches each."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import cast

import pytest

import reconcile
from tests.reconcile.make_vectors import cases as vectors
from tests.reconcile.small import Engine, Row, cases, disagreement

ROOM = Path(str(reconcile.__file__)).parent
FILES = ("history", "merge", "resolve")
NAME = "planted_reconcile"

BUGS: dict[str, tuple[str, str, str]] = {
    "stream order ignored": (
        "history",
        "if edit.stream is not None and edit.watermark is not None:",
        "if edit.stream == 'no such stream' and edit.watermark is not None:",
    ),
    "no three-way base": ("resolve", "if base.winner is not None and not base.conflict:", "if False:"),
    "three-way without between": (
        "resolve",
        "between = (self.past.before[head] & ~common & self.binding) | 1 << head",
        "between = 1 << head",
    ),
    "the clock picks a head": (
        "resolve",
        'if (policy.mode if policy.mode in ("review", "last_writer_wins") else policy.fallback) == "last_writer_wins":',
        "if True:",
    ),
    "the clock picks a head before the base is asked": (
        "resolve",
        "if base.winner is not None and not base.conflict:",
        "return self.by_clock(level.heads)\n        if base.winner is not None:",
    ),
    "losers dropped": ("resolve", "losers=tuple(loser for loser, _ in why),", "losers=(),"),
    "losers of equal value dropped": (
        "resolve",
        "for head in heads if head != winner)",
        "for head in heads if head != winner and self.image(head) != self.image(winner))",
    ),
    "ancestors not covered": ("history", "among &= ~(self.before[top] | 1 << top)", "among &= ~(1 << top)"),
    "an unlisted source takes effect under authoritative": (
        "resolve",
        'return policy.mode != "authoritative" or edit.kind in _SETTLING or edit.source.system in policy.authority',
        "return True",
    ),
    "a resolution that missed a head closes the conflict": (
        "resolve",
        "        if len(heads) == 1:",
        "        heads = [head for head in heads if self.edits[head].kind in _SETTLING] or heads\n"
        "        if len(heads) == 1:",
    ),
    "a base in conflict is used": (
        "resolve",
        "if base.winner is not None and not base.conflict:",
        "if base.winner is not None:",
    ),
    "the next source is asked": (
        "resolve",
        "first = next((source for source in self.policy.authority if source in present), None)\n"
        '        return self.by_source("authority", first, heads)',
        'asked = (self.by_source("authority", source, heads) for source in self.policy.authority)\n'
        "        return next((one for one in asked if one is not None), None)",
    ),
    "two heads of one source are one": ("resolve", "if len(theirs) == 1 else None", "if theirs else None"),
    "a settled value counts as unchanged": ("resolve", "if self.edits[head].kind not in _PLAIN:", "if False:"),
    "an edit on a cycle binds": ("resolve", "self.binding &= ~past.cyclic", "pass"),
    "a quarantined edit binds": ("resolve", "if edit.quarantined or not edit.binding", "if not edit.binding"),
    "a proposing source binds": ("resolve", " or edit.source.system in policy.propose_only:", ":"),
    "proposals that were seen stay open": ("resolve", "loose &= ~self.past.before[head]", "pass"),
    "one position twice makes an order": (
        "history",
        "_chain([positions[at] for at in sorted(positions)], before)",
        "_chain([[one] for at in sorted(positions) for one in positions[at]], before)",
    ),
    "rank is ignored": (
        "resolve",
        "return edit.effective_time, strength, edit.id",
        "return edit.effective_time, 0, edit.id",
    ),
    "rank is read backwards": ("resolve", "-rank.index(edit.source.system)", "rank.index(edit.source.system)"),
    "the greatest id wins": ("resolve", "return min(some, key", "return max(some, key"),
    "a merge counts the base twice": ("merge", "_EXACT.subtract(one, was)", "one"),
    "a merge loses additions": ("merge", "kept = (was.keys() | added)", "kept = was.keys()"),
    "a merge on a conflict": ("resolve", "        if base.conflict:\n            return None\n", ""),
}


@contextmanager
def engine(bug: tuple[str, str, str] | None) -> Iterator[Engine]:
    """The copy, with one text replaced; the text must be there, once."""
    made = [f"{NAME}.{file}" for file in FILES]
    try:
        for file in FILES:
            sys.modules[f"{NAME}.{file}"] = _module(file, bug)
        yield cast("Engine", sys.modules[f"{NAME}.resolve"].resolve)
    finally:
        for name in made:
            sys.modules.pop(name, None)


def _module(file: str, bug: tuple[str, str, str] | None) -> ModuleType:
    text = (ROOM / f"{file}.py").read_text(encoding="utf-8")
    if bug is not None and bug[0] == file:
        assert text.count(bug[1]) == 1, f"{bug[1]!r} stands {text.count(bug[1])} times in {file}.py"
        text = text.replace(bug[1], bug[2])
    for other in FILES:
        text = text.replace(f"from reconcile.{other} import", f"from {NAME}.{other} import")
    spec = util.spec_from_loader(f"{NAME}.{file}", loader=None)
    assert spec is not None
    module = util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # dataclasses look their own module up
    exec(compile(text, f"{file}.py", "exec"), module.__dict__)
    return module


def first_fault(asked: Iterable[Row], planted: Engine) -> str | None:
    return next((fault for case in asked if (fault := disagreement(case, planted)) is not None), None)


def asked() -> Sequence[Row]:
    return [*vectors(), *itertools.islice(cases(every=61), 1400)]


@pytest.fixture(scope="module")
def both() -> Sequence[Row]:
    return asked()


def test_the_copy_without_a_bug_agrees(both: Sequence[Row]) -> None:
    with engine(None) as copy:
        assert first_fault(both, copy) is None


@pytest.mark.parametrize("bug", BUGS.values(), ids=BUGS)
def test_a_planted_bug_is_caught(bug: tuple[str, str, str], both: Sequence[Row]) -> None:
    with engine(bug) as planted:
        assert first_fault(both, planted) is not None


@pytest.mark.parametrize("bug", ["stream order ignored", "no three-way base", "losers dropped"])
def test_the_small_histories_alone_catch_what_they_can_show(bug: str) -> None:
    with engine(BUGS[bug]) as planted:
        assert first_fault(cases(every=13), planted) is not None
