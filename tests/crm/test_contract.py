"""What every CRM connector promises, asked of each of them through its harness."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import cast

import pytest
import pytest_asyncio

from crm.model import Absent, Applied, Change, Conflict, Counts, Crm, Record, RecordRef
from crm.registry import load
from gateway.errors import Refused, Retry
from reconcile.model import Json
from tests.crm.contract import Bad, Harness, asked, by_ref, connectors, opener, walk


@pytest_asyncio.fixture(params=asked())
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
        with pytest.raises(Absent):
            await client.get(unknown)
        with pytest.raises(Absent):
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
    told = [record.ref for record in records]
    if getattr(harness, "ordered", True):  # a table that tells no time tells no order either
        assert told == [refs[2], refs[0]], "in the order of their newest change"
    assert sorted(told) == sorted([refs[2], refs[0]])
    assert by_ref(records)[refs[2]].fields[harness.field].value == harness.values[2], "in its latest state"
    assert all(record.version > 1 for record in records)


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


def told(records: list[Record]) -> list[tuple[RecordRef, int, bool]]:
    return [(record.ref, record.version, record.deleted) for record in records]


async def followed(harness: Harness, client: Crm) -> str:
    """A cursor behind the first walk, from which changes are followed."""
    (ref,) = await harness.seed(1)
    first, _ = await walk(client)
    again, cursor = await walk(client)
    assert told(first) == told(again)
    await harness.native(ref, harness.values[0])
    return (await walk(client, cursor))[1]


async def test_a_walk_that_was_thrown_away_is_walked_again(harness: Harness) -> None:
    """What was given is not taken: that says only the cursor at which the next walk begins."""
    client = harness.usual()
    altered, removed = await harness.seed(2)
    cursor = await followed(harness, client)
    assert (await walk(client, cursor))[0] == []
    made = await harness.seed(harness.page + 2)
    await harness.native(altered, harness.values[1])
    await harness.remove(removed)
    first, _ = await walk(client, cursor)
    assert {altered, removed, *made} <= set(by_ref(first))
    async with contextlib.aclosing(cast("AsyncGenerator[tuple[Record, str]]", client.changes(cursor))) as broken:
        await anext(broken)
    for _ in range(2):
        again, behind = await walk(client, cursor)
        assert told(again) == told(first)
    assert (await walk(client, behind))[0] == []


@pytest.mark.parametrize("taken", [1, 3, 5])
async def test_of_a_walk_that_broke_off_all_that_was_not_taken_comes_again(harness: Harness, taken: int) -> None:
    client = harness.usual()
    cursor = await followed(harness, client)
    await harness.seed(5)
    whole = [(record.ref, position) async for record, position in client.changes(cursor)]
    rest, behind = await walk(client, whole[taken - 1][1])
    assert [record.ref for record in rest] == [ref for ref, _ in whole[taken:]]
    assert (await walk(client, behind))[0] == []


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


async def test_clearing_leaves_the_field_empty(harness: Harness, client: Crm) -> None:
    (ref,) = await harness.seed(1)
    await harness.native(ref, harness.values[0])
    assert isinstance(await client.apply(change(harness, ref, None, None), once="w1"), Applied)
    held = (await client.get(ref)).fields.get(harness.field)
    assert held is None or held.value is None


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
        return  # this CRM has no precondition of its own: its page gives the measured window
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
    held = (await harness.client().get(ref)).fields.get(harness.field)
    assert held is None or held.value is None


# -- the first run, page by page


async def test_a_first_run_goes_over_many_pages(harness: Harness, client: Crm) -> None:
    refs = await harness.seed(2 * harness.page + 1)
    assert set(refs) <= set(by_ref((await walk(client))[0])), "each of them, once"


async def test_it_is_known_how_many_a_first_run_walks(harness: Harness, client: Crm) -> None:
    if not isinstance(client, Counts):
        return  # this CRM cannot be asked
    await harness.seed(harness.page + 1)
    assert await client.count() == len((await walk(client))[0])


async def test_a_first_run_that_broke_off_goes_on_where_it_was(harness: Harness, client: Crm) -> None:
    refs = await harness.seed(2 * harness.page + 1)
    seen: dict[RecordRef, str] = {}
    async with contextlib.aclosing(cast("AsyncGenerator[tuple[Record, str]]", client.changes(""))) as feed:
        async for record, cursor in feed:
            seen[record.ref] = cursor
            if len(seen) > harness.page:
                break
    rest, _ = await walk(harness.client(), list(seen.values())[-1])
    assert not set(by_ref(rest)) & set(seen), "nothing is read twice"
    assert set(refs) <= set(by_ref(rest)) | set(seen), "and nothing is left out"


# -- what it answers is not what it should


# Where a CRM cannot answer like that there is nothing to ask: `answering` is None.


@pytest.mark.parametrize("bad", ["a page", "half an answer"])
async def test_what_is_no_answer_is_asked_again(harness: Harness, client: Crm, bad: Bad) -> None:
    """Never an empty feed, never a deleted record, never a write taken for done."""
    (ref,) = await harness.seed(1)
    before = await client.get(ref)
    if (answering := harness.answering(bad)) is None:
        return
    async with answering as spoiled:
        with pytest.raises(Retry):
            await spoiled.get(ref)
        with pytest.raises(Retry):
            await walk(spoiled)
        with pytest.raises(Retry):
            await spoiled.apply(change(harness, ref, harness.values[0], before.version), once="w1")
    answer = await client.apply(change(harness, ref, harness.values[0], before.version), once="w1")
    # Whether it was taken the first time is not known to anybody; it stands there once.
    assert isinstance(answer, Applied | Conflict)
    held = (await client.get(ref)).fields.get(harness.field)
    assert isinstance(answer, Conflict) or (held is not None and held.value == answer.rendered)


async def test_an_error_inside_a_good_answer_is_one(harness: Harness, client: Crm) -> None:
    (ref,) = await harness.seed(1)
    before = await client.get(ref)
    if (answering := harness.answering("an error inside")) is None:
        return
    async with answering as spoiled:
        with pytest.raises((Retry, Refused)):
            await spoiled.get(ref)
        with pytest.raises((Retry, Refused)):
            await walk(spoiled)
        with pytest.raises((Retry, Refused)):
            await spoiled.apply(change(harness, ref, harness.values[0], before.version), once="w1")


async def test_what_comes_twice_is_one_record(harness: Harness) -> None:
    refs = await harness.seed(harness.page + 1)
    if (answering := harness.answering("twice")) is None:
        return
    async with answering as spoiled:
        assert set(refs) <= set(by_ref((await walk(spoiled))[0]))


async def test_a_field_that_vanished_is_told_and_nothing_is_cleared(harness: Harness, client: Crm) -> None:
    (ref,) = await harness.seed(1)
    await harness.native(ref, harness.values[0])
    if (answering := harness.answering("a field gone")) is None:
        return
    async with answering as spoiled:
        with pytest.raises(Refused) as caught:
            await spoiled.get(ref)
        assert "field" in caught.value.facts, "which one is told"
        with pytest.raises(Refused):
            await walk(spoiled)
    assert (await client.get(ref)).fields[harness.field].value == harness.values[0]


async def test_a_choice_nobody_knows_is_kept_as_it_is_spelled(harness: Harness) -> None:
    (ref,) = await harness.seed(1)
    if (answering := harness.answering("a strange choice")) is None:
        return
    async with answering as spoiled:
        record = await spoiled.get(ref)
        assert harness.choice is not None
        assert record.fields[harness.choice].value == "no-such-option"
        assert ref in by_ref((await walk(spoiled))[0])


async def test_a_number_as_text_is_a_number(harness: Harness) -> None:
    (ref,) = await harness.seed(1)
    if (answering := harness.answering("a number as text")) is None:
        return
    async with answering as spoiled:
        assert harness.number is not None
        assert (await spoiled.get(ref)).fields[harness.number].value == "480000.50"


@pytest.mark.parametrize("cursor", ["no cursor of ours", "\x00", "99999999999999999999"])
async def test_a_cursor_nobody_gave_is_refused(harness: Harness, client: Crm, cursor: str) -> None:
    """Never taken for *nothing new*. One the CRM itself forgot is `CursorLost`, and the feed is read from its start."""
    await harness.seed(1)
    with pytest.raises(Refused):
        await walk(client, cursor)
