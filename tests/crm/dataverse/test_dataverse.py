"""What is Dataverse's own, asked of the connector against the stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import ValidationError

from crm.dataverse import Config, Crm
from crm.dataverse.api import when, words
from crm.model import GATEWAY, Applied, Conflict, CursorLost
from gateway.cli.fields import _named
from gateway.errors import Refused, Retry
from reconcile.model import Json
from tests.crm.contract import walk
from tests.crm.dataverse.fake import CLIENT, PERSON, SECRET, FakeDataverse, Fault, stamp
from tests.crm.dataverse.harness import FIELDS, DataverseHarness, house
from tests.crm.standin import Asking

NOBODY = "00000000-0000-4000-8000-00000000dead"
ask = Asking("dataverse")
ref, change = ask.ref, ask.change


@pytest_asyncio.fixture
async def far() -> AsyncIterator[DataverseHarness]:
    async with house() as opened:
        yield opened


# -- preconditions


async def test_every_row_is_written_under_its_etag(fake: FakeDataverse, client: Crm) -> None:
    fake.step = 0.0  # the same second, the same contents but for one column nobody maps
    id_ = fake.put("accounts", name="Acme", telephone1="1")
    version = (await client.get(ref(id_))).version
    fake.before_write = lambda: fake.set("accounts", id_, numberofemployees=7)
    answer = await client.apply(change(id_, "phone", "3", version), once="w1")
    assert isinstance(answer, Conflict), "what came between our reading and our writing is refused by Dataverse"
    assert answer.current.version > version
    assert fake.written_with[0]["If-Match"].startswith('W/"')
    fake.set("accounts", id_, telephone1="4")
    assert isinstance(await client.apply(change(id_, "phone", "5", version), once="w2"), Conflict)
    assert len(fake.written_with) == 1, "what moved before our reading is not even tried"


async def test_a_write_tells_that_it_overwrote_nothing(fake: FakeDataverse, client: Crm) -> None:
    id_ = fake.put("accounts", name="Acme")
    for phone, represents in (("1", True), ("2", False)):
        fake.represents = represents
        answer = await client.apply(change(id_, "phone", phone), once=phone)
        assert answer == Applied((await client.get(ref(id_))).version, phone, overwrote=False)


async def test_a_row_that_went_while_we_wrote_is_not_made_anew(fake: FakeDataverse, client: Crm) -> None:
    id_ = fake.put("accounts", name="Acme")
    version = (await client.get(ref(id_))).version
    fake.before_write = lambda: fake.remove("accounts", id_)
    answer = await client.apply(change(id_, "phone", "3", version), once="w1")
    assert isinstance(answer, Conflict) and answer.current.deleted
    assert id_ not in fake.tables["accounts"]


async def test_a_duplicate_is_refused_if_the_company_wants_that(fake: FakeDataverse, far: DataverseHarness) -> None:
    fake.put("accounts", name="Acme", telephone1="1")
    id_ = fake.put("accounts", name="Borg")
    fake.unique = True
    with pytest.raises(Refused) as caught:
        await far.client(duplicates="refuse").apply(change(id_, "phone", "1"), once="w1")
    assert "a duplicate of the current record already exists" in str(caught.value.facts["words"])
    assert isinstance(await far.client().apply(change(id_, "phone", "1"), once="w2"), Applied)


async def test_a_412_of_another_reason_is_no_conflict(fake: FakeDataverse, client: Crm) -> None:
    """Else the same write would be tried for ever: nobody has moved the record."""
    id_ = fake.put("accounts", name="Acme")
    told = {"error": {"code": "", "message": "Not like this."}}
    fake.answer = lambda request: web.json_response(told, status=412) if request.method == "PATCH" else None
    with pytest.raises(Refused, match="refused"):
        await client.apply(change(id_, "phone", "1"), once="w1")


async def test_a_write_whose_answer_was_lost_is_not_written_twice(fake: FakeDataverse, far: DataverseHarness) -> None:
    id_ = fake.put("accounts", name="Acme")
    client = far.client()
    asked = change(id_, "phone", "1", (await client.get(ref(id_))).version)
    fake.lose_answer = True
    with pytest.raises(Retry):
        await client.apply(asked, once="w1")
    assert isinstance(await far.client().apply(asked, once="w1"), Applied) and len(fake.written_with) == 1


@pytest.mark.parametrize(
    ("label", "tag"),
    [
        ("[Slack card 1.0]", "Floatcard/Slack card 1.0"),
        ("[企微插件 v2.3]", "Floatcard/企微插件 v2.3"),
        ("[a&b=c\r\n]", "Floatcard/a&b=c\r\n"),
        ("", ""),
    ],
)
async def test_the_source_is_the_tag(fake: FakeDataverse, client: Crm, label: str, tag: str) -> None:
    id_ = fake.put("accounts", name="Acme")
    await client.apply(change(id_, "phone", "1", label=label), once="w1")
    assert fake.written_with[0]["tag"] == tag


# -- values


@pytest.mark.parametrize(
    ("field", "value", "name", "theirs"),
    [
        ("amount", "480000.50", "revenue", 480000.5),
        ("amount", "480000", "revenue", 480000),
        ("vip", "true", "new_vip", True),
        ("renewal", "2026-12-01", "new_renewal", "2026-12-01"),
        ("seen", "2026-12-01", "new_seen", "2026-12-01T00:00:00Z"),
        ("industry", "medical", "industrycode", 1),
        ("phone", None, "telephone1", None),
    ],
)
async def test_values_of_every_type(
    fake: FakeDataverse, client: Crm, field: str, value: str | None, name: str, theirs: Any
) -> None:
    id_ = fake.put("accounts", name="Acme", telephone1="1")
    await client.apply(change(id_, field, value), once="w1")
    kept = fake.tables["accounts"][id_][name]
    assert (stamp(kept) if field == "seen" else kept) == theirs
    read = (await client.get(ref(id_))).fields[field].value
    assert read == ("480000.5" if value == "480000.50" else value)


async def test_a_text_that_is_no_number_is_not_sent_as_one(fake: FakeDataverse, far: DataverseHarness) -> None:
    id_ = fake.put("accounts", name="Acme")
    with pytest.raises(Refused, match="not a number"):
        await far.client(fields={"staff": "numberofemployees"}).apply(change(id_, "staff", "many"), once="w1")
    assert fake.written_with == []


async def test_a_choice_without_options_is_what_people_read(fake: FakeDataverse, far: DataverseHarness) -> None:
    client = far.client(fields={"industry": "industrycode", "staff": "numberofemployees"})
    id_ = fake.put("accounts", name="Acme", industrycode=3, numberofemployees=1200)
    fields = (await client.get(ref(id_))).fields
    assert (fields["industry"].value, fields["staff"].value) == ("Consulting", "1200")
    for told, number in (("machinery", 2), ("1", 1)):
        await client.apply(change(id_, "industry", told), once=told)
        assert fake.tables["accounts"][id_]["industrycode"] == number
    with pytest.raises(Refused) as caught:
        await client.apply(change(id_, "industry", "Fish"), once="w3")
    assert caught.value.facts["options"] == "Healthcare, Machinery, Consulting"


async def test_a_choice_dataverse_does_not_take_is_told_in_its_words(fake: FakeDataverse, client: Crm) -> None:
    id_ = fake.put("accounts", name="Acme")
    await client.describe("account")
    said = Fault(400, "0x80048408", "The value 9 of 'x' on <b>record</b> is outside the valid range.")
    await client.get(ref(id_))
    fake.answer = lambda request: (
        web.json_response({"error": {"code": said.code, "message": str(said)}}, status=400)
        if request.method == "PATCH"
        else None
    )
    with pytest.raises(Refused) as caught:
        await client.apply(change(id_, "industry", "medical"), once="w1")
    assert caught.value.facts["words"] == "The value 9 of 'x' on record is outside the valid range."


async def test_an_empty_column_that_may_be_hidden_from_us_is_not_empty(fake: FakeDataverse, client: Crm) -> None:
    id_ = fake.put("accounts", name="Acme", telephone1="1", address1_city="Suzhou")
    fake.secured = {"telephone1"}
    fields = (await client.get(ref(id_))).fields
    assert "phone" not in fields and fields["city"].value == "Suzhou"


async def test_what_is_offered(fake: FakeDataverse, client: Crm) -> None:
    offered = {info.name: info for info in await client.describe("account")}
    assert await client.describe("no-such") == ()
    industry = offered["industrycode"]
    assert (industry.type, industry.options, industry.labels) == (
        "choice",
        ("1", "2", "3"),
        ("Healthcare", "Machinery", "Consulting"),
    )
    assert (offered["new_vip"].options, offered["revenue"].type, offered["name"].label) == (
        ("true", "false"),
        "decimal",
        "Name",
    )
    assert not offered["modifiedon"].writable and not offered["_parentaccountid_value"].writable
    assert not {"accountid", "industrycodename", "parentaccountid"} & set(offered)
    assert _named(industry) == ["1 = Healthcare", "2 = Machinery", "3 = Consulting"]
    assert _named(offered["new_vip"]) == ["true", "false"]


# -- records


async def test_a_record_with_everything(fake: FakeDataverse, client: Crm) -> None:
    parent = fake.put("accounts", name="华星集团")
    id_ = fake.put("accounts", name="华星医疗", industrycode=1, new_vip=False, parentaccountid=parent)
    due = 1_796_083_200
    fake.put("tasks", regardingobjectid=id_, subject="Call", description="back", scheduledend=due)
    fake.put("tasks", regardingobjectid=id_, subject="Done", statecode=1)
    fake.put("annotations", objectid=id_, subject="Visit", notetext="<div>Wants<br>a quote</div><script>x</script>")
    fake.put("annotations", objectid=id_, filename="offer.pdf")
    fake.put("contacts", parentcustomerid=id_, fullname="王芳", jobtitle="CTO", telephone1="1")
    record = await client.get(ref(id_))
    assert (record.title, record.owners, record.modified_by) == ("华星医疗", (PERSON,), PERSON)
    fields = {name: it.value for name, it in record.fields.items()}
    assert (fields["industry"], fields["vip"], fields["parent"]) == ("medical", "false", "华星集团")
    assert [(it.text, it.due, it.who) for it in record.related["open_item"]] == [("Call: back", due * 1000, "Li Ting")]
    assert [(it.text, it.who) for it in record.related["note"]] == [
        ("offer.pdf", "Li Ting"),
        ("Visit: Wants\na quote", "Li Ting"),
    ]
    (person,) = record.related["contact"]
    assert (person.text, dict(person.detail)) == ("王芳", {"title": "CTO", "phone": "1"})
    assert record.url == f"{fake.url}/main.aspx?pagetype=entityrecord&etn=account&id={id_}"
    given = {each.ref.id: each for each in (await walk(client))[0]}[id_]
    assert (given.related, given.version, given.fields) == (record.related, record.version, record.fields)
    await client.apply(change(id_, "phone", "1"), once="w1")
    assert (await client.get(ref(id_))).modified_by == GATEWAY
    assert [user.name for user in await client.users()] == ["Li Ting"]


async def test_customers_that_are_people(fake: FakeDataverse, far: DataverseHarness) -> None:
    client = far.client(kind="contact", fields={})
    id_ = fake.put("contacts", fullname="王芳", emailaddress1="w@example.com")
    fake.put("tasks", regardingobjectid=id_, subject="Call")
    record = await client.get(ref(id_))
    assert (record.title, record.fields["email"].value) == ("王芳", "w@example.com")
    assert set(record.related) == {"note", "open_item"}
    assert isinstance(await client.apply(change(id_, "email", "x@example.com", record.version), once="w1"), Applied)


async def test_one_that_was_merged_away_is_deleted(fake: FakeDataverse, client: Crm) -> None:
    kept, merged = (fake.put("accounts", name=name) for name in ("Acme", "Acme Ltd"))
    _, cursor = await walk(client)
    fake.set("accounts", merged, merged=True, masterid=kept, statecode=1)
    assert [(it.ref.id, it.deleted, it.merged_into) for it in (await walk(client, cursor))[0]] == [(merged, True, kept)]
    assert [it.ref.id for it in (await walk(client))[0]] == [kept], (
        "a first walk does not bring what is nothing any more"
    )


async def test_one_that_is_gone_is_deleted_and_may_come_back(fake: FakeDataverse, client: Crm) -> None:
    id_ = fake.put("accounts", name="Acme", telephone1="1")
    before, row = await client.get(ref(id_)), dict(fake.tables["accounts"][id_])
    fake.remove("accounts", id_)
    gone = await client.get(ref(id_))
    assert gone.deleted and gone.version > before.version and gone == await client.get(ref(id_))
    fake.now += 60
    fake.put("accounts", **row)
    again = await client.get(ref(id_))
    assert not again.deleted and again.version > gone.version


async def test_history_is_what_is_audited(fake: FakeDataverse, client: Crm) -> None:
    id_ = fake.put("accounts", name="Acme")
    fake.set("accounts", id_, telephone1="1")
    since = int((fake.now + 1) * 1000)
    fake.now += 5
    fake.set("accounts", id_, telephone1="2", industrycode=1, websiteurl="x")
    fake.set("accounts", id_, telephone1=None)
    told = [(past.field, past.value, past.who) for past in await client.history(ref(id_))]
    assert told == [
        ("phone", "1", PERSON),
        ("phone", "2", PERSON),
        ("industry", "medical", PERSON),
        ("phone", None, PERSON),
    ]
    assert len(await client.history(ref(id_), since=since)) == 3
    fake.fault = Fault(403, "0x80040220", "Principal user is missing prvReadAuditSummary privilege")
    assert await client.history(ref(id_)) == ()


@pytest.mark.parametrize("many", [3, 6000])
async def test_how_many_there_are(fake: FakeDataverse, client: Crm, many: int) -> None:
    fake.tables["accounts"] = {str(n): {"accountid": "x", "versionnumber": 1} for n in range(many)}
    assert await client.count() == many


async def test_a_note_is_written_once(fake: FakeDataverse, far: DataverseHarness) -> None:
    id_ = fake.put("accounts", name="Acme")
    client, said = far.client(), "<b>" + "long " * 40 + "\nsecond line"
    fake.lose_answer = True
    with pytest.raises(Retry):
        await client.add_note(ref(id_), said, "Li", once="n1")
    item = await client.add_note(ref(id_), said, "Li", once="n1")
    assert await far.client().add_note(ref(id_), said, "Li", once="n1") == item
    ((kept_id, kept),) = fake.tables["annotations"].items()
    assert (kept_id, kept["objectid"]) == (item.id, id_) and "<b>" not in kept["notetext"]
    (note,) = (await client.get(ref(id_))).related["note"]
    assert note.text.split() == f"Li: {said}".split()


async def test_done_work_hides_no_open_task_and_a_busy_account_no_other(
    fake: FakeDataverse, client: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.dataverse.reading.ITEMS", 3)
    few, many = fake.put("accounts", name="Acme"), fake.put("accounts", name="Borg")
    for id_ in (few, many):
        fake.put("tasks", regardingobjectid=id_, subject="Call back")
        fake.put("contacts", parentcustomerid=id_, fullname="Wang Fang")
    for n in range(20):
        fake.put("tasks", regardingobjectid=many, subject=f"Called {n}", statecode=1)
        fake.put("contacts", parentcustomerid=many, fullname=f"Made-up {n}")
    told = {it.ref.id: {kind: len(its) for kind, its in it.related.items()} for it in (await walk(client))[0]}
    assert told == {few: {"note": 0, "open_item": 1, "contact": 1}, many: {"note": 0, "open_item": 1, "contact": 3}}


# -- tokens, limits and refusals


async def test_a_token_that_ended_is_renewed(fake: FakeDataverse, far: DataverseHarness) -> None:
    client = far.client()
    id_ = fake.put("accounts", name="Acme")
    await client.get(ref(id_))
    fake.tokens.clear()
    assert (await client.get(ref(id_))).title == "Acme" and fake.issued == 2
    with pytest.raises(Refused, match="reconnect") as caught:
        await far.client(client_secret="wrong-0123456789").get(ref(id_))
    assert SECRET not in str(caught.value.facts) and "wrong" not in str(caught.value.facts)


async def test_a_token_is_asked_for_before_it_ends(fake: FakeDataverse, client: Crm) -> None:
    fake.lives = 0.0
    id_ = fake.put("accounts", name="Acme")
    await client.get(ref(id_))
    assert fake.issued > 1
    fake.lives = 3599
    issued = fake.issued
    for _ in range(3):
        await client.get(ref(id_))
    assert fake.issued <= issued + 1


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (429, "0x80072322", Retry),
        (403, "0x80072321", Retry),
        (400, "0x80072326", Retry),
        (400, "0x80044151", Retry),
        (500, "0x80040216", Retry),
        (503, "", Retry),
        (403, "0x80040220", Refused),
        (400, "0x80040265", Refused),
        (200, "0x80040265", Refused),
    ],
)
async def test_what_an_error_means(fake: FakeDataverse, client: Crm, status: int, code: str, outcome: type) -> None:
    id_ = fake.put("accounts", name="Acme")
    await client.get(ref(id_))
    fake.fault = Fault(status, code, "Said <b>so</b>")
    with pytest.raises(outcome) as caught:
        await client.apply(change(id_, "phone", "1"), once="w1")
    if isinstance(caught.value, Refused):
        assert caught.value.facts["words"] == "Said so"
    assert fake.written_with == []


async def test_a_table_that_is_not_there_is_no_deleted_record(fake: FakeDataverse, far: DataverseHarness) -> None:
    fake.put("accounts", name="Acme")
    fake.answer = lambda request: (
        web.json_response(
            {"error": {"code": "0x8006088a", "message": "Resource not found for the segment"}}, status=404
        )
        if "/accounts(" in request.path
        else None
    )
    with pytest.raises(Refused, match="refused"):
        await far.client().get(ref(NOBODY))


async def test_a_column_that_is_gone_is_told(fake: FakeDataverse, far: DataverseHarness) -> None:
    id_ = fake.put("accounts", name="Acme")
    client = far.client(fields={"tier": "new_tier"})
    for asked in (client.get(ref(id_)), walk(client), client.apply(change(id_, "tier", "x"), once="w1")):
        with pytest.raises(Refused) as caught:
            await asked
        assert caught.value.facts == {"field": "new_tier"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (None, ""),
        ({"error": {"code": "0x1", "message": "a"}}, "a"),
        ({"error": {"code": "0x1"}}, "0x1"),
        ({"error": "x", "error_description": "y"}, "y"),
        ([1], ""),
    ],
)
def test_words_of_a_refusal(body: Json, said: str) -> None:
    assert words(body) == said


@pytest.mark.parametrize(
    ("text", "ms"),
    [("2026-11-20T10:00:00Z", 1_795_168_800_000), ("x", 0), (None, 0), ("2026-11-20", 1_795_132_800_000)],
)
def test_times(text: Json, ms: int) -> None:
    assert when(text) == ms


@pytest.mark.parametrize("id_", ["", "x", "accounts", "../x", f"{NOBODY})/x", NOBODY.upper(), f" {NOBODY}"])
async def test_an_id_that_is_none_is_never_asked_for(fake: FakeDataverse, client: Crm, id_: str) -> None:
    for asked in (client.get, client.history):
        with pytest.raises(Refused, match="no customer"):
            await asked(ref(id_))
    assert fake.asked == []


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"fields": {"a": "Telephone1"}},
        {"fields": {"a": "name,revenue"}},
        {"fields": {"a": "modifiedon"}},
        {"fields": {"a": "_parentaccountid_value"}},
        {"version": "latest"},
        {"tenant": "a/b"},
        {"kind": "deal"},
        {"url": "https://a.example/?x"},
    ],
)
def test_settings_that_cannot_work(wrong: dict[str, Any]) -> None:
    right = {"url": "https://a.example", "tenant": "t", "client_id": CLIENT, "client_secret": SECRET} if wrong else {}
    with pytest.raises(ValidationError):
        Config.model_validate({**right, **wrong})


@pytest.mark.parametrize(
    ("url", "id_"),
    [
        (f"https://acme.crm.dynamics.com/main.aspx?appid=x&pagetype=entityrecord&etn=account&id={NOBODY}", NOBODY),
        (f"https://acme.crm.dynamics.com/main.aspx?etn=account&id=%7b{NOBODY.upper()}%7d&x=1", NOBODY),
        (f"https://acme.crm.dynamics.com/main.aspx?etn=contact&id={NOBODY}", None),
        (f"https://crm.acme.example/customers/{NOBODY}", NOBODY),
        (f"https://evil.example/main.aspx?etn=account&id={NOBODY}", None),
        ("https://acme.crm.dynamics.com/main.aspx?etn=account&id=x", None),
        ("https://[x/main.aspx?etn=account", None),
        (f"https://acme.crm.dynamics.com.evil.example/main.aspx?etn=account&id={NOBODY}", None),
    ],
)
async def test_the_address_of_an_account(far: DataverseHarness, url: str, id_: str | None) -> None:
    settings = {"url": "https://acme.crm.dynamics.com", "link": "https://crm.acme.example/customers/{id}"}
    told = far.client(**settings, fields=FIELDS).addressed(url)
    assert (told.id if told else None) == id_


# -- the feed


def pages(fake: FakeDataverse, set_: str = "accounts") -> list[str]:
    return [address for method, address in fake.asked if method == "GET" and f"/{set_}?" in address]


async def test_the_first_walk_asks_for_a_delta_link(fake: FakeDataverse, client: Crm) -> None:
    ids = [fake.put("accounts", name=f"Made-up {n}") for n in range(7)]
    records, cursor = await walk(client)
    assert [record.ref.id for record in records] == ids
    asked = [prefer for prefer, (_, url) in zip(fake.preferred, fake.asked, strict=True) if "/accounts?" in url]
    assert len(asked) == 3 and all("odata.track-changes,odata.maxpagesize=3" in prefer for prefer in asked)
    fake.asked.clear()
    fake.set("accounts", ids[1], telephone1="1")
    records, _ = await walk(client, cursor)
    assert [record.ref.id for record in records] == [ids[1]]
    assert "$deltatoken=" in pages(fake)[0] and "$filter" not in pages(fake)[0]


@pytest.mark.parametrize("token_at_end", [False, True])
async def test_what_changes_between_two_pages_is_given_either_way(
    fake: FakeDataverse, client: Crm, token_at_end: bool
) -> None:
    """Whether a link covers what changed while its walk went on is not documented, so it does not matter."""
    fake.token_at_end = token_at_end
    ids = [fake.put("accounts", name=f"Made-up {n}") for n in range(7)]
    fake.now += 600
    fake.between_pages = lambda: fake.set("accounts", ids[0], telephone1="new")
    records, cursor = await walk(client)
    again, cursor = await walk(client, cursor)
    told = {record.ref.id: record.fields["phone"].value for record in [*records, *again]}
    assert told[ids[0]] == "new" and set(told) == set(ids)
    assert (await walk(client, cursor))[0] == []


async def test_many_changes_come_page_by_page_and_deletions_last(fake: FakeDataverse, client: Crm) -> None:
    ids = [fake.put("accounts", name=f"Made-up {n}") for n in range(8)]
    _, cursor = await walk(client)
    fake.remove("accounts", ids[0])
    for id_ in ids[1:]:
        fake.set("accounts", id_, telephone1="1")
    whole = [(record.ref.id, position) async for record, position in client.changes(cursor)]
    assert [id_ for id_, _ in whole] == [*ids[1:], ids[0]]
    assert sum("deltatoken" in url or "skiptoken" in url for url in pages(fake)) >= 3


async def test_changes_are_taken_up_behind_any_of_them(fake: FakeDataverse, far: DataverseHarness) -> None:
    client = far.client()
    ids = [fake.put("accounts", name=f"Made-up {n}") for n in range(8)]
    _, cursor = await walk(client)
    for id_ in ids:
        fake.set("accounts", id_, telephone1="1")
    whole = [(record.ref.id, position) async for record, position in client.changes(cursor)]
    for n, (_, position) in enumerate(whole):
        rest = [record.ref.id for record in (await walk(far.client(), position))[0]]
        assert rest == [id_ for id_, _ in whole[n + 1 :]]


async def test_one_that_changes_again_behind_a_cursor_hides_no_other(
    fake: FakeDataverse, far: DataverseHarness
) -> None:
    """It moves to the end of what changed: what stood behind it before is still to be given."""
    client = far.client(page=8)
    ids = [fake.put("accounts", name=f"Made-up {n}") for n in range(4)]
    _, cursor = await walk(client)
    for id_ in ids:
        fake.set("accounts", id_, telephone1="1")
    first, *_ = [position async for _, position in client.changes(cursor)]
    fake.set("accounts", ids[0], telephone1="2")
    assert set(ids) == {record.ref.id for record in (await walk(far.client(page=8), first))[0]}


async def test_a_link_that_expired_begins_anew(fake: FakeDataverse, client: Crm) -> None:
    id_ = fake.put("accounts", name="Acme")
    _, cursor = await walk(client)
    fake.forgotten = fake.version + 1
    with pytest.raises(CursorLost):
        await walk(client, cursor)
    fake.forgotten = 0
    assert [record.ref.id for record in (await walk(client))[0]] == [id_]


async def test_a_walk_whose_next_page_is_forgotten_begins_anew(fake: FakeDataverse, far: DataverseHarness) -> None:
    for n in range(7):
        fake.put("accounts", name=f"Made-up {n}")
    client = far.client()
    cursor = [position async for _, position in client.changes("")][2]
    told = {"error": {"code": "0x80060888", "message": "Malformed paging cookie"}}
    fake.answer = lambda request: web.json_response(told, status=400) if "$skiptoken" in request.query else None
    with pytest.raises(CursorLost):
        await walk(far.client(), cursor)


async def test_a_link_is_renewed_while_nothing_happens(fake: FakeDataverse, far: DataverseHarness) -> None:
    client = far.client()
    fake.put("accounts", name="Acme")
    _, cursor = await walk(client)
    assert await walk(client, cursor) == ([], cursor)
    fake.put("contacts", fullname="Of nobody")
    assert await walk(client, cursor) == ([], cursor)
    fake.forgotten = fake.version
    assert await walk(client, cursor) == ([], cursor), "the one in the cursor would have expired"
    with pytest.raises(CursorLost):
        await walk(far.client(), cursor)


async def test_another_mapping_begins_anew(fake: FakeDataverse, far: DataverseHarness) -> None:
    """A delta link is of a query for certain columns: changes of others need not be told by it."""
    fake.put("accounts", name="Acme")
    _, cursor = await walk(far.client())
    with pytest.raises(CursorLost):
        await walk(far.client(fields={"phone": "telephone1"}), cursor)


async def test_a_table_without_change_tracking_is_told(fake: FakeDataverse, client: Crm) -> None:
    fake.put("accounts", name="Acme")
    fake.tracked = False
    with pytest.raises(Refused) as caught:
        await walk(client)
    assert "Change tracking is not enabled" in str(caught.value.facts["words"])


async def test_a_walk_without_a_link_at_its_end_is_no_walk(fake: FakeDataverse, client: Crm) -> None:
    fake.answer = lambda request: web.json_response({"value": []}) if request.path.endswith("/accounts") else None
    with pytest.raises(Refused, match="Track changes"):
        await walk(client)


@pytest.mark.parametrize("body", [None, {}, {"value": []}])
async def test_an_empty_answer_means_that_nothing_changed(fake: FakeDataverse, client: Crm, body: Any) -> None:
    id_ = fake.put("accounts", name="Acme")
    _, cursor = await walk(client)
    fake.answer = lambda request: (
        (web.Response(status=204) if body is None else web.json_response(body))
        if "$deltatoken" in request.query
        else None
    )
    assert await walk(client, cursor) == ([], cursor)
    fake.answer = None
    fake.set("accounts", id_, telephone1="1")
    assert len((await walk(client, cursor))[0]) == 1


async def test_changes_without_a_link_are_garbled(fake: FakeDataverse, client: Crm) -> None:
    id_ = fake.put("accounts", name="Acme")
    _, cursor = await walk(client)
    gone = {"@odata.context": "x/$metadata#accounts/$deletedEntity", "id": id_, "reason": "deleted"}
    fake.answer = lambda request: web.json_response({"value": [gone]}) if "$deltatoken" in request.query else None
    with pytest.raises(Retry):
        await walk(client, cursor)


@pytest.mark.parametrize("where", ["https://evil.example/api/data/v9.2/accounts?x", "/other/path", 7])
async def test_a_next_page_elsewhere_is_not_asked_for(fake: FakeDataverse, client: Crm, where: Any) -> None:
    told = {"value": [], "@odata.nextLink": where}
    fake.answer = lambda request: web.json_response(told) if request.path.endswith("/accounts") else None
    with pytest.raises((Refused, Retry)):
        await walk(client)
    assert not any("other" in address for _, address in fake.asked)


async def test_what_belongs_to_a_record_brings_it_again(fake: FakeDataverse, client: Crm) -> None:
    ids = [fake.put("accounts", name=f"Made-up {n}") for n in range(3)]
    _, cursor = await walk(client)
    fake.put("tasks", regardingobjectid=ids[0], subject="Call")
    fake.put("tasks", subject="Of nobody")
    fake.put("annotations", objectid=ids[1], notetext="Visit")
    fake.put("contacts", parentcustomerid=ids[2], fullname="Wang Fang")
    records, cursor = await walk(client, cursor)
    assert [record.ref.id for record in records] == ids
    assert (await walk(client, cursor))[0] == []


async def test_what_was_looked_at_is_not_looked_at_for_ever(fake: FakeDataverse, far: DataverseHarness) -> None:
    """The customers themselves only right after the first walk; the rest from the last look on, in one process."""
    client = far.client()
    id_ = fake.put("accounts", name="Acme")
    _, cursor = await walk(client)
    await walk(client, cursor)
    assert any("$filter=modifiedon" in url for url in pages(fake))
    fake.asked.clear()
    fake.now += 600
    fake.set("accounts", id_, telephone1="1")
    _, cursor = await walk(client, cursor)
    await walk(far.client(), cursor)
    assert not any("$filter=modifiedon" in url for url in pages(fake))


async def test_it_looks_once_in_a_while(fake: FakeDataverse, far: DataverseHarness) -> None:
    client = far.client(every=3600)
    fake.put("accounts", name="Acme")
    _, cursor = await walk(client)
    fake.put("accounts", name="Borg")
    assert await walk(client, cursor) == ([], cursor)
