"""What of Tryton's feed is taken and what comes again, and whose notes a party has. Against a stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from crm.model import Record
from crm.tryton import Config, Crm
from gateway.errors import Retry
from tests.crm.contract import walk
from tests.crm.standin import served
from tests.crm.tryton.fake import FakeTryton


class House:
    def __init__(self, fake: FakeTryton) -> None:
        self.fake = fake
        self.opened: list[Crm] = []

    def client(self, **more: Any) -> Crm:
        settings = {"database": "d", "user": "u", "password": "p-0123456789", "fields": {"code": "code"}, **more}
        self.opened.append(Crm("erp", Config.model_validate({"url": self.fake.url, **settings})))
        return self.opened[-1]


@pytest_asyncio.fixture
async def far() -> AsyncIterator[House]:
    async with served(FakeTryton()) as fake:
        house = House(fake)
        yield house
        for client in house.opened:
            await client.close()


def ids(records: list[Record]) -> list[int]:
    return [int(record.ref.id) for record in records]


def notes(records: list[Record]) -> dict[int, int]:
    return {int(record.ref.id): len(record.related["note"]) for record in records}


async def test_a_walk_that_was_thrown_away_is_walked_again(fake: FakeTryton, client: Crm) -> None:
    for id_ in range(1, 4):
        fake.party(id_, at=id_)
    first, _ = await walk(client)
    again, cursor = await walk(client)
    assert ids(first) == ids(again) == [1, 2, 3]
    for id_ in range(4, 9):
        fake.party(id_, at=20)  # one import
    fake.party(2, at=21)
    fake.delete(7, party=1, at=22)
    for _ in range(3):
        records, behind = await walk(client, cursor)
        assert [(each.ref.id, each.deleted) for each in records] == [
            *((str(id_), False) for id_ in (4, 5, 6, 7, 8, 2)),
            ("1", True),
        ]
    half = [position async for _, position in client.changes(cursor)][3]
    rest, behind = await walk(client, half)
    assert ids(rest) == [8, 2, 1]
    assert (await walk(client, behind))[0] == []


@pytest.mark.parametrize("method", ["model.party.party.search_read", "model.ir.note.search_read"])
async def test_what_could_not_be_read_comes_again(fake: FakeTryton, client: Crm, method: str) -> None:
    fake.party(1, at=1)
    fake.party(2, at=50)
    _, cursor = await walk(client)
    fake.note(1, party=1, at=40)  # its transaction has lasted
    fake.party(2, at=51)
    begun = len(fake.asked)
    fake.fails = lambda asked: (
        asked == method and asked in fake.asked[begun:-1]
    )  # of a look the second one: the reading
    with pytest.raises(Retry):
        await walk(client, cursor)
    fake.fails = lambda _: False
    records, behind = await walk(client, cursor)
    assert ids(records) == [1, 2]
    assert (await walk(client, behind))[0] == []


async def test_what_became_visible_late_comes_until_it_was_taken(fake: FakeTryton, client: Crm) -> None:
    fake.party(1, at=1)
    fake.party(2, at=50)
    _, cursor = await walk(client)
    fake.note(1, party=1, at=40)
    for _ in range(3):
        records, behind = await walk(client, cursor)
        assert notes(records) == {1: 1}
    assert behind != cursor, "or nobody could tell that it was taken"
    assert (await walk(client, behind))[0] == []
    fake.note(2, party=1, at=50)
    records, last = await walk(client, behind)
    assert notes(records) == {1: 2}, "the cursor has moved, and what comes at its time comes all the same"
    assert (await walk(client, last))[0] == []


async def test_what_came_late_is_told_though_the_newest_of_it_was_told_before(fake: FakeTryton, far: House) -> None:
    """More than a page was written within what is looked back on; what would bring it up lies behind, and is known."""
    client = far.client(page=5)
    for id_ in range(1, 31):
        fake.party(id_, at=id_)
    _, cursor = await walk(client)
    fake.note(1, party=30, at=2.5)
    for _ in range(2):
        records, behind = await walk(client, cursor)
        assert notes(records) == {30: 1}
    assert (await walk(client, behind))[0] == []


async def test_what_comes_up_behind_is_told_there_and_once(fake: FakeTryton, far: House) -> None:
    client = far.client(page=5)
    for id_ in range(1, 31):
        fake.party(id_, at=id_)
    _, cursor = await walk(client)
    fake.note(1, party=3, at=2.5)
    fake.note(2, party=3, at=40)
    fake.party(4, at=35)
    records, behind = await walk(client, cursor)
    assert ids(records) == [4, 3] and notes(records) == {4: 0, 3: 2}
    assert (await walk(client, behind))[0] == []


async def test_a_cursor_it_gave_before_is_gone_on_from(fake: FakeTryton, client: Crm) -> None:
    """Also by a process that knows nothing: it reads the last minute again."""
    fake.party(1, at=1)
    fake.party(2, at=100)
    fake.party(3, at=101)
    assert ids((await walk(client, "1790000100000000.0.2.0"))[0]) == [2, 3]


async def test_a_page_of_which_nobody_is_told_does_not_end_the_feed(fake: FakeTryton, far: House) -> None:
    """Very many were deleted at once, before we came."""
    for id_ in range(1, 13):
        fake.delete(id_, party=100 + id_, at=1)
    fake.party(1, at=2)
    for blank in range(1, 13):
        fake.note(blank, party=0, at=3)
        fake.tables["ir.note"][blank]["resource"] = "party.party,-1"
    fake.party(2, at=4)
    assert ids((await walk(far.client(page=5)))[0]) == [1, 2]


async def test_no_more_is_kept_than_is_looked_back_on(fake: FakeTryton, far: House) -> None:
    client = far.client(page=5, look_back=60)
    for id_ in range(1, 41):
        fake.party(id_, at=id_ * 100)
        fake.note(id_, party=id_, at=id_ * 100 + 10_000)
    _, cursor = await walk(client)
    assert len(client.feed._given._given) <= 6
    assert (await walk(client, cursor))[0] == []
    assert len(client.feed._given._taken) <= 2


@pytest.mark.parametrize("kind", ["note", "open_item"])
async def test_who_has_very_many_takes_none_from_others(fake: FakeTryton, client: Crm, kind: Any) -> None:
    fake.party(1, at=1)
    fake.party(2, at=2)
    put = fake.note if kind == "note" else fake.deal
    for n in range(60):
        put(100 + n, 1, at=100 + n)
    for n in range(3):
        put(n, 2, at=50 + n)
    records, _ = await walk(client)
    told = {int(each.ref.id): [int(item.id) for item in each.related[kind]] for each in records}
    assert told == {1: list(range(159, 139, -1)), 2: [2, 1, 0]}
    assert (await client.get(records[-1].ref)).related == records[-1].related
