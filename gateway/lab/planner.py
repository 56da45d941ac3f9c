"""A plan over very many fields: read range by range, in processes of their own where that is worth it."""

from __future__ import annotations

import heapq
import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, Final

from gateway.lab.study import KINDS, Found, study
from gateway.store.pasts import Pasts, Range, Scope, fields, ranges, total
from gateway.store.vault import Vault
from reconcile.model import Json, MergePolicy

EXAMPLES: Final = 10
"""Of each kind and field, the newest."""
WORTH_IT: Final = 20_000
"""Fields from which on other processes are started."""

Progress = Callable[[int, int], bool]
"""Told how many of how many fields were looked at; False stops."""


class Stopped(Exception):
    """Nobody waits for the plan any more."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to read where: `vault` is the key the values are kept under."""

    url: str
    vault: bytes
    policies: Mapping[str, MergePolicy]
    records: tuple[str, ...]
    since: int

    @property
    def scope(self) -> Scope:
        return Scope(tuple(sorted(self.policies)), self.records, self.since)


@dataclass(slots=True)
class Plan:
    """`decided`: the fields that applying the policy would decide again."""

    fields: int = 0
    edits: int = 0
    judged: int = 0
    customers: int = 0
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], list[tuple[int, str, Found]]] = field(default_factory=dict)
    decided: list[tuple[str, str]] = field(default_factory=list)

    def add(self, found: Found) -> None:
        key = (found.kind, found.field)
        self.counts[key] += 1
        self._keep(key, (found.at, f"{found.record}\0{found.edit}", found))

    def _keep(self, key: tuple[str, str], one: tuple[int, str, Found]) -> None:
        # the newest, and of equal ones always the same: the plan does not depend on who was ready first
        some = self.examples.setdefault(key, [])
        if len(some) < EXAMPLES:
            heapq.heappush(some, one)
        elif one[:2] > some[0][:2]:
            heapq.heapreplace(some, one)

    def join(self, other: Plan) -> None:
        self.fields += other.fields
        self.edits += other.edits
        self.judged += other.judged
        self.customers += other.customers
        self.counts += other.counts
        self.decided += other.decided
        for key, some in other.examples.items():
            for one in some:
                self._keep(key, one)

    def report(self) -> dict[str, Json]:
        """Counts and ids: a value is looked up by whoever may see it."""
        shown = {
            kind: [
                asdict(found)
                for (of, _), some in sorted(self.examples.items())
                if of == kind
                for *_, found in sorted(some, key=lambda one: one[:2], reverse=True)
            ]
            for kind in KINDS
        }
        counts = {kind: {name: n for (of, name), n in sorted(self.counts.items()) if of == kind} for kind in KINDS}
        told: dict[str, Any] = {"fields": self.fields, "edits": self.edits, "customers": self.customers}
        return {**told, "judged": self.judged, "decided": len(self.decided), "counts": counts, "examples": shown}


def plan(question: Question, progress: Progress, processes: int | None = None) -> Plan:
    """Blocks; to be run beside the loop. Raises `Stopped`."""
    pasts = Pasts(question.url)
    try:
        with pasts.look() as connection:
            many, parts = total(connection, question.scope), list(ranges(connection, question.scope))
    finally:
        pasts.close()
    if not progress(0, many):
        raise Stopped
    wanted = processes if processes is not None else (min(os.cpu_count() or 1, 8) if many >= WORTH_IT else 1)
    told = Plan()
    for part in _each(question, parts, wanted):
        told.join(part)
        if not progress(told.fields, many):
            raise Stopped
    told.decided.sort()
    return told


def _each(question: Question, parts: list[Range], processes: int) -> Iterator[Plan]:
    if processes <= 1:
        return _alone(question, parts)
    return _together(question, parts, processes)


def _alone(question: Question, parts: list[Range]) -> Iterator[Plan]:
    worker = _Worker(question)
    try:
        for part in parts:
            yield worker.part(part)
    finally:
        worker.close()


def _together(question: Question, parts: list[Range], processes: int) -> Iterator[Plan]:
    """A few ranges ahead of the one that is awaited, so that stopping is soon."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(question,))
    waiting = iter(parts)
    try:
        running: set[Future[Plan]] = {pool.submit(_part, one) for one in islice(waiting, processes * 2)}
        while running:
            ready, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(_part, one) for one in islice(waiting, len(ready))}
            for one in ready:
                yield one.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _Worker:
    def __init__(self, question: Question) -> None:
        self._question = question
        self._vault = Vault(question.vault)
        self._pasts = Pasts(question.url)

    def close(self) -> None:
        self._pasts.close()

    def part(self, part: Range) -> Plan:
        it, question, records = Plan(), self._question, set()
        with self._pasts.look() as connection:
            for each in fields(connection, self._vault, question.scope, part):
                done = study(each, question.policies[each.field], question.since)
                it.fields += 1
                it.edits += len(each.edits)
                it.judged += done.judged
                records.add(each.record)
                for found in done.found:
                    it.add(found)
                if done.decided:
                    it.decided.append((each.record, each.field))
        it.customers = len(records)
        return it


_here: list[_Worker] = []


def _begin(question: Question) -> None:
    _here.append(_Worker(question))


def _part(part: Range) -> Plan:
    return _here[0].part(part)
