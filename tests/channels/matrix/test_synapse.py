"""The whole product against software nobody here wrote: a real Synapse, two people on their own clients, a stranger."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import nio  # type: ignore[import-untyped]
import pytest

from cards.tree import Card, Text
from channels import registry
from channels.matrix.calls import path
from channels.matrix.cards import KEY
from channels.model import Event, ImId, Joined, Left, Moved, Place, Said
from channels.wire import wall_clock
from crm.local.crm import LocalCrm
from crm.model import RecordRef
from gateway.errors import Gone, Refused
from gateway.house import House
from tests.channels.matrix.house import direct_room, gateway, is_in, links_in
from tests.channels.matrix.server import Memory, Seat, Synapse, number, running, seated, until
from tests.gateway.http.visiting import Browser

pytestmark = [pytest.mark.alone, pytest.mark.timeout(300)]

HERO = "local:account:hx-medical"
PHONE, THEIRS, MINE = "+86 512 6288 0016", "+86 512 6288 0100", "+86 512 6288 0200"
SECRETS = ("6288 00", "6288 01", "6288 02", "竞品", "星湖街", "采购")
"""Of the hero's: its numbers, its notes and risk, its address."""


@dataclass(slots=True)
class Scene:
    house: House
    li: Seat
    chen: Seat
    eve: Seat
    room: str

    async def crm_has(self, phone: str) -> None:
        crm = self.house.services.crms["local"]

        async def look() -> bool:
            return (await crm.get(RecordRef.parse(HERO))).fields["phone"].value == phone

        await until(f"{phone} in the CRM", look)

    async def painted(self) -> bool:
        """The customer's card shows what was decided last."""
        s = self.house.services
        up = [each.painted_at for each in await s.slots.about(HERO) if each.slot.purpose == "card"]
        return min(up) > (await s.ledger.history(HERO, "phone"))[0].at


NAMES = {"floatcard": "Floatcard", "liting": "李婷", "chenwei": "陈伟", "eve": "Eve"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synapse]:
    yield from running(tmp_path_factory.mktemp("matrix") / "synapse", NAMES)


@pytest.fixture
async def scene(tmp_path: Path, server: Synapse) -> AsyncIterator[Scene]:
    async with contextlib.AsyncExitStack() as stack:
        bot, li, chen, eve = [await stack.enter_async_context(seated(server, name)) for name in NAMES]
        house = await stack.enter_async_context(gateway(tmp_path, server.url, bot.client.access_token))
        made = await li.client.room_create(name="East", invite=[bot.id, chen.id])
        assert isinstance(made, nio.RoomCreateResponse), made
        await chen.client.join(made.room_id)
        await until("the bot in the room", lambda: is_in(li, made.room_id, bot.id))
        yield Scene(house, li, chen, eve, made.room_id)


async def link_in(seat: Seat, room: str) -> str:
    """The address that the newest message with one holds."""

    async def look() -> str | None:
        return next(reversed(await links_in(seat, room)), None)

    return await until("a link to the form", look)


async def test_a_room_on_a_real_server(scene: Scene) -> None:
    li, chen, room = scene.li, scene.chen, scene.room

    # a message that mentions nobody brings a card, and the card follows the message
    said = await chen.say(room, "Tomorrow I see Northlake Instruments")
    first, _ = await li.card(room, "Northlake", "+44 20 7946 0101")
    await chen.rewrite(room, said, "明天去华星医疗谈续约")
    card, content = await li.card(room, "华星医疗", PHONE, "竞品", without="Northlake")
    assert card == first, "the same message, painted again"

    # the form is a page; somebody else changes the value meanwhile; both are kept until somebody decides
    await li.reply(room, card, number(content, "edit"))
    alone = await direct_room(li)
    browser = Browser(f"{scene.house.services.config.public_url}")
    link = await link_in(li, alone)
    try:
        await browser.open(link)
        form = browser.fields()
        assert form["v.phone"] == PHONE
        crm = scene.house.services.crms["local"]
        assert isinstance(crm, LocalCrm)
        await crm.set_native(RecordRef.parse(HERO), "phone", THEIRS, "wang.min")
        await li.card(room, "华星医疗", THEIRS)
        await browser.send(link, {**form, "v.phone": MINE})
        assert browser.status == 200 and 'class="sides"' in browser.page
    finally:
        await browser.session.close()
    asked, content = await chen.card(room, THEIRS, MINE, without="竞品")

    # settled by a reply, undone by a reply: the question is open again, and settled the other way
    mine = next(at for at in range(2) if MINE in content["body"].split("\n[")[at])
    await li.reply(room, asked, number(content, "settle", mine))
    await scene.crm_has(MINE)
    content = await until("the settled card", lambda: settled(li, room, asked))
    await li.reply(room, asked, content[KEY]["presses"][0]["label"])
    asked, content = await chen.card(room, THEIRS, MINE, without="竞品")
    theirs = next(at for at in range(9) if THEIRS in content["body"].split("\n[")[at])
    await li.reply(room, asked, number(content, "settle", theirs))
    await scene.crm_has(THEIRS)

    # an edit in words, checked like any other
    await until("the card painted since", scene.painted)
    assert (await li.card(room, "竞品", THEIRS))[0] == card
    await li.reply(room, card, "edit phone not a number")
    await li.reply(room, card, f"edit 电话 {MINE}")
    await scene.crm_has(MINE)
    assert (await li.card(room, "竞品", MINE))[0] == card

    # a stranger joins: the card shrinks, and no version of it tells more
    await li.client.room_invite(room, scene.eve.id)
    assert MINE in (await li.cards(room))[card]["body"], "who is invited reads nothing yet"
    await scene.eve.client.join(room)
    await until("a card with the name alone", lambda: shrunk(scene.eve, room, card))
    await until("only what a stranger may read", lambda: nothing_of(scene.eve, room, [card, asked]))


async def test_what_was_meant_for_one_goes_when_they_bring_somebody_in(scene: Scene) -> None:
    """A room of two that a person made is theirs to open; what the bot whispered there is not read by a third."""
    li, eve = scene.li, scene.eve
    made = await li.client.room_create(is_direct=True, invite=["@floatcard:localhost"])
    assert isinstance(made, nio.RoomCreateResponse), made
    await until("the bot in the room", lambda: is_in(li, made.room_id, "@floatcard:localhost"))
    assert "/quiet" not in (await li.card(made.room_id, "!quiet"))[1]["body"], "as it is typed here"
    await li.say(made.room_id, "!card 华星医疗")
    await li.card(made.room_id, "华星医疗", PHONE)
    await li.client.room_invite(made.room_id, eve.id)
    await eve.client.join(made.room_id)
    await until("nothing of it", lambda: nothing_of(eve, made.room_id, []))
    s = scene.house.services
    roster = await s.channels["matrix"].members(Place("matrix", made.room_id))  # type: ignore[attr-defined]
    assert roster.kind == "group", "three are no room of two, whatever it was made as"


async def test_a_room_that_is_upgraded_goes_on_as_it_was(scene: Scene) -> None:
    """And what is the moderators' to say is asked of its power levels."""
    li, chen, s, old = scene.li, scene.chen, scene.house.services, scene.room
    levels = (await li.client.room_get_state_event(old, "m.room.power_levels")).content
    limited = {**levels, "events": {**levels["events"], "org.floatcard.quiet": 60}}
    await li.client.room_put_state(old, "m.room.power_levels", limited)
    await chen.say(old, "!quiet 2h")
    await chen.card(await direct_room(chen), "60")
    await li.say(old, "!bind 华星医疗")

    async def about(room: str) -> bool:
        return (await s.mentioning.binding(Place("matrix", room).room_key)).bound == HERO

    await until("the binding", lambda: about(old))
    await chen.say(old, "Tomorrow at 华星医疗")
    await li.card(old, "华星医疗", PHONE)
    new = await upgraded(li, old)
    await li.client.room_invite(new, "@floatcard:localhost")
    await until("the bot in the new room", lambda: is_in(li, new, "@floatcard:localhost"))
    await until("what is known of the room, known of the new one", lambda: about(new))
    assert not await about(old)
    crm = s.crms["local"]
    assert isinstance(crm, LocalCrm)
    await crm.set_native(RecordRef.parse(HERO), "phone", THEIRS, "wang.min")
    await li.card(new, "华星医疗", THEIRS)
    assert len(await li.cards(new)) == 1, "it does not introduce itself again"


async def upgraded(seat: Seat, room: str, version: str = "11") -> str:
    told = await seat.client.send(
        "POST",
        f"/_matrix/client/v3/rooms/{quote(room)}/upgrade",
        json.dumps({"new_version": version}),
        headers={"Authorization": f"Bearer {seat.client.access_token}", "Content-Type": "application/json"},
    )
    return str((await told.json())["replacement_room"])


async def settled(seat: Seat, room: str, card: str) -> dict[str, Any] | None:
    content = (await seat.cards(room))[card]
    return content if MINE in content["body"] and THEIRS not in content["body"] else None


async def shrunk(seat: Seat, room: str, card: str) -> bool:
    body = (await seat.cards(room)).get(card, {"body": ""})["body"]
    return "华星医疗" in body and not any(secret in body for secret in SECRETS)


async def nothing_of(seat: Seat, room: str, cards: list[str]) -> bool:
    """Of what the bot said: people's own words are theirs."""
    words = [each for each in (await seat.readable(room)).split("\n") if '"@floatcard:localhost"' in each]
    return not [secret for secret in SECRETS if any(secret in each for each in words)]


@dataclass(slots=True)
class Pair:
    """A channel without a gateway, and a person in a room with it."""

    channel: Any
    li: Seat
    eve: Seat
    room: str
    heard: list[Event]

    @property
    def place(self) -> Place:
        return Place("matrix", self.room)

    async def put(self, event: Event, *, wait: bool = False, stored: Any = None) -> None:
        self.heard.append(event)


@pytest.fixture
async def pair(server: Synapse) -> AsyncIterator[Pair]:
    async with contextlib.AsyncExitStack() as stack:
        bot, li, eve = [
            await stack.enter_async_context(seated(server, name)) for name in ("floatcard", "liting", "eve")
        ]
        session = await stack.enter_async_context(aiohttp.ClientSession())
        told = {"url": server.url, "user": bot.id, "access_token": bot.client.access_token, "wait": 0.2}
        config = registry.load("matrix").Config.model_validate(told)
        channel = registry.load("matrix").Channel("matrix", config, session=session, clock=wall_clock)
        channel.keep_in(Memory())
        made = await li.client.room_create(invite=[bot.id])
        found = Pair(channel, li, eve, made.room_id, [])
        await channel._listener.once(found.put)
        await until("the bot in the room", lambda: is_in(li, made.room_id, bot.id))
        await channel._listener.once(found.put)
        yield found


def card(text: str) -> Card:
    return Card("notice", text, (Text(text),))


async def test_what_is_sent_twice_is_there_once_and_one_version_of_it_can_be_read(pair: Pair) -> None:
    first = await pair.channel.send(pair.place, card("one"), once="x")
    assert await pair.channel.send(pair.place, card("one"), once="x") == first
    assert [each["body"] for each in (await pair.li.cards(pair.room)).values()] == ["one"]
    for text in ("two", "three"):
        await pair.channel.edit(first, card(text))
    count = len(await pair.li.events(pair.room))
    await pair.channel.edit(first, card("three"))
    assert len(await pair.li.events(pair.room)) == count, "what is painted already is not painted again"
    read = await pair.li.readable(pair.room)
    assert "three" in read and not re.search(r'"(\* )?(one|two)"', read)
    await pair.channel.delete(first)
    await pair.channel.delete(first)
    assert "three" not in await pair.li.readable(pair.room)
    with pytest.raises(Gone):
        await pair.channel.edit(first, card("four"))
    assert "four" not in await pair.li.readable(pair.room)


async def test_a_card_that_a_moderator_removed_is_gone_with_all_its_versions(pair: Pair) -> None:
    sent = await pair.channel.send(pair.place, card("value"), once="x")
    other = await pair.channel.send(pair.place, card("another"), once="y")
    for each in (sent, other):
        await pair.li.client.room_redact(pair.room, each.id)
    with pytest.raises(Gone):
        await pair.channel.edit(sent, card("newer"))
    await pair.channel._listener.once(pair.put)
    read = await pair.li.readable(pair.room)
    assert '"value"' not in read and '"newer"' not in read and '"another"' not in read


async def test_a_whisper_is_in_a_room_of_two_and_never_in_one_of_three(pair: Pair) -> None:
    li = ImId("matrix", "localhost", "user", pair.li.id)
    first = await pair.channel.whisper(pair.place, li, card("for you"), once="w1")
    room = first.place.room
    assert room != pair.room and await pair.channel.direct(li) == first.place
    await pair.li.client.join(room)
    assert "for you" in await pair.li.readable(room)
    refused = await pair.li.client.room_invite(room, pair.eve.id)
    assert isinstance(refused, nio.RoomInviteError), "whoever is in it brings nobody in"
    await pair.channel.calls.call("POST", path("rooms", room, "invite"), {"user_id": pair.eve.id})
    again = await pair.channel.whisper(pair.place, li, card("for you alone"), once="w2")
    assert again.place.room not in (room, pair.room)
    roster = await pair.channel.members(first.place)
    assert roster.kind == "direct" and [member.id.id for member in roster.members] == [pair.li.id]


async def test_a_room_of_two_in_which_nobody_is_heard_is_not_whispered_in(pair: Pair) -> None:
    """Clients make such rooms encrypted by themselves."""
    sealed = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
    for state in ([sealed], []):
        made = await pair.li.client.room_create(is_direct=True, invite=[pair.channel.bot], initial_state=state)
        await pair.channel._listener.once(pair.put)
        place = await pair.channel.direct(ImId("matrix", "localhost", "user", pair.li.id))
        assert (place.room == made.room_id) == (not state)


async def test_what_was_said_meanwhile_is_heard_in_its_order_and_nothing_from_before(pair: Pair) -> None:
    texts = [f"message {number}" for number in range(130)]
    for text in texts:
        await pair.li.say(pair.room, text)
    await pair.channel._listener.once(pair.put)
    said = [event.text for event in pair.heard if isinstance(event, Said)]
    assert said == texts, "more than one page of them"
    assert len({event.once for event in pair.heard}) == len(pair.heard)
    other = await pair.li.client.room_create()
    await pair.li.say(other.room_id, "before")
    await pair.li.client.room_invite(other.room_id, pair.channel.bot)
    for _ in range(2):
        await pair.channel._listener.once(pair.put)
        await pair.li.say(other.room_id, "after")
    await pair.channel._listener.once(pair.put)
    there = [event for event in pair.heard if event.where.room == other.room_id]
    assert isinstance(there[0], Joined) and there[0].ourselves
    assert {event.text for event in there if isinstance(event, Said)} == {"after"}


async def test_whoever_is_put_out_is_told_and_cannot_speak(pair: Pair) -> None:
    sent = await pair.channel.send(pair.place, card("value"), once="x")
    await pair.li.client.room_kick(pair.room, pair.channel.bot)
    await pair.channel._listener.once(pair.put)
    assert isinstance(pair.heard[-1], Left) and pair.heard[-1].ourselves
    for refused in (
        pair.channel.send(pair.place, card("x"), once="y"),
        pair.channel.edit(sent, card("x")),
        pair.channel.members(pair.place),
    ):
        with pytest.raises(Refused, match="not in this room"):
            await refused


async def test_an_invitation_from_elsewhere_is_declined(pair: Pair) -> None:
    stranger = pair.eve
    pair.channel.config = pair.channel.config.model_copy(update={"strangers": ("@eve*",)})
    made = await stranger.client.room_create(invite=[pair.channel.bot])
    await pair.channel._listener.once(pair.put)
    members = await stranger.raw(f"/_matrix/client/v3/rooms/{quote(made.room_id)}/members")
    assert '"membership":"leave"' in members.replace(" ", "")


@pytest.mark.parametrize("version", ["11", "12"])
async def test_who_may_hush_it_or_bind_the_room_is_what_its_power_levels_say(pair: Pair, version: str) -> None:
    """A creator's is above all others since version 12, and in no list."""
    made = await pair.li.client.room_create(invite=[pair.channel.bot, pair.eve.id], room_version=version)
    await pair.eve.client.join(made.room_id)
    await pair.channel._listener.once(pair.put)
    place, levels = Place("matrix", made.room_id), "m.room.power_levels"
    li, eve = (ImId("matrix", "localhost", "user", seat.id) for seat in (pair.li, pair.eve))
    for what in ("quiet", "bind"):
        await pair.channel.allow(place, li, what)
    await pair.channel.allow(place, eve, "quiet")
    with pytest.raises(Refused, match="power level") as refused:
        await pair.channel.allow(place, eve, "bind")
    assert refused.value.facts == {"level": 50}
    told = (await pair.li.client.room_get_state_event(made.room_id, levels)).content
    said = {**told, "events": {**told["events"], "org.floatcard.quiet": 75, "org.floatcard.bind": 0}}
    await pair.li.client.room_put_state(made.room_id, levels, said)
    await pair.channel.allow(place, li, "quiet")
    await pair.channel.allow(place, eve, "bind")
    with pytest.raises(Refused, match="power level"):
        await pair.channel.allow(place, eve, "quiet")


async def test_a_room_goes_on_in_another_when_both_say_so(pair: Pair) -> None:
    """Else whoever moderates one room could give another what is known of it."""
    sent = await pair.channel.send(pair.place, card("value"), once="x")
    levels = (await pair.li.client.room_get_state_event(pair.room, "m.room.power_levels")).content
    raised = {**levels, "users": {**levels["users"], pair.channel.bot: 50}}
    await pair.li.client.room_put_state(pair.room, "m.room.power_levels", raised)
    other = (await pair.li.client.room_create(visibility=nio.RoomVisibility.public)).room_id
    await pair.li.client.room_put_state(other, "m.room.join_rules", {"join_rule": "public"})
    await pair.li.client.room_put_state(pair.room, "m.room.tombstone", {"body": "x", "replacement_room": other})
    for _ in range(2):
        await pair.channel._listener.once(pair.put)
    assert not [each for each in pair.heard if isinstance(each, Moved)], "the other one knows nothing of it"
    new = await upgraded(pair.li, pair.room)
    await pair.li.client.room_invite(new, pair.channel.bot)
    for _ in range(3):
        await pair.channel._listener.once(pair.put)
    (moved,) = {each.once: each for each in pair.heard if isinstance(each, Moved)}.values()
    assert (moved.where.room, moved.to.room) == (pair.room, new)
    with pytest.raises(Gone):
        await pair.channel.edit(sent, card("newer"))
    read = await pair.li.readable(pair.room)
    assert '"value"' not in read and '"newer"' not in read, "whoever may redact there takes it away"
    there = await pair.channel.send(Place("matrix", new, sent.id), card("goes on"), once="y")
    assert there.id in await pair.li.cards(new), "in a thread of the old room"


async def test_a_power_level_that_is_too_low_is_told_with_its_fix(pair: Pair) -> None:
    found = {each.what: each for each in await pair.channel.examine(pair.place)}
    assert found["hear"].able == found["speak"].able == "yes"
    levels = await pair.li.client.room_get_state_event(pair.room, "m.room.power_levels")
    await pair.li.client.room_put_state(pair.room, "m.room.power_levels", {**levels.content, "events_default": 50})
    with pytest.raises(Refused, match="power level"):
        await pair.channel.send(pair.place, card("x"), once="y")
    found = {each.what: each for each in await pair.channel.examine(pair.place)}
    assert found["speak"].able == "no" and found["speak"].facts["level"] == "50"
    await pair.li.client.room_put_state(pair.room, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
    assert {each.what: each.able for each in await pair.channel.examine(pair.place)}["hear"] == "no"
