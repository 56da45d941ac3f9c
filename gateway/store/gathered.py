"""Small questions to PostgreSQL that come at the same time, answered in one snapshot by one thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection

from gateway.store.faults import StoreClosed, StoreUnavailable

T = TypeVar("T")
Query: TypeAlias = Callable[[Connection], Any]
Run: TypeAlias = Callable[[Query], Any]
"""Answers a query from a snapshot of its own; several of them, one after the other, are one as well."""

AT_ONCE = 2
"""While so many threads are asking, what comes waits for company: more of them would be in each other's way."""
MANY = 64


@dataclass(slots=True)
class _Answer:
    value: Any = None
    fault: Exception | None = None


@dataclass(slots=True, eq=False)
class _Asked:
    query: Query
    done: asyncio.Future[Any]

    def tell(self, answer: _Answer) -> None:
        if self.done.done():  # nobody waits for it any more
            return
        if answer.fault is None:
            self.done.set_result(answer.value)
        else:
            self.done.set_exception(answer.fault)


class Gathered:
    """A transaction of its own, and a thread to wait for it, cost each question more than its answer does."""

    def __init__(self, threads: Executor, run: Run) -> None:
        self._threads = threads
        self._run = run
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked: deque[_Asked] = deque()
        self._busy = 0

    def takes(self) -> bool:
        """Whether it is asked where it was first: on another event loop, others' questions are not its own."""
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        return self._loop is loop

    async def ask(self, query: Callable[[Connection], T]) -> T:
        """In a snapshot that begins after this was called. Raises what `query` alone would raise."""
        asked = _Asked(query, asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        self._go()
        answer: T = await asked.done
        return answer

    def _go(self) -> None:
        while self._asked and self._busy < AT_ONCE:
            some = [self._asked.popleft() for _ in range(min(MANY, len(self._asked)))]
            wanted = [each for each in some if not each.done.done()]
            if wanted:
                self._begin(wanted)

    def _begin(self, wanted: Sequence[_Asked]) -> None:
        queries = [each.query for each in wanted]
        try:
            job = asyncio.get_running_loop().run_in_executor(self._threads, _answered, self._run, queries)
        except RuntimeError:  # the threads were let go of while these waited for their turn
            for each in wanted:
                each.tell(_Answer(fault=StoreClosed()))
            return
        self._busy += 1
        job.add_done_callback(lambda job: self._told(wanted, job))

    def _told(self, wanted: Sequence[_Asked], job: asyncio.Future[list[_Answer]]) -> None:
        self._busy -= 1
        self._go()
        for each, answer in zip(wanted, job.result(), strict=True):
            each.tell(answer)


def _answered(run: Run, queries: Sequence[Query]) -> list[_Answer]:
    """In one snapshot where nothing goes wrong; else each in one of its own, so that a bad one fails alone."""
    if len(queries) > 1:
        together = _one(run, lambda connection: [query(connection) for query in queries])
        if together.fault is None:
            return [_Answer(value) for value in together.value]
        if isinstance(together.fault, StoreUnavailable):  # they would wait for the same, one after the other
            return [_Answer(fault=StoreUnavailable(together.fault.why)) for _ in queries]
    return [_one(run, query) for query in queries]


def _one(run: Run, query: Query) -> _Answer:
    try:
        return _Answer(run(query))
    except Exception as broke:
        return _Answer(fault=broke)
