"""A source that numbers its edits, from its request to the card; and an operator's word when it was set back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crm.model import RecordRef
from gateway.cli import sourcing
from gateway.sources import listed
from gateway.store.due import Due
from gateway.store.tokens import Token, TokenStore
from gateway.sweep import native
from reconcile.model import Json
from tests.gateway.house import HERO, PHONE, Live, opened

SOURCES = '[sources.erp]\nhold = "30s"\n\n[sources.pos]\ncrm = "local"\nstreams = ["shop", "web"]\n'
FIELD = "phone"


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Live]:
    async with opened(tmp_path, extra=SOURCES) as live:
        yield live


async def bearer(live: Live, system: str = "erp", scope: str = "read edit", person: str = "p_liting") -> dict[str, str]:
    made = Token(f"{system} {scope}", frozenset(scope.split()), person, system, system.upper(), ())
    secret = await TokenStore(live.s.store, live.s.clock).make(made)
    return {"Authorization": f"Bearer {secret}"}


async def call(live: Live, head: dict[str, str], method: str, path: str, body: Any = None) -> tuple[int, Any]:
    url = f"{live.url}/api/v1/{path}"
    async with live.session.request(method, url, json=body, headers=head) as answer:
        return answer.status, await answer.json()


async def edit(live: Live, head: dict[str, str], number: int | None, value: str, **more: Any) -> tuple[int, Any]:
    body = {"record": HERO, "field": FIELD, "value": value, "once": f"{number}:{value}", **more}
    body |= {"watermark": number} if number is not None else {}
    return await call(live, head, "POST", "edits", body)


async def first(live: Live, head: dict[str, str]) -> None:
    """The first edit knows what stands, so that none of the following is a conflict."""
    status, told = await call(live, head, "GET", f"customers/{HERO}")
    assert status == 200
    status, made = await edit(live, head, 1, f"{PHONE} 1111 0001", parents=told["fields"][FIELD]["parents"])
    assert (status, made["outcome"]) == (200, "stands")


async def test_only_what_is_configured_numbers_its_edits(live: Live) -> None:
    head = await bearer(live, "plugin")
    for claim in ({"watermark": 7}, {"stream": "main"}):
        status, told = await edit(live, head, None, PHONE, **claim)
        assert (status, told["error"], told["at"]) == (403, "claimed_source", next(iter(claim)))
    head = await bearer(live, "erp")
    status, told = await edit(live, head, None, PHONE)
    assert (status, told["error"], told["at"]) == (422, "no_number", "watermark")
    status, told = await edit(live, head, 1, PHONE, stream="orders")
    assert (status, told["error"], told["at"]) == (422, "no_stream", "stream")


async def test_what_is_missing_is_waited_for_and_then_given_up(live: Live) -> None:
    head = await bearer(live)
    await first(live, head)
    status, told = await edit(live, head, 3, f"{PHONE} 1111 0003")
    assert (status, told["outcome"], told["edit"], told["standing"]) == (200, "held", None, None)
    assert await live.value(FIELD) == f"{PHONE} 1111 0001"
    await live.settle()
    live.clock.ahead(seconds=29)
    await live.settle()
    assert await live.value(FIELD) == f"{PHONE} 1111 0001", "it is waited for"
    assert [
        line for line in await sourcing_lines(live) if "erp/main" in line and "gap" in line and "1 of 3, 1 wait" in line
    ]
    live.clock.ahead(seconds=2)
    await live.settle()
    assert await live.value(FIELD) == f"{PHONE} 1111 0003"
    assert await live.counted("floatcard_source_gaps_total", source="erp", outcome="lost") == 1
    assert "gap" in await live.steps()
    status, told = await edit(live, head, 3, f"{PHONE} 1111 0003")
    assert (status, told["outcome"]) == (200, "stands"), "sent again, it is answered what became of it"
    status, told = await edit(live, head, 2, f"{PHONE} 1111 0002")
    assert (status, told["outcome"]) == (200, "kept"), "late: overtaken"
    assert await live.value(FIELD) == f"{PHONE} 1111 0003"


async def test_where_the_crm_can_be_read_it_is_read_before_the_gap_is_closed(live: Live) -> None:
    head = await bearer(live, "pos")
    assert (await edit(live, head, 1, f"{PHONE} 1111 0001", stream="web"))[0] == 200
    await live.natively("stage", "won")
    await edit(live, head, 4, f"{PHONE} 1111 0004", stream="web")
    live.clock.ahead(seconds=31)
    await live.house.schedule.once()
    await live.quiet()
    assert await live.value("stage") == "won", "read anew, without the sweep"
    assert await live.counted("floatcard_source_gaps_total", source="pos", outcome="read") == 1
    assert [row.low for row in await rows(live) if row.stream == "web"] == [4]


async def test_while_the_crm_does_not_answer_the_gap_stays_open(live: Live) -> None:
    head = await bearer(live, "pos")
    await edit(live, head, 1, f"{PHONE} 1111 0001")
    await edit(live, head, 3, f"{PHONE} 1111 0003")
    live.crm.mood = "down"
    live.clock.ahead(seconds=31)
    await live.house.schedule.once()
    assert [row.state for row in await rows(live) if row.stream == "shop"] == ["gap"]
    live.crm.mood = "well"
    live.clock.ahead(minutes=5)
    await live.settle()
    assert [(row.state, row.low) for row in await rows(live) if row.stream == "shop"] == [("ok", 3)]


async def test_a_source_that_was_set_back_needs_an_operator(live: Live, tmp_path: Path) -> None:
    head = await bearer(live)
    await first(live, head)
    for number in (2, 3, 4):
        assert (await edit(live, head, number, f"{PHONE} 1111 000{number}"))[1]["outcome"] == "stands"
    live.clock.ahead(minutes=1)
    status, told = await edit(live, head, 2, f"{PHONE} 9999 0002")
    assert (status, told["error"]) == (409, "number_reused")
    assert await live.value(FIELD) == f"{PHONE} 1111 0004"
    assert await live.counted("floatcard_crm_behind_total", crm="erp", kind="rewound") >= 1
    admin = next(each.id for each in live.s.people.persons() if "admin" in each.roles)
    ops = await bearer(live, "", "operate", admin)
    status, told = await call(live, ops, "GET", "sources")
    assert [each["state"] for each in told["sources"] if each["name"] == "erp"] == ["rewound"]
    assert (await call(live, await bearer(live, "", "operate"), "GET", "sources"))[0] == 403
    assert (await call(live, ops, "POST", "sources/erp/epoch")) == (200, {"streams": ["main"], "records": 0})
    status, told = await call(live, ops, "POST", "sources/erp/epoch")
    assert status == 409
    status, told = await call(live, ops, "POST", "sources/nobody/epoch")
    assert status == 409
    assert (await edit(live, head, 1, f"{PHONE} 9999 0001", once="anew"))[1]["outcome"] == "stands"
    assert await live.rows("audit", "what = 'new_epoch' AND subject = 'erp'") == 1
    assert [line for line in await sourcing_lines(live) if "epoch 2" in line]


async def test_a_crm_that_set_a_record_back_is_read_anew_after_the_command(live: Live) -> None:
    ref = RecordRef.parse(HERO)
    there = await live.crm.get(ref)
    older = replace(there, version=there.version - 1)
    live.clock.ahead(seconds=5)
    told = await live.s.ledger.observe(older, native("local"), began=live.clock.now())
    assert told.rewound
    assert [row.set_back for row in await rows(live) if row.name == "local"] == [1]
    said = await sourcing.begin(live.folder / "floatcard.toml", "local")
    assert "1 records are read anew" in said
    assert await live.rows("due", "kind = 'held'") == 1
    about: dict[str, Json] = {"record": HERO, "tries": 0, "heard": True, "crm": "local"}
    await live.s.due.put(Due(f"held:local:{HERO}", "held", live.clock.now(), about))
    assert await live.rows("due", "kind = 'held'") == 2, "what an edit asks for does not stand in for it"


async def sourcing_lines(live: Live) -> list[str]:
    return await sourcing.table(live.folder / "floatcard.toml")


async def rows(live: Live) -> list[Any]:
    return list(await listed(live.s))
