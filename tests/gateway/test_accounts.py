"""What makes an account somebody's: codes, addresses, the CRM's own users; and what ends that."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from crm.model import CrmUser
from identity.model import Person
from tests.gateway.fake_chat import text
from tests.gateway.house import GUEST, LI, NAME, ZHAO, Live, opened
from tests.gateway.test_edits import FIRST
from tests.gateway.test_leaks import im

# one-time codes --------------------------------------------------------------------------------------------------

NEW = "u_new"
WRONG = "That code is wrong, used or too old"


async def given(live: Live) -> str:
    """A code shown to Li Ting, alone."""
    before = len(live.chat.whispers("d_u_liting", LI))
    await live.say(LI, "d_u_liting", "/link", addressed=True)
    await live.settle()
    shown = live.chat.whispers("d_u_liting", LI)[before:]
    (code,) = {each for card in shown for each in re.findall(r"\b\w{3}-\w{3}-\w{3}\b", text(card.card))}
    return str(code)


async def typed(live: Live, account: str, code: str) -> str:
    """What the account is answered."""
    live.chat.room(f"d_{account}", {account: (account, "member")}, kind="direct")
    await live.say(account, f"d_{account}", f"/link {code}", addressed=True)
    await live.settle()
    return text(live.chat.whispers(f"d_{account}", account)[-1].card)


def owner(live: Live, account: str) -> str:
    found = live.s.people.linked("im", im(account))
    return found.id if found is not None else ""


async def test_a_code_links_one_account_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        code = await given(live)
        assert "yours now" in await typed(live, NEW, code.lower().replace("-", " "))
        assert owner(live, NEW) == owner(live, LI)
        assert WRONG in await typed(live, "u_other", code) and owner(live, "u_other") == ""


async def test_a_code_ends_after_ten_minutes(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        code = await given(live)
        live.clock.ahead(minutes=10)
        assert WRONG in await typed(live, NEW, code) and owner(live, NEW) == ""


async def test_a_code_takes_no_account_from_anybody(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        before = owner(live, ZHAO)
        assert before and "somebody else" in await typed(live, ZHAO, await given(live))
        assert owner(live, ZHAO) == before


async def test_a_guest_with_a_code_is_a_guest_still(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        assert "yours now" in await typed(live, GUEST, await given(live))
        await live.say(GUEST, "partner", f"/card {NAME}", addressed=True)
        await live.settle()
        assert all(FIRST not in text(each.card) for each in live.chat.whispers("partner", GUEST))


async def test_after_five_wrong_codes_an_account_waits(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        for _ in range(5):
            assert WRONG in await typed(live, NEW, "222-222-222")
        code = await given(live)
        assert WRONG in await typed(live, NEW, code) and owner(live, NEW) == ""
        assert "yours now" in await typed(live, "u_other", code), "others are not held up"
        live.clock.ahead(minutes=10)
        assert "yours now" in await typed(live, NEW, await given(live))


# the CRM's own users ---------------------------------------------------------------------------------------------


async def listed(live: Live, monkeypatch: pytest.MonkeyPatch, *users: CrmUser) -> None:
    """The CRM's users are these; they were read again."""

    async def told() -> tuple[CrmUser, ...]:
        return users

    monkeypatch.setattr(live.crm, "users", told)
    await live.house.relink()


async def speaks(live: Live, account: str) -> str:
    """The person whom the account is linked to, after it spoke."""
    live.chat.room(f"d_{account}", {account: (account, "member")}, kind="direct")
    await live.say(account, f"d_{account}", "/help", addressed=True, who={"id": account, "name": "N", "kind": "member"})
    await live.settle()
    return owner(live, account)


ALIASES = {"[audience]\n": '[audience]\ndomain_aliases = { "acme.cn" = "acme.com" }\n'}


async def test_an_address_in_the_crms_directory_says_who_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path, changed=ALIASES) as live:
        await live.s.people.put(Person("p_nina", "Nina", emails=("nina@acme.com",)))
        nina = CrmUser("nina", "Nina", "Nina@acme.cn", im={"web": NEW})
        await listed(live, monkeypatch, nina, replace(nina, id="other", email="o@acme.cn"))
        assert await speaks(live, NEW) == "", "two have the account"
        await listed(live, monkeypatch, replace(nina, im={}))
        assert await speaks(live, NEW) == "", "whose account that is, nobody said"
        await listed(live, monkeypatch, nina)
        assert await speaks(live, NEW) == "p_nina"
        (link,) = live.s.people.links("p_nina")
        assert link.step == "email"


async def test_who_left_in_the_crm_loses_what_its_word_gave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as live:
        nina = CrmUser("nina", "Nina", im={"web": NEW})
        await live.s.people.put(Person("p_nina", "Nina"))
        await live.s.people.link("p_nina", "crm", "local:nina", step="admin", evidence="", made_by="t")
        await listed(live, monkeypatch, nina)
        assert await speaks(live, NEW) == "p_nina"
        await listed(live, monkeypatch)
        assert owner(live, NEW) == "p_nina", "a list without them says nothing of them"
        await listed(live, monkeypatch, replace(nina, active=False))
        assert owner(live, NEW) == "" and await speaks(live, NEW) == ""
        await listed(live, monkeypatch, nina)
        assert await speaks(live, NEW) == "p_nina", "they are back"
        await live.s.people.unlink(
            next(each.id for each in live.s.people.links("p_nina") if each.kind == "im"), "admin"
        )
        assert await speaks(live, NEW) == "", "what a person undid stays undone"
