from __future__ import annotations

import gc
import threading
from pathlib import Path

import pytest

from crm.local import Crm
from crm.local.batch import Entry
from crm.local.importer import BATCH, MOST_TOLD, Tally, plan, rehearse, run
from crm.model import CrmUser, Record
from gateway.errors import Refused
from tests.crm.contract import walk

HEADINGS = "客户名称,简称,负责人,城市,电话,续约,金额,阶段,级别,备注,联系人,职务,颜色"
ROW = "华星医疗,华星；HX,李婷,苏州,+86 512 6288 0000,2026年12月1日,48万,谈判,VIP,等采购流程,周岚,采购总监,蓝"


def write(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path = path / "in.csv"
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


def counts(tally: Tally) -> tuple[int, int, int, int]:
    return tally.created, tally.changed, tally.unchanged, tally.unreadable_count


def told(tally: Tally) -> list[tuple[int, str]]:
    return [(line.line, line.reason) for line in tally.unreadable]


async def everything(crm: Crm) -> dict[str, Record]:
    return {record.title: record for record in (await walk(crm))[0]}


def test_the_plan_tells_what_the_columns_are(tmp_path: Path) -> None:
    planned = plan(write(tmp_path, HEADINGS, ROW, ROW, encoding="gb18030"))
    assert (planned.format.encoding, planned.rows, planned.ignored) == ("gb18030", 2, ("颜色",))
    assert dict(planned.columns)["客户名称"] == "name"


def test_english_headings_as_people_write_them(tmp_path: Path) -> None:
    planned = plan(write(tmp_path, "Company Name;ALIASES;Account_Owner;Credit Limit;Phone-Number", "A;;;;"))
    assert [meant for _, meant in planned.columns] == ["name", "aliases", "owner", "credit_limit", "phone"]


async def test_a_row_becomes_a_whole_customer(tmp_path: Path, crm: Crm) -> None:
    await crm.put_user(CrmUser("li.ting", "李婷", "li.ting@example.com"))
    assert counts(run(write(tmp_path, HEADINGS, ROW), crm)) == (1, 0, 0, 0)
    (record,) = (await everything(crm)).values()
    assert {name: value.value for name, value in record.fields.items()} == {
        "city": "苏州",
        "phone": "+86 512 6288 0000",
        "renewal": "2026-12-01",
        "amount": "480000",
        "stage": "negotiation",
        "tier": "VIP",
    }
    assert set(record.names) == {"华星", "HX"}
    assert record.owners == ("li.ting",)
    assert [note.text for note in record.related["note"]] == ["等采购流程"]
    assert [(c.text, dict(c.detail)) for c in record.related["contact"]] == [("周岚", {"title": "采购总监"})]
    assert (record.version, record.modified_by) == (1, "import")


async def test_the_same_file_again_changes_nothing(tmp_path: Path, crm: Crm) -> None:
    path = write(tmp_path, HEADINGS, ROW, ROW.replace("苏州", "成都"))
    run(path, crm)
    before = await everything(crm)
    _, cursor = await walk(crm)
    assert counts(run(path, crm)) == (0, 0, 2, 0)
    assert await everything(crm) == before
    assert (await walk(crm, cursor))[0] == []


async def test_what_differs_is_changed_and_the_rest_stays(tmp_path: Path, crm: Crm) -> None:
    run(write(tmp_path, HEADINGS, ROW, "远航科技,,,深圳,,,,,,,,,"), crm)
    _, cursor = await walk(crm)
    path = write(tmp_path, "name,city,phone,tier,contact,contact email", "华星医疗,苏州,88,,周岚,zl@example.com")
    assert counts(run(path, crm)) == (0, 1, 0, 0)
    ((record,), _) = await walk(crm, cursor)
    assert (record.title, record.version) == ("华星医疗", 2)
    assert record.fields["phone"].value == "88"
    assert record.fields["tier"].value == "VIP", "an empty cell leaves what is there"
    assert dict(record.related["contact"][0].detail) == {"title": "采购总监", "email": "zl@example.com"}


async def test_an_id_names_the_customer_and_may_rename_it(tmp_path: Path, crm: Crm) -> None:
    run(write(tmp_path, "编号,名称,城市", "C-1,旧名,苏州", "C-2,旧名,苏州"), crm)
    assert counts(run(write(tmp_path, "编号,名称,城市", "C-1,新名,无锡", "C-2,旧名,苏州"), crm)) == (0, 1, 1, 0)
    records = await everything(crm)
    assert records["新名"].ref.id == "C-1"
    assert records["新名"].names == ("旧名",), "people go on using the former name"


async def test_every_broken_row_is_told_and_the_others_are_taken(tmp_path: Path, crm: Crm) -> None:
    path = write(
        tmp_path,
        "id,name,city,renewal,amount,stage,email,owner",
        "1,Good One,Leeds,2026-12-01,10,won,a@example.com,",
        "2,,Leeds,,,,,",
        "3,Bad Date,Leeds,2026-13-01,,,,",
        "4,Bad Amount,Leeds,,12.345.678,,,",
        "5,Bad Stage,Leeds,,,maybe,,",
        "6,Bad Mail,Leeds,,,,nobody,",
        "7,Too Few,Leeds",
        "8,Too Many,Leeds,,,,,,surplus",
        '9,"Open,Leeds,,,,,',
        "1,Again,Leeds,,,,,",
        "11,Good Two,Leeds,,,,,,",
    )
    tally = run(path, crm)
    assert counts(tally) == (2, 0, 0, 9)
    assert [line for line, _ in told(tally)] == list(range(3, 12))
    reasons = dict(told(tally))
    assert reasons[4] == "Renewal: 2026-13-01 is not a date. Write it as 2026-12-01."
    assert reasons[6].startswith("Stage: maybe is not one of lead, ")
    assert reasons[8] == "3 cells here, 8 columns above."
    assert reasons[11] == "The same customer stands in line 2 already."
    assert set(await everything(crm)) == {"Good One", "Good Two"}


async def test_a_choice_no_form_offers_is_told_and_the_others_are_taken(tmp_path: Path, crm: Crm) -> None:
    path, choices = write(tmp_path, "name,stage", "Foo,Won", "Bar,Lost", "Baz,丢单", "Qux,"), {"stage": ("lead", "won")}
    _, read = rehearse(path, choices)
    tally = run(path, crm, choices=choices)
    assert told(tally) == told(read)
    assert told(tally) == [(line, "Stage: lost is not one of lead, won.") for line in (3, 4)]
    assert set(await everything(crm)) == {"Foo", "Qux"}


@pytest.mark.parametrize("lines", [("1,甲,苏州", ",甲,苏州"), (",甲,苏州", "1,甲,苏州"), (",甲,", ",甲,")])
def test_two_rows_of_one_customer_are_one(tmp_path: Path, shut: Crm, lines: tuple[str, str]) -> None:
    tally = run(write(tmp_path, "id,name,city", *lines), shut)
    assert counts(tally) == (1, 0, 0, 1)


def test_duplicates_are_found_across_batches(tmp_path: Path, shut: Crm) -> None:
    rows = [f"customer {n},x" for n in range(BATCH + 1)]
    tally = run(write(tmp_path, "name,city", *rows, rows[0]), shut)
    assert counts(tally) == (BATCH + 1, 0, 0, 1)
    assert told(tally) == [(BATCH + 3, "The same customer stands in line 2 already.")]


async def test_two_customers_of_one_name_and_city_need_an_id(tmp_path: Path, crm: Crm) -> None:
    await crm.create("甲", "x")
    await crm.create("甲", "x")
    tally = run(write(tmp_path, "name", "甲"), crm)
    assert counts(tally) == (0, 0, 0, 1)
    assert "add a column with their ids" in told(tally)[0][1]


async def test_a_deleted_customer_is_not_brought_back(tmp_path: Path, crm: Crm) -> None:
    ref = await crm.create("甲", "x", id_="7")
    await crm.delete(ref, "x")
    assert counts(run(write(tmp_path, "id,name", "7,甲", ",甲"), crm)) == (0, 0, 0, 2)
    assert (await crm.get(ref)).deleted


async def test_owners_by_id_mail_or_name_and_new_ones_are_made(tmp_path: Path, crm: Crm) -> None:
    await crm.put_user(CrmUser("li.ting", "李婷", "li.ting@example.com"))
    for id_ in ("w1", "w2"):
        await crm.put_user(CrmUser(id_, "王敏"))
    rows = ("a,李婷", "b,LI.TING@example.com", "c,li.ting", "d,周岚", "e,王敏", "f,w1; 李婷")
    tally = run(write(tmp_path, "name,owner", *rows), crm)
    records = await everything(crm)
    assert [records[name].owners for name in "abcdf"] == [("li.ting",)] * 3 + [("周岚",), ("li.ting", "w1")]
    assert told(tally) == [(6, "王敏 is the name of several CRM users: write the user's id instead.")]
    assert "周岚" in {user.id for user in await crm.users()}


@pytest.mark.parametrize("heading", ["city,phone", "颜色"])
def test_a_file_without_names_is_refused(tmp_path: Path, shut: Crm, heading: str) -> None:
    with pytest.raises(Refused, match="No column holds"):
        run(write(tmp_path, heading, "x,y"), shut)


async def test_hostile_cells_are_kept_as_text(tmp_path: Path, crm: Crm) -> None:
    names = ["<!channel>", "<script>alert(1)</script>", "*bold*", "‮evil", "😀" * 150, "=HYPERLINK(1)", "'; DROP TABLE"]
    run(write(tmp_path, "name", *names), crm)
    assert set(await everything(crm)) == set(names)
    assert [record.title for record in await crm.list("'; DROP", 10)] == ["'; DROP TABLE"]


async def test_a_fault_of_the_file_leaves_nothing(tmp_path: Path, crm: Crm) -> None:
    def stumble(done: int, total: int) -> None:
        if done > BATCH:
            raise RuntimeError("the terminal went away")

    with pytest.raises(RuntimeError):
        run(write(tmp_path, "name", *(f"customer {n}" for n in range(BATCH * 3))), crm, stumble)
    assert await everything(crm) == {}
    assert await crm.users() == ()


def test_progress_ends_at_the_number_of_rows(tmp_path: Path, shut: Crm) -> None:
    seen: list[tuple[int, int]] = []
    rows = [f"customer {n}" for n in range(BATCH)]
    run(write(tmp_path, "name,city", *(f"{row}," for row in rows), "broken"), shut, lambda *at: seen.append(at))
    assert seen == [(0, BATCH + 1), (BATCH, BATCH + 1), (BATCH + 1, BATCH + 1)]


def test_no_more_than_two_batches_are_in_memory(tmp_path: Path, shut: Crm) -> None:
    def count(done: int, total: int) -> None:
        gc.collect()
        held.append(sum(isinstance(each, Entry) for each in gc.get_objects()))

    for thread in threading.enumerate():
        if thread.name == "mentions-merge":  # an earlier test's: to look at every object breaks what is half made
            thread.join(60)
    held: list[int] = []
    run(write(tmp_path, "name", *(f"customer {n}" for n in range(BATCH * 4))), shut, count)
    assert max(held) <= BATCH * 2


def test_unreadable_lines_are_counted_beyond_those_told(tmp_path: Path, shut: Crm) -> None:
    tally = run(write(tmp_path, "name,city", *["broken"] * (MOST_TOLD + 5)), shut)
    assert (tally.unreadable_count, len(tally.unreadable)) == (MOST_TOLD + 5, MOST_TOLD)
