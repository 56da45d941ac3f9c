"""`floatcard policy` as its own process beside a gateway: tried, applied by another, taken back; cards follow."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.cli import trying
from gateway.config.model import PolicySpec
from gateway.errors import Misconfigured, Refused
from gateway.lab.laboratory import Laboratory
from gateway.lab.proposing import proposed
from gateway.store.ledger import Incoming
from gateway.store.policy_changes import PolicyChanges
from identity.model import Person
from reconcile.model import Actor, Source
from reconcile.token import Seen
from tests.gateway.house import HERO, LI, Live, configured, opened
from tests.gateway.test_cli import floatcard
from tests.gateway.test_edits import floated

ONE, TWO = "+86 512 1111 1111", "+86 512 2222 2222"
CLOCK = {"mode": "last_writer_wins"}


async def disputed(house: Live) -> None:
    state = await house.s.ledger.state(HERO, "phone")
    heads = state.heads if state is not None else ()
    for person, value in (("p_liting", ONE), ("p_wangmin", TWO)):
        actor, source = Actor("person", person), Source("web", "Web card", "1.0")
        seen = Seen("ok", tuple(heads))
        house.clock.ahead(minutes=1)
        await house.s.ledger.ingest(
            Incoming(HERO, "phone", "set", value, source, actor, f"once-{person}", seen, role_ok=True)
        )


def config(house: Live) -> Path:
    """The house's own configuration, as a command reads it."""
    path = house.folder / "floatcard.toml"
    path.write_text(path.read_text("utf-8").replace("tests.gateway.moody", "local"), "utf-8")
    return path


def heard(done: int, total: int) -> None:
    assert 0 <= done <= total


async def test_tried_applied_and_taken_back_beside_a_gateway(tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        await house.s.people.put(Person("p_noor", "Noor", frozenset({"admin"})))
        card = await floated(house)
        await disputed(house)
        await house.house.spine.refresh(HERO)
        await house.settle()
        laboratory, file = Laboratory(house.s, house.house.spine), config(house)

        plan = await trying.plan(file, ["phone"], trying.spec_of(CLOCK), "p_zhaolei", 3650, (), heard)
        assert "1 conflicts would not have been asked: phone 1" in plan and HERO in plan
        assert ONE not in plan and TWO not in plan
        (id_,) = set(re.findall(r"pc-[0-9a-f]{12}", plan))

        with pytest.raises(Refused, match="Somebody else"):
            await trying.apply(file, id_, "p_zhaolei", "mine", False, heard)
        with pytest.raises(Misconfigured, match="role admin"):
            await trying.apply(file, id_, "p_liting", "mine", False, heard)
        done = await trying.apply(file, id_, "p_noor", "lost numbers", False, heard)
        assert "applied" in done and "1 of 1 fields" in done
        assert await laboratory.tell() == 1 and await laboratory.tell() == 0
        await house.settle()
        assert TWO in str(house.chat.cards(card.room)), "the card that shows it was drawn again"

        assert "approved by p_noor: lost numbers" in await trying.listing(file, None)
        state = await house.s.ledger.state(HERO, "phone")
        assert state is not None
        await house.say(LI, card.room, f"/why {state.decision}", addressed=True)
        await house.settle()
        told = "Approved by Noor: lost numbers (proposed by 赵磊 Zhao Lei)"
        assert any(told in str(message.card) for message in house.chat.messages.values())

        assert "undone" in await trying.undo(file, id_, "p_zhaolei", "too quick", heard)
        await laboratory.once()
        await house.settle()
        state = await house.s.ledger.state(HERO, "phone")
        assert state is not None and state.conflict is not None
        assert await house.s.ledger.verify() is None


async def test_a_gateway_plans_and_applies_what_was_asked_of_it_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        await disputed(house)
        change = proposed(
            house.s.config.fields, house.s.ledger.policies, ["phone"], PolicySpec(mode="last_writer_wins"),
            by="p_zhaolei", now=house.clock.now(),
        )  # fmt: skip
        await PolicyChanges(house.s.store).propose(change)
        laboratory = Laboratory(house.s, house.house.spine)
        await laboratory.once()
        await laboratory.planned()
        await laboratory.changes.approve(change.id, "p_noor", "lost numbers", False, house.clock.now())
    async with opened(tmp_path) as house:
        state = await house.s.ledger.state(HERO, "phone")
        assert state is not None and state.conflict is not None
        assert house.s.ledger.policies.of("account", "phone").name == change.id, "it rules from the start"
        await Laboratory(house.s, house.house.spine).once()
        state = await house.s.ledger.state(HERO, "phone")
        assert state is not None and (state.value, state.conflict) == (TWO, None)


def test_what_cannot_be_tried_is_told(tmp_path: Path) -> None:
    configured(tmp_path, "http://127.0.0.1:1/demo/api")
    (tmp_path / "floatcard.toml").write_text(
        (tmp_path / "floatcard.toml").read_text("utf-8").replace("tests.gateway.moody", "local"), "utf-8"
    )
    told = floatcard(tmp_path, "policy", "plan", "--field", "phone", "--mode", "magic", "--by", "p_zhaolei")
    assert told.code == 2 and "--mode" in told.err
    told = floatcard(tmp_path, "policy", "plan", "--field", "phone", "--mode", "review", "--by", "p_nobody")
    assert told.code == 2 and "--by" in told.err
    assert floatcard(tmp_path, "policy", "list", "pc-none").code == 1
