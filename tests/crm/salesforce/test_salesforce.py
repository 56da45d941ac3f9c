"""What is Salesforce's own, asked of the connector against the stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import ValidationError

from crm.model import GATEWAY, Applied, Conflict
from crm.salesforce import Config, Crm
from crm.salesforce.api import pace, words
from gateway.errors import Refused, Retry
from reconcile.model import Json
from tests.crm.contract import walk
from tests.crm.salesforce.fake import PERSON, FakeSalesforce, Fault
from tests.crm.salesforce.harness import SalesforceHarness, house
from tests.crm.standin import Asking

ask = Asking("salesforce")
ref, change = ask.ref, ask.change


@pytest_asyncio.fixture
async def far() -> AsyncIterator[SalesforceHarness]:
    async with house() as opened:
        yield opened


# -- preconditions


async def test_an_account_is_written_under_its_etag(fake: FakeSalesforce, client: Crm) -> None:
    id_ = fake.put("Account", Name="Acme", Phone="1")
    version = (await client.get(ref(id_))).version
    fake.before_write = lambda: fake.set("Account", id_, Phone="2")
    answer = await client.apply(change(id_, "phone", "3", version), once="w1")
    assert isinstance(answer, Conflict), "what came between our reading and our writing is refused by Salesforce"
    assert answer.current.fields["phone"].value == fake.tables["Account"][id_]["Phone"] == "2"
    assert "If-Match" in fake.written_with[0] and "If-Unmodified-Since" not in fake.written_with[0]


async def test_a_change_in_the_same_second_is_seen_by_the_etag(fake: FakeSalesforce, client: Crm) -> None:
    fake.step = 0.0
    id_ = fake.put("Account", Name="Acme", Phone="1")
    version = (await client.get(ref(id_))).version
    fake.before_write = lambda: fake.set("Account", id_, Phone="2")
    assert isinstance(await client.apply(change(id_, "phone", "3", version), once="w1"), Conflict)
    fake.set("Account", id_, Phone="4")
    assert isinstance(await client.apply(change(id_, "phone", "5", version), once="w2"), Conflict)


async def test_anything_else_is_written_under_its_time(fake: FakeSalesforce, far: SalesforceHarness) -> None:
    client = far.client(kind="contact", fields={})
    id_ = fake.put("Contact", Name="Wang", Phone="1")
    version = (await client.get(ref(id_))).version
    fake.step = 2.0
    fake.before_write = lambda: fake.set("Contact", id_, Phone="2")
    answer = await client.apply(change(id_, "phone", "3", version), once="w1")
    assert isinstance(answer, Conflict)
    told = fake.written_with[0]["If-Unmodified-Since"]
    assert parsedate_to_datetime(told).timestamp() == answer.current.modified / 1000 - 2
    assert "If-Match" not in fake.written_with[0]


async def test_within_one_second_time_is_no_precondition(fake: FakeSalesforce, far: SalesforceHarness) -> None:
    """What the page says: outside accounts a change in the very second of the last one is overwritten unseen."""
    fake.step = 0.0
    client = far.client(kind="contact", fields={})
    id_ = fake.put("Contact", Name="Wang", Phone="1")
    version = (await client.get(ref(id_))).version
    fake.before_write = lambda: fake.set("Contact", id_, Phone="2")
    assert isinstance(await client.apply(change(id_, "phone", "3", version), once="w1"), Applied)


async def test_a_write_whose_answer_was_lost_is_not_written_twice(fake: FakeSalesforce, far: SalesforceHarness) -> None:
    id_ = fake.put("Account", Name="Acme")
    client = far.client()
    asked = change(id_, "phone", "1", (await client.get(ref(id_))).version)
    fake.lose_answer = True
    with pytest.raises(Retry):
        await client.apply(asked, once="w1")
    answer = await far.client().apply(asked, once="w1")
    assert isinstance(answer, Applied) and len(fake.written_with) == 1


@pytest.mark.parametrize(
    ("label", "client_"),
    [
        ("[Slack card 1.0]", "Slack card 1.0"),
        ("[企微插件 v2.3]", "%E4%BC%81%E5%BE%AE%E6%8F%92%E4%BB%B6 v2.3"),
        ("[a\r\nb]", "a%0D%0Ab"),
    ],
)
async def test_the_source_is_the_clients_name(fake: FakeSalesforce, client: Crm, label: str, client_: str) -> None:
    id_ = fake.put("Account", Name="Acme")
    await client.apply(change(id_, "phone", "1", label=label), once="w1")
    assert fake.written_with[0]["Sforce-Call-Options"] == f"client=Floatcard/{client_}"


@pytest.mark.parametrize(
    ("field", "value", "name", "theirs"),
    [
        ("amount", "480000.50", "AnnualRevenue", 480000.5),
        ("vip", "true", "Vip__c", True),
        ("renewal", "2026-12-01", "Renewal__c", "2026-12-01"),
        ("industry", "medical", "Industry", "Healthcare"),
        ("phone", None, "Phone", None),
    ],
)
async def test_values_of_every_type(
    fake: FakeSalesforce, client: Crm, field: str, value: str | None, name: str, theirs: Any
) -> None:
    id_ = fake.put("Account", Name="Acme", Phone="1")
    await client.apply(change(id_, field, value), once="w1")
    assert fake.tables["Account"][id_][name] == theirs
    read = (await client.get(ref(id_))).fields[field].value
    assert read == (value if field != "amount" else "480000.5")


async def test_a_text_that_is_no_number_is_not_sent_as_one(fake: FakeSalesforce, far: SalesforceHarness) -> None:
    id_ = fake.put("Account", Name="Acme")
    with pytest.raises(Refused, match="not a number"):
        await far.client(fields={"revenue": "AnnualRevenue"}).apply(change(id_, "revenue", "much"), once="w1")
    assert fake.written_with == []


# -- records


async def test_a_record_with_everything(fake: FakeSalesforce, client: Crm) -> None:
    id_ = fake.put("Account", Name="华星医疗", Industry="Healthcare", Vip__c=False)
    fake.put("Task", WhatId=id_, Subject="Call", ActivityDate="2026-12-01", IsClosed=False)
    fake.put("Task", WhatId=id_, Subject="Visit", Description="Wants a quote", IsClosed=True)
    fake.put("Contact", AccountId=id_, Name="王芳", Title="CTO", Phone="1")
    record = await client.get(ref(id_))
    assert (record.title, record.owners, record.modified_by) == ("华星医疗", (PERSON,), PERSON)
    assert (record.fields["industry"].value, record.fields["vip"].value) == ("medical", "false")
    assert [(it.text, it.due) for it in record.related["open_item"]] == [("Call", 1_796_083_200_000)]
    assert [(it.text, it.who) for it in record.related["note"]] == [("Visit: Wants a quote", "Li Ting")]
    (person,) = record.related["contact"]
    assert (person.text, dict(person.detail)) == ("王芳", {"title": "CTO", "phone": "1"})
    assert record.url == f"{fake.url}/lightning/r/Account/{id_}/view"
    (given,) = (await walk(client))[0]
    assert (given.related, given.version) == (record.related, record.version)
    await client.apply(change(id_, "phone", "1"), once="w1")
    assert (await client.get(ref(id_))).modified_by == GATEWAY
    assert [user.name for user in await client.users()] == ["Floatcard", "Li Ting"]


async def test_history(fake: FakeSalesforce, client: Crm) -> None:
    id_ = fake.put("Account", Name="Acme")
    fake.set("Account", id_, Phone="1")
    since = int((fake.now + 1) * 1000)
    fake.now += 5
    fake.set("Account", id_, Phone="2", BillingStreet="x")
    told = await client.history(ref(id_))
    assert [(past.field, past.value, past.who) for past in told] == [("phone", "1", PERSON), ("phone", "2", PERSON)]
    assert [past.value for past in await client.history(ref(id_), since=since)] == ["2"]


async def test_a_task_brings_its_record_again(fake: FakeSalesforce, client: Crm) -> None:
    id_ = fake.put("Account", Name="Acme")
    fake.put("Account", Name="Borg")
    _, cursor = await walk(client)
    fake.put("Task", WhatId=id_, Subject="Call", IsClosed=False)
    fake.put("Task", Subject="Of nobody", IsClosed=False)
    records, cursor = await walk(client, cursor)
    assert [record.ref.id for record in records] == [id_]
    assert (await walk(client, cursor))[0] == []


async def test_done_calls_hide_no_open_task_and_a_busy_account_no_other(
    fake: FakeSalesforce, client: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.salesforce.reading.ITEMS", 3)
    few, many = fake.put("Account", Name="Acme"), fake.put("Account", Name="Borg")
    for id_ in (few, many):
        fake.put("Task", WhatId=id_, Subject="Call back", IsClosed=False)
        fake.put("Contact", AccountId=id_, Name="Wang Fang")
    for n in range(20):
        fake.put("Task", WhatId=many, Subject=f"Called {n}", IsClosed=True)
        fake.put("Contact", AccountId=many, Name=f"Made-up {n}")
    told = {
        record.ref.id: {kind: len(its) for kind, its in record.related.items()} for record in (await walk(client))[0]
    }
    assert told == {few: {"note": 0, "open_item": 1, "contact": 1}, many: {"note": 3, "open_item": 1, "contact": 3}}
    assert len((await client.get(ref(many))).related["open_item"]) == 1


@pytest.mark.parametrize("seconds", [0, 61])
async def test_more_tasks_than_one_look_takes_are_all_looked_at(
    fake: FakeSalesforce, client: Crm, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    """The tasks come to an end before the accounts do: what lies behind is not passed over."""
    monkeypatch.setattr("crm.salesforce.reading.WINDOW", 5)
    ids = [fake.put("Account", Name=f"Made-up {n}") for n in range(12)]
    last = fake.put("Account", Name="Changed much later")
    _, cursor = await walk(client)
    fake.now += 300
    fake.set("Account", last, Phone="0")
    _, cursor = await walk(client, cursor)
    fake.now += 300
    for id_ in ids:
        fake.now += seconds
        fake.put("Task", WhatId=id_, Subject="Call", IsClosed=False)
    fake.set("Account", last, Phone="1")
    seen: dict[str, int] = {}
    for _ in range(8):
        records, cursor = await walk(client, cursor)
        seen |= {record.ref.id: len(record.related["open_item"]) for record in records}
    assert seen == {**dict.fromkeys(ids, 1), last: 0}
    assert (await walk(client, cursor))[0] == []


async def test_a_query_of_many_pages(fake: FakeSalesforce, client: Crm) -> None:
    fake.batch = 2
    ids = [fake.put("Account", Name=f"Made-up {n}") for n in range(7)]
    _, cursor = await walk(client)
    for id_ in ids:
        fake.set("Account", id_, Phone="1")
    assert [record.ref.id for record in (await walk(client, cursor))[0]] == ids


async def test_a_next_page_elsewhere_is_refused(fake: FakeSalesforce, client: Crm) -> None:
    told = {"done": False, "records": [], "nextRecordsUrl": "https://evil.example/services/data"}
    fake.answer = lambda request: web.json_response(told) if "query" in request.path else None
    with pytest.raises(Refused, match="outside its own"):
        await walk(client)


async def test_a_note_is_written_once(fake: FakeSalesforce, far: SalesforceHarness) -> None:
    id_ = fake.put("Account", Name="Acme")
    client, said = far.client(), "<b>" + "long " * 40 + "\nsecond line"
    fake.lose_answer = True
    with pytest.raises(Retry):
        await client.add_note(ref(id_), said, "Li", once="n1")
    item = await client.add_note(ref(id_), said, "Li", once="n1")
    assert await far.client().add_note(ref(id_), said, "Li", once="n1") == item
    ((kept_id, kept),) = fake.tables["Task"].items()
    assert (kept_id, kept["Description"], len(kept["Subject"])) == (item.id, f"Li: {said}", 80)


# -- tokens, limits and refusals


async def test_a_session_that_ended_is_renewed(fake: FakeSalesforce, far: SalesforceHarness) -> None:
    client = far.client()
    id_ = fake.put("Account", Name="Acme")
    await client.get(ref(id_))
    fake.token = "ended"
    assert (await client.get(ref(id_))).title == "Acme"
    assert fake.issued == 2
    assert (await far.client(refresh_token="").get(ref(id_))).title == "Acme", "the app's own user"
    with pytest.raises(Refused, match="reconnect"):
        await far.client(refresh_token="wrong-0123456789").get(ref(id_))


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (403, "REQUEST_LIMIT_EXCEEDED", Retry),
        (400, "UNABLE_TO_LOCK_ROW", Retry),
        (400, "INVALID_QUERY_LOCATOR", Retry),
        (500, "SERVER_UNAVAILABLE", Retry),
        (403, "INSUFFICIENT_ACCESS", Refused),
        (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", Refused),
        (200, "UNKNOWN_EXCEPTION", Refused),
    ],
)
async def test_what_an_error_means(fake: FakeSalesforce, client: Crm, status: int, code: str, outcome: type) -> None:
    id_ = fake.put("Account", Name="Acme")
    await client.get(ref(id_))
    fake.fault = Fault(status, code, "Said <b>so</b>")
    with pytest.raises(outcome) as caught:
        await client.apply(change(id_, "phone", "1"), once="w1")
    if isinstance(caught.value, Refused):
        assert caught.value.facts["words"] == "Said so"


async def test_a_validation_is_told_in_salesforces_words(fake: FakeSalesforce, far: SalesforceHarness) -> None:
    id_ = fake.put("Account", Name="Acme")
    with pytest.raises(Refused) as caught:
        await far.client(fields={"industry": "Industry"}).apply(change(id_, "industry", "Fish"), once="w1")
    assert caught.value.facts["words"] == "bad value for restricted picklist field: Fish"


async def test_a_field_that_is_gone_is_told_by_a_query_too(fake: FakeSalesforce, far: SalesforceHarness) -> None:
    fake.put("Account", Name="Acme")
    with pytest.raises(Refused) as caught:
        await walk(far.client(fields={"tier": "Tier__c"}))
    assert caught.value.facts == {"field": "Tier__c"}


async def test_a_used_up_day_waits(fake: FakeSalesforce, client: Crm) -> None:
    id_ = fake.put("Account", Name="Acme")
    fake.usage = "api-usage=5000/5000; per-app-api-usage=1/2(appName=x)"
    with pytest.raises(Retry, match="limit of calls"):
        await client.get(ref(id_))


@pytest.mark.parametrize(
    ("told", "after"), [("", 0), ("api-usage=1/2", 0), ("api-usage=2/2", 600), ("api-usage=x/2", 0), ("nonsense", 0)]
)
def test_the_pace_that_headers_ask_for(told: str, after: float) -> None:
    assert pace({"Sforce-Limit-Info": told}) == after


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (None, ""),
        ([{"message": "a"}, {"errorCode": "B"}, 7], "a; B"),
        ({"error": "x", "error_description": "y"}, "y"),
        ("text", ""),
    ],
)
def test_words_of_a_refusal(body: Json, said: str) -> None:
    assert words(body) == said


@pytest.mark.parametrize("id_", ["", "x", "001' OR Id != '", "001000000000001AA", "²" * 15, "../" * 5])
async def test_an_id_that_is_none_is_never_asked_for(fake: FakeSalesforce, client: Crm, id_: str) -> None:
    for asked in (client.get, client.history):
        with pytest.raises(Refused, match="no customer"):
            await asked(ref(id_))
    assert fake.asked == []


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"fields": {"a": "Phone FROM Account"}},
        {"fields": {"a": "Owner.Name"}},
        {"fields": {"a": "SystemModstamp"}},
        {"version": "62"},
        {"kind": "deal"},
        {"url": "https://a.example/?x"},
    ],
)
def test_settings_that_cannot_work(wrong: dict[str, Any]) -> None:
    right = {"url": "https://a.example", "client_id": "c", "client_secret": "s"} if wrong else {}
    with pytest.raises(ValidationError):
        Config.model_validate({**right, **wrong})


@pytest.mark.parametrize(
    ("url", "id_"),
    [
        ("https://acme.lightning.force.com/lightning/r/Account/001000000000001AAA/view", "001000000000001AAA"),
        ("https://acme.my.salesforce.com/001000000000001AAA", "001000000000001AAA"),
        ("https://acme.my.salesforce.com/001000000000001", None),
        ("https://acme.my.salesforce.com/006000000000001AAA", None),
        ("https://acme.lightning.force.com/lightning/r/Contact/003000000000001AAA/view", None),
        ("https://evil.example/001000000000001AAA", None),
    ],
)
async def test_the_address_of_an_account(far: SalesforceHarness, url: str, id_: str | None) -> None:
    told = far.client(url="https://acme.my.salesforce.com").addressed(url)
    assert (told.id if told else None) == id_


async def test_one_that_was_merged_away_says_into_which(fake: FakeSalesforce, client: Crm) -> None:
    kept, gone = fake.put("Account", Name="Acme"), fake.put("Account", Name="ACME Inc")
    _, cursor = await walk(client)
    fake.set("Account", gone, IsDeleted=True, MasterRecordId=kept)
    fake.now += 60
    told = [(it.ref.id, it.deleted, it.merged_into) for it in (await walk(client, cursor))[0]]
    assert told == [(gone, True, kept)]
    assert (await client.get(ref(gone))).merged_into == kept
    fake.set("Account", gone, IsDeleted=False, MasterRecordId=None)
    back = await client.get(ref(gone))
    assert (back.deleted, back.merged_into) == (False, "")
