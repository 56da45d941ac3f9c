"""The page of stages: the evidence, an admin's word, and what follows from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.store.auditing import AuditStore
from gateway.store.stages import DAY_MS, Run
from tests.gateway.http.test_console import Visitor
from tests.gateway.http.test_console_mentions import entered
from tests.gateway.http.test_console_pages import hidden, page, room
from tests.gateway.http.world import World

HERE = "rooms/stages"


async def behaved(world: World, run: Run, days_ago: int = 0, **counts: int) -> None:
    day = world.clock.now() // DAY_MS - days_ago
    rows = {(run.kind, run.run, run.stage, day, what): n for what, n in counts.items()}
    await world.house.services.stages.store.add(rows, {})


async def at(world: World, kind: str = "group/group") -> Run:
    await world.house.services.stages.follow(surely=True)
    return world.house.services.stages.run(kind)


async def test_a_step_is_proposed_with_its_evidence_and_taken_by_an_admin(world: World) -> None:
    await room(world, "r_east")
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        await world.house.services.stages.decide("group/group", "minimal", 0, "p_zhaolei")
        run = await at(world)
        await behaved(world, run, 1, shown=199, opened=40, wrong=3)
        assert "before anything is proposed: 1 more" in await page(visitor, HERE)
        assert "Steps proposed" not in await page(visitor, "rooms")
        await behaved(world, run, shown=1)
        told = await page(visitor, HERE)
        assert "Proposed: a step forward, to standard" in told and "opened by “Show me” 40 20.0 %" in told
        assert "reported wrong 3 1.5 %" in told and "Of the last 28 days" not in told
        assert "Steps proposed: 1" in await page(visitor, "rooms")
        _, raw, _ = await visitor.get(f"/console/{HERE}")
        assert "Of the last 28 days: 200 cards shown, 3 of them led to trouble." in raw and raw.count("<rect") == 3
        form = hidden(raw, "rooms/stages/set")
        assert form["stage"] == "standard" and form["run"] == "1" and form["csrf"] == csrf
        assert "Cards that are up follow within seconds" in await page(visitor, f"{HERE}/set", **form)
        assert (await at(world)).stage == "standard"
        again = await visitor.post(f"/console/{HERE}/set", form)
        assert again[0] == 409 and (await at(world)).stage == "standard"
        assert "It is taken back." in await page(visitor, f"{HERE}/undo", csrf=csrf, kind="group/group", run="2")
        assert ((await at(world)).stage, (await at(world)).undoes) == ("minimal", 2)
    audit = AuditStore(world.house.services.store, world.clock)
    assert [each.facts["stage"] for each in await audit.latest() if each.what == "staged"][:3] == [
        *("minimal", "standard", "minimal")
    ]


async def test_a_worsening_proposes_the_step_back(world: World) -> None:
    await room(world, "r_east")
    stages = world.house.services.stages
    await stages.decide("group/group", "standard", 0, "p_zhaolei")
    await behaved(world, await at(world), 9, shown=400, wrong=4)
    await stages.decide("group/group", "full", 1, "p_zhaolei")
    await behaved(world, await at(world), 1, shown=100, wrong=5, muted=5, dismissed=4)
    async with Visitor(world) as visitor:
        await entered(visitor)
        told = await page(visitor, HERE)
        assert "Proposed: a step back, to standard" in told
        assert "Cards lead to more trouble than at the stage before: 14 of 100, then 4 of 400." in told


async def test_a_room_says_what_its_stage_leaves_out(world: World) -> None:
    await room(world, "r_east")
    async with Visitor(world) as visitor:
        await entered(visitor)
        full = await page(visitor, "rooms/one?room=web/r_east")
        assert "it leaves out" not in full
        await world.house.services.stages.decide("group/group", "minimal", 0, "p_zhaolei")
        short = await page(visitor, "rooms/one?room=web/r_east")
        assert "this kind of room lets through: minimal it leaves out:" in short


@pytest.mark.parametrize("role", ["auditor", "manager"])
async def test_who_is_no_admin_decides_nothing(world: World, role: str) -> None:
    await room(world, "r_east")
    people = world.house.services.people
    zhao = people.person("p_zhaolei")
    assert zhao is not None
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        await people.put(replace(zhao, roles=frozenset({role})))
        status, told, _ = await visitor.get(f"/console/{HERE}")
        assert status == (200 if role == "auditor" else 403) and "rooms/stages/set" not in told
        form = {"csrf": csrf, "kind": "group/group", "stage": "minimal", "run": "0"}
        assert (await visitor.post(f"/console/{HERE}/set", form))[0] == 403
        assert (await at(world)).run == 0


async def test_a_broken_form_changes_nothing(world: World) -> None:
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        for kind, stage, run in (
            ("group/group", "enormous", "0"),
            ("<script>", "full", "0"),
            ("group/group", "minimal", "²"),
            ("group/group", "minimal", ""),
        ):
            form = {"csrf": csrf, "kind": kind, "stage": stage, "run": run}
            status, told, _ = await visitor.post(f"/console/{HERE}/set", form)
            assert status == 409 and "<script>" not in told, form
        assert (await at(world)).run == 0
