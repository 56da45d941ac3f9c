"""Versions of the access policies, on both databases: one in force, another's approval, and the way back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.clock import SystemClock
from gateway.errors import Refused
from gateway.store.access_versions import FILES, AccessVersions, Apply, digest
from gateway.store.auditing import AuditStore
from gateway.store.engine import Store

A, B, C = {"a.cedar": "permit A"}, {"a.cedar": "permit B"}, {"a.cedar": "permit A", "c.cedar": "企业 \u202e\0"}


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    opened = Store.open(store_url)
    yield opened
    await opened.close()


async def deeds(store: Store) -> list[tuple[str, str, str]]:
    audit = AuditStore(store, SystemClock())
    assert await audit.verify() is None
    return [(each.by, each.what, each.subject.rpartition(" ")[2]) for each in reversed(await audit.latest())]


async def test_the_files_rule_until_a_person_puts_a_version_in_force(store: Store) -> None:
    versions = AccessVersions(store)
    assert await versions.in_force() is None and await versions.number() == 0
    first = await versions.begin(A, 1)
    assert (first.n, first.state, first.files, first.applied_by) == (1, "applied", A, FILES)
    assert (await versions.begin(A, 2)).n == 1
    assert (await versions.begin(B, 3)).n == 2 and (await versions.begin(A, 4)).n == 3, "the files, as they are"
    assert await deeds(store) == [(FILES, "access_applied", "2"), (FILES, "access_applied", "3")]
    await versions.propose(B, "p_ann", "why", 5)
    assert (await versions.apply(Apply(4, "p_bo", "read it", 6))).state == "applied"
    assert (await versions.begin(A, 7)).n == 4, "an older folder, known already, is not even proposed"
    assert [each.n for each in await versions.all()] == [4, 3, 2, 1]
    for now in (8, 9):
        assert (await versions.begin(C, now)).n == 4, "what was approved is not changed by a file"
    assert [(each.n, each.state, each.proposed_by) for each in await versions.all(2)] == [
        (5, "proposed", FILES),
        (4, "applied", "p_ann"),
    ]
    done = await versions.apply(Apply(5, "p_bo", "read it", 10))
    assert (done.state, done.alone) == ("applied", False), "files are nobody's: any one admin may approve them"


async def test_another_approves_and_the_files_come_back_unchanged(store: Store) -> None:
    versions = AccessVersions(store)
    await versions.begin(A, 1)
    mine = await versions.propose(C, "p_ann", "why\0 \ud800", 2)
    assert mine.files == C and mine.base == 1 and mine.hash == digest(C) and "\0" not in mine.reason
    for asked, said in (
        (Apply(2, "p_ann", "mine", 3), "Somebody else"),
        (Apply(2, "", "nobody", 3), "Somebody else"),
        (Apply(2, "p_bo", " ", 3), "Say why"),
        (Apply(2, "p_bo", "fine", 3, over=7), "Meanwhile version {n}"),
        (Apply(1, "p_bo", "fine", 3), "not waiting"),
        (Apply(9, "p_bo", "fine", 3), "There is no version"),
    ):
        with pytest.raises(Refused, match=said):
            await versions.apply(asked)
    assert await versions.number() == 1
    done = await versions.apply(Apply(2, "p_bo", "fine", 3, over=1))
    assert (done.n, done.applied_by, done.applied_why, done.alone) == (2, "p_bo", "fine", False)
    assert await versions.number() == 2
    with pytest.raises(Refused, match="in force already"):
        await versions.propose(C, "p_ann", "again", 4)
    assert await deeds(store) == [("p_ann", "access_proposed", "2"), ("p_bo", "access_applied", "2")]


async def test_the_only_admin_approves_alone_and_that_is_kept(store: Store) -> None:
    versions = AccessVersions(store)
    await versions.begin(A, 1)
    await versions.propose(B, "p_ann", "why", 2)
    assert (await versions.apply(Apply(2, "p_ann", "nobody else is here", 3, only=True))).alone
    (row,) = await AuditStore(store, SystemClock()).latest(1)
    assert row.facts["alone"] == 1


async def test_the_way_back_goes_on_from_where_one_went_back_to(store: Store) -> None:
    versions = AccessVersions(store)
    await versions.begin(A, 5)
    with pytest.raises(Refused, match="No other"):
        await versions.back(None, "p_ann", "x", 5)
    for files in (B, C):
        made = await versions.propose(files, "p_ann", "why", 5)
        await versions.apply(Apply(made.n, "p_bo", "fine", 5))
    once = await versions.back(None, "p_ann", "too much", 5)
    assert (once.n, once.files, once.back_to, once.applied_by) == (4, B, 2, "p_ann")
    twice = await versions.back(None, "p_ann", "still", 5)
    assert (twice.files, twice.back_to) == (A, 1)
    with pytest.raises(Refused, match="No other"):
        await versions.back(None, "p_ann", "x", 5)
    with pytest.raises(Refused, match="in force already"):
        await versions.back(1, "p_ann", "x", 5)
    with pytest.raises(Refused, match="Say why"):
        await versions.back(3, "p_ann", "", 5)
    assert (await versions.back(3, "p_ann", "after all", 5)).files == C
    made = await versions.propose(B, "p_ann", "why", 5)
    with pytest.raises(Refused, match="never in force"):
        await versions.back(made.n, "p_ann", "without asking", 5)
    assert (await versions.withdraw(made.n, "p_ann", 5)).state == "withdrawn"
    for n in (made.n, 3):
        with pytest.raises(Refused, match="not waiting"):
            await versions.withdraw(n, "p_ann", 5)
    assert sum(each.state == "applied" for each in await versions.all()) == 1
    assert [what for _, what, _ in await deeds(store)][-3:] == [
        "access_rolled_back",
        "access_proposed",
        "access_withdrawn",
    ]


async def test_several_at_once_leave_one_in_force(store: Store) -> None:
    versions = AccessVersions(store)
    await asyncio.gather(*(versions.begin(A, n) for n in range(5)))
    made = [await versions.propose({"a.cedar": f"permit {n}"}, "p_ann", "why", n) for n in range(6)]
    asked = [versions.apply(Apply(each.n, "p_bo", "fine", 9, over=1)) for each in made]
    done = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(not isinstance(each, Exception) for each in done) == 1
    assert [each.state for each in await versions.all()].count("applied") == 1
