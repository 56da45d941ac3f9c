"""What every CRM connector promises, asked of each of them through its harness."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from crm.model import Applied, Change, Conflict, Crm, RecordRef
from crm.registry import load
from gateway.errors import Refused, Retry
from reconcile.model import Json
from tests.crm.contract import Harness, by_ref, connectors, opener, walk


@pytest_asyncio.fixture(params=connectors())
async def harness(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Harness]:
    async with opener(request.param)(tmp_path) as opened:
        yield opened


@pytest.fixture
def client(harness: Harness) -> Crm:
    return harness.client()


def change(harness: Harness, ref: RecordRef, value: Json, precondition: int | None) -> Change:
    return Change(ref, harness.field, value, precondition, "[Slack card 1.0]")


@pytest.mark.parametrize("name", connectors())
def test_the_registry_knows_it(name: str) -> None:
    assert load(name).__name__ == f"crm.{name}"


async def test_get_gives_the_record(harness: Harness, client: Crm) -> None:
    (ref,) = await harness.seed(1)
    await harness.native(ref, harness.values[0])
    record = await client.get(ref)
    assert record.ref == ref
    assert record.title
    assert record.fields[harness.field].value == harness.values[0]
    assert not record.deleted


async def test_an_unknown_record_is_refused(harness: Harness, client: Crm) -> None:
    (ref,) = await harness.seed(1)
    for unknown in (RecordRef(ref.crm, ref.kind, "no-such"), RecordRef(ref.crm, "no-such", ref.id)):
        with pytest.raises(Refused):
            await client.get(unknown)
        with pytest.raises(Refused):
            await client.apply(change(harness, unknown, harness.values[0], None), once="unknown")


async def test_a_deleted_record_says_so(harness: Harness, client: Crm) -> None:
    (ref,) = await harness.seed(1)
    before = await client.get(ref)
    _, cursor = await walk(client)
    await harness.remove(ref)
    assert (await client.get(ref)).deleted
    assert [(record.ref, record.deleted) for record in (await walk(client, cursor))[0]] == [(ref, True)]
    answer = await client.apply(change(harness, ref, harness.values[0], before.version), once="late")
    assert isinstance(answer, Conflict)
    assert answer.current.deleted
    with pytest.raises(Refused):
        await client.apply(change(harness, ref, harness.values[0], None), once="later")


async def test_the_first_run_walks_everything(harness: Harness, client: Crm) -> None:
    refs = await harness.seed(7)
    records, cursor = await walk(client)
    assert set(refs) <= set(by_ref(records))
    assert (await walk(client, cursor))[0] == []


async def test_only_what_changed_comes_again(harness: Harness, client: Crm) -> None:
    refs = await harness.seed(4)
    _, cursor = await walk(client)
    for value in harness.values:
        await harness.native(refs[2], value)
    await harness.native(refs[0], harness.values[1])
    records, _ = await walk(client, cursor)
    assert [record.ref for record in records] == [refs[2], refs[0]], "in the order of their newest change"
    assert by_ref(records)[refs[2]].fields[harness.field].value == harness.values[2], "in its latest state"
    assert records[0].version > 1


async def test_a_run_is_resumed_at_any_cursor(harness: Harness, client: Crm) -> None:
    await harness.seed(5)
    whole = [(record.ref, cursor) async for record, cursor in client.changes("")]
    for position, (_, cursor) in enumerate(whole):
        rest = [record.ref for record in (await walk(harness.client(), cursor))[0]]
        assert rest == [ref for ref, _ in whole[position + 1 :]]


async def test_what_changes_during_a_run_is_never_lost(harness: Harness, client: Crm) -> None:
    refs = await harness.seed(6)
    seen: dict[RecordRef, Json] = {}
    cursor, touched = "", False
    for _ in range(2):
        async for record, position in client.changes(cursor):
            cursor = position
            held = record.fields.get(harness.field)
            seen[record.ref] = held.value if held else None
            if not touched:
                touched = True
                for ref in (refs[0], refs[5]):
                    await harness.native(ref, harness.values[2])
    assert seen[refs[0]] == seen[refs[5]] == harness.values[2]


async def test_apply_writes_and_names_the_version(harness: Harness, client: Crm) -> None:
    (ref,) = await harness.seed(1)
    before = await client.get(ref)
    answer = await client.apply(change(harness, ref, harness.values[0], before.version), once="w1")
    assert isinstance(answer, Applied)
    after = await client.get(ref)
    assert (after.version, after.fields[harness.field].value) == (answer.version, answer.rendered)
    assert after.version > before.version


async def test_apply_without_precondition_writes(harness: Harness, client: Crm) -> None:
    (ref,) = await harness.seed(1)
    assert isinstance(await client.apply(change(harness, ref, harness.values[1], None), once="w1"), Applied)


async def test_apply_shows_in_the_feed(harness: Harness, client: Crm) -> None:
    (ref,) = await harness.seed(1)
    _, cursor = await walk(client)
    answer = await client.apply(change(harness, ref, harness.values[0], None), once="w1")
    assert isinstance(answer, Applied)
    assert [(r.ref, r.version) for r in (await walk(client, cursor))[0]] == [(ref, answer.version)]


async def test_clearing_leaves_the_field_absent(harness: Harness, client: Crm) -> None:
    (ref,) = await harness.seed(1)
    await harness.native(ref, harness.values[0])
    assert isinstance(await client.apply(change(harness, ref, None, None), once="w1"), Applied)
    assert harness.field not in (await client.get(ref)).fields


async def test_a_moved_record_is_a_conflict_and_stays(harness: Harness, client: Crm) -> None:
    (ref,) = await harness.seed(1)
    before = await client.get(ref)
    await harness.native(ref, harness.values[1])
    answer = await client.apply(change(harness, ref, harness.values[2], before.version), once="w1")
    assert isinstance(answer, Conflict)
    assert answer.current == await client.get(ref)
    assert answer.current.fields[harness.field].value == harness.values[1]


async def test_the_same_once_answers_the_same_and_writes_nothing(harness: Harness, client: Crm) -> None:
    (ref,) = await harness.seed(1)
    before = await client.get(ref)
    asked = change(harness, ref, harness.values[0], before.version)
    first = await client.apply(asked, once="w1")
    await harness.native(ref, harness.values[1])
    between = await client.get(ref)
    assert await harness.client().apply(asked, once="w1") == first
    assert await client.get(ref) == between


async def test_a_conflict_is_answered_again_too(harness: Harness, client: Crm) -> None:
    (ref,) = await harness.seed(1)
    before = await client.get(ref)
    await harness.native(ref, harness.values[1])
    asked = change(harness, ref, harness.values[2], before.version)
    assert isinstance(await client.apply(asked, once="w1"), Conflict)
    assert isinstance(await client.apply(asked, once="w1"), Conflict)


async def test_of_eight_writers_with_one_version_one_wins(harness: Harness, client: Crm) -> None:
    if not harness.concurrent:
        pytest.skip("this CRM has no precondition of its own: its page gives the measured window")
    (ref,) = await harness.seed(1)
    clients = [harness.client() for _ in range(8)]
    for round_ in range(5):
        version = (await client.get(ref)).version
        asked = change(harness, ref, harness.values[round_ % 3], version)
        answers = await asyncio.gather(*(c.apply(asked, once=f"{round_}/{n}") for n, c in enumerate(clients)))
        assert sum(isinstance(answer, Applied) for answer in answers) == 1
        assert {a.current.version for a in answers if isinstance(a, Conflict)} == {(await client.get(ref)).version}


async def test_eight_deliveries_of_one_write_are_one_write(harness: Harness, client: Crm) -> None:
    (ref,) = await harness.seed(1)
    version = (await client.get(ref)).version
    asked = change(harness, ref, harness.values[0], version)
    answers = await asyncio.gather(*(harness.client().apply(asked, once="w1") for _ in range(8)))
    assert {type(answer) for answer in answers} == {Applied}
    assert len(set(answers)) == 1


async def test_a_tired_crm_is_tried_again(harness: Harness) -> None:
    (ref,) = await harness.seed(1)
    async with harness.tired(7.0) as client:
        with pytest.raises(Retry) as caught:
            await client.apply(change(harness, ref, harness.values[0], None), once="w1")
    assert caught.value.after == 7.0 if harness.remote else caught.value.after > 0
    answer = await harness.client().apply(change(harness, ref, harness.values[0], None), once="w1")
    assert isinstance(answer, Applied), "what was not taken then is taken now, under the same key"


async def test_a_crm_that_locks_us_out_tells_a_person(harness: Harness) -> None:
    (ref,) = await harness.seed(1)
    async with harness.locked_out() as client:
        with pytest.raises(Refused) as caught:
            await client.apply(change(harness, ref, harness.values[0], None), once="w1")
    assert not harness.remote or "reconnect" in caught.value.say.lower()
    assert harness.field not in (await harness.client().get(ref)).fields
