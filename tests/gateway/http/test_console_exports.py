"""What is taken away of conflicts, alerts and deeds: what one may see, no formula, and on record who took how many."""

from __future__ import annotations

import csv
import io

from gateway.store.alerts import Alert
from gateway.store.auditing import AuditStore
from identity.model import Person
from tests.gateway.http.test_console import Visitor
from tests.gateway.http.test_console_mentions import entered
from tests.gateway.http.test_console_pages import page
from tests.gateway.http.test_policies import ONE, TWO, disputed
from tests.gateway.http.world import HERO, World


def rows(told: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(told.removeprefix("\ufeff"))))


async def exported(visitor: Visitor, what: str, **form: str) -> list[dict[str, str]]:
    status, told, answer = await visitor.post(f"/console/{what}/export", form)
    assert status == 200 and answer.headers["Content-Type"].startswith("text/csv"), told
    return rows(told)


async def test_conflicts_are_taken_away_a_row_for_each_side(world: World) -> None:
    await disputed(world)
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        found = await exported(visitor, "conflicts", csrf=csrf, which="open")
        assert {row["record"] for row in found} == {HERO} and {f"'{each}" for each in (ONE, TWO)} <= {
            row["value"] for row in found
        }, "numbers of telephones begin as a formula does"
        assert {row["field"] for row in found} and len({row["conflict"] for row in found}) == 1
        assert await exported(visitor, "conflicts", csrf=csrf, which="settled") == []
        assert await exported(visitor, "conflicts", csrf=csrf, which="open", field="address") == []
        world.clock.advance(3600 // 4 * 3)
        asked = (await visitor.post("/console/conflicts/export", {"csrf": csrf}))[2]
        assert asked.url.path == "/console/again"


async def test_alerts_are_taken_away_as_the_list_was_narrowed_down(world: World) -> None:
    s = world.house.services
    for n in range(3):
        await s.alerts.raise_(Alert(f"a{n}", "risk_high", HERO, f"r{n}", world.clock.now() - n, trace="aa" * 5))
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        found = await exported(visitor, "alerts", csrf=csrf, which="waiting", rule="risk_high")
        assert [row["record"] for row in found] == [HERO] * 3 and {row["state"] for row in found} == {"open"}
        assert await exported(visitor, "alerts", csrf=csrf, which="waiting", rule="conflict_open") == []
        assert "Take these rows away" in await page(visitor, "alerts")


async def test_deeds_are_found_by_kind_and_by_who_did_them(world: World) -> None:
    s = world.house.services
    audit = AuditStore(s.store, world.clock)
    await s.people.put(Person("p_audit", "=Auditor", frozenset({"auditor"})), by="p_zhaolei")
    await audit.note("p_zhaolei", "bound", "web/r_deal", record="local:account:none")
    await audit.note("token:=x", "<script>", "-1+1", many=2)
    for n in range(60):
        await audit.note("cli", "token_made", f"t{n}")
    async with Visitor(world) as visitor:
        csrf = await visitor.enter("p_audit")
        await visitor.get("/console?lang=en")
        told = await page(visitor, "audit/deeds")
        assert "made a token" in told and "Next page" in told and "<script>" not in told
        bound = await page(visitor, "audit/deeds?what=bound")
        assert "tied a room to a customer" in bound and "local:account:none" not in bound, "not one they may see"
        assert "t59" not in bound and "web/r_deal" in bound
        mine = await page(visitor, "audit/deeds?by=p_audit")
        assert "signed in" in mine and "t59" not in mine
        assert "Nothing of that kind" in await page(visitor, "audit/deeds?what=erased")
        found = await exported(visitor, "audit/deeds", csrf=csrf, by="token:=x")
        assert [(row["by"], row["subject"], row["what"]) for row in found] == [("token:=x", "'-1+1", "<script>")]
        everything = await exported(visitor, "audit/deeds", csrf=csrf)
        assert len(everything) > 60 and any(row["person"] == "'=Auditor" for row in everything)
    last = (await audit.latest(1))[0]
    assert (last.by, last.what, last.subject, last.facts) == ("p_audit", "exported", "deeds", {"rows": len(everything)})
