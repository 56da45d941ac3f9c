"""What is HubSpot's own, asked of the connector against the stand-in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import ValidationError

from crm.hubspot import Config, Crm
from crm.hubspot.api import pace, words
from crm.hubspot.hooks import OLDEST_MS, signature
from crm.model import GATEWAY, Applied, Conflict, Hook
from gateway.errors import Refused, Rejected, Retry, Unreadable
from reconcile.model import Json
from tests.crm.contract import walk
from tests.crm.hubspot.fake import PERSON, PORTAL, PROPERTIES, SECRET, FakeHubSpot
from tests.crm.hubspot.harness import HubSpotHarness, house
from tests.crm.standin import Asking

URL = "https://crm.example/hooks/hubspot"


ask = Asking("hubspot")
ref, change = ask.ref, ask.change


@pytest_asyncio.fixture
async def far() -> AsyncIterator[HubSpotHarness]:
    async with house() as opened:
        yield opened


# -- who changed what


@pytest.mark.parametrize("before", [{"phone": "1"}, {}])
async def test_another_field_that_moved_is_no_conflict(fake: FakeHubSpot, client: Crm, before: dict[str, str]) -> None:
    id_ = fake.put("companies", name="Acme", city="Suzhou", **before)
    version = (await client.get(ref(id_))).version
    fake.set("companies", id_, city="Shanghai")
    answer = await client.apply(change(id_, "phone", "2", version), once="w1")
    assert isinstance(answer, Applied) and answer.overwrote is False
    assert fake.things["companies"][id_].properties["city"] == "Shanghai"


async def test_the_field_itself_that_moved_is_one(fake: FakeHubSpot, client: Crm) -> None:
    id_ = fake.put("companies", name="Acme", phone="1")
    version = (await client.get(ref(id_))).version
    fake.set("companies", id_, phone="2")
    fake.set("companies", id_, city="Shanghai")
    assert isinstance(await client.apply(change(id_, "phone", "3", version), once="w1"), Conflict)
    assert fake.things["companies"][id_].properties["phone"] == "2"


async def test_what_was_set_between_our_reading_and_our_writing_is_known(fake: FakeHubSpot, client: Crm) -> None:
    id_ = fake.put("companies", name="Acme", phone="1")
    version = (await client.get(ref(id_))).version
    fake.before_write = lambda: fake.set("companies", id_, phone="2")
    answer = await client.apply(change(id_, "phone", "3", version), once="w1")
    assert isinstance(answer, Applied) and answer.overwrote is True
    assert [past.value for past in answer.unseen] == ["2"], "and to what"
    assert [past.value for past in await client.history(ref(id_)) if past.field == "phone"] == ["1", "2", "3"]


async def test_each_field_has_its_own_time_and_the_newest_tells_who(fake: FakeHubSpot, client: Crm) -> None:
    id_ = fake.put("companies", name="Acme", phone="1", city="Suzhou")
    first = fake.now
    fake.set("companies", id_, PERSON + 1, city="Shanghai")
    record = await client.get(ref(id_))
    assert (record.fields["phone"].as_of, record.fields["city"].as_of) == (first, fake.now)
    assert record.modified_by == str(PERSON + 1)
    await client.apply(change(id_, "phone", "2"), once="w1")
    assert (await client.get(ref(id_))).modified_by == GATEWAY
    past = (await client.history(ref(id_), since=fake.now))[-1]
    assert (past.field, past.value, past.source) == ("phone", "2", "INTEGRATION/4711")


async def test_a_write_whose_answer_was_lost_is_not_written_twice(fake: FakeHubSpot, far: HubSpotHarness) -> None:
    id_ = fake.put("companies", name="Acme")
    client = far.client()
    asked = change(id_, "phone", "1", (await client.get(ref(id_))).version)
    fake.lose_answer = True
    with pytest.raises(Retry):
        await client.apply(asked, once="w1")
    assert await far.client().apply(asked, once="w1") == Applied(fake.now, "1")
    assert [method for method, _ in fake.asked].count("PATCH") == 1


async def test_the_source_stands_in_a_property_of_its_own(fake: FakeHubSpot, far: HubSpotHarness) -> None:
    id_ = fake.put("companies", name="Acme")
    await far.client(label="source").apply(change(id_, "phone", "1", label="[企微插件 v2.3]"), once="w1")
    assert fake.things["companies"][id_].properties["source"] == "[企微插件 v2.3]"


@pytest.mark.parametrize(
    ("field", "value", "theirs"),
    [
        ("amount", "480000.50", "480000.50"),
        ("industry", "medical", "HOSPITAL_HEALTH_CARE"),
        ("renewal", "2026-12-01", "2026-12-01"),
    ],
)
async def test_values_of_every_type(fake: FakeHubSpot, client: Crm, field: str, value: str, theirs: str) -> None:
    id_ = fake.put("companies", name="Acme")
    answer = await client.apply(change(id_, field, value), once="w1")
    assert isinstance(answer, Applied) and answer.rendered == value
    names = {"amount": "annualrevenue"}
    assert fake.things["companies"][id_].properties[names.get(field, field)] == theirs
    assert (await client.get(ref(id_))).fields[field].value == value


async def test_a_validation_is_told_in_hubspots_own_words(fake: FakeHubSpot, far: HubSpotHarness) -> None:
    id_ = fake.put("companies", name="Acme")
    fields = {"industry": "industry"}
    with pytest.raises(Refused) as caught:
        await far.client(fields=fields).apply(change(id_, "industry", "Fish"), once="w1")
    assert caught.value.facts["words"] == "Fish was not one of the allowed options: [label: ...]"


# -- what belongs to a record, and what becomes of it


async def test_a_record_with_everything(fake: FakeHubSpot, client: Crm) -> None:
    fake.owners = [{"id": "77", "email": "li@example.com", "firstName": "Li", "lastName": "Ting", "archived": False}]
    fake.owners += [{"id": str(1000 + n), "email": f"{n}@example.com", "archived": True} for n in range(150)]
    id_ = fake.put("companies", name="华星医疗", industry="HOSPITAL_HEALTH_CARE", hubspot_owner_id="77")
    note = fake.put(
        "notes", hs_note_body="<p>Wants a <b>quote</b></p>", hs_timestamp="1700000000000", hubspot_owner_id="77"
    )
    open_ = fake.put("tasks", hs_task_subject="Call", hs_timestamp="2026-12-01T00:00:00Z", hs_task_status="NOT_STARTED")
    done = fake.put("tasks", hs_task_subject="Mail", hs_task_body="<p>x</p>", hs_task_status="COMPLETED")
    contact = fake.put("contacts", firstname="芳", lastname="王", jobtitle="CTO", phone="1")
    for to, end in (("notes", note), ("tasks", open_), ("tasks", done), ("contacts", contact)):
        fake.link("companies", id_, to, end)
    record = await client.get(ref(id_))
    assert (record.title, record.owners, record.fields["industry"].value) == ("华星医疗", ("77",), "medical")
    (noted,) = record.related["note"]
    assert (noted.text, noted.who, noted.at) == ("Wants a quote", "Li Ting", 1_700_000_000_000)
    assert [(it.text, it.done) for it in record.related["open_item"]] == [("Call", False), ("Mail: x", True)]
    assert record.related["open_item"][0].due == 1_796_083_200_000
    (person,) = record.related["contact"]
    assert (person.text, dict(person.detail)) == ("芳 王", {"title": "CTO", "phone": "1"})
    assert record.url == f"https://app.hubspot.com/contacts/{PORTAL}/record/0-2/{id_}"
    (given,) = (await walk(client))[0]
    assert given.related == record.related
    assert len(await client.users()) == 151


async def test_the_newest_note_of_very_many_is_there(fake: FakeHubSpot, client: Crm) -> None:
    fake.ends = 3
    few, many = fake.put("companies", name="Acme"), fake.put("companies", name="Borg")
    fake.link("companies", few, "notes", fake.put("notes", hs_note_body="Only one", hs_timestamp="1700000000000"))
    for n in range(8):
        note = fake.put("notes", hs_note_body=f"Call {n}", hs_timestamp=str(1_700_000_000_000 + n))
        fake.link("companies", many, "notes", note)
    told = {record.ref.id: [note.text for note in record.related["note"]] for record in (await walk(client))[0]}
    assert told == {few: ["Only one"], many: [f"Call {n}" for n in reversed(range(8))]}


async def test_contacts_may_be_the_customers(fake: FakeHubSpot, far: HubSpotHarness) -> None:
    id_ = fake.put("contacts", firstname="Wang", lastname="Fang", email="w@example.com")
    client = far.client(kind="contact", fields={})
    record = await client.get(ref(id_))
    assert (record.title, record.fields["email"].value) == ("Wang Fang", "w@example.com")
    assert [it.ref.kind for it in (await walk(client))[0]] == ["account"]


async def test_one_that_was_merged_away_is_deleted(fake: FakeHubSpot, client: Crm) -> None:
    kept, gone = fake.put("companies", name="Acme"), fake.put("companies", name="ACME Inc")
    del fake.things["companies"][gone]
    fake.merged[gone] = kept
    record = await client.get(ref(gone))
    assert (record.ref.id, record.deleted, record.title, record.merged_into) == (gone, True, "Acme", kept)
    assert isinstance(await client.apply(change(gone, "phone", "1", 1), once="w1"), Conflict)


async def test_archived_records_are_looked_for_now_and_then(fake: FakeHubSpot, far: HubSpotHarness) -> None:
    client = far.client(deleted_every=600)
    ids = [fake.put("companies", name=f"Made-up {n}") for n in range(3)]
    _, cursor = await walk(client)
    fake.archive("companies", ids[0])
    records, cursor = await walk(client, cursor)
    assert [(record.ref.id, record.deleted) for record in records] == [(ids[0], True)]
    fake.asked.clear()
    fake.archive("companies", ids[1])
    await walk(client, cursor)
    assert ("GET", "/crm/v3/objects/companies") not in fake.asked


@pytest.mark.parametrize("busy", ["the list's second page", "what is behind it"])
async def test_an_archived_record_is_told_though_the_look_broke_off(
    fake: FakeHubSpot, far: HubSpotHarness, busy: str
) -> None:
    client = far.client(deleted_every=600)
    ids = [fake.put("companies", name=f"Made-up {n}") for n in range(130)]
    _, cursor = await walk(client)
    for id_ in ids:
        fake.archive("companies", id_)

    def tired(request: web.Request) -> web.Response | None:
        second = request.method == "GET" and "after" in request.query
        behind = request.path.endswith("/batch/read")
        return far.too_many(1) if (second if busy.startswith("the list") else behind) else None

    fake.answer = tired
    for _ in range(2):
        with pytest.raises(Retry):
            await walk(client, cursor)
    fake.answer = None
    records, cursor = await walk(client, cursor)
    assert {record.ref.id for record in records if record.deleted} == set(ids)
    assert (await walk(client, cursor))[0] == []


async def test_an_archived_record_the_list_tells_late_comes_until_it_was_taken(
    fake: FakeHubSpot, far: HubSpotHarness
) -> None:
    """Others changed since, so that it is behind what is looked back on; that it was taken stands in the cursor."""
    gone, changed = [fake.put("companies", name=f"Made-up {n}") for n in range(2)]
    first = far.client(deleted_every=600)
    _, cursor = await walk(first)
    fake.set("companies", changed, phone="1")
    _, cursor = await walk(first, cursor)
    fake.archive("companies", gone)
    fake.now += 300_000
    fake.set("companies", changed, phone="2")
    records, cursor = await walk(first, cursor)
    assert [record.ref.id for record in records] == [changed], "the list is not read yet"
    client = far.client(deleted_every=600)
    for _ in range(3):
        records, behind = await walk(client, cursor)
        assert [(record.ref.id, record.deleted) for record in records] == [(gone, True)]
    for each in (client, far.client(deleted_every=600)):
        assert (await walk(each, behind))[0] == []
    fake.set("companies", changed, phone="3")
    records, behind = await walk(client, behind)
    assert [record.ref.id for record in records] == [changed]
    assert (await walk(client, behind))[0] == []


async def test_of_archived_records_no_more_is_kept_than_is_told_again(fake: FakeHubSpot, client: Crm) -> None:
    gone, changed = [fake.put("companies", name=f"Made-up {n}") for n in range(2)]
    _, cursor = await walk(client)
    fake.archive("companies", gone)
    _, cursor = await walk(client, cursor)
    for value in "12":
        fake.now += 300_000
        fake.set("companies", changed, phone=value)
        _, cursor = await walk(client, cursor)
    assert not client._changes._gone and gone not in cursor


async def test_many_archived_records_come_once(fake: FakeHubSpot, client: Crm) -> None:
    ids = [fake.put("companies", name=f"Made-up {n}") for n in range(230)]
    _, cursor = await walk(client)
    for id_ in ids:
        fake.archive("companies", id_)
    records, cursor = await walk(client, cursor)
    assert {record.ref.id for record in records if record.deleted} == set(ids)
    assert (await walk(client, cursor))[0] == []


async def test_a_note_is_written_once_and_is_what_was_said(fake: FakeHubSpot, far: HubSpotHarness) -> None:
    id_ = fake.put("companies", name="Acme")
    client = far.client()
    fake.lose_answer = True
    with pytest.raises(Retry):
        await client.add_note(ref(id_), "<script>x</script>\nline & two", "Li", once="n1")
    item = await client.add_note(ref(id_), "<script>x</script>\nline & two", "Li", once="n1")
    assert await far.client().add_note(ref(id_), "<script>x</script>\nline & two", "Li", once="n1") == item
    ((kept_id, kept),) = fake.things["notes"].items()
    assert "<script" not in kept.properties["hs_note_body"]
    (shown,) = (await client.get(ref(id_))).related["note"]
    assert (shown.id, shown.text) == (kept_id, "Li: <script>x</script>\nline & two")


# -- its search, which is late and gives ten thousand


async def test_what_the_search_finds_late_is_not_lost(fake: FakeHubSpot, client: Crm) -> None:
    ids = [fake.put("companies", name=f"Made-up {n}") for n in range(4)]
    _, cursor = await walk(client)
    fake.now += 100_000
    fake.set("companies", ids[0], phone="1")
    late = fake.things["companies"][ids[0]]
    fake.now += 20_000
    fake.set("companies", ids[1], phone="2")
    hidden, fake.things["companies"] = late, {k: v for k, v in fake.things["companies"].items() if k != ids[0]}
    records, cursor = await walk(client, cursor)
    assert [record.ref.id for record in records] == [ids[1]]
    fake.things["companies"][ids[0]] = hidden
    records, _ = await walk(client, cursor)
    assert [record.ref.id for record in records] == [ids[0]]


async def test_more_changes_than_one_search_gives(
    fake: FakeHubSpot, client: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.hubspot.feed.SEARCHED", 400)
    ids = [fake.put("companies", name=f"Made-up {n}") for n in range(3)]
    _, cursor = await walk(client)
    ids += [fake.put("companies", name=f"Made-up {n}") for n in range(900)]
    fake.now += 100_000
    records, _ = await walk(client, f"{fake.now - 90_000};-;")
    assert {record.ref.id for record in records} == set(ids)
    assert cursor


async def test_more_changes_at_one_time_than_a_search_gives_are_told(
    fake: FakeHubSpot, client: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.hubspot.feed.SEARCHED", 400)
    fake.step = 0
    for n in range(401):
        fake.put("companies", name=f"Made-up {n}")
    with pytest.raises(Retry, match="carry one time"):
        await walk(client, f"{fake.now};-;")


async def test_it_is_looked_at_no_oftener_than_told(fake: FakeHubSpot, far: HubSpotHarness) -> None:
    client = far.client(every=3600)
    id_ = fake.put("companies", name="Acme")
    _, cursor = await walk(client)
    await walk(client, cursor)
    fake.asked.clear()
    assert (await walk(client, cursor))[0] == [] and fake.asked == []
    fake.set("companies", id_, phone="1")
    await client.hear(
        signed([{"subscriptionType": "company.propertyChange", "objectId": int(id_), "portalId": PORTAL}])
    )
    assert [record.ref.id for record in (await walk(client, cursor))[0]] == [id_], "a webhook ends the pause"


# -- tokens and limits


async def test_a_token_is_renewed(fake: FakeHubSpot, far: HubSpotHarness) -> None:
    oauth = {"token": "", "client_id": "c", "refresh_token": "refresh-0123456789"}
    client = far.client(**oauth)
    id_ = fake.put("companies", name="Acme")
    assert (await client.get(ref(id_))).title == "Acme"
    fake.token = "revoked by somebody"
    assert (await client.get(ref(id_))).title == "Acme"
    assert fake.refreshed == 2
    with pytest.raises(Refused, match="reconnect"):
        await far.client(**oauth | {"refresh_token": "wrong-0123456789"}).get(ref(id_))


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({}, 0.0),
        ({"X-HubSpot-RateLimit-Remaining": "5"}, 0.0),
        ({"X-HubSpot-RateLimit-Remaining": "0", "X-HubSpot-RateLimit-Interval-Milliseconds": "10000"}, 10.0),
        ({"X-HubSpot-RateLimit-Remaining": "0", "X-HubSpot-RateLimit-Interval-Milliseconds": "x"}, 10.0),
        ({"X-HubSpot-RateLimit-Daily-Remaining": "0", "X-HubSpot-RateLimit-Remaining": "9"}, 600.0),
    ],
)
def test_the_pace_that_headers_ask_for(headers: dict[str, str], after: float) -> None:
    assert pace(headers) == after


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (None, ""),
        ({"message": "plain"}, "plain"),
        ({"message": 'Bad: [{"message":"a"},{"message":"b"}]'}, "a; b"),
        ({"message": 'Bad: [{"message"'}, 'Bad: [{"message"'),
        ({"message": 'Bad: [{"x":1}]'}, 'Bad: [{"x":1}]'),
        ([1], ""),
    ],
)
def test_words_of_a_refusal(body: Json, said: str) -> None:
    assert words(body) == said


async def test_a_used_up_limit_waits(fake: FakeHubSpot, client: Crm) -> None:
    spent = {"X-HubSpot-RateLimit-Remaining": "0", "X-HubSpot-RateLimit-Interval-Milliseconds": "60000"}
    names = [{"name": name} for name in PROPERTIES["companies"]]
    fake.answer = lambda _: web.json_response({"results": names}, headers=spent)
    with pytest.raises(Retry, match="limit of calls"):
        await client.get(ref("1"))
    assert len(fake.asked) == 1


@pytest.mark.parametrize("id_", ["", "x", "-1", "1/../2", "1?a=b", "9" * 21])
async def test_an_id_that_is_none_is_never_asked_for(fake: FakeHubSpot, client: Crm, id_: str) -> None:
    with pytest.raises(Refused, match="no customer"):
        await client.get(ref(id_))
    assert fake.asked == []


@pytest.mark.parametrize(
    "answer", [[], "text", 7, {"results": [1]}, {"results": {}}, {}, {"results": [{"properties": {}}]}]
)
async def test_the_wrong_shape_is_asked_again(fake: FakeHubSpot, client: Crm, answer: Any) -> None:
    await client.describe("account")
    fake.answer = lambda _: web.json_response(answer)
    with pytest.raises(Retry):
        await client.get(ref("1"))
    with pytest.raises(Retry):
        await walk(client, "1;-;")


# -- webhooks


def signed(events: Any, more: dict[str, str] | None = None) -> Hook:
    at, secret, url = 1_790_000_000_000, SECRET, URL
    body = events if isinstance(events, bytes) else json.dumps(events).encode()
    made = signature(Hook("POST", url, {}, body), secret, str(at))
    headers = {"x-hubspot-request-timestamp": str(at), "x-hubspot-signature-v3": made}
    return Hook("POST", url, headers | (more or {}), body)


@pytest.mark.parametrize(
    ("event", "ids"),
    [
        ({"subscriptionType": "company.propertyChange", "objectId": 7}, ["7"]),
        ({"subscriptionType": "company.creation", "objectId": 7}, ["7"]),
        ({"subscriptionType": "company.deletion", "objectId": 7}, ["7"]),
        (
            {"subscriptionType": "company.merge", "objectId": 7, "primaryObjectId": 7, "mergedObjectIds": [8, 9]},
            ["7", "8", "9"],
        ),
        ({"subscriptionType": "company.associationChange", "fromObjectId": 7, "toObjectId": 8}, ["7", "8"]),
        ({"subscriptionType": "object.propertyChange", "objectTypeId": "0-2", "objectId": 7}, ["7"]),
        ({"subscriptionType": "object.propertyChange", "objectTypeId": "0-3", "objectId": 7}, []),
        ({"subscriptionType": "contact.propertyChange", "objectId": 7}, []),
        ({"subscriptionType": "company.propertyChange", "objectId": "../x"}, []),
        ({"subscriptionType": "company.propertyChange"}, []),
    ],
)
async def test_records_a_webhook_speaks_of(client: Crm, event: dict[str, Any], ids: list[str]) -> None:
    told = await client.hear(signed([{"portalId": PORTAL, "eventId": 1, **event}] * 2))
    assert [it.id for it in told] == ids


async def test_another_accounts_webhook_speaks_of_nothing(client: Crm) -> None:
    event = {"subscriptionType": "company.creation", "objectId": 7, "portalId": PORTAL + 1}
    assert await client.hear(signed([event])) == ()


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"null", b'[{"objectId": 7}]', b"[" * 9999, b"[{}]"])
async def test_a_webhook_that_is_none(client: Crm, body: bytes) -> None:
    with pytest.raises(Unreadable):
        await client.hear(signed(body))


async def test_a_webhook_replayed_a_day_later_is_rejected(far: HubSpotHarness, client: Crm) -> None:
    hook = signed([{"subscriptionType": "company.creation", "objectId": 7, "portalId": PORTAL}])
    far.wall += OLDEST_MS
    assert len(await client.hear(hook)) == 1
    for later in (1, 86_400_000):
        far.wall += later
        with pytest.raises(Rejected, match="old"):
            await client.hear(hook)


@pytest.mark.parametrize(
    "wrong",
    [
        {"x-hubspot-signature-v3": "AAAA"},
        {"x-hubspot-signature-v3": ""},
        {"x-hubspot-signature-v3": "é\ud800"},
        {"x-hubspot-request-timestamp": "1790000000001"},
        {"x-hubspot-request-timestamp": ""},
        {"x-hubspot-request-timestamp": "²"},
        {"x-hubspot-request-timestamp": "9" * 400},
    ],
)
async def test_a_wrong_signature_is_rejected(client: Crm, wrong: dict[str, str]) -> None:
    with pytest.raises(Rejected):
        await client.hear(signed([], wrong))


async def test_what_was_signed_cannot_be_altered(far: HubSpotHarness, client: Crm) -> None:
    hook = signed([{"subscriptionType": "company.creation", "objectId": 7, "portalId": PORTAL}])
    for other in (
        Hook("PUT", hook.url, hook.headers, hook.body),
        Hook("POST", hook.url + "x", hook.headers, hook.body),
        Hook("POST", hook.url, hook.headers, hook.body.replace(b"7", b"8")),
    ):
        with pytest.raises(Rejected):
            await client.hear(other)
    with pytest.raises(Rejected, match="no client_secret"):
        await far.client(client_secret="").hear(hook)


def test_the_signature_is_over_the_address_as_hubspot_writes_it() -> None:
    """Composed: method, address, body and time one after the other, HMAC-SHA256, base64 (developers.hubspot.com,
    *Validating requests*); the expected value was computed with `openssl dgst -sha256 -hmac`."""
    written = signature(Hook("POST", "https://a.example/h?u=https%3A%2F%2Fb%40c", {}, b"[]"), "secret", "1")
    plain = signature(Hook("POST", "https://a.example/h?u=https://b@c", {}, b"[]"), "secret", "1")
    assert written == plain == "3vSr1xGq7Os6wzbl0UKB418pMkUXiMzd5YZnqud9IWg="


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"client_id": "x"},
        {"token": "t", "page": 101},
        {"token": "t", "base_url": "x"},
        {"token": "t", "kind": "deal"},
        {"token": "t", "fields": {"a": "hs_lastmodifieddate"}},
    ],
)
def test_settings_that_cannot_work(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate(wrong)


@pytest.mark.parametrize(
    ("url", "id_"),
    [
        (f"https://app.hubspot.com/contacts/{PORTAL}/company/7", "7"),
        (f"https://app-eu1.hubspot.com/contacts/{PORTAL}/record/0-2/7/view/1", "7"),
        (f"https://app.hubspot.com/contacts/{PORTAL}/contact/7", None),
        (f"https://app.hubspot.com/contacts/{PORTAL + 1}/company/7", None),
        (f"https://app.hubspot.com.evil.example/contacts/{PORTAL}/company/7", None),
        ("", None),
    ],
)
async def test_the_address_of_a_company(client: Crm, url: str, id_: str | None) -> None:
    told = client.addressed(url)
    assert (told.id if told else None) == id_
