"""The laboratory through the API and the console: one admin tries, another approves, and it is taken back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from gateway.store.ledger import Incoming
from identity.model import Person
from reconcile.model import Actor, Source
from reconcile.token import Seen
from tests.gateway.http.test_console import Visitor
from tests.gateway.http.test_console_mentions import seen
from tests.gateway.http.world import HERO, Client, World

ONE, TWO = "+86 512 1111 1111", "+86 512 2222 2222"
HOSTILE = "<script>x</script>\u202e*b*" + "😀" * 200
CLOCK = {"fields": ["phone"], "policy": {"mode": "last_writer_wins"}}


async def second_admin(world: World) -> None:
    await world.house.services.people.put(Person("p_noor", "Noor", frozenset({"admin", "employee"})))


async def disputed(world: World) -> None:
    """Two who had not seen each other change one phone number."""
    state = await world.house.services.ledger.state(HERO, "phone")
    heads: Sequence[str] = state.heads if state is not None else ()
    for person, value in (("p_liting", ONE), ("p_wangmin", TWO)):
        await world.house.services.ledger.ingest(
            Incoming(
                HERO,
                "phone",
                "set",
                value,
                Source("web", "Web card", "1.0"),
                Actor("person", person),
                f"once-{person}",
                Seen("ok", tuple(heads)),
                role_ok=True,
            )
        )


async def until(client: Client, id_: str, *states: str) -> Any:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        told = await client.get(f"policies/changes/{id_}")
        if told.body["state"] in states:
            return told.body
        await asyncio.sleep(0.05)
    raise AssertionError(told.body)


async def test_one_tries_another_approves_and_it_is_taken_back(world: World) -> None:
    await second_admin(world)
    await disputed(world)
    ledger = world.house.services.ledger
    zhao = await world.client("operate", "read", person="p_zhaolei")
    noor = await world.client("operate", person="p_noor", name="noor")
    begun = await zhao.post("policies/plans", {**CLOCK, "days": 30})
    assert begun.status == 202 and begun.body["proposed_by"] == "p_zhaolei"
    id_ = begun.body["id"]
    planned = await until(zhao, id_, "planned", "failed")
    assert planned["state"] == "planned", planned
    assert planned["report"]["counts"]["not_asked"] == {"phone": 1}
    assert planned["report"]["counts"]["closes"] == {"phone": 1} == planned["report"]["counts"]["differ"]
    (example,) = [each for each in planned["report"]["examples"] if each["kind"] == "not_asked"]
    assert example["customer"] == HERO
    told = await zhao.get(example["explained"])
    assert told.status == 200 and told.body["conflict"] and told.body["change"] is None
    assert ONE not in str(planned) and TWO not in str(planned), "a report holds no value"

    own = await zhao.post(f"policies/changes/{id_}/apply", {"reason": "mine"})
    assert own.status == 409 and "Somebody else" in own.body["say"]
    assert (await noor.post(f"policies/changes/{id_}/apply", {"reason": "numbers were lost"})).status == 202
    done = await until(noor, id_, "applied")
    assert (done["approved_by"], done["done"], done["total"]) == ("p_noor", 1, 1)
    state = await ledger.state(HERO, "phone")
    assert state is not None and (state.value, state.conflict) == (TWO, None)
    why = (await zhao.get(f"decisions/{state.decision}")).body
    assert why["trigger"] == "policy" and why["change"]["reason"] == "numbers were lost"
    assert why["change"]["before"] and why["policy"]["name"] == id_

    assert (await zhao.post(f"policies/changes/{id_}/undo", {})).status == 409, "say why"
    assert (await zhao.post(f"policies/changes/{id_}/undo", {"reason": "too quick"})).status == 202
    assert (await until(zhao, id_, "undone"))["ended_why"] == "too quick"
    state = await ledger.state(HERO, "phone")
    assert state is not None and state.conflict is not None and len(state.challengers) == 2
    assert [each["id"] for each in (await zhao.get("policies/changes")).body["changes"]] == [id_]
    assert await ledger.verify() is None


async def test_only_an_admin_with_the_scope_does_any_of_it(world: World) -> None:
    for client, status in (
        (await world.client("read", person="p_zhaolei", name="a"), 403),
        (await world.client("operate", person="p_liting", name="b"), 403),
        (await world.client("operate", name="c"), 403),
    ):
        assert (await client.post("policies/plans", CLOCK)).status == status
        assert (await client.get("policies/changes")).status == status
        for act in ("apply", "undo"):
            assert (await client.post(f"policies/changes/pc-1/{act}", {"reason": "x"})).status == status


async def test_what_cannot_be_tried_is_refused_in_words(world: World) -> None:
    zhao = await world.client("operate", person="p_zhaolei")
    for body, status in (
        ({"fields": ["nope"], "policy": {"mode": "review"}}, 409),
        ({"fields": ["phone"], "policy": {"mode": "authoritative"}}, 409),
        ({"fields": ["phone"], "policy": {"mode": "merge"}}, 409),
        ({"fields": ["phone"], "policy": {"mode": "merge", "merge": "monotone", "order": ["a"]}}, 409),
        ({"fields": [], "policy": {"mode": "review"}}, 422),
        ({"fields": ["phone"], "policy": {"mode": "magic"}}, 422),
        ({"fields": [HOSTILE], "policy": {"mode": "review"}}, 409),
    ):
        told = await zhao.post("policies/plans", body)
        assert told.status == status, (body, told)
    assert (await zhao.get("policies/changes/pc-none")).status == 404
    assert (await zhao.post("policies/changes/pc-none/undo", {})).status == 404


async def test_the_console_tries_explains_approves_and_takes_back(world: World) -> None:
    await second_admin(world)
    await disputed(world)
    async with Visitor(world) as zhao, Visitor(world) as noor:
        csrf = await zhao.enter()
        await zhao.get("/console?lang=en")
        page = seen((await zhao.get("/console/policies"))[1])
        assert "Phone a person decides" in page and "No policy was tried yet." in page
        form = {
            "csrf": csrf,
            "field": "phone",
            "mode": "last_writer_wins",
            "fallback": "review",
            "systems": "",
            "days": "",
        }
        status, page, told = await zhao.post("/console/policies/try", form)
        assert status == 200 and told.url.path.startswith("/console/policies/pc-")
        here = told.url.path
        page = await shows(zhao, here, "planned, waits for approval")
        assert "Conflicts that would not have been asked 1" in seen(page) and "华星医疗" in page
        assert "Somebody else than its proposer" in seen(page) and "Approve and apply" not in seen(page)
        link = page.split('href="/console/policies/why/')[1].split('"')[0]
        explained = seen((await zhao.get(f"/console/policies/why/{link}"))[1])
        assert ONE in explained and TWO in explained and "A person decides." in explained

        csrf_noor = await noor.enter("p_noor")
        await noor.get("/console?lang=en")
        change = here.rpartition("/")[2]
        refused = await noor.post("/console/policies/apply", {"csrf": csrf_noor, "change": change, "reason": " "})
        assert refused[0] == 409 and "Say why" in seen(refused[1])
        reason = {"csrf": csrf_noor, "change": change, "reason": HOSTILE}
        assert (await noor.post("/console/policies/apply", reason))[0] == 200
        page = await shows(noor, here, "in force")
        assert "<script>x" not in page and "approved by Noor" in seen(page)
        assert "by a change" in seen((await zhao.get("/console/policies"))[1])
        back = {"csrf": csrf, "change": change, "reason": "too quick"}
        assert (await zhao.post("/console/policies/undo", back))[0] == 200
        await shows(zhao, here, "taken back")


async def shows(visitor: Visitor, path: str, words: str) -> str:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        page = (await visitor.get(path))[1]
        if f">{words}</span>" in page:
            return page
        await asyncio.sleep(0.05)
    raise AssertionError(seen(page))


async def test_the_console_is_for_admins_and_says_what_is_wrong(world: World) -> None:
    async with Visitor(world) as visitor:
        for path in ("", "/pc-1", "/why/7F3A-19C2"):
            assert (await visitor.get(f"/console/policies{path}"))[2].url.path == "/console"
        for path in ("try", "apply", "undo"):
            assert (await visitor.post(f"/console/policies/{path}", {"csrf": "x", "change": "pc-1"}))[0] == 403
        csrf = await visitor.enter()
        await visitor.get("/console?lang=en")
        form = {
            "csrf": csrf,
            "field": "phone",
            "mode": "authoritative",
            "fallback": "review",
            "systems": "",
            "days": "x",
        }
        status, page, _ = await visitor.post("/console/policies/try", form)
        assert status == 422 and 'role="alert"' in page
        status, page, _ = await visitor.post("/console/policies/try", {**form, "mode": HOSTILE, "systems": HOSTILE})
        assert status == 422 and "<script>x" not in page
        assert (await visitor.get("/console/policies/why/nope"))[0] == 404
        assert (await visitor.get("/console/policies/pc-none"))[2].url.path == "/console/policies"
