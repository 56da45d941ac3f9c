"""What the embedded CRM answers beyond the contract."""

from __future__ import annotations

import pytest

from crm.local import Crm
from crm.model import GATEWAY, AddsNote, Applied, Change, Conflict, CrmUser, Describes, Record, RecordRef, Users
from gateway.errors import Refused
from reconcile.model import Json
from tests.crm.contract import walk


async def applied(crm: Crm, ref: RecordRef, field: str, value: Json, once: str = "1") -> Applied:
    answer = await crm.apply(Change(ref, field, value, None, "[Slack card 1.0]"), once=once)
    assert isinstance(answer, Applied)
    return answer


async def test_it_has_the_optional_abilities(crm: Crm) -> None:
    assert isinstance(crm, Users)
    assert isinstance(crm, AddsNote)
    assert isinstance(crm, Describes)
    assert await crm.describe("contact") == ()
    described = {info.name: info for info in await crm.describe("account")}
    assert described["stage"].options == ("lead", "qualified", "negotiation", "won", "lost")
    assert described["phone"].type == "phone"


async def test_a_write_of_ours_is_known_as_ours(crm: Crm) -> None:
    ref = await crm.create("甲", "li.ting")
    answer = await applied(crm, ref, "phone", "88")
    record = await crm.get(ref)
    assert (record.modified_by, record.version) == (GATEWAY, answer.version)
    assert record.fields["phone"].source == "[Slack card 1.0]"
    await crm.put_user(CrmUser("li.ting", "李婷"))
    await crm.set_native(ref, "phone", "89", "li.ting")
    phone = (await crm.get(ref)).fields["phone"]
    assert (phone.source, phone.actor) == ("[CRM]", "李婷")


@pytest.mark.parametrize(
    ("field", "value", "rendered"),
    [
        ("amount", "480,000.50", "480000.50"),
        ("amount", "４８", "48"),
        ("amount", 48, "48"),
        ("stage", "WON", "won"),
        ("address", "  苏州\n ", "苏州"),
        ("address", "a\0b\ud800", "a\ufffdb\ufffd"),
        ("address", "<script>*bold*\u202e", "<script>*bold*\u202e"),
        ("description", "😀" * 10_000, "😀" * 10_000),
        ("phone", "", None),
    ],
)
async def test_a_value_is_kept_as_the_answer_spells_it(crm: Crm, field: str, value: Json, rendered: str | None) -> None:
    ref = await crm.create("甲", "x")
    assert (await applied(crm, ref, field, value)).rendered == rendered
    held = (await crm.get(ref)).fields.get(field)
    assert (held.value if held else None) == rendered


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("shoe_size", "42"),
        ("amount", "480.000,50"),
        ("amount", "1e999999999"),
        ("amount", "1" * 30),
        ("amount", True),
        ("amount", 1.5),
        ("renewal", "2026-02-30"),
        ("renewal", "tomorrow"),
        ("stage", "maybe"),
        ("email", "nobody"),
        ("phone", "none"),
        ("phone", ["88"]),
        ("phone", {"x": 1}),
        ("address", "x" * 100_000),
        ("name", ""),
        ("name", None),
    ],
)
async def test_a_wrong_value_is_refused_and_nothing_is_written(crm: Crm, field: str, value: Json) -> None:
    ref = await crm.create("甲", "x")
    before = await crm.get(ref)
    with pytest.raises(Refused) as caught:
        await applied(crm, ref, field, value)
    assert len(caught.value.say.format(**caught.value.facts)) < 300
    assert await crm.get(ref) == before
    assert (await applied(crm, ref, "phone", "88")).version == before.version + 1, "a refusal does not use up the key"


async def test_a_key_serves_one_change_only(crm: Crm) -> None:
    ref = await crm.create("甲", "x")
    await applied(crm, ref, "phone", "88")
    with pytest.raises(Refused):
        await applied(crm, ref, "phone", "89")
    assert (await crm.get(ref)).fields["phone"].value == "88"


async def test_a_rename_keeps_the_former_name_findable(crm: Crm) -> None:
    ref = await crm.create("旧名", "x")
    await applied(crm, ref, "name", "新名")
    record = await crm.get(ref)
    assert (record.title, record.names) == ("新名", ("旧名",))
    assert [found.ref for found in await crm.list("旧")] == [ref]
    await applied(crm, ref, "name", "旧名", once="2")
    assert (await crm.get(ref)).names == ("新名",)


async def test_another_crms_reference_is_unknown_here(crm: Crm) -> None:
    ref = await crm.create("甲", "x")
    for unknown in (
        RecordRef("other", ref.kind, ref.id),
        RecordRef(ref.crm, ref.kind, "\ud800"),
        RecordRef("", "", "\0"),
    ):
        with pytest.raises(Refused):
            await crm.get(unknown)


async def test_a_note_is_added_once_and_bumps_the_record(crm: Crm) -> None:
    await crm.put_user(CrmUser("li.ting", "李婷"))
    ref = await crm.create("甲", "x")
    _, cursor = await walk(crm)
    first = await crm.add_note(ref, "谈好了", "li.ting", once="1")
    assert await crm.add_note(ref, "谈好了", "li.ting", once="1") == first
    ((record,), _) = await walk(crm, cursor)
    assert record.related["note"] == (first,)
    assert (first.who, record.version, record.modified_by) == ("李婷", 2, GATEWAY)


@pytest.mark.parametrize("cursor", ["-1", "x", "1.5", "9" * 40, "99", "１"])
async def test_a_cursor_it_never_gave_is_refused(crm: Crm, cursor: str) -> None:
    await crm.create("甲", "x")
    with pytest.raises(Refused):
        await walk(crm, cursor)


async def test_what_people_do_in_its_window(crm: Crm) -> None:
    ref = await crm.create("甲", "x", team="east", region="华东")
    risk = await crm.add_risk(ref, "竞品", "low", "x")
    item = await crm.add_open_item(ref, "报价", 5, "x")
    await crm.add_contact(ref, "周岚", {"title": "总监"}, "x")
    assert await crm.set_risk_level(ref, risk.id, "high", "x") == 5
    assert await crm.complete_item(ref, item.id, "x") == 6
    assert await crm.set_owners(ref, ["b", "a", "b"], "x") == 7
    assert await crm.add_alias(ref, "阿甲", "x") == 8
    assert await crm.set_native(ref, "tier", "vip", "x") == 9
    assert await crm.set_native(ref, "tier", "VIP", "x") == 9, "the same value is no new version"
    _windows(await crm.get(ref))


def _windows(record: Record) -> None:
    assert [risk.level for risk in record.related["risk"]] == ["high"]
    assert [item.done for item in record.related["open_item"]] == [True]
    assert (record.owners, record.names, record.team, record.region) == (("a", "b"), ("阿甲",), "east", "华东")


async def test_an_entry_of_another_customer_is_out_of_reach(crm: Crm) -> None:
    mine, other = await crm.create("甲", "x"), await crm.create("乙", "x")
    risk = await crm.add_risk(other, "竞品", "low", "x")
    before = await crm.get(mine)
    with pytest.raises(Refused):
        await crm.set_risk_level(mine, risk.id, "high", "x")
    assert await crm.get(mine) == before
    assert (await crm.get(other)).related["risk"][0].level == "low"


async def test_a_deleted_customer_takes_nothing_until_restored(crm: Crm) -> None:
    ref = await crm.create("甲", "x")
    await crm.delete(ref, "x")
    with pytest.raises(Refused):
        await crm.set_native(ref, "phone", "1", "x")
    with pytest.raises(Refused):
        await crm.delete(ref, "x")
    assert await crm.list("甲") == ()
    assert await crm.restore(ref, "x") == 3
    assert await crm.set_native(ref, "phone", "1", "x") == 4
    with pytest.raises(Refused):
        await crm.restore(ref, "x")


async def test_a_search_takes_its_signs_literally(crm: Crm) -> None:
    await crm.create("100% Linen_Co", "x")
    await crm.create("Plain", "x")
    assert [record.title for record in await crm.list("%")] == ["100% Linen_Co"]
    assert [record.title for record in await crm.list("n_c")] == ["100% Linen_Co"]
    assert len(await crm.list("", 1)) == 1
    assert len(await crm.list("\ud800")) == 0


async def test_a_page_of_the_feed_ends_where_the_next_begins(crm: Crm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.local.crm.PAGE", 3)
    refs = [await crm.create(f"n{n}", "x") for n in range(10)]
    assert [record.ref for record in (await walk(crm))[0]] == refs


async def test_a_run_ends_although_somebody_keeps_writing(crm: Crm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.local.crm.PAGE", 3)
    refs = [await crm.create(f"n{n}", "x") for n in range(10)]
    given: list[RecordRef] = []
    async for record, _ in crm.changes(""):
        given.append(record.ref)
        await crm.set_native(refs[len(given) % 3], "phone", str(len(given)), "x")
    assert len(given) == len(set(given))
    assert set(refs[3:]) <= set(given)


async def test_a_stale_writer_sees_what_is_there(crm: Crm) -> None:
    ref = await crm.create("甲", "x")
    answer = await crm.apply(Change(ref, "phone", "1", 99), once="1")
    assert isinstance(answer, Conflict)
    assert answer.current.version == 1
