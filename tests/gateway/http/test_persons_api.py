"""Merging, splitting, keys and contacts over the API."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from gateway.store.auditing import AuditStore
from gateway.store.tables_app import member
from identity.audience import attributes_of
from identity.model import Person
from tests.gateway.http.world import HERO, Client, World

TWIN = Person("p_twin", "李婷", frozenset({"manager"}), emails=("lt@example.com",))
ACCOUNT = "web/demo/user/u_twin"


async def admin(world: World) -> Client:
    people = world.house.services.people
    await people.put(TWIN, by="p_zhaolei")
    await people.link("p_twin", "im", ACCOUNT, step="admin", evidence="", made_by="p_zhaolei")
    return await world.client("identities")


async def test_a_merge_tells_its_weight_first_and_is_taken_back(world: World) -> None:
    api, people = await admin(world), world.house.services.people
    await world.client("read", person="p_twin", name="twin")
    dry = (await api.post("identities/merges", {"kept": "p_liting", "gone": "p_twin", "dry_run": True})).body
    assert (dry["change"], dry["links"], dry["tokens"]) == (None, 1, 1) and people.person("p_twin") == TWIN
    done = (await api.post("identities/merges", {"kept": "p_liting", "gone": "p_twin"})).body
    owner = people.linked("im", ACCOUNT)
    assert owner is not None and owner.id == "p_liting" and "manager" in owner.roles
    (shown,) = (await api.get("identities/changes")).body["changes"]
    assert shown == done["change"] and shown["by"] == "token:test"
    again = await api.post("identities/merges", {"kept": "p_wangmin", "gone": "p_twin"})
    assert again.status == 409 and "merged" in again.body["say"]
    back = await api.post(f"identities/changes/{shown['id']}/undo", {})
    assert back.status == 200 and people.person("p_twin") == TWIN
    assert (await api.post(f"identities/changes/{shown['id']}/undo", {})).status == 409
    steps = [each.step.step for each in await world.house.services.trail.latest(50)]
    assert {"merge", "unmerge"} <= set(steps)


async def test_a_split_makes_somebody_without_a_right(world: World) -> None:
    api, people = await admin(world), world.house.services.people
    (link,) = people.links("p_twin")
    told = await api.post("identities/splits", {"person": "p_twin", "links": [link.id], "name": "Li Na"})
    assert told.status == 201
    new = people.linked("im", ACCOUNT)
    assert new is not None and (new.id, new.name, new.roles) == (told.body["other"], "Li Na", frozenset())
    assert (await api.post("identities/splits", {"person": "p_twin", "links": ["x"], "name": "y"})).status == 409


async def test_a_second_account_on_one_network_is_never_linked_silently(world: World) -> None:
    api, people = await admin(world), world.house.services.people
    body = {"person": "p_twin", "kind": "im", "key": "web/demo/user/u_other"}
    told = await api.post("identities/links", body)
    assert told.status == 409 and "already" in told.body["say"] and people.linked("im", body["key"]) is None
    assert (await api.post("identities/links", {**body, "second": True})).status == 201


def _members(connection: Connection, items: Sequence[dict[str, str]]) -> list[None]:
    connection.execute(member.delete())
    for room in ("a", "b"):
        for im in items[0]:
            connection.execute(member.insert().values(room=room, im=im, name="x", kind="member"))
    return [None] * len(items)


async def test_of_two_that_change_places_in_a_room_neither_is_lost(world: World) -> None:
    api, store = await admin(world), world.house.services.store
    one, other, gone, third = ACCOUNT, "web/demo/user/u_liting", "web/demo/user/u_zhaolei", "web/demo/user/u_third"
    await store.write(_members, dict.fromkeys((one, other, gone, third), ""))
    moved = (await api.post("identities/rekey", {"keys": {one: other, other: one, gone: third}})).body
    assert moved["moved"] == 3
    rows = await store.read(
        lambda connection: sorted(tuple(each) for each in connection.execute(select(member.c.room, member.c.im)))
    )
    assert rows == sorted((room, im) for room in ("a", "b") for im in (one, other, third))


async def test_keys_that_changed_follow(world: World) -> None:
    api, people = await admin(world), world.house.services.people
    keys = {
        ACCOUNT: "web/demo/user/u_new",
        "web/demo/user/u_nobody": "web/demo/user/x",
        "web/demo/user/u_liting": ACCOUNT,
    }
    dry = (await api.post("identities/rekey", {"keys": keys, "dry_run": True})).body
    assert dry == {"moved": 2, "unknown": ["web/demo/user/u_nobody"], "taken": []}
    assert (await api.post("identities/rekey", {"keys": keys})).body == dry
    for key, person in (("web/demo/user/u_new", "p_twin"), (ACCOUNT, "p_liting")):
        owner = people.linked("im", key)
        assert owner is not None and owner.id == person
    taken = (await api.post("identities/rekey", {"keys": {ACCOUNT: "web/demo/user/u_new"}})).body
    assert taken["taken"] == [ACCOUNT]
    audit = AuditStore(world.house.services.store, world.clock)
    assert "rekeyed" in [each.what for each in await audit.latest(10)] and await audit.verify() is None


async def test_a_customers_own_person_is_known_and_has_no_right(world: World) -> None:
    api, services = await admin(world), world.house.services
    record = await services.records.get(HERO)
    assert record is not None
    item = record.related["contact"][0]
    body = {"account": "web/demo/user/u_guest9", "record": HERO, "contact": item.id}
    told = await api.post("identities/contacts", body)
    assert told.status == 201, told.body
    person = services.people.linked("im", body["account"])
    assert person is not None and (person.name, person.external, person.roles) == (item.text, True, frozenset())
    assert attributes_of(person).external
    assert services.people.linked("contact", f"{HERO}#{item.id}") == person
    other = await api.post("identities/contacts", {**body, "account": "web/demo/user/u_guest10"})
    assert other.status == 409, "one account on one network, unless somebody says so"
    for wrong in ({**body, "contact": "none"}, {**body, "record": "local:account:none"}):
        assert (await api.post("identities/contacts", wrong)).status == 409
    assert (await api.post("identities/contacts", {**body, "account": "x"})).status == 409
