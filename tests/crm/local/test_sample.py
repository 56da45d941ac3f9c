from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from crm.local import Crm
from crm.local.fields import clean
from crm.local.sample import HERO, ZONE, customers, load_sample
from crm.model import Users
from mentions.normal import normalise
from tests.crm.contract import walk

NOW = int(datetime(2026, 11, 21, 1, 0, tzinfo=UTC).timestamp() * 1000)
"""09:00 in Shanghai."""


def test_every_value_is_one_the_crm_takes() -> None:
    for customer in customers():
        for name, value in customer.fields.items():
            assert name == "renewal" or clean(name, value) == value, (customer.id, name)


def test_ids_are_unique() -> None:
    assert max(Counter(customer.id for customer in customers()).values()) == 1


async def test_it_is_loaded_once_and_leaves_what_is_there(crm: Crm) -> None:
    assert await load_sample(crm, NOW) == len(customers()) == 60
    hero = crm.shape.ref(HERO)
    await crm.set_native(hero, "phone", "110", "li.ting")
    await crm.delete(crm.shape.ref("northlake"), "li.ting")
    before, cursor = await walk(crm)
    assert await load_sample(crm, NOW + 99 * 86_400_000) == 0
    assert (await walk(crm))[0] == before
    assert (await walk(crm, cursor))[0] == []


async def test_the_hero_has_everything_a_card_shows(crm: Crm) -> None:
    await load_sample(crm, NOW)
    hero = await crm.get(crm.shape.ref(HERO))
    renewal = (datetime.fromtimestamp(NOW / 1000, ZONE) + timedelta(days=11)).date()
    held = {name: value.value for name, value in hero.fields.items()}
    assert (held["renewal"], held["stage"], held["tier"]) == (renewal.isoformat(), "negotiation", "VIP")
    assert (hero.owners, hero.team, hero.region) == (("li.ting",), "east", "华东")
    assert [note.who for note in hero.related["note"]] == ["李婷", "王敏", "李婷"]
    assert [item.due is not None and item.due < NOW for item in hero.related["open_item"]] == [True, False]
    assert [item.level for item in hero.related["risk"]] == ["high"]
    assert {"title", "phone", "email"} == set(hero.related["contact"][0].detail)


async def test_it_shows_off_what_the_product_does(crm: Crm) -> None:
    await load_sample(crm, NOW)
    records, _ = await walk(crm)
    titles = Counter(record.title for record in records)
    assert {title for title, count in titles.items() if count > 1} == {"远航科技"}
    assert any("<b>" in title and "*" in title for title in titles)
    assert sum(title.isascii() for title in titles) > 15
    spelled = {name: record for record in records for name in (record.title, *record.names)}
    assert "華星醫療" in spelled
    assert normalise("華星醫療").text == normalise("华星医疗").text
    assert {item.sensitivity for record in records for item in record.related["note"]} == {None, "restricted"}


async def test_a_short_name_is_nobody_elses(crm: Crm) -> None:
    await load_sample(crm, NOW)
    records, _ = await walk(crm)
    whose: dict[str, set[str]] = {}
    for record in records:
        for name in (record.title, *record.names):
            whose.setdefault(name.casefold(), set()).add(record.ref.id)
    assert {name for name, ids in whose.items() if len(ids) > 1} == {"远航科技"}


async def test_the_users_carry_their_chat_accounts(crm: Crm) -> None:
    await load_sample(crm, NOW)
    assert isinstance(crm, Users)
    people = {user.id: user for user in await crm.users()}
    assert {user.im["web"] for user in people.values()} == {"u_liting", "u_chenwei", "u_wangmin", "u_zhaolei"}
    assert people["wang.min"].roles == ("manager",)
