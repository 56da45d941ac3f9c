"""What the contract does not ask: versions of every kind, and what a database does badly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from pydantic import ValidationError

from crm.model import GATEWAY, Applied, Change, Conflict, CursorLost, RecordRef
from crm.once import Desk
from crm.sql import Config, Crm
from gateway.errors import Refused, Retry
from tests.crm.contract import walk
from tests.crm.sql.harness import OnPostgresql, OnSqlite


@pytest_asyncio.fixture
async def table(tmp_path: Path) -> AsyncIterator[OnSqlite]:
    opened = OnSqlite(tmp_path)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def timed() -> AsyncIterator[OnPostgresql]:
    opened = OnPostgresql()
    yield opened
    await opened.close()


def config(**more: Any) -> Config:
    return Config.model_validate({"database": "sqlite:///x.db", "table": "t", "id": "id", "title": "name", **more})


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"database": "nonsense"}, "write a database's address"),
        ({"database": "postgresql://me:secret@host/db"}, "never in the address"),
        ({"database": "oracle://me@host/db"}, "is not installed"),
        ({"database": "nosuchdb://me@host/db"}, "no driver is known"),
        ({"zone": "Mars"}, "an IANA name"),
        ({"version": "v", "fields": {"phone": "v"}}, "'v' is not for people"),
    ],
)
def test_settings_that_cannot_work(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says) as caught:
        config(**settings)
    assert "secret" not in str(caught.value.errors(include_input=False, include_url=False))


async def test_eight_writers_of_eight_processes_lose_nothing(timed: OnPostgresql) -> None:
    (ref,) = await timed.seed(1)
    clients, acknowledged = [timed.client() for _ in range(8)], []
    for client in clients:
        client.desk = Desk()  # none knows of what another is about to write

    async def write(number: int, client: Crm, round_: int) -> None:
        before = await client.get(ref)
        value = f"+86 {round_}{number}"
        answer = await client.apply(Change(ref, "phone", value, before.version), once=value)
        if isinstance(answer, Applied):
            acknowledged.append((before.version, answer.version))

    for round_ in range(4):
        await asyncio.gather(*(write(number, client, round_) for number, client in enumerate(clients)))
    assert len(acknowledged) >= 4
    assert all(after == before + 1 for before, after in acknowledged)
    assert len({after for _, after in acknowledged}) == len(acknowledged), "each stands on the one before it"
    assert (await clients[0].get(ref)).version == 1 + len(acknowledged)


async def test_a_time_is_a_version_and_we_raise_it(timed: OnPostgresql) -> None:
    await timed.sql("DROP TRIGGER raised ON customer")
    (ref,) = await timed.seed(1)
    client = timed.client(version="", raised_by="us")
    before = await client.get(ref)
    answer = await client.apply(Change(ref, "phone", "+86 1", before.version), once="w1")
    assert isinstance(answer, Applied) and answer.version > before.version
    stale = await client.apply(Change(ref, "phone", "+86 2", before.version), once="w2")
    assert isinstance(stale, Conflict) and stale.current.version == answer.version


async def test_who_wrote_is_told_by_a_column(table: OnSqlite) -> None:
    await table.sql("ALTER TABLE customer ADD COLUMN editor text")
    (ref,) = await table.seed(1)
    client = table.client(modified_by="editor")
    assert isinstance(await client.apply(Change(ref, "phone", "+86 1", None), once="w1"), Applied)
    assert (await client.get(ref)).modified_by == GATEWAY


async def test_a_view_is_read_and_its_table_written(timed: OnPostgresql) -> None:
    await timed.sql("CREATE VIEW card AS SELECT c.*, upper(c.name) AS loud FROM customer c WHERE NOT gone")
    (ref,) = await timed.seed(1)
    client = timed.client(table="sales.card", writes_to="sales.customer", title="loud")
    before = await client.get(ref)
    answer = await client.apply(Change(ref, "phone", "+86 1", before.version), once="w1")
    assert isinstance(answer, Applied)
    after = await client.get(ref)
    assert (after.title, after.fields["phone"].value) == (f"MADE-UP {ref.id}", "+86 1")


async def test_what_becomes_visible_late_is_found_by_looking_back(timed: OnPostgresql) -> None:
    slow, quick = await timed.seed(2)
    client = timed.client(look_back=120)
    _, cursor = await walk(client)
    where = f"host={timed.server.folder} port={timed.server.port} user=postgres dbname={timed.name}"
    with psycopg.connect(where) as held:
        held.execute("UPDATE sales.customer SET name = 'Late' WHERE id = %s", [int(slow.id)])
        await timed.native(quick, "+86 1")
        records, cursor = await walk(client, cursor)
        assert [each.ref for each in records] == [quick]
    records, cursor = await walk(client, cursor)
    assert [(each.ref, each.title) for each in records] == [(slow, "Late")]
    assert (await walk(client, cursor))[0] == []


async def test_of_rows_with_one_time_none_is_passed_over_when_a_walk_is_thrown_away(timed: OnPostgresql) -> None:
    await timed.seed(2)
    client = timed.client(look_back=60)
    _, cursor = await walk(client)
    refs = await timed.seed(5)
    for _ in range(3):
        records, _ = await walk(client, cursor)
        assert [each.ref for each in records] == refs
    half = [position async for _, position in client.changes(cursor)][2]
    records, behind = await walk(client, half)
    assert [each.ref for each in records] == refs[3:]
    assert (await walk(client, behind))[0] == []


async def test_what_became_visible_late_comes_until_it_was_taken(timed: OnPostgresql) -> None:
    slow, quick = await timed.seed(2)
    client = timed.client(look_back=60)
    _, cursor = await walk(client)
    where = f"host={timed.server.folder} port={timed.server.port} user=postgres dbname={timed.name}"
    with psycopg.connect(where) as held:
        held.execute("UPDATE sales.customer SET name = 'Late' WHERE id = %s", [int(slow.id)])
        await timed.native(quick, "+86 1")
        _, cursor = await walk(client, cursor)
        assert (await walk(client, cursor))[0] == []
    for _ in range(3):
        records, behind = await walk(client, cursor)
        assert [(each.ref, each.title) for each in records] == [(slow, "Late")]
    assert behind != cursor, "or nobody could tell that it was taken"
    assert (await walk(client, behind))[0] == []


async def test_of_what_is_looked_back_on_no_more_is_kept_than_that(timed: OnPostgresql) -> None:
    await timed.seed(40)
    client = timed.client(look_back=60)
    await timed.sql("ALTER TABLE customer DISABLE TRIGGER raised")
    await timed.sql("UPDATE customer SET changed_at = now() - id * interval '1 hour'")
    _, cursor = await walk(client)
    assert (await walk(client, cursor))[0] == []
    assert len(client._given._given) == 0 and len(client._given._taken) == 1


async def test_rows_without_a_time_come_first_and_once(timed: OnPostgresql) -> None:
    await timed.sql("ALTER TABLE customer ALTER changed_at DROP NOT NULL, ALTER changed_at DROP DEFAULT")
    refs = await timed.seed(9)
    await timed.native(refs[0], "+86 1")
    records, cursor = await walk(timed.client())
    assert [each.ref for each in records] == [*refs[1:], refs[0]]
    assert (await walk(timed.client(), cursor))[0] == []


async def test_a_column_that_vanished_is_told_and_nothing_is_cleared(table: OnSqlite) -> None:
    (ref,) = await table.seed(1)
    client = table.client()
    await client.get(ref)
    await table.sql("ALTER TABLE customer RENAME COLUMN tel TO phone")
    for asked in (client.get(ref), walk(client)):
        with pytest.raises(Refused) as caught:
            await asked
        assert "tel" in str(caught.value.facts["field"])
    with pytest.raises(Refused) as caught:
        await table.client().get(ref)
    assert caught.value.facts == {"field": "tel"}


async def test_a_table_that_vanished_is_told(timed: OnPostgresql) -> None:
    (ref,) = await timed.seed(1)
    client = timed.client()
    await client.get(ref)
    await timed.sql("DROP TABLE customer")
    for asked in (client, timed.client()):
        with pytest.raises(Refused, match="no longer has the field"):
            await asked.get(ref)


async def test_too_many_at_once_are_not_taken_for_deleted(table: OnSqlite) -> None:
    """A right that went, or a view whose condition broke, looks like an empty table."""
    refs = await table.seed(30)
    client = table.client()
    _, cursor = await walk(client)
    await table.sql("DELETE FROM customer WHERE id > 5")
    with pytest.raises(Refused) as caught:
        await walk(client, cursor)
    assert caught.value.facts == {"count": 25, "known": 30}
    for ref in refs[5:]:
        await table.sql("INSERT INTO customer (id, name, class) VALUES (?, ?, 'A')", int(ref.id), f"Made-up {ref.id}")
    assert (await walk(client, cursor))[0] == []


async def test_a_choice_nobody_knows_and_a_number_as_text(table: OnSqlite) -> None:
    (ref,) = await table.seed(1)
    await table.sql("UPDATE customer SET class = 'no-such-option', budget = NULL")
    await table.sql("ALTER TABLE customer ADD COLUMN worth text")
    await table.sql("UPDATE customer SET worth = '480,000.50'")
    worth = {"worth": {"theirs": "worth", "type": "decimal"}}
    client = table.client(fields={**worth, "tier": {"theirs": "class", "type": "choice", "options": {"key": "A"}}})
    found = (await client.get(ref)).fields
    assert (found["tier"].value, found["worth"].value) == ("no-such-option", "480000.50")


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("phone", "+86 " + "1" * 50, "at most {limit} characters"),
        ("amount", "much", "is not a number"),
        ("tier", "platinum", "is not one of"),
        ("amount", "1" * 18, "The CRM {crm} refused"),
        ("nothing", "1", "has no field called"),
    ],
)
async def test_what_the_table_does_not_take_is_refused(timed: OnPostgresql, field: str, value: str, says: str) -> None:
    (ref,) = await timed.seed(1)
    client = timed.client()
    before = await client.get(ref)
    with pytest.raises(Refused) as caught:
        await client.apply(Change(ref, field, value, None), once="w1")
    assert says in caught.value.say
    assert await client.get(ref) == before


async def test_a_memory_that_was_lost_reads_anew_and_never_goes_back(table: OnSqlite, tmp_path: Path) -> None:
    (ref,) = await table.seed(1)
    client = table.client()
    records, cursor = await walk(client)
    other = table.client(state=f"sqlite:///{tmp_path / 'another.db'}")
    with pytest.raises(CursorLost):
        await walk(other, cursor)
    anew, _ = await walk(other)
    assert [each.ref for each in anew] == [ref]
    assert anew[0].version > records[0].version


async def test_hostile_keys_and_values_are_nothing_but_text(timed: OnPostgresql) -> None:
    (ref,) = await timed.seed(1)
    client = timed.client()
    for id_ in ("1; DROP TABLE customer", "1' OR '1'='1", "\x00", "\ud800", "", "9" * 40, "-"):
        with pytest.raises(Refused):
            await client.get(RecordRef("erp", "account", id_))
    for number, text in enumerate(["'; DROP TABLE sales.customer; --1", "\u202e1", "1\x00\ud800"]):
        answer = await client.apply(Change(ref, "phone", text, None), once=f"h{number}")
        assert isinstance(answer, Applied)
        assert (await client.get(ref)).fields["phone"].value == answer.rendered


async def test_a_database_that_is_not_there_is_tried_again(timed: OnPostgresql) -> None:
    client = timed.client(database="postgresql://me@127.0.0.1:1/nothing")
    for asked in (walk(client), client.get(RecordRef("erp", "account", "1"))):
        with pytest.raises(Retry):
            await asked


async def test_a_password_that_is_wrong_tells_a_person(timed: OnPostgresql) -> None:
    address = timed.server.by_network(timed.name, "app", "wrong").replace(":wrong@", "@")
    client = timed.client(database=address, password="not this one")
    with pytest.raises(Refused, match="reconnect"):
        await walk(client)


async def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("not a database at all, but long enough to be looked at" * 20)
    client = Crm("erp", config(database=f"sqlite:///{tmp_path / 'x.db'}", state=f"sqlite:///{tmp_path / 's.db'}"))
    try:
        with pytest.raises(Refused):
            await walk(client)
    finally:
        await client.close()


@pytest.mark.parametrize("modified", ["", "moved"])
async def test_keys_with_blanks_and_of_nineteen_digits_are_read_past(tmp_path: Path, modified: str) -> None:
    """A `char(8)` key comes padded, a snowflake has nineteen digits: neither ends the walk or turns it in a ring."""
    for type_, keys in (
        ("text", [f"K{n:02}   " for n in range(9)]),
        ("bigint", [1234567890123456789 + n for n in range(9)]),
        ("numeric(19,0)", [-n for n in range(9)]),
    ):
        opened = OnSqlite(tmp_path)
        await opened.sql("DROP TABLE customer")
        await opened.sql(
            f"CREATE TABLE customer (id {type_} PRIMARY KEY, name text, tel text, budget text, class text, moved int)"
        )
        for key in keys:
            await opened.sql("INSERT INTO customer VALUES (?, 'Made up', NULL, NULL, 'A', 7)", key)
        client = opened.client(state=f"sqlite:///{tmp_path / type_[:4]}{modified}.db", modified=modified)
        found = []
        async for record, _ in client.changes(""):
            found.append(record.ref)
            assert len(found) <= len(keys), "read in a ring"
        assert {each.id for each in found} == {str(key) for key in keys}
        assert (await client.get(found[0])).ref == found[0]
        assert isinstance(await client.apply(Change(found[0], "phone", "+86 1", None), once=type_), Applied)
        assert not client._given._given, "a number is not looked back on, so nothing is kept of it"
        await opened.close()
        opened.path.unlink()


@pytest.mark.parametrize("id_", ["--5", "5-", "-", "9223372036854775808", "²", "1.5.2", "nan"])
async def test_a_key_that_is_none_is_nobodys(table: OnSqlite, id_: str) -> None:
    with pytest.raises(Refused):
        await table.client().get(RecordRef("erp", "account", id_))


async def test_a_row_of_a_view_that_the_table_does_not_hold_is_refused_and_not_tried_for_ever(table: OnSqlite) -> None:
    await table.sql("CREATE TABLE other (id integer PRIMARY KEY, tel text)")
    (ref,) = await table.seed(1)
    client = table.client(writes_to="other")
    for precondition in (None, (await client.get(ref)).version):
        with pytest.raises(Refused, match="refused"):
            await client.apply(Change(ref, "phone", "+86 1", precondition), once=f"w{precondition}")
