"""The Bot API by python-telegram-bot's own client, against a server on the loopback that answers as its page says."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from pydantic import ValidationError

from cards import tree
from channels import model
from channels.model import Answer, Event, ImId, Joined, Left, MessageRef, Place, Pressed, Rate, Said, Sender, Toast
from channels.telegram import LIMITS, Channel, Config, events
from channels.telegram.members import KNOWN_MS, Members
from gateway.errors import Fixed, Gone, Refused, Retry, Unmet
from gateway.outgoing.model import buckets_of
from tests.channels.fake_server import nobody
from tests.channels.harness import NOW, inbound
from tests.channels.telegram.fake_api import FakeApi, Refusal, Room
from tests.channels.telegram.recipe import BOT, CONFIG

GROUP, ANN, BOB, CAT = -100500, 501, 502, 503
ROOM = Place("telegram", str(GROUP))
CARD = tree.Card("customer", "s", (tree.Title("华星 <b>&"), tree.Footer("10:32")))


class Memory:
    """A keeper that forgets with the test."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    async def get(self, key: str) -> str | None:
        return self.kept.get(key)

    async def put(self, key: str, text: str, *, until: int | None = None) -> None:
        self.kept[key] = text

    async def drop(self, key: str) -> None:
        self.kept.pop(key, None)

    async def keys(self, prefix: str = "") -> tuple[str, ...]:
        return tuple(key for key in self.kept if key.startswith(prefix))


@pytest.fixture
def api() -> FakeApi:
    inside = {BOT: "member", ANN: "creator", BOB: "member"}
    return FakeApi({GROUP: Room(GROUP, inside)}, {ANN: "Ann", BOB: "Bob", CAT: "Cat"}, {ANN})


@pytest.fixture
async def channel(api: FakeApi) -> AsyncIterator[Channel]:
    async with TestServer(api.app()) as server, ClientSession() as session:
        yield made(session, str(server.make_url("")).rstrip("/"))


def made(session: ClientSession, url: str, **settings: Any) -> Channel:
    config = Config.model_validate({**CONFIG, "base_url": url, **settings})
    channel = Channel("telegram", config, session=session, clock=lambda: NOW, wall=lambda: NOW)
    channel.keep_in(Memory())
    return channel


def person(id_: int) -> ImId:
    return ImId("telegram", str(BOT), "user", str(id_))


async def test_a_card_is_sent_repainted_and_taken_away(channel: Channel, api: FakeApi) -> None:
    ref = await channel.send(Place("telegram", str(GROUP), "12"), CARD, once="o")
    message = api.last(GROUP)
    assert (ref.id, message.thread) == (str(message.id), 12)
    assert message.text.startswith("<b>华星 &lt;b&gt;&amp;</b>")
    assert api.called("sendMessage")[0]["link_preview_options"] == {"is_disabled": True}
    await channel.edit(ref, CARD)  # the same again is done, not refused
    await channel.delete(ref)
    assert message.gone
    for call in (channel.edit(ref, CARD), channel.delete(ref)):
        with pytest.raises(Gone):
            await call


async def test_what_is_too_old_to_take_away_is_emptied(channel: Channel, api: FakeApi) -> None:
    ref = await channel.send(ROOM, CARD, once="o")
    api.refuse.append(Refusal(400, "Bad Request: message can't be deleted for everyone"))
    await channel.delete(ref)
    assert api.last(GROUP).text == "–" and not api.last(GROUP).keys


async def test_a_button_goes_out_under_a_name_and_comes_back_whole(channel: Channel, api: FakeApi) -> None:
    token = "v1." + "aB3_-" * 370
    buttons = (tree.Button("Edit", "edit", token), tree.Button("Undo", "undo", token))
    await channel.send(ROOM, tree.Card("c", "s", (tree.Title("t"), tree.Actions(buttons))), once="o")
    names = [key["callback_data"] for row in api.last(GROUP).keys for key in row]
    assert len(set(names)) == 2 and all(len(name) == 32 and name not in token for name in names)
    raw = (
        b'{"update_id":1,"callback_query":{"id":"q","from":{"id":501,"first_name":"Ann"},"data":"%s",'
        b'"message":{"message_id":9,"date":0,"chat":{"id":-100500,"type":"supergroup"}}}}' % names[1].encode()
    )
    (event,) = (await channel.receive(inbound("telegram", raw, "application/json"))).events
    assert isinstance(event, Pressed) and (event.action, event.data) == ("undo", token)


async def test_who_never_pressed_start_cannot_be_written_to(channel: Channel) -> None:
    place = await channel.direct(person(BOB))
    with pytest.raises(Unmet):
        await channel.send(place, CARD, once="o")
    assert await channel.send(await channel.direct(person(ANN)), CARD, once="o")
    assert channel.invitation(person(BOB)) == "https://t.me/FloatBot?start=hello"
    with pytest.raises(Refused):
        await channel.direct(ImId("telegram", str(BOT), "chat", str(GROUP)))


async def test_a_message_to_a_group_that_moved_goes_where_it_moved(channel: Channel, api: FakeApi) -> None:
    api.rooms[-77] = Room(-77, {}, moved_to=GROUP)
    ref = await channel.send(Place("telegram", "-77"), CARD, once="o")
    assert ref.place == ROOM and api.in_room(GROUP)
    with pytest.raises(Gone):
        await channel.edit(MessageRef(Place("telegram", "-77"), "5"), CARD)


@pytest.mark.parametrize(
    ("refusal", "after", "limit"),
    [
        (Refusal(429, "Too Many Requests: retry after 35", retry_after=35), 35.0, "room"),
        (Refusal(429, "Too Many Requests: retry after 90000", retry_after=90_000), 3600.0, "room"),
        (Refusal(429, "Too Many Requests"), 5.0, "room"),
        (Refusal(429, "?", retry_after="soon"), 5.0, "room"),
        (Refusal(500, "Internal Server Error"), 5.0, ""),
        (Refusal(502, "Bad Gateway"), 5.0, ""),
    ],
)
async def test_who_is_tired_is_asked_again(
    channel: Channel, api: FakeApi, refusal: Refusal, after: float, limit: str
) -> None:
    api.refuse.append(refusal)
    with pytest.raises(Retry) as tired:
        await channel.send(ROOM, CARD, once="o")
    assert (tired.value.after, tired.value.limit) == (after, limit)


@pytest.mark.parametrize(
    ("refusal", "kind", "says"),
    [
        (Refusal(401, "Unauthorized"), Refused, "token"),
        (Refusal(404, "Not Found"), Refused, "token"),
        (Refusal(403, "Forbidden: bot was kicked from the supergroup chat"), Refused, "room"),
        (Refusal(400, "Bad Request: chat not found"), Refused, "room"),
        (Refusal(400, "Bad Request: not enough rights to send text messages to the chat"), Refused, "may not write"),
        (Refusal(400, "Bad Request: message can't be edited"), Fixed, "not there"),
        (Refusal(400, "Bad Request: something of next year"), Refused, "refused this"),
    ],
)
async def test_what_is_refused_says_what_to_do(
    channel: Channel, api: FakeApi, refusal: Refusal, kind: type[Refused], says: str
) -> None:
    api.refuse.append(refusal)
    with pytest.raises(kind, match=says) as refused:
        await channel.send(ROOM, CARD, once="o")
    assert type(refused.value) is kind and CONFIG["bot_token"] not in str(refused.value.facts)


async def test_a_network_that_is_away_is_tried_again_and_no_log_has_the_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with ClientSession() as session:
        with pytest.raises(Retry) as tired:
            await made(session, nobody()).send(ROOM, CARD, once="o")
    secret = CONFIG["bot_token"].partition(":")[2]
    assert secret not in caplog.text and secret not in repr(tired.value) and tired.value.__cause__ is None


async def test_a_list_is_whole_when_it_counts_as_many_as_telegram(channel: Channel, api: FakeApi) -> None:
    assert not (await channel.members(ROOM)).complete, "Bob never said a word"
    raw = b'{"update_id":1,"message":{"message_id":1,"date":1,"chat":{"id":-100500,"type":"supergroup"},"text":"x",'
    await channel.receive(inbound("telegram", raw + b'"from":{"id":502,"first_name":"Bob"}}}', "application/json"))
    roster = await channel.members(ROOM)
    assert roster.complete and {(who.id.id, who.kind) for who in roster.members} == {
        ("501", "account"),
        ("502", "account"),
    }
    api.rooms[GROUP].members[CAT] = "member"
    assert not (await channel.members(ROOM)).complete
    api.rooms[GROUP].members.pop(BOB)
    roster = await channel.members(ROOM)
    assert not roster.complete and [who.id.id for who in roster.members] == ["501"], "who left is no reader"


async def test_who_is_back_is_noted_whoever_heard_that_they_left(channel: Channel) -> None:
    """Two gateways behind a balancer: one heard Bob speak and come back, the other that he left."""
    bob = Sender(ImId("telegram", str(BOT), "user", str(BOB)), "Bob", "account")
    keeper, now, quiet = Memory(), [NOW], channel._members.bot
    one, other = (Members("telegram", str(BOT), quiet, lambda: now[0], keeper) for _ in range(2))
    seen = [f"seen/{GROUP}/{BOB}"]
    await one.note([Joined("1", ROOM, bob, NOW)])
    await other.note([Left("2", ROOM, bob, NOW)])
    assert not keeper.kept
    await one.note([Joined("3", ROOM, bob, NOW)])
    assert list(keeper.kept) == seen
    await other.note([Left("4", ROOM, bob, NOW)])
    await one.note([Said("5", ROOM, bob, MessageRef(ROOM, "5"), "x", NOW)])
    assert not keeper.kept, "who speaks is noted once in a while"
    now[0] += KNOWN_MS
    await one.note([Said("6", ROOM, bob, MessageRef(ROOM, "6"), "x", NOW)])
    assert list(keeper.kept) == seen


async def test_a_group_with_a_public_name_is_open_to_the_world(channel: Channel, api: FakeApi) -> None:
    api.rooms[GROUP].username = "everybody"
    roster = await channel.members(ROOM)
    assert (roster.kind, roster.external) == ("public", True)


@pytest.mark.parametrize(
    "more", [{"linked_chat_id": -100900}, {"location": {"location": {"longitude": 1, "latitude": 2}, "address": "?"}}]
)
async def test_a_group_whose_readers_are_no_members_is_open_to_the_world(
    channel: Channel, api: FakeApi, more: dict[str, Any]
) -> None:
    """What is said under a channel's posts is read by whoever reads the channel."""
    api.rooms[GROUP].about = more
    roster = await channel.members(ROOM)
    assert (roster.kind, roster.external) == ("public", True)


async def test_a_list_during_which_somebody_came_and_somebody_went_is_not_whole(channel: Channel, api: FakeApi) -> None:
    """One left after being looked up, one whom nobody met was there all along."""
    members = api.rooms[GROUP].members
    members[CAT] = "member"
    members.pop(BOB)
    for each in (ANN, BOB):
        said = {"message_id": 1, "date": 1, "chat": {"id": GROUP, "type": "supergroup"}, "text": "x"}
        body = json.dumps({"update_id": each, "message": {**said, "from": {"id": each, "first_name": "?"}}}).encode()
        await channel.receive(inbound("telegram", body, "application/json"))
    looked = api._getChatMember

    async def meanwhile(body: Any) -> Any:
        members[BOB] = "member"  # three of us were counted: Ann, Cat, and the bot
        return await looked(body)

    api._getChatMember = meanwhile  # type: ignore[method-assign]
    roster = await channel.members(ROOM)
    assert len(roster.members) == 2 and not roster.complete


async def test_whom_we_met_is_forgotten_with_the_room(channel: Channel) -> None:
    keeper, chat = Memory(), {"id": GROUP, "type": "supergroup"}
    channel.keep_in(keeper)
    user, us = {"id": ANN, "first_name": "Ann"}, {"id": BOT, "is_bot": True, "first_name": "Float"}
    said = {"update_id": 1, "message": {"message_id": 1, "date": 1, "chat": chat, "text": "x", "from": user}}
    moved = {
        "update_id": 2,
        "message": {"message_id": 2, "date": 1, "chat": chat, "from": user, "migrate_to_chat_id": -9},
    }
    gone = {"chat": {"id": -9, "type": "supergroup"}, "from": user, "date": 1}
    gone |= {"old_chat_member": {"user": us, "status": "member"}, "new_chat_member": {"user": us, "status": "kicked"}}
    for told, kept in (
        (said, [f"seen/{GROUP}/{ANN}"]),
        (moved, [f"seen/-9/{ANN}"]),
        ({"update_id": 3, "my_chat_member": gone}, []),
    ):
        await channel.receive(inbound("telegram", json.dumps(told).encode(), "application/json"))
        assert list(keeper.kept) == kept


async def test_a_direct_room_is_one_person(channel: Channel) -> None:
    roster = await channel.members(Place("telegram", str(ANN)))
    assert (roster.kind, roster.complete, [who.id.id for who in roster.members]) == ("direct", True, ["501"])


async def found(channel: Channel, place: Place | None) -> dict[str, str]:
    return {finding.what: finding.able for finding in await channel.examine(place)}


async def test_the_doctor_asks_telegram(channel: Channel, api: FakeApi) -> None:
    assert await found(channel, None) == {"connect": "yes", "hear": "partly", "edit": "yes"}
    assert (await found(channel, ROOM))["hear"] == "partly"
    fix = next(each.fix for each in await channel.examine(ROOM) if each.what == "hear")
    assert "/setprivacy" in fix and "Disable" in fix and "add it again" in fix
    api.rooms[GROUP].members[BOT] = "administrator"
    here = {"hear": "yes", "speak": "yes", "edit": "yes", "whisper": "partly", "members": "partly"}
    assert await found(channel, ROOM) == here, "an administrator hears everything"
    api.reads_all = True
    assert (await found(channel, None))["hear"] == "yes"
    api.rooms[GROUP].members[BOT] = "left"
    assert await found(channel, ROOM) == {"hear": "no", "speak": "no"}


async def test_another_user_name_is_told(channel: Channel, api: FakeApi) -> None:
    async with TestServer(api.app()) as server, ClientSession() as session:
        other = made(session, str(server.make_url("")).rstrip("/"), username="OtherBot")
        (connect, *_) = await other.examine(None)
    assert (connect.able, connect.facts) == ("no", {"name": "FloatBot"})


async def listening(channel: Channel, put: Callable[..., Awaitable[Answer | None]], done: Callable[[], bool]) -> None:
    task = asyncio.create_task(channel.listen(put))
    async with asyncio.timeout(30):
        while not done():
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_telegram_is_told_our_commands_and_where_to_deliver(api: FakeApi) -> None:
    async with TestServer(api.app()) as server, ClientSession() as session:
        url = str(server.make_url("")).rstrip("/")
        channel = made(session, url, webhook="https://crm.example/in/telegram")
        await listening(channel, nothing, lambda: len(api.called("setMyCommands")) == 2)
    english, chinese = api.called("setMyCommands")
    assert [each["command"] for each in english["commands"]] == [
        "card",
        "why",
        "quiet",
        "bind",
        "link",
        "cancel",
        "help",
    ]
    assert chinese["language_code"] == "zh" and "客户" in chinese["commands"][0]["description"]
    (hook,) = api.called("setWebhook")
    assert (hook["url"], hook["secret_token"]) == ("https://crm.example/in/telegram", CONFIG["secret"])
    assert "chat_member" in hook["allowed_updates"]


async def test_commands_that_telegram_does_not_take_keep_nobody_waiting(api: FakeApi) -> None:
    """It limits how often they may be told, for hours if need be."""

    async def tired(body: Any) -> Any:
        raise Refusal(429, "Too Many Requests: retry after 3600", retry_after=3600)

    api._setMyCommands = tired  # type: ignore[method-assign]
    told = {"message_id": 1, "date": 1, "chat": {"id": ANN, "type": "private"}, "from": {"id": ANN, "first_name": "A"}}
    api.updates = [{"update_id": 7, "message": {**told, "text": "one"}}]
    heard: list[Event] = []

    async def put(event: Event, *, wait: bool = False, stored: Any = None) -> Answer | None:
        heard.append(event)
        return None

    async with TestServer(api.app()) as server, ClientSession() as session:
        channel = made(session, str(server.make_url("")).rstrip("/"), mode="polling")
        await listening(channel, put, lambda: bool(heard and api.called("setMyCommands")))


async def nothing(event: Event, *, wait: bool = False, stored: Any = None) -> Answer | None:
    return None


async def test_what_is_asked_for_is_acknowledged_when_it_is_stored(api: FakeApi) -> None:
    told = {"message_id": 1, "date": 1, "chat": {"id": ANN, "type": "private"}, "from": {"id": ANN, "first_name": "A"}}
    query = {"id": "q1", "from": {"id": ANN, "first_name": "A"}, "message": told, "data": "edit:v1.x"}
    api.updates = [
        {"update_id": 7, "message": {**told, "text": "one"}},
        {"update_id": 8, "hologram": {}},
        {"update_id": 9, "callback_query": query},
        {"update_id": 10, "message": {**told, "text": "two"}},
    ]
    heard: list[str] = []
    full = [True]

    async def put(event: Event, *, wait: bool = False, stored: Any = None) -> Answer | None:
        if full and full.pop():
            raise Retry(0.01, "the store is full")
        heard.append(event.text if isinstance(event, Said) else type(event).__name__)
        return Toast("Saved.") if wait else None

    async with TestServer(api.app()) as server, ClientSession() as session:
        channel = made(session, str(server.make_url("")).rstrip("/"), mode="polling")
        await listening(channel, put, lambda: not api.updates and bool(api.called("answerCallbackQuery")))
    assert set(heard) >= {"one", "two", "Pressed"}
    offsets = [body.get("offset") for body in api.called("getUpdates")]
    assert offsets[:2] == [None, None] and offsets[-1] == 11, "what was not stored is not acknowledged"
    assert api.called("answerCallbackQuery")[0] == {"callback_query_id": "q1", "text": "Saved.", "show_alert": False}
    assert api.called("deleteWebhook")


async def test_a_press_that_takes_long_keeps_no_other_waiting(api: FakeApi) -> None:
    """What comes after it is asked for, and answered, while it is being worked on."""
    told = {"message_id": 1, "date": 1, "chat": {"id": ANN, "type": "private"}, "from": {"id": ANN, "first_name": "A"}}
    query = {"from": {"id": ANN, "first_name": "A"}, "message": told, "data": "edit:v1.x"}
    api.updates = [{"update_id": 7, "callback_query": {**query, "id": "slow"}}]
    slow, kept = asyncio.Event(), list[str]()

    async def put(event: Event, *, wait: bool = False, stored: Any = None) -> Answer | None:
        if isinstance(event, Said):
            kept.append(event.text)
            return None
        assert isinstance(event, Pressed)
        kept.append(event.trigger)
        stored()
        if event.trigger == "slow":
            await slow.wait()
        return Toast("Saved.")

    def answered() -> list[str]:
        return [each["callback_query_id"] for each in api.called("answerCallbackQuery")]

    def done() -> bool:
        if kept == ["slow"] and not api.updates:  # acknowledged, and not answered yet
            api.updates = [
                {"update_id": 8, "callback_query": {**query, "id": "quick"}},
                {"update_id": 9, "message": {**told, "text": "one"}},
            ]
            api.came.set()
        if answered() == ["quick"] and "one" in kept:
            slow.set()
        return answered() == ["quick", "slow"]

    async with TestServer(api.app()) as server, ClientSession() as session:
        channel = made(session, str(server.make_url("")).rstrip("/"), mode="polling")
        await listening(channel, put, done)
    assert sorted(kept) == ["one", "quick", "slow"], "each was stored once"


async def test_nothing_that_breaks_here_ends_the_asking(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug of ours in reading one update skips that one; a fault behind us asks for all of them again."""
    told = {"message_id": 1, "date": 1, "chat": {"id": ANN, "type": "private"}, "from": {"id": ANN, "first_name": "A"}}
    api.updates = [{"update_id": at, "message": {**told, "text": text}} for at, text in ((7, "毒"), (8, "on"))]
    monkeypatch.setattr("channels.telegram.listen.TIRED", 0.01)
    reads, heard, faults = events.parse, list[str](), [RuntimeError("a bug"), KeyError("another")]

    def parse(source: Any, payload: Any, username: str) -> Any:
        if payload["message"]["text"] == "毒":
            raise AttributeError("a bug")
        return reads(source, payload, username)

    async def put(event: Event, *, wait: bool = False, stored: Any = None) -> Answer | None:
        if faults:
            raise faults.pop()
        assert isinstance(event, Said)
        heard.append(event.text)
        return None

    monkeypatch.setattr("channels.telegram.channel.parse", parse)
    async with TestServer(api.app()) as server, ClientSession() as session:
        channel = made(session, str(server.make_url("")).rstrip("/"), mode="polling")
        await listening(channel, put, lambda: not api.updates and bool(heard))
    assert heard == ["on"] and "毒" not in caplog.text and CONFIG["bot_token"].partition(":")[2] not in caplog.text


async def test_an_update_that_is_not_understood_is_counted_and_the_next_is_heard(api: FakeApi) -> None:
    told = {"message_id": 1, "date": 1, "chat": {"id": ANN, "type": "private"}, "from": {"id": ANN, "first_name": "A"}}
    api.updates = [{"update_id": 7, "from_next_year": {}}, {"update_id": 8, "message": {**told, "text": "on"}}]
    heard: list[Event] = []

    async def put(event: Event, *, wait: bool = False, stored: Any = None) -> Answer | None:
        heard.append(event)
        return None

    async with TestServer(api.app()) as server, ClientSession() as session:
        channel = made(session, str(server.make_url("")).rstrip("/"), mode="polling")
        await listening(channel, put, lambda: not api.updates and bool(heard))
    assert (len(heard), channel.misread) == (1, 1)


async def test_an_answer_of_nothing_but_wide_characters_fits(channel: Channel) -> None:
    event = Pressed("o", ROOM, model.Sender(person(ANN), ""), "edit", "d", NOW, None, "q")
    for text in (
        " ".join(f"👩‍👩‍👧‍👦{chr(0x1F300 + at)}" for at in range(80)),
        "".join(chr(0x1F300 + at) for at in range(300)),
        "".join(chr(0x4E00 + at) for at in range(300)),
    ):
        said = json.loads(channel.answer(event, Toast(text)).body)["text"]
        assert 50 < len(said.encode("utf-16-le")) // 2 <= 200


async def test_every_answer_ends_the_waiting(channel: Channel) -> None:
    event = Pressed("o", ROOM, model.Sender(person(ANN), ""), "edit", "d", NOW, None, "q")
    for answer in (Toast("x" * 500, "danger", "https://t.me/a"), model.Nothing(), model.FieldErrors({"a": "wrong"})):
        body = channel.answer(event, answer).body
        assert b'"answerCallbackQuery"' in body and b'"q"' in body and len(body) < 400


def test_telegrams_limits_are_kept() -> None:
    group, direct = (buckets_of("t", LIMITS, "send", room) for room in ("-5", "5"))
    minute = [bucket.rate.burst + 60 * bucket.rate.a_second for bucket in group if bucket.rate == Rate(10 / 60, 10)]
    assert minute == [20] and len(direct) == len(group) - 1, "20 a minute to a group"
    assert group[0].rate == Rate(1.0, 1) and group[-1].rate.burst + group[-1].rate.a_second == 30


@pytest.mark.parametrize("secret", ["short", "with a space in it!", "x" * 257])
def test_a_secret_telegram_does_not_take_is_misconfigured(secret: str) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({**CONFIG, "secret": secret})
