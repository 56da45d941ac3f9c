"""A directory over SCIM: who comes, who changes, who leaves, and what a client that sends half of it is told."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.config.model import DirectorySpec
from gateway.http.scim import Scim
from gateway.store.auditing import AuditStore
from gateway.store.people import PeopleStore
from identity.scim import ERROR, GROUP, LIST, PATCH, USER, operations, patched_group
from tests.gateway.http.test_console import Visitor
from tests.gateway.http.world import HERO, Client, Told, World

BASE = "/scim/v2"


def of(name: str, **more: Any) -> dict[str, Any]:
    return {
        "schemas": [USER],
        "userName": f"{name}@acme.com",
        "externalId": f"x-{name}",
        "displayName": name.title(),
        "emails": [{"value": f"{name}@acme.com", "type": "work", "primary": True}],
        "active": True,
        **more,
    }


class Directory:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def call(self, method: str, path: str, body: Any = None, **query: str) -> Told:
        more = {"json": body, "headers": {"Content-Type": "application/scim+json"}} if body is not None else {}
        return await self._client.call(method, BASE + path, params=query, **more)

    async def add(self, name: str, **more: Any) -> str:
        told = await self.call("POST", "/Users", of(name, **more))
        assert told.status == 201, told.body
        assert told.headers["Location"].endswith(f"/scim/v2/Users/{told.body['id']}")
        return str(told.body["id"])

    async def patch(self, path: str, *changes: Any) -> Told:
        return await self.call("PATCH", path, {"schemas": [PATCH], "Operations": list(changes)})


async def directory(world: World, name: str = "entra") -> Directory:
    return Directory(await world.client("scim", name=name))


def called(world: World, name: str) -> Any:
    found = [each for each in world.house.services.people.persons() if each.name == name]
    return found[0] if len(found) == 1 else None


async def test_somebody_comes_changes_and_leaves(world: World) -> None:
    scim = await directory(world)
    id_ = await scim.add("nina", locale="zh_CN")
    nina = called(world, "Nina")
    assert nina.roles == {"employee"} and nina.emails == ("nina@acme.com",) and nina.locale == "zh-CN"
    told = await scim.call("GET", f"/Users/{id_}")
    assert told.body["userName"] == "nina@acme.com" and told.body["meta"]["resourceType"] == "User"
    assert told.headers["Content-Type"].startswith("application/scim+json")
    told = await scim.call("PUT", f"/Users/{id_}", of("nina", displayName="Nina N.", emails=[{"value": "n@acme.com"}]))
    assert told.status == 200 and called(world, "Nina N.").emails == ("n@acme.com",), (
        "the address it no longer says goes"
    )
    assert (await scim.call("DELETE", f"/Users/{id_}")).status == 204
    assert not called(world, "Nina N.").active
    assert (await scim.call("GET", f"/Users/{id_}")).status == 404
    assert (await scim.call("DELETE", f"/Users/{id_}")).status == 404
    back = await scim.add("nina", displayName="Nina N.")
    assert back == id_ and called(world, "Nina N.").active, "who is listed again is who they were"
    audit = AuditStore(world.house.services.store, world.clock)
    assert await audit.verify() is None
    assert {each.by for each in await audit.latest(10) if each.subject == nina.id} == {"scim:entra"}


async def test_somebody_known_is_found_by_their_address_and_keeps_roles(world: World) -> None:
    people = world.house.services.people
    li = people.person("p_liting")
    assert li is not None and li.emails == ("li.ting@example.com",)
    scim = await directory(world)
    await scim.add("li.ting", emails=[{"value": "Li.Ting@Example.com"}], displayName="李婷")
    now = people.person("p_liting")
    assert now is not None and (now.name, now.roles, now.emails) == ("李婷", li.roles, li.emails)


async def test_two_of_one_address_are_neither_linked_by_it_and_it_is_reported(world: World) -> None:
    scim = await directory(world)
    await scim.add("a", emails=[{"value": "team@acme.com"}])
    await scim.add("b", emails=[{"value": "team@acme.com"}])
    assert called(world, "A").id != called(world, "B").id
    assert await world.house.services.people.by_email("team@acme.com") is None
    audit = AuditStore(world.house.services.store, world.clock)
    assert "ambiguous" in {each.what for each in await audit.latest(10)}


async def test_who_was_sent_away_by_an_admin_does_not_come_back_as_somebody_new(world: World) -> None:
    people = world.house.services.people
    await people.deactivate("p_liting", by="p_zhaolei")
    scim = await directory(world)
    many = len(people.persons())
    id_ = await scim.add("li.ting", emails=[{"value": "li.ting@example.com"}])
    for active in (False, True):
        await scim.patch(f"/Users/{id_}", {"op": "replace", "value": {"active": active}})
    li = people.person("p_liting")
    assert len(people.persons()) == many and li is not None and not li.active


async def test_what_is_wrong_is_told_in_scims_own_words(world: World) -> None:
    scim = await directory(world)
    id_ = await scim.add("nina")
    cases = [
        (await scim.call("POST", "/Users", {"schemas": [USER], "displayName": "Half"}), 400, "invalidValue"),
        (await scim.call("POST", "/Users", of("NINA")), 409, "uniqueness"),
        (await scim.call("POST", "/Users", of("other", externalId="x-nina")), 409, "uniqueness"),
        (await scim.call("GET", "/Users", filter='userName co "x"'), 400, "invalidFilter"),
        (await scim.call("GET", "/Users", startIndex="x"), 400, "invalidValue"),
        (await scim.patch(f"/Users/{id_}", {"op": "remove", "path": "userName"}), 400, "invalidValue"),
        (await scim.call("PUT", "/Users/u_nobody", of("x")), 404, ""),
        (await scim.call("POST", "/Bulk", {}), 404, ""),
        (await scim.call("PUT", "/Users", of("x")), 405, ""),
    ]
    for told, status, kind in cases:
        assert told.status == status and told.body["schemas"] == [ERROR] and told.body["status"] == str(status)
        assert told.body.get("scimType", "") == kind and told.body["detail"]
    raw = await scim._client.call("POST", f"{BASE}/Users", data=b"{", headers={"Content-Type": "application/scim+json"})
    assert raw.status == 400 and raw.body["scimType"] == "invalidSyntax"
    assert called(world, "Half") is None and len((await scim.call("GET", "/Users")).body["Resources"]) == 1


async def test_only_its_own_token_comes_in_and_sees_its_own_directory(world: World) -> None:
    scim, other = await directory(world), await directory(world, "okta")
    id_ = await scim.add("nina")
    assert (await other.call("GET", f"/Users/{id_}")).status == 404
    assert (await Directory(await world.client("identities")).call("GET", "/Users")).status == 403
    told = await Directory(world.bearing("fc_" + "x" * 43)).call("GET", "/Users")
    assert told.status == 401 and told.body["schemas"] == [ERROR] and "Bearer" in told.headers["WWW-Authenticate"]


async def test_listing_finding_and_paging(world: World) -> None:
    scim = await directory(world)
    ids = [await scim.add(name) for name in ("a", "b", "c")]
    told = (await scim.call("GET", "/Users", startIndex="2", count="1")).body
    assert (told["schemas"], told["totalResults"], told["startIndex"], told["itemsPerPage"]) == ([LIST], 3, 2, 1)
    assert [each["id"] for each in told["Resources"]] == [ids[1]]
    assert (await scim.call("GET", "/Users", count="0")).body["Resources"] == []
    for text, found in (('userName eq "B@ACME.com"', [ids[1]]), ('externalId eq "x-c"', [ids[2]]), ('id eq "x"', [])):
        told = (await scim.call("GET", "/Users", filter=text)).body
        assert [each["id"] for each in told["Resources"]] == found and told["totalResults"] == len(found)


async def test_groups_give_roles_and_take_them(world: World) -> None:
    async with mapped(world, CRM_Reps="rep", CRM_Bosses="manager") as scim:
        a, b = await scim.add("a"), await scim.add("b")
        body = {"schemas": [GROUP], "displayName": "CRM Reps", "externalId": "g1", "members": [{"value": a}]}
        told = await scim.call("POST", "/Groups", body)
        group = told.body["id"]
        assert told.status == 201 and called(world, "A").roles == {"employee", "rep"}
        await scim.patch(f"/Groups/{group}", {"op": "Add", "path": "members", "value": [{"value": b}]})
        assert called(world, "B").roles == {"employee", "rep"}
        mine = (await scim.call("GET", f"/Users/{a}")).body["groups"]
        assert [each["display"] for each in mine] == ["CRM Reps"]
        await scim.patch(f"/Groups/{group}", {"op": "Remove", "path": f'members[value eq "{a}"]'})
        assert called(world, "A").roles == {"employee"}
        await scim.patch(f"/Groups/{group}", {"op": "replace", "value": {"displayName": "CRM Bosses"}})
        assert called(world, "B").roles == {"employee", "manager"}
        told = await scim.call("GET", "/Groups", filter='displayName eq "crm bosses"', excludedAttributes="members")
        assert [each["id"] for each in told.body["Resources"]] == [group]
        assert "members" not in told.body["Resources"][0]
        told = await scim.patch(f"/Groups/{group}", {"op": "Add", "path": "members", "value": [{"value": "u_no"}]})
        assert told.status == 400 and called(world, "B").roles == {"employee", "manager"}
        assert (await scim.call("DELETE", f"/Groups/{group}")).status == 204
        assert called(world, "B").roles == {"employee"}
        assert (await scim.call("GET", f"/Groups/{group}")).status == 404


@contextlib.asynccontextmanager
async def mapped(world: World, **roles: str) -> AsyncIterator[Directory]:
    """A door of its own, whose configuration gives roles by groups."""
    spec = DirectorySpec(roles={name.replace("_", " "): role for name, role in roles.items()})
    services = world.house.services
    changed = replace(services, config=services.config.model_copy(update={"directory": spec}))
    app = web.Application()
    app.add_routes(Scim(changed, world.tokens).routes())
    async with TestServer(app) as server:
        secret = (await world.client("scim", name="entra")).secret
        yield Directory(Client(world.session, str(server.make_url("")).rstrip("/"), secret))


async def test_of_many_changes_at_once_none_undoes_another(world: World) -> None:
    """Else whoever was sent away, or taken out of a group, might still be there."""
    scim = await directory(world)
    ids = [await scim.add(f"n{n}") for n in range(8)]
    told = await scim.call("POST", "/Groups", {"schemas": [GROUP], "displayName": "g", "members": ids[:4]})
    group = f"/Groups/{told.body['id']}"
    out = [{"op": "remove", "path": f'members[value eq "{id_}"]'} for id_ in ids[:4]]
    in_ = [{"op": "add", "path": "members", "value": [{"value": id_}]} for id_ in ids[4:]]
    done = await asyncio.gather(*(scim.patch(group, each) for each in (*out, *in_)))
    assert [each.status for each in done] == [200] * 8
    told = await scim.call("GET", group)
    assert {each["value"] for each in told.body["members"]} == set(ids[4:])
    user = f"/Users/{ids[0]}"
    titles = [{"op": "replace", "path": "title", "value": f"t{n}"} for n in range(5)]
    away = {"op": "replace", "path": "active", "value": False}
    done = await asyncio.gather(*(scim.patch(user, each) for each in (*titles[:3], away, *titles[3:])))
    assert [each.status for each in done] == [200] * 6
    told = await scim.call("GET", user)
    assert told.body["active"] is False and not called(world, "N0").active


async def test_a_role_taken_meanwhile_does_not_come_back_with_a_directorys_word(world: World) -> None:
    s = world.house.services
    scim = await directory(world)
    id_ = await scim.add("nina")
    nina = called(world, "Nina")
    await s.people.put(replace(nina, roles=frozenset({"employee", "admin"})), by="p_boss")
    elsewhere = PeopleStore(s.store, s.clock)
    await elsewhere.load()
    await elsewhere.put(replace(nina, team="east"), by="p_boss")
    assert "admin" in called(world, "Nina").roles, "this gateway has not heard of it yet"
    told = await scim.patch(f"/Users/{id_}", {"op": "replace", "path": "displayName", "value": "Nina N."})
    assert told.status == 200
    assert (called(world, "Nina N.").roles, called(world, "Nina N.").team) == ({"employee"}, "east")


async def test_what_it_says_of_itself(world: World) -> None:
    scim = await directory(world)
    told = (await scim.call("GET", "/ServiceProviderConfig")).body
    assert told["patch"]["supported"] and not told["bulk"]["supported"]
    assert [each["id"] for each in (await scim.call("GET", "/ResourceTypes")).body["Resources"]] == ["User", "Group"]
    schemas = (await scim.call("GET", "/Schemas")).body["Resources"]
    assert (await scim.call("GET", f"/Schemas/{USER}")).body == schemas[0]
    assert (await scim.call("GET", "/Schemas/none")).status == 404


async def test_who_is_sent_away_has_no_rights_from_that_moment(world: World) -> None:
    """The session in the console, the API's token and the person's accounts, all at once."""
    people = world.house.services.people
    admin = people.person("p_zhaolei")
    assert admin is not None
    await people.put(replace(admin, emails=("zhao.lei@acme.com",)))
    scim = await directory(world)
    id_ = await scim.add("zhao.lei")
    api = await world.client("read", person="p_zhaolei")
    async with Visitor(world) as visitor:
        await visitor.enter()
        assert (await api.get(f"customers/{HERO}")).status == 200
        told = await scim.patch(f"/Users/{id_}", {"op": "Replace", "path": "active", "value": "False"})
        assert told.status == 200 and told.body["active"] is False
        assert (await api.get(f"customers/{HERO}")).body["error"] == "person_gone"
        assert "floatcard login" in (await visitor.get("/console"))[1]
        assert people.linked("im", "web/demo/user/u_zhaolei") is None
        assert "p_zhaolei" in people.take_changed() or not people.changed.is_set(), "their rooms are drawn again"
        await scim.patch(f"/Users/{id_}", {"op": "Replace", "path": "active", "value": "True"})
        assert (await api.get(f"customers/{HERO}")).status == 200


async def test_a_patch_of_odd_shapes_is_told_what_is_wrong_and_changes_nothing(world: World) -> None:
    scim = await directory(world)
    id_ = await scim.add("nina")
    odd: list[list[dict[str, Any]]] = [
        [{"op": "add", "path": "emails", "value": ["x"]}, {"op": "replace", "path": 'emails[type eq "work"].value'}],
        [{"op": "add", "path": "name", "value": "x"}, {"op": "add", "path": "name.givenName", "value": "x"}],
        [{"op": "add", "path": "name", "value": 7}, {"op": "add", "path": "name", "value": {"givenName": "x"}}],
        [{"op": "replace", "path": "a" * 1001, "value": "x"}],
    ]
    for changes in odd:
        told = await scim.patch(f"/Users/{id_}", *changes)
        assert told.status == 400, (changes, told.body)
    for path in ("/Users?startIndex=--5", "/Groups?count=--1"):
        told = await Directory(await world.client("scim", name="entra")).call("GET", path)
        assert told.status == 400, path
    for member in ("\ud800", "u_\0"):
        told = await scim.call("POST", "/Groups", {"schemas": [GROUP], "displayName": "g", "members": [member]})
        assert told.status == 400, "an id that is nobody's"
    assert called(world, "Nina").emails == ("nina@acme.com",)


def test_a_group_of_very_many_is_emptied_at_once() -> None:
    many = [f"u_{n}" for n in range(50_000)]
    add, remove = [{"op": op, "path": "members", "value": many} for op in ("add", "remove")]
    group = {"displayName": "g", "externalId": "", "members": many}
    changes = operations({"schemas": [PATCH], "Operations": [add, remove]})
    began = time.process_time()
    assert patched_group(group, changes)["members"] == []
    assert time.process_time() - began < 5, "each looked for among all takes half a minute of a processor"
