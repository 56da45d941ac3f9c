"""What is Odoo's own, asked of the connector against the stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from pydantic import ValidationError

from crm.markup import plain
from crm.model import GATEWAY, Absent, Applied, Conflict, RecordRef
from crm.odoo import Config, Crm
from crm.odoo.values import heard, spelled
from crm.once import Desk
from gateway.errors import Refused, Retry
from reconcile.model import Json
from tests.crm.contract import walk
from tests.crm.odoo.fake import PERSON, UID, FakeOdoo, Fault
from tests.crm.odoo.harness import OdooHarness, house
from tests.crm.standin import Asking

ask = Asking("odoo")
ref, change = ask.ref, ask.change


@pytest_asyncio.fixture
async def far() -> AsyncIterator[OdooHarness]:
    async with house() as opened:
        yield opened


def elsewhere(far: OdooHarness) -> Crm:
    """Another process's, which has seen nothing of what this one did."""
    other = far.client()
    other.desk = Desk()
    other._reader.versions = other.desk.versions
    return other


# -- one second holds more than one change


async def test_a_change_in_the_second_we_read_in_is_a_conflict(fake: FakeOdoo, client: Crm) -> None:
    fake.step = 0.0
    id_ = fake.put("res.partner", name="Acme", phone="1")
    before = await client.get(ref(id_))
    fake.set("res.partner", id_, phone="2")
    assert fake.tables["res.partner"][id_]["write_date"] == fake.now, "the same time to the microsecond"
    answer = await client.apply(change(id_, "phone", "3", before.version), once="w1")
    assert isinstance(answer, Conflict)
    assert answer.current.version > before.version
    assert isinstance(await client.apply(change(id_, "phone", "3", answer.current.version), once="w2"), Applied)


async def test_a_change_in_the_second_it_was_given_in_is_given_again(fake: FakeOdoo, client: Crm) -> None:
    fake.step = 0.0
    ids = [fake.put("res.partner", name=name) for name in ("Acme", "Borg", "Cyan")]
    _, cursor = await walk(client)
    for phone in ("1", "2"):
        fake.set("res.partner", ids[1], phone=phone)
        records, cursor = await walk(client, cursor)
        assert [(record.ref.id, record.fields["phone"].value) for record in records] == [(str(ids[1]), phone)]
    assert (await walk(client, cursor))[0] == []


async def test_versions_never_fall_when_another_process_reads(fake: FakeOdoo, far: OdooHarness) -> None:
    """What a process counted within a second is below what any other sees once the second is over."""
    fake.step = 0.0
    id_ = fake.put("res.partner", name="Acme", phone="1")
    first = far.client()
    versions = []
    for phone in ("2", "3", "4"):
        fake.set("res.partner", id_, phone=phone)
        versions.append((await first.get(ref(id_))).version)
    fake.now += 10
    other = far.client(database="acme", login="floatcard@example.com")
    other.desk.versions._seen.clear()
    versions.append((await other.get(ref(id_))).version)
    assert versions == sorted(set(versions))


async def test_two_processes_that_live_agree_on_a_record_that_nobody_changes(fake: FakeOdoo, far: OdooHarness) -> None:
    """One read it within its second, one later: neither takes the other's write for one that was set back."""
    fake.step = 0.0
    id_ = fake.put("res.partner", name="Acme", phone="1")
    first, other = far.client(), elsewhere(far)
    early = (await first.get(ref(id_))).version
    fake.now += 10
    late = (await other.get(ref(id_))).version
    assert late > early and (await first.get(ref(id_))).version == late
    assert isinstance(await first.apply(change(id_, "phone", "2", late), once="w1"), Applied)


async def test_what_we_wrote_ourselves_is_written_again_at_once_and_by_another_after_one_look(
    fake: FakeOdoo, far: OdooHarness
) -> None:
    """Our last write is mostly read within its second, and the next one comes after it."""
    fake.step = 0.0
    id_ = fake.put("res.partner", name="Acme", phone="1")
    first, other = far.client(), elsewhere(far)
    fake.now += 10
    version = (await first.get(ref(id_))).version
    for once, phone in (("w1", "2"), ("w2", "3"), ("w3", "4")):
        answer = await first.apply(change(id_, "phone", phone, version), once=once)
        assert isinstance(answer, Applied), "nobody else has touched it"
        version = answer.version
        fake.now += 10
    looked = await other.apply(change(id_, "phone", "5", version), once="w4")
    assert isinstance(looked, Conflict) and looked.current.version > version
    assert isinstance(await first.apply(change(id_, "phone", "5", looked.current.version), once="w5"), Applied)


async def test_a_change_whose_transaction_was_long_is_not_lost(fake: FakeOdoo, client: Crm) -> None:
    early, late = fake.put("res.partner", name="Early"), fake.put("res.partner", name="Late")
    _, cursor = await walk(client)
    fake.now += 120
    fake.set("res.partner", early, phone="1")
    _, cursor = await walk(client, cursor)
    fake.tables["res.partner"][late] |= {"phone": "2", "write_date": fake.now - 45}
    records, _ = await walk(client, cursor)
    assert [record.ref.id for record in records] == [str(late)]


@pytest.mark.parametrize("step", [0.0, 0.2, 61.0])
async def test_more_notes_than_one_look_takes_are_all_looked_at(
    fake: FakeOdoo, client: Crm, monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    """The notes come to an end before the partners do: what lies behind is not passed over."""
    monkeypatch.setattr("crm.odoo.feed.WINDOW", 5)
    ids = [fake.put("res.partner", name=f"Made-up {n}") for n in range(12)]
    last = fake.put("res.partner", name="Changed much later")
    _, cursor = await walk(client)
    fake.now += 300
    fake.set("res.partner", last, phone="0")
    _, cursor = await walk(client, cursor)
    fake.now += 300
    fake.step = step
    for id_ in ids:
        fake.put("mail.message", model="res.partner", res_id=id_, message_type="comment", body="<p>Called</p>", date=1)
    fake.set("res.partner", last, phone="1")
    seen: dict[str, int] = {}
    for _ in range(8):
        records, cursor = await walk(client, cursor)
        seen |= {record.ref.id: len(record.related["note"]) for record in records}
    assert seen == {**{str(id_): 1 for id_ in ids}, str(last): 0}
    assert (await walk(client, cursor))[0] == []


async def test_a_quiet_odoo_is_asked_little(fake: FakeOdoo, client: Crm) -> None:
    fake.put("res.partner", name="Acme")
    _, cursor = await walk(client)
    fake.now += 6
    await walk(client, cursor)
    fake.calls.clear()
    assert (await walk(client, cursor))[0] == []
    assert len(fake.calls) == 5, "one look at each of the streams, and whether the first walk is over"
    assert all(len(asked["fields"]) <= 3 for *_, asked in fake.calls), "and nothing is read whole"


async def test_a_great_change_in_one_second_comes_whole(
    fake: FakeOdoo, client: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.odoo.feed.WINDOW", 5)
    fake.step = 0.0
    ids = [fake.put("res.partner", name=f"Made-up {n}") for n in range(20)]
    _, cursor = await walk(client)
    for id_ in ids:
        fake.set("res.partner", id_, phone="1")
    seen: set[str] = set()
    for _ in range(3):
        records, cursor = await walk(client, cursor)
        seen |= {record.ref.id for record in records}
    assert seen == {str(id_) for id_ in ids}


@pytest.mark.parametrize("what", ["note", "activity", "contact"])
async def test_what_belongs_to_a_record_brings_it_again(fake: FakeOdoo, client: Crm, what: str) -> None:
    id_ = fake.put("res.partner", name="Acme")
    _, cursor = await walk(client)
    match what:
        case "note":
            fake.put("mail.message", model="res.partner", res_id=id_, message_type="comment", body="<p>Hi</p>", date=1)
        case "activity":
            fake.put("mail.activity", res_model="res.partner", res_id=id_, summary="Call", date_deadline="2026-12-01")
        case "contact":
            fake.put("res.partner", name="Wang", parent_id=id_, is_company=False)
    records, cursor = await walk(client, cursor)
    assert [record.ref.id for record in records] == [str(id_)]
    assert (await walk(client, cursor))[0] == []


async def test_who_is_a_customer(fake: FakeOdoo, far: OdooHarness) -> None:
    company = fake.put("res.partner", name="Acme")
    fake.put("res.partner", name="Wang of Acme", parent_id=company, is_company=False)
    person = fake.put("res.partner", name="Somebody", is_company=False)
    branch = fake.put("res.partner", name="Acme South", parent_id=company)
    fake.put("res.partner", name="A user's own", is_company=False, partner_share=False)
    for customers, expected in (("all", {company, person, branch}), ("companies", {company, branch})):
        records, _ = await walk(far.client(customers=customers))
        assert {int(record.ref.id) for record in records} == expected


# -- what a record is made of


async def test_a_record_with_everything(fake: FakeOdoo, client: Crm) -> None:
    industry = fake.put("res.partner.industry", name="Medical")
    state = fake.put("res.country.state", name="Jiangsu")
    id_ = fake.put(
        "res.partner", name="华星医疗", industry_id=industry, state_id=state, user_id=PERSON, credit_limit=0.1
    )
    fake.set("res.partner", id_, comment="<p>Two<br>lines &amp; more</p><script>alert(1)</script>", phone=None)
    author = fake.put("res.partner", name="Li Ting", is_company=False)
    told: dict[str, Any] = {"model": "res.partner", "res_id": id_, "author_id": author}
    fake.put("mail.message", **told, message_type="comment", body="<p>Wants a <b>quote</b></p>", date=1_700_000_000)
    fake.put("mail.message", **told, message_type="notification", body="", date=1_700_000_001)
    kind = fake.put("mail.activity.type", name="Call")
    due: dict[str, Any] = {"res_model": "res.partner", "res_id": id_, "user_id": PERSON, "date_deadline": "2026-12-01"}
    fake.put("mail.activity", **due, activity_type_id=kind, note="<p>about the price</p>")
    contact: dict[str, Any] = {"parent_id": id_, "is_company": False, "function": "CTO", "phone": "1", "email": None}
    fake.put("res.partner", name="王芳", **contact)
    record = await client.get(ref(id_))
    assert {name: it.value for name, it in record.fields.items()} == {
        "phone": None,
        "email": None,
        "amount": "0.1",
        "role": "main",
        "industry": "Medical",
        "description": "Two\nlines & more",
        "live": "true",
    }
    assert (record.title, record.owners, record.region) == ("华星医疗", (str(PERSON),), "Jiangsu")
    (noted,) = record.related["note"]
    assert (noted.text, noted.who, noted.at) == ("Wants a quote", "Li Ting", 1_700_000_000_000)
    (todo,) = record.related["open_item"]
    assert (todo.text, todo.who, todo.due) == ("Call: about the price", "Li Ting", 1_796_083_200_000)
    (person,) = record.related["contact"]
    assert (person.text, dict(person.detail)) == ("王芳", {"title": "CTO", "phone": "1"})
    assert (record.modified_by, record.modified) == (
        str(PERSON),
        int(fake.tables["res.partner"][id_]["write_date"]) * 1000,
    )
    assert record.url == f"{fake.url}/web#id={id_}&model=res.partner&view_type=form"


async def test_what_the_gateway_wrote_is_known_as_its_own(fake: FakeOdoo, client: Crm) -> None:
    id_ = fake.put("res.partner", name="Acme")
    await client.apply(change(id_, "phone", "1"), once="w1")
    assert (await client.get(ref(id_))).modified_by == GATEWAY


@pytest.mark.parametrize(
    ("type_", "value", "ours"),
    [
        ("char", False, None),
        ("char", "x", "x"),
        ("boolean", False, "false"),
        ("boolean", True, "true"),
        ("integer", 0, 0),
        ("float", 0.0, 0.0),
        ("monetary", 480000.5, 480000.5),
        ("many2one", False, None),
        ("many2one", [4, "Medical"], "Medical"),
        ("many2one", [4, False], None),
        ("many2one", "nonsense", None),
        ("html", False, None),
        ("html", "<p>a</p>", "a"),
        ("html", "<p><br></p>", None),
        ("date", "2026-12-01", "2026-12-01"),
        ("datetime", "2026-12-01 10:00:00", "2026-12-01 10:00:00"),
        ("many2many", [1, 2], [1, 2]),
        ("selection", False, None),
    ],
)
def test_values_heard(type_: str, value: Json, ours: Json) -> None:
    assert heard({"f": value}, {"f": {"type": type_}}) == {"f": ours}


@pytest.mark.parametrize(
    ("about", "value", "theirs"),
    [
        ({"type": "char"}, None, False),
        ({"type": "char"}, "x", "x"),
        ({"type": "html"}, "<b>\na", "<p>&lt;b&gt;<br/>a</p>"),
        ({"type": "float"}, "480000.50", 480000.5),
        ({"type": "monetary"}, "7", 7.0),
        ({"type": "integer"}, "7", 7),
        ({"type": "boolean"}, "False", False),
        ({"type": "boolean"}, "true", True),
        ({"type": "date"}, "2026-12-01", "2026-12-01"),
        ({"type": "datetime"}, "2026-12-01", "2026-12-01 00:00:00"),
        ({"type": "selection", "selection": [["a", "A"]]}, "a", "a"),
    ],
)
def test_values_spelled(about: dict[str, Any], value: str | None, theirs: Json) -> None:
    told = spelled("f", value, about)
    assert told == theirs and type(told) is type(theirs)


@pytest.mark.parametrize(
    ("about", "value"), [({"type": "selection", "selection": [["a", "A"]]}, "b"), ({"type": "boolean"}, "7")]
)
def test_values_odoo_would_not_take(about: dict[str, Any], value: str) -> None:
    with pytest.raises(Refused, match="not one of"):
        spelled("f", value, about)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("<p>a</p><p>b</p>", "a\nb"),
        ("<ul><li>a<li>b</ul>", "a\nb"),
        ("<p>a<style>p{}</style><script>x</script>b", "ab"),
        ("&lt;script&gt;", "<script>"),
        ("<p>unclosed <b>bold", "unclosed bold"),
        ("x\x00\ud800y", "x\ufffd\ufffdy"),
        ("<p>" * 5000 + "deep", "deep"),
        ("😀" * 30_000, "😀" * 20_000),
    ],
)
def test_html_is_made_plain(markup: str, text: str) -> None:
    assert plain(markup) == text


@pytest.mark.parametrize(
    "markup", ["a<![endif]-->", "a<![foo[x", "a<!doctype", "a<!-- x", "a<?x", "a</", "a<", "a&#xfffffff;"]
)
def test_html_that_is_none_is_made_plain_too(markup: str) -> None:
    assert plain(markup).startswith("a")


# -- writing


@pytest.mark.parametrize("model", ["mail.message", "mail.activity", "res.partner"])
async def test_who_has_very_many_items_takes_none_from_others(
    fake: FakeOdoo, client: Crm, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    monkeypatch.setattr("crm.odoo.reading.ITEMS", 3)
    few, many, none = (fake.put("res.partner", name=f"Made-up {n}") for n in range(3))
    about: dict[str, dict[str, Any]] = {
        "mail.message": {"model": "res.partner", "message_type": "comment", "body": "<p>x</p>", "date": 1},
        "mail.activity": {"res_model": "res.partner", "summary": "x", "date_deadline": "2026-01-01"},
        "res.partner": {"name": "x", "is_company": False},
    }
    column = "parent_id" if model == "res.partner" else "res_id"
    newest_first = model == "mail.message"
    for id_ in (few, *[many] * 30) if newest_first else (*[many] * 30, few):
        fake.put(model, **about[model], **{column: id_})
    records = {record.ref.id: record for record, _ in [each async for each in client.changes("")]}
    counts = {id_: sum(map(len, records[str(id_)].related.values())) for id_ in (few, many, none)}
    assert counts == {few: 1, many: 3, none: 0}


async def test_what_odoo_logs_by_itself_is_no_note(
    fake: FakeOdoo, client: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log message is a notification that is internal; what is posted over the API without a type is one that is not.
    What tells the source of our own changes takes no place from what people wrote."""
    monkeypatch.setattr("crm.odoo.reading.ITEMS", 2)
    id_ = fake.put("res.partner", name="Acme")
    about = {"model": "res.partner", "res_id": id_, "message_type": "notification", "date": 1}
    fake.put("mail.message", **about, body="<p>Called back</p>")
    fake.put("mail.message", **about | {"message_type": "comment"}, body="<p>Wants a visit</p>", is_internal=True)
    fake.put("mail.message", **about, body="<p>Contact created</p>", is_internal=True)
    for n in range(5):
        await client.apply(change(id_, "phone", f"+86 {n}", label="[Slack]"), once=f"w{n}")
    told = (await client.get(ref(id_))).related["note"]
    assert [each.text for each in told] == ["Wants a visit", "Called back"]


async def test_a_link_is_written_by_its_name(fake: FakeOdoo, client: Crm) -> None:
    medical = fake.put("res.partner.industry", name="Medical")
    for _ in range(2):
        fake.put("res.partner.industry", name="Twice")
    id_ = fake.put("res.partner", name="Acme")
    assert isinstance(await client.apply(change(id_, "industry", "Medical"), once="w1"), Applied)
    assert fake.tables["res.partner"][id_]["industry_id"] == medical
    for name, count in (("Medica", 0), ("Twice", 2)):
        with pytest.raises(Refused) as caught:
            await client.apply(change(id_, "industry", name), once=name)
        assert caught.value.facts == {"field": "industry", "count": count, "value": name}


async def test_the_source_of_a_change_is_told_in_a_note_that_is_no_note(fake: FakeOdoo, client: Crm) -> None:
    id_ = fake.put("res.partner", name="Acme")
    answer = await client.apply(change(id_, "phone", "1", label="[企微插件 v2.3]"), once="w1")
    assert isinstance(answer, Applied)
    (message,) = fake.tables["mail.message"].values()
    assert message["body"] == "<p>Floatcard [企微插件 v2.3] phone</p>"
    record = await client.get(ref(id_))
    assert (record.related["note"], record.version) == ((), answer.version)


async def test_a_source_that_cannot_be_told_undoes_nothing(fake: FakeOdoo, far: OdooHarness) -> None:
    id_ = fake.put("res.partner", name="Acme")
    fake.lose_answer = "message_post"
    assert isinstance(await far.client().apply(change(id_, "phone", "1", label="[x]"), once="w1"), Applied)
    await far.client(notes=False).apply(change(id_, "phone", "2", label="[x]"), once="w2")
    assert len(fake.tables["mail.message"]) == 1


async def test_a_write_whose_answer_was_lost_is_not_written_twice(fake: FakeOdoo, far: OdooHarness) -> None:
    id_ = fake.put("res.partner", name="Acme")
    client = far.client()
    asked = change(id_, "phone", "1", (await client.get(ref(id_))).version)
    fake.lose_answer = "write"
    with pytest.raises(Retry):
        await client.apply(asked, once="w1")
    answer = await far.client().apply(asked, once="w1")
    assert answer == Applied((await client.get(ref(id_))).version, "1")
    assert [call[1] for call in fake.calls].count("write") == 1


async def test_a_write_whose_answer_was_lost_and_that_was_overwritten_is_a_conflict(
    fake: FakeOdoo, client: Crm
) -> None:
    id_ = fake.put("res.partner", name="Acme")
    asked = change(id_, "phone", "1", (await client.get(ref(id_))).version)
    fake.lose_answer = "write"
    with pytest.raises(Retry):
        await client.apply(asked, once="w1")
    fake.set("res.partner", id_, phone="2")
    assert isinstance(await client.apply(asked, once="w1"), Conflict)


async def test_the_window_is_there(fake: FakeOdoo, client: Crm) -> None:
    """What Odoo cannot prevent, and the page says: a change between our reading and our writing is overwritten."""
    id_ = fake.put("res.partner", name="Acme", phone="1")
    version = (await client.get(ref(id_))).version
    fake.before_write = lambda: fake.set("res.partner", id_, phone="theirs")
    assert isinstance(await client.apply(change(id_, "phone", "ours", version), once="w1"), Applied)
    assert fake.tables["res.partner"][id_]["phone"] == "ours"


@pytest.mark.parametrize(
    "text", ["plain", "two\nlines", "<script>alert(1)</script> & <b>", "*bold* <!channel>", "‮rtl", "😀" * 2000]
)
async def test_a_note_is_what_was_written(fake: FakeOdoo, far: OdooHarness, text: str) -> None:
    id_ = fake.put("res.partner", name="Acme")
    client = far.client()
    item = await client.add_note(ref(id_), text, "Li Ting", once="n1")
    assert await far.client().add_note(ref(id_), text, "Li Ting", once="n1") == item
    (kept,) = (await client.get(ref(id_))).related["note"]
    assert (kept.id, kept.text) == (item.id, f"Li Ting: {text}")
    (message,) = fake.tables["mail.message"].values()
    assert "<script" not in message["body"] and "<b>" not in message["body"]


async def test_a_note_whose_answer_was_lost_is_not_written_twice(fake: FakeOdoo, client: Crm) -> None:
    id_ = fake.put("res.partner", name="Acme")
    fake.lose_answer = "message_post"
    with pytest.raises(Retry):
        await client.add_note(ref(id_), "hello\n\nthere", "Li", once="n1")
    assert (await client.add_note(ref(id_), "hello\n\nthere", "Li", once="n1")).id == "1"
    assert len(fake.tables["mail.message"]) == 1


# -- what it says no with


@pytest.mark.parametrize(
    ("name", "message", "say"),
    [
        ("odoo.exceptions.AccessError", "You may <b>not</b>.", "does not permit this"),
        ("odoo.exceptions.ValidationError", "Bad phone.", "refused"),
        ("odoo.exceptions.UserError", "Locked.", "refused"),
        ("odoo.exceptions.MissingError", "Gone.", "refused"),
        ("builtins.ValueError", "Wrong value for res.partner.type: 'x'", "refused"),
        ("odoo.exceptions.AccessDenied", "Access Denied", "reconnect"),
        ("odoo.http.SessionExpiredException", "Session expired", "reconnect"),
        ("psycopg2.OperationalError", 'connection failed: FATAL:  database "acme" does not exist', "refused"),
    ],
)
async def test_a_fault_that_a_person_can_mend(fake: FakeOdoo, client: Crm, name: str, message: str, say: str) -> None:
    id_ = fake.put("res.partner", name="Acme")
    fake.fault = Fault(name, message)
    with pytest.raises(Refused, match=say) as caught:
        await client.apply(change(id_, "phone", "1"), once="w1")
    told = str(caught.value.facts)
    assert "Traceback" not in told and "<b>" not in told


@pytest.mark.parametrize(
    "name",
    [
        "psycopg2.errors.SerializationFailure",
        "psycopg2.extensions.TransactionRollbackError",
        "psycopg2.OperationalError",
        "odoo.sql_db.PoolError",
        "psycopg2.errors.LockNotAvailable",
    ],
)
async def test_a_fault_that_passes(fake: FakeOdoo, client: Crm, name: str) -> None:
    fake.fault = Fault(name, "could not serialize access")
    with pytest.raises(Retry):
        await client.get(ref(1))


async def test_a_validation_is_told_in_odoos_own_words(fake: FakeOdoo, client: Crm) -> None:
    id_ = fake.put("res.partner", name="Acme")
    with pytest.raises(Refused) as caught:
        await client.apply(change(id_, "email", "taken@example.com"), once="w1")
    assert caught.value.facts == {"crm": "odoo", "words": "Another partner has this e-mail."}


async def test_a_wrong_key_is_told_at_once(far: OdooHarness) -> None:
    with pytest.raises(Refused, match="reconnect"):
        await far.client(key="wrong-key-9876").get(ref(1))


@pytest.mark.parametrize(
    ("info", "works"), [([17, 0], True), (["saas~18", 2], True), ([16, 0, 0, "final"], False), ([], None), (None, None)]
)
async def test_only_odoo_17_and_newer(fake: FakeOdoo, client: Crm, info: Any, works: bool | None) -> None:
    fake.version = {"server_version_info": info}
    id_ = fake.put("res.partner", name="Acme")
    if works:
        assert (await client.get(ref(id_))).title == "Acme"
    else:
        with pytest.raises(Retry if works is None else Refused, match="version"):
            await client.get(ref(id_))


@pytest.mark.parametrize("id_", ["0", "-1", "x", "99999999999", "²", "1; drop", ""])
async def test_an_id_that_is_none_is_never_asked_for(fake: FakeOdoo, client: Crm, id_: str) -> None:
    with pytest.raises(Refused, match="no customer"):
        await client.get(RecordRef("odoo", "account", id_))
    assert fake.calls == []


async def test_what_was_erased_is_told_as_gone(fake: FakeOdoo, client: Crm) -> None:
    id_ = fake.put("res.partner", name="Acme")
    version = (await client.get(ref(id_))).version
    del fake.tables["res.partner"][id_]
    with pytest.raises(Refused, match="may have been removed"):
        await client.apply(change(id_, "phone", "1", version), once="w1")


async def test_what_was_erased_is_not_live_nor_what_is_archived(fake: FakeOdoo, client: Crm) -> None:
    ids = [fake.put("res.partner", name=name) for name in ("Acme", "Erased", "Archived")]
    del fake.tables["res.partner"][ids[1]]
    fake.set("res.partner", ids[2], active=False)
    assert await client.live([*map(str, ids), "x", "-1", "99999999999"]) == {str(ids[0])}
    with pytest.raises(Absent):
        await client.get(ref(ids[1]))


async def test_one_that_was_merged_away_says_into_which(fake: FakeOdoo, client: Crm) -> None:
    """Odoo erases it without a word; what tells is a message on the other."""
    gone, into, last = (fake.put("res.partner", name=name, email=f"{name}@x.cn") for name in ("甲 (ID 3)", "B", "C"))
    known = await client.get(ref(gone))
    _, cursor = await walk(client)
    fake.now += 100
    fake.merge(gone, into)
    found = await client.get(ref(gone))
    assert found.deleted and found.merged_into == str(into) and found.version > known.version
    told, cursor = await walk(client, cursor)
    assert {(each.ref.id, each.deleted, each.merged_into) for each in told} == {
        (str(gone), True, str(into)),
        (str(into), False, ""),
    }
    assert isinstance(await client.apply(change(gone, "phone", "1", known.version), once="w1"), Conflict)
    assert (await walk(client, cursor))[0] == []
    fake.now += 100
    fake.merge(into, last)
    assert [(await client.get(ref(id_))).merged_into for id_ in (gone, into)] == [str(last)] * 2


async def test_no_message_of_a_person_makes_one_merged(fake: FakeOdoo, client: Crm) -> None:
    erased, other, lives = (fake.put("res.partner", name=name) for name in ("A", "B", "C"))
    _, cursor = await walk(client)
    del fake.tables["res.partner"][erased]
    about = {"model": "res.partner", "res_id": other, "date": fake.now}
    fake.put("mail.message", **about, message_type="comment", body=f"<p>x &lt;y&gt; (ID {erased})</p>")
    fake.put("mail.message", **about, message_type="notification", body=f"<p>see (ID {erased})</p>")
    fake.put("mail.message", **about, message_type="notification", body=f"<p>x &lt;y&gt; (ID {lives})</p>")
    told, _ = await walk(client, cursor)
    assert [(each.ref.id, each.deleted) for each in told] == [(str(other), False)]
    with pytest.raises(Absent):
        await client.get(ref(erased))
    assert not (await client.get(ref(lives))).deleted


async def test_it_is_asked_in_the_language_of_its_account(fake: FakeOdoo, far: OdooHarness) -> None:
    """The stand-in fails every call in another one."""
    id_ = fake.put("res.partner", name="Acme")
    for language in ("zh_CN", "en_US", "fr_FR"):
        fake.language = language
        assert (await far.client().get(ref(id_))).title == "Acme"


# -- its own history, its people, its fields


def track(fake: FakeOdoo, id_: int, field: str, type_: str, by: int = PERSON, **new: Any) -> None:
    about = {"model": "res.partner", "res_id": id_, "message_type": "notification", "body": "", "date": fake.now}
    message = fake.put("mail.message", by, **about, author_id=id_, tracking_value_ids=[1])
    named = fake.put("ir.model.fields", name=field, ttype=type_)
    fake.put("mail.tracking.value", field_id=named, mail_message_id=message, **new)


async def test_tracked_fields_have_a_history(fake: FakeOdoo, client: Crm) -> None:
    id_ = fake.put("res.partner", name="Acme")
    track(fake, id_, "phone", "char", new_value_char="1")
    since = int(fake.now * 1000) + 2000
    fake.now += 5
    track(fake, id_, "phone", "char", new_value_char="2")
    track(fake, id_, "credit_limit", "monetary", new_value_float=0.5)
    track(fake, id_, "active", "boolean", new_value_integer=0)
    track(fake, id_, "industry_id", "many2one", new_value_integer=3, new_value_char="Medical")
    track(fake, id_, "unmapped", "char", new_value_char="x")
    told = await client.history(ref(id_))
    assert [(past.field, past.value) for past in told] == [
        ("phone", "1"),
        ("phone", "2"),
        ("amount", "0.5"),
        ("live", "false"),
        ("industry", "Medical"),
    ]
    assert [past.value for past in await client.history(ref(id_), since=since)][:1] == ["2"]


async def test_a_choice_in_the_history_is_the_value_and_not_its_label(fake: FakeOdoo, client: Crm) -> None:
    id_ = fake.put("res.partner", name="Acme")
    track(fake, id_, "type", "selection", new_value_char="Invoice")
    assert [(past.field, past.value) for past in await client.history(ref(id_))] == [("role", "billing")]


async def test_history_is_for_administrators(fake: FakeOdoo, client: Crm) -> None:
    id_ = fake.put("res.partner", name="Acme")
    track(fake, id_, "phone", "char", new_value_char="1")
    fake.administrator = False
    assert await client.history(ref(id_)) == ()


async def test_its_people(client: Crm) -> None:
    told = {(user.id, user.name, user.email, user.active) for user in await client.users()}
    assert told == {(str(UID), "Floatcard", "7@example.com", True), (str(PERSON), "Li Ting", "9@example.com", True)}


async def test_what_it_offers(client: Crm) -> None:
    told = {info.name: info for info in await client.describe("account")}
    assert (told["phone"].type, told["credit_limit"].type, told["comment"].native) == ("phone", "decimal", "html")
    assert told["type"].options == ("contact", "invoice")
    assert not told["write_date"].writable and not told["category_id"].writable
    assert await client.describe("order") == ()


async def test_the_usual_mapping_is_what_this_odoo_has(far: OdooHarness, fake: FakeOdoo) -> None:
    id_ = fake.put("res.partner", name="Acme", street="A 1")
    record = await far.client(fields={}).get(ref(id_))
    assert record.fields["address"].value == "A 1"
    assert set(record.fields) == {"phone", "email", "address", "city", "website", "industry", "description"}


@pytest.mark.parametrize(
    "wrong", [{"url": "ftp://x"}, {"key": ""}, {"page": 0}, {"customers": "some"}, {"fields": {"id_": "id"}}, {"x": 1}]
)
def test_settings_that_cannot_work(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({"url": "https://o.example", "database": "d", "login": "l", "key": "kkkkkk", **wrong})


async def test_a_cursor_of_the_first_walk_days_later_goes_on(fake: FakeOdoo, far: OdooHarness) -> None:
    ids = [fake.put("res.partner", name=f"Made-up {n}") for n in range(7)]
    feed = far.client().changes("")
    cursor = (await anext(feed))[1]
    await feed.aclose()  # type: ignore[attr-defined]
    fake.now += 3 * 86_400
    fake.set("res.partner", ids[0], phone="1")
    rest, cursor = await walk(far.client(), cursor)
    assert [record.ref.id for record in rest] == [str(id_) for id_ in ids[1:]]
    again, _ = await walk(far.client(), cursor)
    assert str(ids[0]) in {record.ref.id for record in again}


@pytest.mark.parametrize(
    ("path", "id_"),
    [
        ("/web#id=7&model=res.partner&view_type=form", "7"),
        ("/odoo/contacts/7", "7"),
        ("/odoo/res.partner/7?x=1", "7"),
        ("/web#id=7&cids=1&menu_id=110&action=149&model=res.partner&view_type=form", "7"),
        ("/web?debug=1#menu_id=110&model=res.partner&id=7", "7"),
        ("/web#id=&model=res.partner", None),
        ("/web#id=\u0667&model=res.partner", None),
        ("/web#id=7&model=crm.lead", None),
        ("/web/x#id=7&model=res.partner", None),
        ("/odoo/contacts/new", None),
        ("/odoo/contacts/", None),
        ("", None),
    ],
)
async def test_the_address_of_a_partner(fake: FakeOdoo, client: Crm, path: str, id_: str | None) -> None:
    told = client.addressed(f"{fake.url}{path}")
    assert (told.id if told else None) == id_
    assert client.addressed(f"https://elsewhere.example{path}") is None
