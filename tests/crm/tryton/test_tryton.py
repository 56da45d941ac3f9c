"""What the contract does not ask: Tryton's own ways, against the real server."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from crm.model import GATEWAY, Applied, Change, Conflict, CursorLost, RecordRef
from crm.once import Desk
from crm.tryton import Crm
from crm.tryton.config import OPPORTUNITY, PARTY
from gateway.errors import Refused, Retry, Unsure
from tests.crm.between import between
from tests.crm.contract import walk
from tests.crm.tryton.harness import EMPLOYEE, OURSELVES, TrytonHarness
from tests.crm.tryton.server import DATABASE, tryton

pytestmark = [pytest.mark.alone, pytest.mark.timeout(600)]
ROUNDS = 40 if os.environ.get("FLOATCARD_SOAK") == "1" else 3


@pytest_asyncio.fixture
async def there() -> AsyncIterator[TrytonHarness]:
    opened = TrytonHarness(tryton())
    try:
        opened.server.postgresql.run("DELETE FROM sale_opportunity", DATABASE)  # its window asks that each be cancelled
        await opened.empty()
        yield opened
    finally:
        await opened.close()


async def a_company(there: TrytonHarness) -> dict[str, Any]:
    """An opportunity needs a company with an employee, and our account has to work in it. Made once."""
    server = there.desk.server
    found = await server.search("company.employee", [["party.name", "=", EMPLOYEE]], ["company", "company.currency"])
    if not found:
        yuan = {"name": "Yuan", "code": "CNY", "symbol": "¥"}
        (currency,) = await there.call("model.currency.currency.create", [yuan])
        parties = await there.call(f"model.{PARTY}.create", [{"name": OURSELVES}, {"name": EMPLOYEE}])
        (company,) = await there.call("model.company.company.create", [{"party": parties[0], "currency": currency}])
        users = [row["id"] for row in await server.search("res.user", [["login", "=", "admin"]], ["id"])]
        await there.call("model.res.user.write", users, {"companies": [["add", [company]]], "company": company})
        await there.call("model.company.employee.create", [{"party": parties[1], "company": company}])
        return await a_company(there)
    company, employee = found[0]["company"], found[0]["id"]
    return {"company": company, "currency": found[0]["company."]["currency"], "employee": employee}


async def a_deal(there: TrytonHarness, party: RecordRef) -> RecordRef:
    deal = {
        **await a_company(there),
        "party": int(party.id),
        "description": "Pumps",
        "amount": Decimal("100"),
        "conversion_probability": 0.5,
        "start_date": datetime(2026, 11, 1, tzinfo=UTC).date(),
    }
    seller = there.client()  # one that knows of the company
    (made,) = await seller.server.call(f"model.{OPPORTUNITY}.create", [deal])
    there.desk = seller
    return RecordRef("erp", "opportunity", str(made))


def writers(there: TrytonHarness, count: int) -> list[Crm]:
    """As in so many processes: none knows of what another is about to write."""
    clients = [there.client() for _ in range(count)]
    for client in clients:
        client.desk = Desk()
    return clients


async def test_eight_writers_lose_nothing(there: TrytonHarness) -> None:
    """Every write that was acknowledged is in Tryton's own history once, and each stands on the one before it."""
    (party,) = await there.seed(1)
    ref = await a_deal(there, party)
    clients, acknowledged = writers(there, 8), []

    async def write(number: int, client: Crm, round_: int) -> None:
        before = await client.get(ref)
        value = f"{round_}/{number}"
        try:
            answer = await client.apply(Change(ref, "description", value, before.version), once=value)
        except Retry as tired:
            assert not isinstance(tired, Unsure), "a write whose end is unknown would need a look of its own"
            return
        if isinstance(answer, Applied):
            acknowledged.append(value)

    for round_ in range(ROUNDS):
        await asyncio.gather(*(write(number, client, round_) for number, client in enumerate(clients)))
    told = [each.value for each in await there.desk.history(ref) if each.field == "description"]
    assert Counter(told) == Counter(["Pumps", *acknowledged])
    assert len(acknowledged) >= ROUNDS, "each round somebody was first"
    final = (await there.desk.get(ref)).fields["description"].value
    assert final == told[-1] and final in acknowledged


async def test_of_writers_with_one_version_one_wins_in_every_round(there: TrytonHarness) -> None:
    (ref,) = await there.seed(1)
    await there.native(ref, "+86 1")
    clients = writers(there, 8)
    for round_ in range(ROUNDS):
        version = (await there.desk.get(ref)).version
        asked = [Change(ref, "phone", f"+86 {round_}{n}", version) for n in range(8)]
        answers = await asyncio.gather(
            *(c.apply(each, once=f"{round_}/{n}") for n, (c, each) in enumerate(zip(clients, asked, strict=True))),
            return_exceptions=True,
        )
        won = [n for n, answer in enumerate(answers) if isinstance(answer, Applied)]
        assert len(won) == 1, answers
        assert all(isinstance(answer, Applied | Conflict | Retry) for answer in answers), answers
        assert (await there.desk.get(ref)).fields["phone"].value == f"+86 {round_}{won[0]}"


async def test_what_is_on_a_party_moves_its_version_too(there: TrytonHarness) -> None:
    """Somebody edits the phone in the list of contact mechanisms, and never opens the party."""
    (ref,) = await there.seed(1)
    await there.native(ref, "+86 1")
    before, cursor = await there.desk.get(ref), (await walk(there.desk))[1]
    party = await there.desk._raw_party(int(ref.id))
    assert party is not None
    phone = party["contact_mechanisms."][0]["id"]
    await there.call("model.party.contact_mechanism.write", [phone], {"value": "+86 2"})
    answer = await there.desk.apply(Change(ref, "phone", "+86 3", before.version), once="late")
    assert isinstance(answer, Conflict)
    assert answer.current.fields["phone"].value == "+86 2"
    assert [record.ref for record in (await walk(there.desk, cursor))[0]] == [ref]


async def test_a_deletion_is_told_by_the_log_alone(there: TrytonHarness) -> None:
    refs = await there.seed(13)
    _, cursor = await walk(there.desk)
    await there.call(f"model.{PARTY}.delete", [int(refs[11].id)])
    assert [(each.ref, each.deleted) for each in (await walk(there.desk, cursor))[0]] == [(refs[11], True)]
    assert (await there.desk.get(refs[11])).deleted
    blind = there.client(deletions=False)
    assert (await walk(blind, cursor))[0] == []
    with pytest.raises(Refused):
        await blind.get(refs[11])


async def test_one_that_was_merged_away_says_into_which(there: TrytonHarness) -> None:
    kept, gone = await there.seed(2)
    # what is named otherwise Tryton asks about first
    await there.call(f"model.{PARTY}.write", [int(kept.id), int(gone.id)], {"name": "Made-up"})
    _, cursor = await walk(there.desk)
    session, *_ = await there.call("wizard.party.replace.create")
    ask = {"source": int(gone.id), "destination": int(kept.id)}
    await there.call("wizard.party.replace.execute", session, {"ask": ask}, "replace")
    told = [(each.ref, each.deleted, each.merged_into) for each in (await walk(there.desk, cursor))[0]]
    assert told == [(gone, True, kept.id)]


async def test_who_was_deleted_before_we_came_is_nobody(there: TrytonHarness) -> None:
    refs = await there.seed(2)
    await there.call(f"model.{PARTY}.delete", [int(refs[0].id)])
    told = [each.ref for each in (await walk(there.desk))[0]]
    assert refs[1] in told and refs[0] not in told


async def test_a_note_is_written_once_and_moves_the_feed(there: TrytonHarness) -> None:
    (ref,) = await there.seed(1)
    _, cursor = await walk(there.desk)
    item = await there.desk.add_note(ref, "<b>Call</b> back\x00", "li.ting", once="n1")
    assert await there.client().add_note(ref, "<b>Call</b> back\x00", "li.ting", once="n1") == item
    records, _ = await walk(there.desk, cursor)
    assert [each.related["note"] for each in records] == [(item,)]
    assert item.text == "li.ting: <b>Call</b> back�"


@pytest.mark.parametrize("call", [b"ir.note.create", b"ir.note.search_read"])
async def test_a_note_in_doubt_is_looked_for(there: TrytonHarness, call: bytes) -> None:
    """Its answer was lost, or what it became could not be read."""
    (ref,) = await there.seed(1)
    async with between(there.server.url) as proxy:
        client = there.client(proxy.url)
        await client.get(ref)
        proxy.spoil = lambda request, said: (502, {}, b"") if call in proxy.asked[-1][2] else said
        with pytest.raises(Unsure):
            await client.add_note(ref, "once", "", once="n1")
        proxy.spoil = None
        await client.add_note(ref, "once", "", once="n1")
        await client.close()
    assert [each.text for each in (await there.desk.get(ref)).related["note"]] == ["once"]


async def test_a_write_in_doubt_is_looked_for(there: TrytonHarness) -> None:
    (ref,) = await there.seed(1)
    async with between(there.server.url) as proxy:
        client = there.client(proxy.url)
        before = await client.get(ref)
        asked = Change(ref, "phone", "+86 9", before.version)
        proxy.spoil = lambda request, said: (502, {}, b"") if b"party.write" in proxy.asked[-1][2] else said
        with pytest.raises(Unsure):
            await client.apply(asked, once="w1")
        proxy.spoil = None
        answer = await client.apply(asked, once="w1")
        await client.close()
    assert isinstance(answer, Applied)
    assert answer.version == (await there.desk.get(ref)).version


async def test_opportunities_are_open_items_and_records_with_a_history(there: TrytonHarness) -> None:
    (party,) = await there.seed(1)
    ref = await a_deal(there, party)
    item = (await there.desk.get(party)).related["open_item"][0]
    assert "Pumps" in item.text
    record = await there.desk.get(ref)
    assert {name: each.value for name, each in record.fields.items()} == {
        "description": "Pumps",
        "amount": "100",
        "probability": "0.5",
        "stage": "lead",
        "closes": None,
    }
    answer = await there.desk.apply(Change(ref, "amount", "80,000.50", record.version), once="a1")
    assert isinstance(answer, Applied)
    answer = await there.desk.apply(Change(ref, "closes", "2026-12-01", answer.version), once="a2")
    assert isinstance(answer, Applied)
    told = await there.desk.history(ref)
    assert [each.value for each in told if each.field == "amount"] == ["100", "80000.50"]
    assert told[-1].version == answer.version
    assert await there.desk.history(party) == ()
    assert [each.ref for each in (await walk(there.desk))[0]].count(party) == 1
    with pytest.raises(Refused, match="only read"):
        await there.desk.apply(Change(ref, "stage", "won", answer.version), once="a3")


async def test_a_session_that_ended_is_begun_anew(there: TrytonHarness) -> None:
    (ref,) = await there.seed(1)
    before = await there.desk.get(ref)
    there.server.postgresql.run("DELETE FROM ir_session", DATABASE)
    answers = await asyncio.gather(*(there.desk.get(ref) for _ in range(4)))
    assert set(map(repr, answers)) == {repr(before)}


async def test_a_password_that_is_wrong_tells_a_person(there: TrytonHarness) -> None:
    client = there.client(password="not this one")
    with pytest.raises(Refused, match="reconnect"):
        await walk(client)


async def test_what_we_wrote_is_known_as_ours(there: TrytonHarness) -> None:
    """With an account of its own: here the desk has the same, so the user is changed in the database."""
    (ref,) = await there.seed(1)
    answer = await there.desk.apply(Change(ref, "city", "苏州", None), once="w1")
    assert isinstance(answer, Applied)
    assert (await there.desk.get(ref)).modified_by == GATEWAY
    there.server.postgresql.run("UPDATE party_address SET write_uid = 0", DATABASE)
    there.server.postgresql.run("UPDATE party_party SET write_uid = 0", DATABASE)
    fresh = there.client()
    assert (await fresh.get(ref)).modified_by == "Root"


async def test_the_server_refuses_in_its_own_words(there: TrytonHarness) -> None:
    (ref,) = await there.seed(1)
    client = there.client(fields={"number": "code"})
    with pytest.raises(Refused) as caught:
        await client.apply(Change(ref, "number", "7", None), once="w1")
    assert "Code" in str(caught.value.facts["words"])


async def test_a_field_it_does_not_have_is_named(there: TrytonHarness) -> None:
    (ref,) = await there.seed(1)
    client = there.client(fields={"fax": "telefax"})
    for asked in (client.get(ref), walk(client)):
        with pytest.raises(Refused) as caught:
            await asked
        assert caught.value.facts == {"field": "telefax"}
    offered = await client.describe("account")
    assert client.config.mapping.unfit(offered) == [("fields.fax.theirs", "the CRM has no field 'telefax'")]


async def test_the_mapping_of_the_tests_fits(there: TrytonHarness) -> None:
    assert there.desk.config.mapping.unfit(await there.desk.describe("account")) == []
    usual = there.client(fields={})
    assert usual.config.mapping.unfit(await usual.describe("account")) == []
    assert usual.config.opportunity_mapping.unfit(await usual.describe("opportunity")) == []


async def test_hostile_text_goes_there_and_back(there: TrytonHarness) -> None:
    (ref,) = await there.seed(1)
    for number, text in enumerate(["<script>alert(1)</script>", "<!channel> *bold*", "\u202etxt.exe", "😀" * 500]):
        answer = await there.desk.apply(Change(ref, "city", text, None), once=f"h{number}")
        assert isinstance(answer, Applied)
        assert (await there.desk.get(ref)).fields["city"].value == answer.rendered == text


async def test_what_becomes_visible_late_is_found_by_looking_back(there: TrytonHarness) -> None:
    """A transaction bears the time of its beginning: one that lasts ends behind what was read already."""
    slow, quick = await there.seed(2)
    client = there.client(look_back=120)
    _, cursor = await walk(client)
    begun, go = threading.Event(), threading.Event()

    def held() -> None:
        server = there.server.postgresql
        where = f"host={server.folder} port={server.port} user=postgres dbname={DATABASE}"
        with psycopg.connect(where) as connection:
            connection.execute(
                "UPDATE party_party SET name = 'Late', write_date = CURRENT_TIMESTAMP AT TIME ZONE 'UTC' WHERE id = %s",
                [int(slow.id)],
            )
            begun.set()
            assert go.wait(60)

    thread = asyncio.create_task(asyncio.to_thread(held))
    await asyncio.to_thread(begun.wait, 60)
    await there.native(quick, "+86 1")
    records, cursor = await walk(client, cursor)
    assert [each.ref for each in records] == [quick]
    go.set()
    await thread
    records, cursor = await walk(client, cursor)
    assert [(each.ref, each.title) for each in records] == [(slow, "Late")]
    assert (await walk(client, cursor))[0] == []


@pytest.mark.parametrize("cursor", ["1.9.1.1", "1.1.1", "1.1.1.1.1", "-1.0.0.0", "x"])
async def test_a_cursor_of_another_kind_starts_anew(there: TrytonHarness, cursor: str) -> None:
    with pytest.raises(CursorLost):
        await walk(there.desk, cursor)


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (["ConcurrencyException", "Records were modified in the meanwhile"], Retry),
        (["UserWarning", ["key", "Really?", ""]], Refused),
        (["server closed the connection unexpectedly", "Traceback"], Retry),
        ([], Retry),
        ("text", Retry),
        (None, Retry),
        ({"a": 1}, Retry),
    ],
)
async def test_each_error_inside_a_good_answer(there: TrytonHarness, error: Any, raised: type[Exception]) -> None:
    (ref,) = await there.seed(1)
    async with between(there.server.url) as proxy:
        client = there.client(proxy.url)
        before = await client.get(ref)

        def spoil(request: Any, said: Any) -> Any:
            wrote = b"party.write" in proxy.asked[-1][2]
            return (200, {}, json.dumps({"id": 1, "error": error}).encode()) if wrote else said

        proxy.spoil = spoil
        with pytest.raises(raised):
            await client.apply(Change(ref, "phone", "+86 1", None), once="w1")
        assert (await client.get(ref)).ref == before.ref
        await client.close()
