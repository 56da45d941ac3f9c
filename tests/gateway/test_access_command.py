"""`floatcard access` beside a gateway, and while none starts: a console is not needed for the way back."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.access_following import Following
from gateway.app import open_house
from gateway.cli import accessing
from gateway.config import load
from gateway.errors import Misconfigured, Refused
from gateway.store.access_versions import AccessVersions, Apply
from gateway.store.engine import Store
from identity.model import Person
from tests.gateway.fake_chat import text
from tests.gateway.house import HERO, Live, opened
from tests.gateway.lab.test_command import config
from tests.gateway.test_access_following import NO_NOTES, NOBODY, NOOR, ZHAO
from tests.gateway.test_cli import floatcard
from tests.gateway.test_disclosed import NOTE
from tests.gateway.test_edits import floated

HOSTILE = "\u202e\x1b[31m<script>*b*"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "mine"
    made.mkdir()
    (made / "mine.cedar").write_text(NO_NOTES, "utf-8")
    return made


async def both(house: Live) -> Path:
    await house.s.people.put(Person(NOOR, "Noor", frozenset({"admin"})))
    return config(house)


async def test_proposed_looked_at_applied_by_another_and_taken_back(tmp_path: Path, folder: Path) -> None:
    async with opened(tmp_path) as house:
        file, following = await both(house), Following(house.s, house.house.afresh)
        card = await floated(house)
        told, sound = await accessing.check(file, folder)
        assert sound and "no fault found" in told and "no-notes-in-rooms: added (mine.cedar:1)" in told

        made = await accessing.propose(file, folder, ZHAO, f"too many read them {HOSTILE}")
        assert made.startswith("version 2  proposed") and "\x1b" not in made and "\u202e" not in made
        told = await accessing.diff(file, "force", "2")
        assert (
            '  + @id("no-notes-in-rooms")' in told and await accessing.diff(file, "2", "2") == "There is no difference."
        )
        told = await accessing.compare(file, "force", "2", "", "Asia/Shanghai")
        assert "role employee and rep may view what is confidential in a group no more: all customers." in told
        assert "Notes: would be shown no more on 1" in told and "1 cards in 1 rooms change." in told and HERO in told
        with pytest.raises(Refused, match="Somebody else"):
            await accessing.apply(file, 2, ZHAO, "mine")
        with pytest.raises(Misconfigured, match="role admin"):
            await accessing.apply(file, 2, "p_liting", "mine")
        assert "applied by p_noor" in await accessing.apply(file, 2, NOOR, "fine")
        assert await following.once()
        await house.settle()
        assert NOTE not in text(house.card(card.room).card)

        told = await accessing.simulate(file, card.room, "notes", "22:00", "Asia/Shanghai", HERO, "force", names=True)
        assert "Notes (confidential)" in told and "22:00 Asia/Shanghai (+08:00)" in told
        assert "On the card: hidden." in told and "3 would see it" in told
        assert "here: Forbidden by no-notes-in-rooms (mine.cedar:1)." in told and "李婷" in told
        told = await accessing.simulate(file, card.room, "notes", "", "", "", "ours", names=False)
        assert "On the card: shown to everybody." in told and "李婷" not in told
        assert "back to version 1" in await accessing.rollback(file, None, ZHAO, "needed")
        assert await following.once()
        lines = (await accessing.listing(file, None)).splitlines()
        assert [line.split("  ")[:2] for line in lines] == [
            ["version 3", "applied"],
            ["version 2", "replaced"],
            ["version 1", "replaced"],
        ]
        assert "-- sales.cedar\n" in await accessing.listing(file, 3)
        made = await accessing.propose(file, folder, "", "as in the files")
        assert "proposed by configuration" in made and "withdrawn" in await accessing.withdraw(file, 4, NOOR)


async def test_what_is_wrong_is_said_and_changes_nothing(tmp_path: Path, folder: Path) -> None:
    async with opened(tmp_path) as house:
        file = await both(house)
        (folder / "mine.cedar").write_text(NOBODY)
        told, sound = await accessing.check(file, folder)
        assert not sound and "no admin ever sees anything" in told
        with pytest.raises(Refused) as why:
            await accessing.propose(file, folder, ZHAO, "why")
        assert "no admin ever sees anything" in str(why.value.facts["faults"])
        (folder / "mine.cedar").write_bytes(b"\xff\xfe")
        with pytest.raises(Misconfigured, match="UTF-8"):
            await accessing.check(file, folder)
        for wrong in ("99", "nobody", "-1", "\ud800"):
            with pytest.raises(Refused, match="no version"):
                await accessing.diff(file, "force", wrong)
        await floated(house, "deal")
        await floated(house, "east")
        with pytest.raises(Refused, match="Several rooms"):
            await accessing.simulate(file, "web", "notes", "", "", "", "force", names=False)
        with pytest.raises(Refused, match="no room"):
            await accessing.simulate(file, "nowhere", "notes", "", "", "", "force", names=False)


async def test_the_way_back_works_while_no_gateway_starts(tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        file = await both(house)
    store = Store.open(load(file).store)
    versions = AccessVersions(store)
    made = await versions.propose({"bad.cedar": "nonsense"}, ZHAO, "why", 1)
    await versions.apply(Apply(made.n, NOOR, "by force", 1))
    await store.close()
    with pytest.raises(Misconfigured, match="floatcard access rollback"):
        await open_house(load(file))
    with pytest.raises(Refused, match="cannot come in force"):
        await accessing.compare(file, "force", "ours", "", "")
    done = floatcard(tmp_path, "access", "rollback", "--by", ZHAO, "--reason", "it does not start")
    assert done.code == 0 and "back to version 1" in done.out
    done = floatcard(tmp_path, "access", "list")
    assert done.code == 0 and done.out.startswith("version 3  applied")
    await (await open_house(load(file))).close()


def test_the_command_says_what_it_lacks(tmp_path: Path) -> None:
    done = floatcard(tmp_path, "access", "apply", "1", "--by", ZHAO)
    assert done.code == 2 and "--reason" in done.err
