"""Access policies over the API: an admin proposes, another approves, the way back, and the simulator."""

from __future__ import annotations

from typing import Any

from channels.model import ImId, Roster, Sender
from gateway.store.auditing import AuditStore
from identity.model import Person
from tests.gateway.http.world import HERO, World

NO_NOTES = (
    '// Notes are for those who ask for them alone.\n@id("no-notes-in-rooms")\n'
    'forbid (principal, action == Action::"view", resource)\n'
    'when { resource.sensitivity == Sensitivity::"confidential" && context.scene == Scene::"group" };\n'
)
FILES = {"mine.cedar": NO_NOTES}
HOSTILE = "<script>\u202e*b*" + "😀" * 100


async def second_admin(world: World) -> None:
    await world.house.services.people.put(Person("p_noor", "Noor", frozenset({"admin", "employee"})))


async def two(world: World) -> tuple[Any, Any]:
    await second_admin(world)
    return await world.client("operate", person="p_zhaolei"), await world.client("operate", person="p_noor", name="n")


async def a_room(world: World) -> str:
    """Two reps and a guest, as a network told of them."""
    people = world.house.services.people
    links = {link.person: link.key for link in people.links() if link.kind == "im"}
    members = [Sender(ImId.parse(links[each]), each, "member") for each in ("p_liting", "p_chenwei")]
    guest = Sender(ImId("web", "demo", "user", "u_guest"), "David Park", "guest")
    await world.house.services.rooms.store.keep(
        "web/r_east", Roster((*members, guest), True, world.clock.now(), "East", "group", False)
    )
    return "web/r_east"


async def test_proposed_looked_at_applied_and_taken_back(world: World) -> None:
    zhao, noor = await two(world)
    checked = await zhao.post("access/check", {"files": FILES})
    assert checked.status == 200 and not checked.body["faults"]
    assert [each["id"] for each in checked.body["changes"]] == ["no-notes-in-rooms"]
    made = await zhao.post("access/versions", {"files": FILES, "reason": f"too many {HOSTILE}"})
    assert made.status == 201 and made.body["state"] == "proposed" and made.body["reason"].endswith("😀")
    n, base = made.body["n"], made.body["base"]
    assert made.body["changes"][0]["lines"][0] == '+@id("no-notes-in-rooms")'
    assert "sales.cedar" in made.body["files"]
    compared = (await zhao.post("access/compare", {"old": "force", "new": str(n)})).body
    assert {(each["scene"], each["gained"]) for each in compared["rights"]} == {("group", False)} and compared["people"]

    own = await zhao.post(f"access/versions/{n}/apply", {"reason": "mine"})
    assert own.status == 409 and "Somebody else" in own.body["say"]
    stale = await noor.post(f"access/versions/{n}/apply", {"reason": "fine", "over": base + 7})
    assert stale.status == 409 and "Meanwhile" in stale.body["say"]
    done = await noor.post(f"access/versions/{n}/apply", {"reason": "fine", "over": base})
    assert done.status == 200 and (done.body["state"], done.body["applied_by"]) == ("applied", "p_noor")
    back = await zhao.post("access/rollback", {"reason": "needed"})
    assert back.status == 200 and (back.body["back_to"], back.body["state"]) == (base, "applied")
    told = (await zhao.get("access/versions")).body["versions"]
    assert [each["state"] for each in told] == ["applied", "replaced", "replaced"]
    assert (await zhao.get("access/diff", old=str(n), new="force")).body["changes"][0]["kind"] == "removed"
    deeds = {each.what for each in await AuditStore(world.house.services.store, world.clock).latest()}
    assert {"access_proposed", "access_applied", "access_rolled_back"} <= deeds
    other = (await zhao.post("access/versions", {"files": FILES, "reason": "again"})).body["n"]
    assert (await noor.post(f"access/versions/{other}/withdraw", {})).body["state"] == "withdrawn"


async def test_who_would_see_it_at_ten_in_the_evening(world: World) -> None:
    zhao, _ = await two(world)
    body = {"room": await a_room(world), "field": "notes", "at": "22:00", "customer": HERO, "names": True}
    told = (await zhao.post("access/simulate", body)).body
    assert told["sensitivity"] == "confidential" and told["when"].endswith(")") and " 22:00 " in told["when"]
    assert (
        not told["shown"]
        and told["seeing"] == 2
        and {tuple(each["names"]) for each in told["kinds"]}
        == {
            ("李婷 Li Ting",),
            ("陈伟 Chen Wei",),
            ("David Park",),
        }
    )
    assert told["seeing"] + told["not_seeing"] == sum(each["people"] for each in told["kinds"])
    assert all(each["here"]["say"] for each in told["kinds"])
    rule = next(each for each in told["kinds"] if each["here"]["policies"])["here"]["policies"][0]
    assert rule["file"].endswith(".cedar") and rule["line"] >= 1 and rule["text"]
    quiet = (await zhao.post("access/simulate", {**body, "names": False})).body
    assert not any(each["names"] for each in quiet["kinds"])
    chinese = await zhao.call("POST", "access/simulate", json=body, headers={"Accept-Language": "zh-CN"})
    assert chinese.body["kinds"][0]["here"]["say"] != told["kinds"][0]["here"]["say"]


async def test_what_cannot_be_is_refused_in_words(world: World) -> None:
    zhao, _ = await two(world)
    bad = {"bad.cedar": "permit (principal, action, resource) when { principal.shoe };"}
    for path, body, status in (
        ("access/versions", {"files": bad, "reason": "x"}, 409),
        ("access/versions", {"files": {"bad.cedar": "forbid (principal, action, resource);"}, "reason": "x"}, 409),
        ("access/versions", {"files": {"../bad.cedar": ""}, "reason": "x"}, 409),
        ("access/versions", {"files": {"sales.cedar": None, "deep.cedar": "(" * 9000}, "reason": "x"}, 409),
        ("access/versions", {"files": FILES, "reason": ""}, 422),
        ("access/versions", {"files": {}, "reason": "x"}, 422),
        ("access/versions", {"files": {"a.cedar": 7}, "reason": "x"}, 422),
        ("access/simulate", {"room": "nowhere", "field": "notes"}, 409),
        ("access/simulate", {"room": HOSTILE, "field": "notes", "at": "25:99"}, 409),
        ("access/simulate", {"room": "web/demo", "field": "notes", "policies": "77"}, 409),
        ("access/compare", {"old": "force", "new": "nothing"}, 409),
        ("access/rollback", {"reason": "x", "to": 99}, 409),
        ("access/rollback", {"reason": "x"}, 409),
    ):
        told = await zhao.post(path, body)
        assert told.status == status, (body, told)
    checked = (await zhao.post("access/check", {"files": bad})).body
    assert checked["faults"][0]["file"] == "bad.cedar" and "shoe" in checked["faults"][0]["say"]
    for n in ("99", "0", "x", "²"):
        assert (await zhao.get(f"access/versions/{n}")).status == 404


async def test_only_an_admin_with_the_scope_does_any_of_it(world: World) -> None:
    for client in (
        await world.client("read", person="p_zhaolei", name="a"),
        await world.client("operate", person="p_liting", name="b"),
        await world.client("operate", name="c"),
    ):
        for path in ("access/versions", "access/versions/1", "access/diff"):
            assert (await client.get(path)).status == 403
        for path, body in (
            ("access/versions", {"files": FILES, "reason": "x"}),
            ("access/versions/1/apply", {"reason": "x"}),
            ("access/versions/1/withdraw", {}),
            ("access/rollback", {"reason": "x"}),
            ("access/check", {"files": FILES}),
            ("access/simulate", {"room": "r", "field": "notes"}),
            ("access/compare", {}),
        ):
            assert (await client.post(path, body)).status == 403, path
