"""Bad input at the door, over real HTTP: a clear answer, counted, and nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.chat.wire import SIGNATURE, TIMESTAMP, signature
from tests.gateway.fake_chat import buttons, text
from tests.gateway.house import GUEST, HERO, LI, NAME, SECRET, Live, opened
from tests.gateway.test_edits import ONE, customer, floated

TWIN = "远航科技"


def signed_at(shift: int, raw: bytes, secret: str = SECRET) -> dict[str, str]:
    stamp = str(int(time.time()) + shift)
    return {TIMESTAMP: stamp, SIGNATURE: signature(secret.encode(), stamp, "POST", "/in/web", raw)}


async def counted(live: Live, outcome: str) -> float:
    return await live.counted("floatcard_received_total", channel="web", outcome=outcome)


@pytest.mark.parametrize("wrong", ["secret", "stale", "future", "none", "body", "garbage"])
async def test_a_signature_that_is_not_good_is_401_and_counted(tmp_path: Path, wrong: str) -> None:
    async with opened(tmp_path) as live:
        raw = json.dumps(live.event("message", LI, "deal", message="m1", text=NAME)).encode()
        headers = {
            "secret": signed_at(0, raw, "another secret"),
            "stale": signed_at(-330, raw),
            "future": signed_at(330, raw),
            "none": {TIMESTAMP: "", SIGNATURE: ""},
            "body": signed_at(0, raw + b" "),
            "garbage": {TIMESTAMP: "9" * 30, SIGNATURE: "v1=\xff"},
        }[wrong]
        before = await counted(live, "rejected")
        status, answer = await live.post(raw, **headers)
        assert status == 401 and "signature" in answer["text"]
        assert await counted(live, "rejected") == before + 1
        assert await live.rows("seen") == 0
        await live.settle()
        assert live.cards("deal") == []


async def test_a_good_signature_is_good_for_five_minutes_either_way(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        for shift in (-290, 290):
            raw = json.dumps(live.event("message", LI, "deal", message=f"m{shift}", text="hello")).encode()
            assert (await live.post(raw, **signed_at(shift, raw)))[0] == 200


async def test_a_body_over_a_mebibyte_is_413(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        assert (await live.post(b'{"a":"' + b"x" * (1 << 20) + b'"}'))[0] == 413
        event = live.event("message", LI, "deal", message="m1", text="x" * 900_000 + NAME)
        assert (await live.post(event))[0] == 200
        await live.settle()
        assert len(live.cards("deal")) == 1, "a long message is a message"


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'"x"', b'{"type": "message"}', b'{"type": 7}', b"[" * 100_000],
    ids=lambda raw: raw[:12].decode("latin-1"),
)
async def test_what_is_not_understood_is_200_and_counted(tmp_path: Path, raw: bytes) -> None:
    async with opened(tmp_path) as live:
        before = await counted(live, "unreadable")
        status, answer = await live.post(raw)
        assert (status, answer) == (200, {"ok": False, "error": "not understood"}), "so that it is not sent again"
        assert await counted(live, "unreadable") == before + 1


async def test_an_event_nobody_taught_us_and_a_workspace_that_is_not_ours(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        before = await counted(live, "unreadable")
        for changed in ({"type": "reaction"}, {"scope": "another"}, {"at": "noon"}, {"who": None}, {"room": ""}):
            status, _ = await live.post({**live.event("message", LI, "deal", message="m", text=NAME), **changed})
            assert status == 200
        assert await counted(live, "unreadable") == before + 5
        assert await live.rows("seen") == 0


async def test_a_channel_nobody_configured_is_404(tmp_path: Path) -> None:
    async with opened(tmp_path) as live, live.session.post(f"{live.url}/in/slack", data=b"{}") as response:
        assert response.status == 404 and "no channel of that name" in await response.text()


async def test_a_room_nobody_knows_breaks_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "nowhere", NAME)
        await live.settle()
        assert await live.rows("job") == 0 and "not_taken" in await live.steps()
        card = await floated(live)
        edit = buttons(card.card, "edit")[0]
        answer = await live.press(LI, "nowhere", edit)
        assert answer["kind"] == "form", "the person may, wherever they press"
        await live.say(LI, "east", NAME)
        await live.settle()
        assert len(live.cards("east")) == 1


async def test_surrogates_and_nul_are_taken_and_lost_on_nobody(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", f"\x00\ud800{NAME}\udfff")
        await live.say(LI, "deal", "\u202e" * 500)
        await live.say("u\x00\ud800", "deal", "云栖纺织", who={"id": "u\x00\ud800", "name": "\ud800", "kind": "member"})
        await live.settle()
        assert [card.card["summary"] for card in live.cards("deal")] == [NAME, "云栖纺织"]
        assert await live.rows("job") == 0


async def test_a_button_of_long_ago_still_works_and_means_what_it_meant(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await floated(live)
        edit = buttons(card.card, "edit")[0]
        for value in ("won", "lost", "lead"):
            await live.natively("stage", value)
            await live.settle()
        live.clock.ahead(hours=24 * 40)
        answer = await live.press(LI, "deal", edit)
        (stage,) = [field for field in answer["card"]["blocks"][-1]["fields"] if field["name"] == "stage"] or [None]
        assert stage is not None and stage["value"] == "lead", "the form shows what is so now"


@pytest.mark.parametrize("what", ["settle", "undo", "acknowledge", "pick", "show_me", "edit"])
async def test_a_signed_button_about_nothing_is_told(tmp_path: Path, what: Any) -> None:
    nothing = {
        "settle": {"r": HERO, "f": "phone", "e": "no", "c": "no", "h": [], "q": []},
        "undo": {"r": HERO, "f": "phone", "e": "no", "h": [], "q": []},
        "acknowledge": {"i": "no"},
        "pick": {"r": "local:account:no", "n": "x", "m": "y", "t": "web/deal/"},
        "show_me": {"r": "local:account:no"},
        "edit": {"r": "nonsense"},
    }[what]
    async with opened(tmp_path) as live:
        await floated(live)
        answer = await live.press(LI, "deal", {"action": what, "data": live.s.buttons.data(what, **nothing)})  # type: ignore[arg-type]
        assert answer["kind"] == "toast" and answer["tone"] == "warning" and "broke" not in answer["text"]
        await live.settle()
        assert await live.rows("job") == 0 and await live.rows("edit", "kind <> 'snapshot'") == 0


# late answers ----------------------------------------------------------------------------------------------------


async def test_a_late_answer_says_so_and_arrives_as_a_whisper(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", TWIN)
        await live.settle()
        (question,) = live.chat.whispers("deal", LI)
        web = live.s.channels["web"]
        web.limits = replace(web.limits, deadline=0.9)
        live.chat.rooms["deal"].open.clear()
        answer = await live.press_on(LI, question, "pick")
        assert "will follow" in answer["text"]
        live.chat.rooms["deal"].open.set()
        await live.settle()
        assert len(live.cards("deal")) == 1
        assert [one for one in live.chat.whispers("deal", LI) if "I will remember that here." in text(one.card)]


async def test_the_same_press_again_does_not_rob_the_first_of_its_answer(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", TWIN)
        await live.settle()
        (question,) = live.chat.whispers("deal", LI)
        live.chat.rooms["deal"].open.clear()
        event = live.event("button", LI, "deal", message="", trigger="", **buttons(question.card, "pick")[0])
        first = asyncio.ensure_future(live.post(event))
        await live.chat.rooms["deal"].reached.wait()
        assert "received already" in (await live.post(event))[1]["answer"]["text"]
        live.chat.rooms["deal"].open.set()
        assert "remember" in (await first)[1]["answer"]["text"]
        await live.settle()


async def test_a_press_whose_card_cannot_be_posted_yet_is_told_and_done_later(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", TWIN)
        await live.settle()
        (question,) = live.chat.whispers("deal", LI)
        live.chat.rooms["deal"].status = 503
        answer = await live.press_on(LI, question, "pick")
        assert "kept and will be done" in answer["text"]
        live.chat.rooms["deal"].status = 200
        await live.settle()
        assert len(live.cards("deal")) == 1
        assert [one for one in live.chat.whispers("deal", LI) if "I will remember that here." in text(one.card)]


async def test_a_form_that_comes_late_is_opened_by_its_trigger(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await floated(live)
        web = live.s.channels["web"]
        web.limits = replace(web.limits, deadline=0.4)  # which leaves a tenth of a second
        other = sqlite3.connect(tmp_path / "floatcard.db", isolation_level=None)
        pressing = asyncio.ensure_future(live.press_on(LI, card, "edit", 0))
        other.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(0.3)
        other.execute("ROLLBACK")
        other.close()
        answer = await pressing
        await live.quiet()
        assert answer["kind"] == "form" or len(live.chat.forms) == 1, "in this answer or after it, never neither"


async def test_a_store_that_takes_nothing_acknowledges_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await floated(live)
        await live.s.store.close()
        event = live.event("message", LI, "deal", message="m9", text=NAME)
        status, _ = await live.post(event)
        assert status == 503, "the chat keeps it and brings it again"
        assert (await live.try_press(LI, "deal", buttons(card.card, "edit")[0]))[0] == 503
        async with live.session.get(f"{live.url}/readyz") as response:
            assert response.status == 503
        async with live.session.get(f"{live.url}/healthz") as response:
            assert response.status == 200


async def test_a_bug_is_told_with_its_reference_and_the_next_press_works(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await floated(live)
        form = await live.open_form(LI, card)
        seal, live.s.ledger._vault = live.s.ledger._vault, None  # type: ignore[assignment]
        answer = await live.submit(LI, "deal", form, phone=ONE)
        assert "Something broke, reference " in answer["text"]
        reference = answer["text"].rstrip(".").rpartition(" ")[2]
        live.s.ledger._vault = seal
        await live.settle()
        turn = await live.s.trail.turn(reference)
        assert [step.step.step for step in turn][-1] == "broke"
        assert ONE in text(customer(live).card), "tried again by itself, and done"


async def test_nothing_personal_and_nothing_secret_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with opened(tmp_path) as live:
        form = await live.open_form(LI, await floated(live))
        await live.submit(LI, "deal", form, phone=ONE)
        await live.post(b"{")
        await live.post(b"{}", **{SIGNATURE: "v1=00"})
        live.crm.mood = "silent"
        await live.submit(LI, "deal", await live.open_form(LI, customer(live)), phone="+86 512 6288 4444")
        await live.settle()
        await live.join(GUEST, "deal")
        await live.say(LI, "nowhere", NAME)
        await live.settle()
    said = caplog.text
    for secret in (SECRET, "11" * 32, "6288", NAME, "李婷", form["data"]):
        assert secret not in said, secret
