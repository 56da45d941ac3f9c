"""A commit waits for company only where several write, and never with somebody in a hurry. Here it waits for days."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection

from gateway.store import writer
from gateway.store.engine import Store
from gateway.store.writer import COMPANY, unhurried
from tests.gateway.store.world import quick

AT_ONCE_S = 20.0
"""For whatever machine; days are more."""


@unhurried
def patient(connection: Connection, items: Sequence[list[int]]) -> list[None]:
    return _noted(items)


def hasty(connection: Connection, items: Sequence[list[int]]) -> list[None]:
    return _noted(items)


def _noted(items: Sequence[list[int]]) -> list[None]:
    for each in items:
        each.append(len(items))
    return [None] * len(items)


@pytest.fixture
async def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Store]:
    monkeypatch.setattr(writer, "LINGER_S", 1e6)
    monkeypatch.setattr(writer, "BUSY_S", float("inf"))
    opened = quick(f"sqlite:///{tmp_path}/s.db")
    yield opened
    await opened.close()


async def together(store: Store, count: int) -> list[int]:
    """With how many others of their kind each was committed."""
    notes: list[list[int]] = [[] for _ in range(count)]
    async with asyncio.timeout(AT_ONCE_S):
        await asyncio.gather(*(store.write(patient, note) for note in notes))
    return [size for note in notes for size in note]


async def waits(task: asyncio.Task[None]) -> bool:
    await asyncio.sleep(0.2)
    return not task.done()


async def test_enough_of_them_wait_for_nobody(store: Store) -> None:
    for _ in range(3):
        assert await together(store, COMPANY) == [COMPANY] * COMPANY


async def test_one_waits_for_company_after_several_and_whoever_is_in_a_hurry_takes_it_along(store: Store) -> None:
    await together(store, COMPANY)
    first = asyncio.create_task(store.write(patient, []))
    assert await waits(first)
    second = asyncio.create_task(store.write(patient, []))
    assert await waits(first) and not second.done()
    async with asyncio.timeout(AT_ONCE_S):
        await store.write(hasty, [])
        await asyncio.gather(first, second)


async def test_who_writes_alone_waits_for_nobody(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "BUSY_S", 0.0)
    for _ in range(5):
        assert await together(store, 1) == [1]


async def test_what_waits_for_company_is_written_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "LINGER_S", 1e6)
    monkeypatch.setattr(writer, "BUSY_S", float("inf"))
    opened = quick(f"sqlite:///{tmp_path}/s.db")
    await together(opened, COMPANY)
    last = asyncio.create_task(opened.write(patient, []))
    assert await waits(last)
    async with asyncio.timeout(AT_ONCE_S):
        await opened.close()
        await last
