"""Whoever an admin linked to an account of another address is asked there, and can say that it is not them."""

from __future__ import annotations

from pathlib import Path

from channels.model import Account, ImId
from gateway.http.linking import Linking
from gateway.store.auditing import AuditStore
from tests.gateway.fake_chat import buttons, text
from tests.gateway.house import ZHAO, Live, opened

SUN = "u_sunjia"
KEY = ImId("web", "demo", "user", SUN)


async def linked(live: Live, address: str, person: str = "p_chenwei") -> str:
    """Sun Jia's account, whose own address is this one, linked to somebody by an admin; the link's id."""
    account = Account(KEY, SUN, address)
    live.s.identities.use([], {account.id.key: account.email} if address else {})
    live.chat.room(f"d_{SUN}", {SUN: ("孙佳", "member")}, kind="direct")
    linking = Linking(live.s, live.house.spine)
    made = await linking.link(person, "im", KEY.key, by="p_zhaolei", evidence="chosen in the console", second=True)
    await live.settle()
    return made.id


def asked(live: Live) -> list[str]:
    return [text(each.card) for each in live.cards(f"d_{SUN}") if "linked this account" in text(each.card)]


async def test_one_whose_address_is_another_is_asked_and_may_say_yes(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await linked(live, "sun.jia@acme.com")
        (card,) = live.cards(f"d_{SUN}")
        assert "陈伟" in text(card.card) and len(buttons(card.card, "consent")) == 2
        answer = await live.press(SUN, f"d_{SUN}", buttons(card.card, "consent")[0], message=card.id)
        assert "stays so" in answer["text"]
        await live.settle()
        assert not buttons(live.card(f"d_{SUN}").card, "consent"), "what is answered is not asked any more"
        assert live.s.people.linked("im", KEY.key) is not None


async def test_not_me_undoes_the_link_and_tells_the_admins(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        id_ = await linked(live, "sun.jia@acme.com")
        (card,) = live.cards(f"d_{SUN}")
        button = buttons(card.card, "consent")[1]
        other = await live.press(ZHAO, f"d_{ZHAO}", button)
        assert "Only whoever has the account" in other["text"] and live.s.people.linked("im", KEY.key) is not None
        answer = await live.press(SUN, f"d_{SUN}", button, message=card.id)
        assert "undone" in answer["text"] and live.s.people.linked("im", KEY.key) is None
        await live.settle()
        told = [text(each.card) for each in live.cards(f"d_{ZHAO}")]
        assert any(KEY.key in each and "not theirs" in each for each in told), told
        audit = AuditStore(live.s.store, live.clock)
        noted = next(each for each in await audit.latest() if each.what == "unlinked")
        assert (noted.by, noted.facts["link"]) == ("account", id_)


async def test_nobody_is_asked_where_the_address_is_theirs(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await linked(live, "Chen.Wei@example.com")
        assert asked(live) == []


async def test_nobody_is_asked_where_no_address_is_known(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await linked(live, "")
        assert asked(live) == []
