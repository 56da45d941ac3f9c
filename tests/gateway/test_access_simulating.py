"""The simulator says what the gate will do: over real rooms and records, by kind of reader, at a moment in a zone."""

from __future__ import annotations

from pathlib import Path

import pytest

from cards.words import Reader
from channels.model import Place
from gateway.access_comparing import compare
from gateway.access_looking import Looking, moment, zoned
from gateway.access_simulating import who_sees
from gateway.access_words import because, kind, right
from gateway.errors import Refused
from gateway.handlers.hearing import heard
from identity import policy_files
from identity.access import AccessPolicy
from tests.gateway.house import HERO, START, Live, opened
from tests.gateway.test_edits import floated

SHANGHAI = "Asia/Shanghai"
HOURS = (
    '@id("no-notes-at-night")\nforbid (principal, action == Action::"view", resource) when {'
    ' resource.sensitivity == Sensitivity::"confidential" && (context.minute >= 22 * 60 || context.minute < 7 * 60) };'
)


def ours_and(text: str) -> AccessPolicy:
    files, _ = policy_files.read(None)
    return AccessPolicy(policy_files.build({**files, "mine.cedar": text}))


async def known(live: Live) -> Looking:
    """The rooms' lists have been read once."""
    for room in ("deal", "east", "partner"):
        await floated(live, room)
    return Looking.of(live.s)


async def test_who_would_see_it_is_what_the_gate_shows(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        looking = await known(live)
        for room in ("deal", "east", "partner"):
            rows = await looking.console.rooms("", 100)
            (key,) = [row.key for row in rows if row.key.endswith(room)]
            audience = await live.s.rooms.audience(Place.parse(f"{key}/"))
            each = await heard(live.s, HERO, audience)
            assert each is not None
            for field in looking.classes.named():
                told = await who_sees(looking, live.s.access, key, field, live.clock.now(), SHANGHAI, HERO)
                assert told.shown is (field not in each.disclosed.withheld), (room, field)
                assert sum(one.people for one in told.kinds) == sum(audience.listed.values())


async def test_who_in_this_room_would_see_the_notes_at_ten_in_the_evening(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        looking = await known(live)
        (key,) = [row.key for row in await looking.console.rooms("", 100) if row.key.endswith("deal")]
        policies, now = ours_and(HOURS), live.clock.now()
        at = moment("22:00", SHANGHAI, now)
        day = await who_sees(looking, policies, key, "note", now, SHANGHAI, HERO, names=True)
        night = await who_sees(looking, policies, key, "note", at, SHANGHAI, HERO, names=True)
        assert day.shown and not night.shown and day.seeing[1] == 0 and night.seeing == (0, day.seeing[0])
        assert {name for each in night.kinds for name in each.names} == {
            person.name for person in live.s.people.persons() if person.id in ("p_liting", "p_chenwei", "p_wangmin")
        }
        reader = Reader("en", SHANGHAI, now)
        (why,) = {because(reader, each.why) for each in night.kinds}
        assert why == "Forbidden by no-notes-at-night (mine.cedar:1)."
        assert zoned(night.at, night.zone) == "2026-11-21 22:00 Asia/Shanghai (+08:00)"
        assert not any(each.names for each in (await who_sees(looking, policies, key, "note", at, SHANGHAI)).kinds)


async def test_a_restricted_amount_is_seen_alone_by_the_owner_and_managers(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        looking = await known(live)
        (key,) = [row.key for row in await looking.console.rooms("", 100) if row.key.endswith("deal")]
        field = next(name for name in looking.config.fields if looking.classes.of(name) == "restricted")
        label = looking.config.fields[field].label.get("en", field)
        told = await who_sees(
            looking, live.s.access, key, looking.field(label.upper()), live.clock.now(), SHANGHAI, HERO, names=True
        )
        assert not told.shown and told.sensitivity == "restricted"
        alone = {name for each in told.kinds if each.alone for name in each.names}
        ids = {person.id for person in live.s.people.persons() if person.name in alone}
        assert ids == {"p_liting", "p_wangmin"}, "as show me judges it"
        words = {kind(Reader("en", SHANGHAI, 0), each.who, owner=each.owner) for each in told.kinds}
        assert any(one.endswith("owner of this customer") for one in words)


async def test_what_changes_between_two_sets_is_told_for_people_and_rooms(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        looking = await known(live)
        old, now = live.s.access, live.clock.now()
        same = await compare(looking, old, AccessPolicy.load(None), now, SHANGHAI)
        assert same.nothing and same.rooms >= 3 and same.cards >= 3 and same.people == len(live.s.people.persons())
        no_notes = (
            '@id("n") forbid (principal, action == Action::"view", resource) when {'
            ' resource.sensitivity == Sensitivity::"confidential" && context.scene == Scene::"group" };'
        )
        told = await compare(looking, old, ours_and(no_notes), now, SHANGHAI)
        assert not any(each.gained for each in told.rights) and not told.more
        assert {(each.scene, each.action, each.sensitivity) for each in told.rights} == {
            ("group", "view", "confidential")
        }
        assert told.less["note"] == 2 and told.changed_rooms == 2, "the room with a guest shows only a name anyway"
        assert {each.room.rpartition("/")[2] for each in told.examples} == {"deal", "east"}
        assert all("note" in each.less and each.customer == HERO and not each.whole for each in told.examples)
        said = {right(Reader("en", "", 0), each) for each in told.rights}
        assert (
            "role manager and employee may view what is confidential in a group no more: all customers." in said or said
        )
        back = await compare(looking, ours_and(no_notes), old, now, SHANGHAI)
        assert back.more == told.less and back.changed_cards == told.changed_cards
        away = 'forbid (principal, action, resource) when { context.scene == Scene::"group" };'
        gone = await compare(looking, old, ours_and(away), now, SHANGHAI)
        assert all(each.whole and "name" in each.less for each in gone.examples)
        night = moment("22:30", SHANGHAI, now)
        assert (await compare(looking, old, ours_and(HOURS), now, SHANGHAI)).nothing
        assert not (await compare(looking, old, ours_and(HOURS), night, SHANGHAI)).nothing


async def test_what_is_asked_about_has_to_be_there(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        looking = await known(live)
        for wrong in ("", "nowhere", "web/demo/nowhere", "\ud800\0"):
            with pytest.raises(Refused, match="no room"):
                await looking.room(wrong)
        for wrong in ("", "x", "local:account:none", "a:b:c"):
            with pytest.raises(Refused, match="no customer"):
                await looking.record(wrong)
        for wrong in ("", "nope", "<script>"):
            with pytest.raises(Refused, match="no field"):
                looking.field(wrong)
        assert looking.field("Notes") == looking.field("note") == "note"


def at(text: str, zone: str = "UTC") -> int:
    return moment(text, zone, START)


def test_a_time_is_todays_or_tomorrows_in_the_zone() -> None:
    assert zoned(at("22:00", SHANGHAI), SHANGHAI) == "2026-11-21 22:00 Asia/Shanghai (+08:00)"
    assert zoned(at("8:59", SHANGHAI), SHANGHAI) == "2026-11-22 08:59 Asia/Shanghai (+08:00)", "it is nine there"
    assert at("9:00", SHANGHAI) == START and at("", SHANGHAI) == START
    assert at("2026-11-21 22:00", SHANGHAI) == at("2026-11-21T14:00Z") == at("2026-11-21 15:00+01:00", "Asia/Tokyo")
    assert zoned(at("2026-11-21 22:00"), "") == "2026-11-21 22:00 UTC (+00:00)"


def test_an_hour_the_clocks_skip_is_said_and_one_shown_twice_is_the_first() -> None:
    with pytest.raises(Refused, match="put forward"):
        at("2027-03-28 02:30", "Europe/Berlin")
    assert at("2026-10-25 02:30", "Europe/Berlin") == at("2026-10-25T00:30Z")
    for wrong in ("25:00", "12:60", "noon", "9:5", "0001-01-01 00:00x", "99999-01-01"):
        with pytest.raises(Refused, match="Write a time"):
            at(wrong)
    with pytest.raises(Refused, match="no time zone"):
        moment("22:00", "Mars/Base", START)
