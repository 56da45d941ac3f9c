"""One person in the console: merged with the consequences in numbers, split, taken back; and their devices."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

from gateway.store.auditing import AuditStore
from gateway.store.devices import DeviceStore
from identity.model import Person
from tests.gateway.http.test_console import Visitor, saw
from tests.gateway.http.world import World

ONE = "/console/identities/one"
HOSTILE = "<script>alert(1)</script> *bold* \u202e"
TWIN = Person("p_twin", HOSTILE, frozenset({"manager"}), emails=("lt@example.com",))
ACCOUNT = "web/demo/user/u_twin"


async def twin(world: World) -> None:
    people = world.house.services.people
    await people.put(TWIN)
    await people.link("p_twin", "im", ACCOUNT, step="admin", evidence=HOSTILE, made_by="p_zhaolei")


async def test_what_a_merge_does_is_told_in_numbers_then_done_then_taken_back(world: World) -> None:
    await twin(world)
    people = world.house.services.people
    async with Visitor(world) as visitor:
        csrf = await visitor.enter()
        await visitor.get("/console?lang=en")
        assert f"{ONE}?person=p_twin" in (await visitor.get("/console/identities"))[1]
        page = (await visitor.get(f"{ONE}?person=p_liting&other=p_twin"))[1]
        assert "Accounts that move: 1" in page and "Roles gained: manager" in page and "<script>" not in page
        form = {"csrf": csrf, "person": "p_liting", "other": "p_twin"}
        page = (await visitor.post("/console/identities/merge", form))[1]
        owner = people.linked("im", ACCOUNT)
        assert owner is not None and owner.id == "p_liting" and "They are one person now" in page
        change = re.search(r'name="change" value="([^"]+)"', page)
        assert change is not None
        told = await visitor.post("/console/identities/merge", form)
        assert told[0] == 409 and "merged into somebody already" in told[1]
        await visitor.post("/console/identities/undo", {"csrf": csrf, "person": "p_liting", "change": change[1]})
        assert people.person("p_twin") == TWIN
        again = await visitor.post(
            "/console/identities/undo", {"csrf": csrf, "person": "p_liting", "change": change[1]}
        )
        assert again[0] == 409


async def test_an_admin_does_not_merge_themselves_away(world: World) -> None:
    async with Visitor(world) as visitor:
        csrf = await visitor.enter()
        form = {"csrf": csrf, "person": "p_liting", "other": "p_zhaolei"}
        page = (await visitor.post("/console/identities/merge", form))[1]
        me = world.house.services.people.person("p_zhaolei")
        assert 'role="alert"' in page and me is not None and me.active


async def test_what_is_somebody_elses_is_split_off(world: World) -> None:
    await twin(world)
    people = world.house.services.people
    (link,) = people.links("p_twin")
    async with Visitor(world) as visitor:
        csrf = await visitor.enter()
        await visitor.get("/console?lang=en")
        form = {"csrf": csrf, "person": "p_twin", "link": link.id, "email": "lt@example.com", "name": "Li Na"}
        assert "They are two persons now" in (await visitor.post("/console/identities/split", form))[1]
        new = people.linked("im", ACCOUNT)
        assert new is not None and (new.name, new.emails, new.roles) == ("Li Na", TWIN.emails, frozenset())
        assert (await visitor.post("/console/identities/split", form))[0] == 409
        assert (await visitor.get(f"{ONE}?person=p_nobody"))[2].url.path == "/console/identities"


async def test_a_device_is_added_with_a_code_shown_once_and_revoked(world: World) -> None:
    services = world.house.services
    devices = DeviceStore(services.store, services.people, world.clock)
    async with Visitor(world) as visitor:
        csrf = await visitor.enter()
        form = {"csrf": csrf, "person": "p_liting", "name": f"Till {HOSTILE}", "scope": "read"}
        page = (await visitor.post("/console/identities/device", form))[1]
        assert re.search(r"\w{3}-\w{3}-\w{3}</pre>", page) and "<script>" not in page
        page = (await visitor.get(f"{ONE}?person=p_liting"))[1]
        assert "Till" in unescape(page) and "</pre>" not in page
        (made,) = await devices.listed("p_liting")
        await visitor.post("/console/identities/revoke", {"csrf": csrf, "person": "p_liting", "device": made.id})
        (made,) = await devices.listed("p_liting")
        assert made.ended_at is not None
        assert (await visitor.post("/console/identities/device", {**form, "name": " "}))[0] == 409


async def test_an_auditor_looks_and_changes_nothing(world: World) -> None:
    await twin(world)
    await world.house.services.people.put(Person("p_audit", "Auditor", frozenset({"auditor"})))
    async with Visitor(world) as visitor:
        csrf = await visitor.enter("p_audit")
        assert (await visitor.get(f"{ONE}?person=p_liting&other=p_twin"))[0] == 200
        form = {"csrf": csrf, "person": "p_liting", "other": "p_twin"}
        for act in ("merge", "split", "undo", "device", "revoke"):
            assert (await visitor.post(f"/console/identities/{act}", form))[0] == 403


async def test_two_of_one_address_are_listed_with_what_to_do_and_an_address_suggests(world: World) -> None:
    people, audit = world.house.services.people, AuditStore(world.house.services.store, world.clock)
    await people.put(replace(TWIN, emails=("Shared@Example.com",)))
    await people.put(Person("p_other", "Other", emails=("shared@example.com",)))
    await people.put(Person("p_left", "Left", emails=("shared@example.com",), active=False))
    await audit.note("oidc", "ambiguous", "p_liting", persons=2)
    im = await saw(world, "u_new", "No such name")
    world.house.services.identities.addresses = {im: "shared@example.com"}
    async with Visitor(world) as visitor:
        csrf = await visitor.enter()
        await visitor.get("/console?lang=en")
        page = (await visitor.get("/console/identities"))[1]
        doubles = page.split('id="doubles"')[1].split('id="persons"')[0]
        assert "shared@example.com" in doubles and "p_other" in doubles and "p_left" not in doubles
        assert f"{ONE}?person=p_other&amp;other=p_twin" in doubles and "<script>" not in page
        assert "Signed in with an address that somebody else has" in doubles and "p_liting" in doubles
        assert page.count("Same verified e-mail address") == 2 and people.linked("im", im) is None
        await visitor.post("/console/identities/merge", {"csrf": csrf, "person": "p_other", "other": "p_twin"})
        doubles = (await visitor.get("/console/identities"))[1].split('id="doubles"')[1].split('id="persons"')[0]
        assert "shared@example.com" not in doubles
    api = await world.client("identities")
    [told] = [each for each in (await api.get("identities/unmapped")).body["accounts"] if each["key"] == im]
    assert told["suggestions"][0]["evidence"] == ["Same verified e-mail address"]
