"""The page of applications: what each may read and write, who read what, a token ended, and rows to take away."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from gateway.store.auditing import AuditStore
from gateway.store.stages import DAY_MS
from gateway.store.tokens import Token
from tests.gateway.http.test_console import Visitor
from tests.gateway.http.test_console_mentions import entered
from tests.gateway.http.test_console_pages import hidden, page
from tests.gateway.http.world import HERO, World

HERE = "audit/applications"
HOSTILE = "=cmd|'/c calc'!A1<script>\u202e"


async def used(world: World, name: str = "sms") -> str:
    """The id of a token that read something."""
    made = Token(name, frozenset({"read"}), "p_liting", reads=frozenset({"name", "phone"}))
    client = world.bearing(await world.tokens.make(made))
    assert (await client.get(f"customers/{HERO}")).status == 200
    await client.get(f"customers/{HERO}/fields/address/history")
    return next(each.id for each in await world.tokens.known() if each.token.name == name)


async def test_who_reads_what_is_told_without_a_value(world: World) -> None:
    id_ = await used(world)
    async with Visitor(world) as visitor:
        await entered(visitor)
        told = await page(visitor, HERE)
        assert "web channel" in told and "sms API token" in told and id_ in told
        assert "Phone phone 1 0 0" in told and "Address address 0 0 1" in told and "reads only: name, phone" in told
        assert "reads as" in told and "only when it is ended" in told and "6288" not in told


async def test_a_token_is_ended_with_its_consequence_in_numbers(world: World) -> None:
    id_ = await used(world)
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        assert "Fields read by this application in the last 7 days: 2." in await page(visitor, HERE)
        _, raw, _ = await visitor.get(f"/console/{HERE}")
        form = hidden(raw, f"{HERE}/end")
        assert form == {"csrf": csrf, "id": id_}
        assert "it opens nothing any more" in await page(visitor, f"{HERE}/end", **form)
        assert "Nothing was changed" in await page(visitor, f"{HERE}/end", **form)
    (known,) = [each for each in await world.tokens.known() if each.id == id_]
    assert not known.stands(world.clock.now())
    rows = await AuditStore(world.house.services.store, world.clock).latest()
    assert [(each.subject, each.facts["id"]) for each in rows if each.what == "token_ended"] == [("sms", id_)]


async def test_a_token_that_ends_soon_says_so(world: World) -> None:
    now = world.clock.now()
    for name, until in (("soon", now + 5 * DAY_MS), ("later", now + 90 * DAY_MS), ("past", now - 1)):
        await world.tokens.make(Token(name, frozenset({"read"}), "p_liting", expires_at=until))
    async with Visitor(world) as visitor:
        await entered(visitor)
        told = await page(visitor, HERE)
        assert told.count("ends soon") == 1 and told.count("in force") == 1 and "ended" in told


async def test_the_rows_are_safe_for_spreadsheets_and_noted(world: World) -> None:
    await used(world)
    await used(world, HOSTILE)
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        _, raw, _ = await visitor.get(f"/console/{HERE}")
        assert "<script>" not in raw
        status, body, _ = await visitor.post(f"/console/{HERE}/export", {"csrf": csrf})
        assert status == 200
        rows = list(csv.reader(io.StringIO(body.removeprefix("\ufeff"))))
        assert rows[0] == ["application", "field", "class", "day", "read", "written", "denied"]
        classes = world.house.services.classes
        assert ["sms", "phone", classes.of("phone"), "1", "0", "0"] in [[*row[:3], *row[4:]] for row in rows]
        assert any(row[0] == f"'{HOSTILE}" for row in rows) and not any(row[0].startswith("=") for row in rows)
        world.clock.advance(11 * 60)
        _, late, answer = await visitor.post(f"/console/{HERE}/export", {"csrf": csrf})
        assert answer.url.path in ("/console/again", "/console") and "sms" not in late, "an old sign-in takes nothing"
    rows_ = await AuditStore(world.house.services.store, world.clock).latest()
    assert [each.facts["rows"] for each in rows_ if each.what == "exported"] == [len(rows) - 1]


@pytest.mark.parametrize("role", ["auditor", "manager"])
async def test_an_auditor_reads_and_exports_and_ends_nothing(world: World, role: str) -> None:
    id_ = await used(world)
    people = world.house.services.people
    zhao = people.person("p_zhaolei")
    assert zhao is not None
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        await people.put(replace(zhao, roles=frozenset({role})))
        status, told, _ = await visitor.get(f"/console/{HERE}")
        assert status == (200 if role == "auditor" else 403) and f"{HERE}/end" not in told
        assert (await visitor.post(f"/console/{HERE}/end", {"csrf": csrf, "id": id_}))[0] == 403
        exported = (await visitor.post(f"/console/{HERE}/export", {"csrf": csrf}))[0]
        assert exported == (200 if role == "auditor" else 403)
    assert any(each.id == id_ and each.ended_at is None for each in await world.tokens.known())
