"""The limits, the breakers and the fences in the whole house."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from channels import web
from channels.model import ImId, Place, Pressed, Rate, Sender, Toast
from gateway import repaint
from gateway.answer import answer_apart
from gateway.handlers.cards import room_card
from gateway.outgoing import line as line_module
from gateway.outgoing.breaker import FIRST_MS, THRESHOLD
from gateway.outgoing.model import Limited, Rank
from gateway.redraw import redraw
from gateway.services import Services
from gateway.store.engine import Store
from gateway.store.leases import Fenced, Held, LeaseStore
from gateway.store.mirror import MirrorStore
from gateway.store.slots import Shown
from gateway.store.vault import Vault
from gateway.turn import Slot, Trail, Turn, new_trail
from tests.gateway.bus.benches import until
from tests.gateway.fake_chat import text
from tests.gateway.house import GUEST, HERO, LI, NAME, PHONE, Live, members, opened
from tests.gateway.moody import Crm
from tests.gateway.store.world import quick

MANY = 40


async def full(live: Live, room: str, cards: int, customers: int = 2) -> None:
    live.chat.room(room, members(LI))
    refs = await live.s.mirror.keys("", customers)
    for n in range(cards):
        trail, epoch = new_trail(""), await live.s.bus.epoch()
        slot = Slot(Place("web", room), "card", f"m{n}")
        made = await room_card(live.s, slot, [refs[n % customers]], {"message": f"m{n}"}, trail)
        assert made is not None
        await live.house.spine.perform([made], trail, epoch)


def pressed(live: Live, room: str) -> Turn:
    who = Sender(ImId("web", "demo", "user", LI), "", "member")
    press = Pressed("e1", Place("web", room), who, "show_me", "", live.clock.now())
    return Turn(press, None, live.clock.now(), new_trail(""))


def state(live: Live) -> str:
    return live.house.breakers["local"].state


def outside(live: Live, room: str) -> int:
    return sum(one.paints for one in live.cards(room))


async def test_a_join_is_read_once_a_customer_and_not_once_a_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: Counter[str] = Counter()
    read = Store.read

    async def counted(self: Store, query: Any) -> Any:
        reads[query.__qualname__] += 1
        return await read(self, query)

    async with opened(tmp_path) as live:
        await full(live, "full", MANY, customers=2)
        before = outside(live, "full")
        monkeypatch.setattr(Store, "read", counted)
        await live.join(GUEST, "full")
        await live.quiet()
        assert outside(live, "full") - before == MANY
        assert sum(n for name, n in reads.items() if name.startswith("Ledger.states")) <= 2 * 3
        assert reads["SlotStore._together.<locals>.<lambda>"] < MANY


async def test_a_room_beyond_its_rate_is_repainted_bit_by_bit_and_an_edit_gets_in_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_module, "PATIENCE_S", dict.fromkeys(Rank, 0.1))
    monkeypatch.setattr(line_module, "SHORTEST_S", 0.01)
    async with opened(tmp_path) as live:
        await full(live, "full", MANY, customers=2)
        slow = replace(web.LIMITS, methods={"edit": Rate(60.0, 3)})
        monkeypatch.setattr(live.s.channels["web"], "limits", slow)
        before, topics = outside(live, "full"), list[str]()
        handle = live.house.worker._handle

        async def noted(delivery: Any) -> object:
            topics.append(delivery.job.topic)
            return await handle(delivery)

        monkeypatch.setattr(live.house.worker, "_handle", noted)
        await live.join(GUEST, "full")
        await live.house.worker.idle()
        await live.natively("phone", "+86 512 7777 0000", record=(await live.s.mirror.keys("", 1))[0])
        await live.settle()
        assert outside(live, "full") - before >= MANY, "no card is forgotten"
        assert topics.count("rest") >= 2
        assert topics.count("room") + topics.count("rest") < MANY, "and nobody is asked again and again"
        assert PHONE not in "\n".join(text(one.card) for one in live.cards("full"))


async def test_what_may_not_go_out_is_not_drawn_in_vain_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = list[str]()

    async def counted(s: Services, shown: Shown, trail: Trail) -> Any:
        drawn.append(shown.id)
        return await redraw(s, shown, trail)

    monkeypatch.setattr(repaint, "redraw", counted)
    monkeypatch.setattr(line_module, "PATIENCE_S", dict.fromkeys(Rank, 0.02))
    monkeypatch.setattr(line_module, "SHORTEST_S", 0.01)
    async with opened(tmp_path) as live:
        await full(live, "full", MANY, customers=2)
        slow = replace(web.LIMITS, methods={"edit": Rate(20.0, 1)})
        monkeypatch.setattr(live.s.channels["web"], "limits", slow)
        before = outside(live, "full")
        await live.join(GUEST, "full")
        await live.settle()
        assert outside(live, "full") - before == MANY
        assert len(drawn) < 2 * repaint.PAINTERS + 5 * MANY


async def test_the_answer_to_a_press_goes_before_the_repaints_of_its_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as live:
        await full(live, "full", MANY, customers=2)
        slow = replace(web.LIMITS, room_rate=10.0, room_burst=1)
        monkeypatch.setattr(live.s.channels["web"], "limits", slow)
        before = len(live.chat.written("full"))
        await live.join(GUEST, "full")
        await until(lambda: len(live.chat.written("full")) > before)
        asked = len(live.chat.written("full"))
        await answer_apart(live.s, pressed(live, "full"), Toast("Done."))
        heard = [sent.method for sent in live.chat.written("full")[asked:]]
        # One repaint may have been on its way, and one more while the press was asking.
        assert "POST" in heard[:3], heard
        assert len(heard) < MANY / 2
        monkeypatch.setattr(live.s.channels["web"], "limits", web.LIMITS)
        await live.settle()


async def test_a_room_that_answers_429_waits_as_long_as_it_says_and_the_others_go_on(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        deal, pause = live.chat.rooms["deal"], 2.0
        deal.status, deal.retry_after = 429, f"{pause:.0f}"
        await live.say(LI, "deal", NAME)
        await deal.reached.wait()
        deal.status = 200
        await live.say(LI, "east", NAME)
        with contextlib.suppress(Limited):  # it was never turned away itself, and waits in no room's lane
            await answer_apart(live.s, pressed(live, "deal"), Toast("Done."))
        await until(lambda: bool(live.cards("east")))
        await live.settle()
        assert len(live.cards("deal")) == len(live.cards("east")) == 1
        refused, *later = [sent.at for sent in live.chat.written("deal")]
        elsewhere = live.chat.written("east")[0].at
        assert min(later) - refused >= pause
        assert elsewhere < min(later)
        assert live.house.breakers["web"].state == "closed"


async def test_while_the_crm_is_down_an_edit_is_decided_and_the_person_is_told_where_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", NAME)
        await live.settle()
        form = await live.open_form(LI, live.card("deal"))
        live.crm.mood = "down"
        first = await live.submit(LI, "deal", form, phone="+86 512 0000 0001")
        assert first["text"] == "Saved."
        await live.settle()  # now it is known
        for number in range(2, THRESHOLD + 4):
            form = await live.open_form(LI, live.card("deal"))
            told = await live.submit(LI, "deal", form, phone=f"+86 512 0000 000{number}")
            assert told["text"] == "Saved here, not yet in the CRM.", number
            live.clock.ahead(minutes=2)
            await live.settle()
        assert state(live) != "closed"
        last = f"+86 512 0000 000{THRESHOLD + 3}"
        assert await live.value("phone") == last
        assert "not yet in the CRM" in text(live.card("deal").card)
        live.crm.mood = "well"
        live.clock.ahead(minutes=20)
        await live.settle()
        assert await live.there("phone") == last
        assert state(live) == "closed"


async def test_while_it_is_open_nothing_is_claimed_and_nobody_is_asked(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        breaker, writeback = live.house.breakers["local"], live.house.writebacks["local"]
        asked: list[str] = []
        crm = live.crm
        apply = crm.apply

        async def counted(change: Any, *, once: str) -> Any:
            asked.append(once)
            return await apply(change, once=once)

        crm.apply = counted  # type: ignore[method-assign]
        crm.mood = "down"
        await live.say(LI, "deal", NAME)
        await live.quiet()
        form = await live.open_form(LI, live.card("deal"))
        await live.submit(LI, "deal", form, phone="+86 512 0000 0001")
        while breaker.state == "closed":
            await writeback.once()
            live.clock.ahead(minutes=1)
        live.clock.at -= 60_000
        live.clock.ahead(seconds=0.1)
        tried = len(asked)
        assert breaker.state == "open"
        assert await writeback.once() == 0
        assert len(asked) == tried
        assert await live.rows("outbox", "state = 'waiting'") == 1
        live.clock.ahead(seconds=2 * FIRST_MS / 1000, minutes=5)
        await writeback.once()
        assert len(asked) == tried + 1, "one probe"


async def test_the_state_of_every_breaker_is_counted(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        live.crm.mood = "down"
        await live.say(LI, "deal", NAME)
        await live.settle()
        assert isinstance(live.crm, Crm)
        assert live.house.breakers["web"].state == "closed"
        assert await live.counted("floatcard_breaker", target="web") == 0
        for _ in range(THRESHOLD):
            await _fail(live)
        assert await live.counted("floatcard_breaker", target="local") == 2


async def _fail(live: Live) -> None:
    from crm.model import RecordRef
    from gateway.errors import Retry

    with pytest.raises(Retry):
        await live.house.breakers["local"].run(lambda: live.crm.get(RecordRef.parse(HERO)))


async def test_a_stale_holder_cannot_put_the_sweeps_cursor_back(store_url: str) -> None:
    store = quick(store_url)
    leases, mirror = LeaseStore(store), MirrorStore(store, Vault(bytes(32)))
    old = await leases.take("sweep crm", "a", 60_000)
    assert old is not None
    await mirror.advance("crm", "5", 1, seen="", held=Held("sweep crm", old))
    await leases.release("sweep crm", "a", old)
    new = await leases.take("sweep crm", "b", 60_000)
    assert new is not None
    with pytest.raises(Fenced):
        await mirror.advance("crm", "3", 2, seen="5", held=Held("sweep crm", old))
    await mirror.advance("crm", "9", 3, seen="5", held=Held("sweep crm", new))
    with pytest.raises(Fenced):
        await mirror.advance("crm", "6", 4, seen="5")  # one that reads the feed at its start, without the lease
    assert await mirror.cursor("crm") == "9"
    await store.close()
