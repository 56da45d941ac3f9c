"""Calls and listening against a server on the loopback that answers as the specification says, or worse."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, web
from pydantic import ValidationError

from cards.tree import Card, Text
from channels import registry
from channels.matrix import Config, listen, powers
from channels.model import Edited, Event, ImId, Joined, Left, MessageRef, Place, Said
from gateway.errors import Gone, Refused, Retry
from tests.channels.fake_server import Fake, Heard, mute, nobody, serving
from tests.channels.harness import NOW
from tests.channels.matrix.recipe import CONFIG
from tests.channels.matrix.server import Memory

Json = dict[str, Any]
ROOM, BOT, ANN = Place("matrix", "!sales:example.org"), "@floatcard:example.org", "@ann:example.org"
CARD = Card("notice", "s", (Text("华星 <b>"),))


def answers(heard: Heard) -> web.StreamResponse:
    if "/send/" in heard.target or "/redact/" in heard.target:
        return web.json_response({"event_id": f"${heard.target.rpartition('/')[2][:40]}"})
    if "/relations/" in heard.target:
        return web.json_response({"chunk": []})
    if "/account_data/" in heard.target:
        return web.json_response({"errcode": "M_NOT_FOUND", "error": "?"}, status=404)
    return web.json_response({})


@pytest.fixture
async def fake() -> AsyncIterator[tuple[Fake, Any]]:
    fake = Fake(answers)
    async with serving(fake) as session:
        yield fake, channel(fake.url, session)


def channel(url: str, session: ClientSession, **settings: Any) -> Any:
    module = registry.load("matrix")
    config = module.Config.model_validate({**CONFIG, "url": url, "wait": 0.1, **settings})
    return module.Channel("matrix", config, session=session, clock=lambda: NOW, wall=lambda: NOW)


async def test_the_token_is_in_a_header_and_in_no_address(fake: tuple[Fake, Any]) -> None:
    server, matrix = fake
    await matrix.send(ROOM, CARD, once="a/b c\ud800")
    for heard in server.heard:
        assert heard.headers["authorization"] == "Bearer not-a-real-token" and "not-a-real" not in heard.target
    stub, painted = [heard.body for heard in server.heard]
    assert "华星" not in json.dumps(stub, ensure_ascii=False) and stub["m.mentions"] == {}
    assert painted["m.new_content"]["formatted_body"] == "<p>华星 &lt;b&gt;</p>"
    assert "/rooms/%21sales%3Aexample.org/send/m.room.message/" in server.heard[0].target


@pytest.mark.parametrize(
    ("status", "body", "headers", "after"),
    [
        (429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 2_500}, {}, 2.5),
        (429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 3_600_000_000}, {}, 3_600),
        (429, {"errcode": "M_LIMIT_EXCEEDED"}, {"Retry_After": "7"}, 7),
        (429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 1}, {"Retry_After": "7"}, 7),
        (429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": "soon"}, {}, 5),
        (429, {}, {}, 5),
    ],
)
async def test_a_tired_server_is_waited_for_as_long_as_it_says(
    fake: tuple[Fake, Any], status: int, body: Json, headers: dict[str, str], after: float
) -> None:
    server, matrix = fake
    server.will_say(status, body, **headers)
    with pytest.raises(Retry) as tired:
        await matrix.send(ROOM, CARD, once="1")
    assert tired.value.after == after and tired.value.limit == "network"


async def test_a_server_that_takes_one_word_at_a_time_gets_a_card_painted_all_the_same(fake: tuple[Fake, Any]) -> None:
    """A retried edit goes on where the last one stopped: else each try would use up what the next one needs."""
    server, matrix = fake
    versions: dict[str, Json] = {"$old": {"m.new_content": {"body": "old"}}}
    allowance = 0

    def usual(heard: Heard) -> web.StreamResponse:
        nonlocal allowance
        if "/event/" in heard.target:
            newest = {"event_id": list(versions)[-1], "content": list(versions.values())[-1]}
            return web.json_response({"content": {}, "unsigned": {"m.relations": {"m.replace": newest}}})
        if "/relations/" in heard.target:
            return web.json_response({"chunk": [{"event_id": each, "sender": BOT} for each in versions]})
        if not allowance:
            return web.json_response({"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 1}, status=429)
        allowance -= 1
        if "/redact/" in heard.target:
            del versions["$" + heard.target.rpartition("%24")[2].partition("/")[0]]
            return web.json_response({"event_id": "$r"})
        versions[f"$new{len(versions)}"] = heard.body
        return web.json_response({"event_id": list(versions)[-1]})

    server.usual = usual
    for _ in range(2):
        with pytest.raises(Retry):
            await matrix.edit(MessageRef(ROOM, "$root"), CARD)
        allowance += 1
    await matrix.edit(MessageRef(ROOM, "$root"), CARD)
    assert list(versions) == ["$new1"]


@pytest.mark.parametrize(
    ("status", "code", "kind", "says"),
    [
        (401, "M_UNKNOWN_TOKEN", Refused, "access token"),
        (403, "M_FORBIDDEN", Refused, "power level"),
        (413, "M_TOO_LARGE", Refused, "size"),
        (404, "M_NOT_FOUND", Gone, "not there"),
        (400, "M_BAD_STATE", Refused, "Matrix refused this"),
        (500, "M_UNKNOWN", Retry, "500"),
        (502, "", Retry, "502"),
        (404, "", Retry, "404"),
    ],
)
async def test_a_refusal_says_what_happens_next(
    fake: tuple[Fake, Any], status: int, code: str, kind: type[Exception], says: str
) -> None:
    server, matrix = fake
    server.will_say(status, {"errcode": code, "error": "不能说"} if code else {})
    with pytest.raises(kind, match=says):
        await matrix.send(ROOM, CARD, once="1")


async def test_whatever_stands_there_instead_ends_in_another_try(fake: tuple[Fake, Any]) -> None:
    server, matrix = fake
    for text in ("<html>proxy</html>", "[]", ""):
        server.will_say_raw(200, text)
        with pytest.raises(Retry):
            await matrix.send(ROOM, CARD, once="1")
    server.drops = True
    with pytest.raises(Retry):
        await matrix.send(ROOM, CARD, once="1")


async def test_a_server_that_is_mute_or_away_holds_nobody() -> None:
    async with ClientSession() as session:
        with pytest.raises(Retry):
            await channel(nobody(), session).send(ROOM, CARD, once="1")
        async with mute() as url:
            with pytest.raises(Retry):
                await channel(url, session, timeout=0.2).send(ROOM, CARD, once="1")


@pytest.mark.parametrize(
    "wrong", [{"user": "floatcard"}, {"user": "@a b:c"}, {"url": "ftp://x"}, {"access_token": ""}, {"servers": ["@x"]}]
)
def test_a_wrong_setting_is_told(wrong: Json) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({**CONFIG, **wrong})


# -- listening


def member(who: str, membership: str = "join", id_: str = "$j") -> Json:
    return {
        "type": "m.room.member",
        "event_id": id_,
        "sender": who,
        "state_key": who,
        "origin_server_ts": 1,
        "content": {"membership": membership, "displayname": who[1:4].title()},
    }


def said(text: str, id_: str, who: str = ANN, relates: Any = None, **content: Any) -> Json:
    told = {"msgtype": "m.text", "body": text, **content, **({"m.relates_to": relates} if relates else {})}
    return {"type": "m.room.message", "event_id": id_, "sender": who, "origin_server_ts": 1, "content": told}


def news(*events: Json, next_batch: str = "s2", **more: Any) -> Json:
    joined = {ROOM.room: {"timeline": {"events": list(events), **more}}}
    return {"next_batch": next_batch, "rooms": {"join": joined}}


async def listened(matrix: Any, server: Fake, told: Json, since: str = "s1") -> tuple[list[Event], Memory]:
    heard, memory = list[Event](), Memory()
    memory.kept["since"] = since
    matrix.keep_in(memory)
    server.usual = lambda request: web.json_response(told) if "/sync" in request.target else answers(request)

    async def put(event: Event, *, wait: bool = False, stored: Any = None) -> None:
        heard.append(event)

    await matrix._listener.once(put)
    return heard, memory


async def test_where_we_stand_is_written_down_when_everything_is_stored(fake: tuple[Fake, Any]) -> None:
    server, matrix = fake
    memory, told = Memory(), news(said("one", "$1"), said("two", "$2"))
    memory.kept["since"] = "s1"
    matrix.keep_in(memory)
    server.usual = lambda request: web.json_response(told) if "/sync" in request.target else answers(request)
    kept, refusals = list[str](), [Retry(0.01), Retry(0.01)]

    async def put(event: Event, *, wait: bool = False, stored: Any = None) -> None:
        assert memory.kept["since"] == "s1"
        if refusals:
            raise refusals.pop()
        kept.append(getattr(event, "text", ""))

    await matrix._listener.once(put)
    assert kept == ["one", "two"] and memory.kept["since"] == "s2"

    async def broken(event: Event, *, wait: bool = False) -> None:
        raise RuntimeError

    told["next_batch"] = "s3"
    with pytest.raises(RuntimeError):
        await matrix._listener.once(broken)
    assert memory.kept["since"] == "s2", "what was not stored is asked for again"


async def test_one_bad_event_ends_nothing(fake: tuple[Fake, Any], caplog: pytest.LogCaptureFixture) -> None:
    server, matrix = fake
    bad: list[Json] = [
        {},
        {"type": "m.room.message"},
        {"type": "m.room.next_year", "event_id": "$n", "sender": ANN, "content": {}},
        said("秘密", "$y", relates={"rel_type": "m.replace", "event_id": {"$": 1}}),
        said("x" * 5_000_000, "$long", msgtype="m.hologram"),
        {**said("秘密", "$z"), "content": []},
        {**said("秘密", "$z"), "content": None, "unsigned": 7},
    ]
    with caplog.at_level(logging.INFO):
        heard, memory = await listened(
            matrix, server, news(*bad, said("好", "$good"), said("的", "$x", relates=["m.replace"]))
        )
    assert [event.text for event in heard if isinstance(event, Said)] == ["好", "的"] and memory.kept["since"] == "s2"
    assert "秘密" not in caplog.text


async def test_a_doubled_delivery_has_one_name(fake: tuple[Fake, Any]) -> None:
    server, matrix = fake
    heard, _ = await listened(matrix, server, news(said("one", "$1"), said("one", "$1")))
    assert len({event.once for event in heard}) == 1


async def test_another_bot_and_our_own_words_bring_nothing(fake: tuple[Fake, Any]) -> None:
    server, matrix = fake
    told = news(
        said("华星", "$1", msgtype="m.notice"), said("华星", "$2", BOT), said("华星", "$3", BOT, msgtype="m.text")
    )
    heard, _ = await listened(matrix, server, told)
    assert [event.who.kind for event in heard] == ["bot"]


async def test_the_first_time_the_past_is_left_alone(fake: tuple[Fake, Any]) -> None:
    server, matrix = fake
    memory = Memory()
    matrix.keep_in(memory)
    server.usual = lambda request: web.json_response(news(said("old", "$1")))

    async def put(event: Event, *, wait: bool = False, stored: Any = None) -> None:
        raise AssertionError("said before we came")

    await matrix._listener.once(put)
    assert memory.kept == {"since": "s2"}


async def test_of_what_is_too_much_to_fetch_at_least_who_came_is_heard(
    fake: tuple[Fake, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, matrix = fake
    monkeypatch.setattr("channels.matrix.listen.PAGES", 2)
    told = news(said("last", "$9"), limited=True, prev_batch="p1")
    told["rooms"]["join"][ROOM.room]["state"] = {"events": [member("@eve:other.example", id_="$eve")]}
    pages = [{"chunk": [said("b", "$b")], "end": "p2"}, {"chunk": [said("a", "$a")], "end": "p3"}]
    heard, memory = list[Event](), Memory()
    memory.kept["since"] = "s1"
    matrix.keep_in(memory)

    def usual(request: Heard) -> web.StreamResponse:
        if "/messages" in request.target:
            return web.json_response(pages.pop(0))
        return web.json_response(told) if "/sync" in request.target else answers(request)

    server.usual = usual

    async def put(event: Event, *, wait: bool = False, stored: Any = None) -> None:
        heard.append(event)

    await matrix._listener.once(put)
    assert isinstance(heard[0], Joined) and heard[0].who.kind == "outsider"
    assert [event.text for event in heard if isinstance(event, Said)] == ["a", "b", "last"]


async def test_a_token_that_was_taken_away_is_asked_about_again(
    fake: tuple[Fake, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, matrix = fake
    monkeypatch.setattr("channels.matrix.listen.REFUSED_S", 0.01)
    memory = Memory()
    memory.kept["since"] = "s1"
    matrix.keep_in(memory)
    server.usual = lambda request: web.json_response(news(said("one", "$1")))
    for _ in range(3):
        server.will_say(401, {"errcode": "M_UNKNOWN_TOKEN", "error": "?"})
    heard = asyncio.Event()

    async def put(event: Event, *, wait: bool = False, stored: Any = None) -> None:
        heard.set()

    listening = asyncio.create_task(matrix.listen(put))
    await asyncio.wait_for(heard.wait(), 30)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


@pytest.mark.parametrize(
    ("who", "kind"),
    [
        (ANN, "member"),
        ("@ann:other.example", "outsider"),
        ("@telegram_77:example.org", "outsider"),
        ("@_irc_ann:example.org", "outsider"),
        ("@1234:example.org", "guest"),
        ("@ann:example.org.evil.example", "outsider"),
        ("", "outsider"),
    ],
)
async def test_whose_colleague_somebody_is_says_their_server(who: str, kind: str) -> None:
    async with ClientSession() as session:
        assert channel("http://127.0.0.1:1", session).kind(who) == kind


STATES = [
    ("invite", "shared", {}, False, ("group", True, False)),
    ("public", "shared", {}, False, ("public", True, True)),
    ("public", "shared", {}, True, ("public", True, False)),
    ("public", "shared", {"m.federate": False}, False, ("public", True, False)),
    ("restricted", "shared", {}, False, ("public", True, False)),
    ("invite", "world_readable", {}, True, ("group", False, True)),
]


@pytest.mark.parametrize(("joining", "visible", "created", "closed", "expected"), STATES)
async def test_who_can_read_a_room_is_never_guessed_narrower(
    joining: str, visible: str, created: Json, closed: bool, expected: tuple[str, bool, bool]
) -> None:
    told = {"m.room.join_rules": {"join_rule": joining}, "m.room.create": created}
    told |= {"m.room.history_visibility": {"history_visibility": visible}}

    def usual(heard: Heard) -> web.StreamResponse:
        state = heard.target.rpartition("/")[2]
        if heard.target.endswith("/joined_members"):
            people = {BOT: {"display_name": "F"}, ANN: {"display_name": None}, "@eve:other.example": {}}
            return web.json_response({"joined": people})
        return web.json_response(told[state]) if state in told else answers(heard)

    async with serving(fake := Fake(usual)) as session:
        found = channel(fake.url, session, closed=closed)
        fake.usual = lambda heard: web.json_response({}) if "/account_data/" in heard.target else usual(heard)
        told["m.room.name"] = {"name": "East"}
        roster = await found.members(ROOM)
    assert (roster.kind, roster.complete, roster.external) == expected and roster.title == "East"
    assert [(member.id.id, member.kind) for member in roster.members] == [
        (ANN, "member"),
        ("@eve:other.example", "outsider"),
    ]


async def test_a_room_that_vanished_between_hearing_and_saying_is_told(fake: tuple[Fake, Any]) -> None:
    server, matrix = fake
    server.usual = lambda _: web.json_response({"errcode": "M_FORBIDDEN", "error": "left"}, status=403)
    one = MessageRef(ROOM, "$1")
    for refused in (
        matrix.send(ROOM, CARD, once="1"),
        matrix.edit(one, CARD),
        matrix.delete(one),
        matrix.members(ROOM),
        matrix.whisper(ROOM, ImId("matrix", "example.org", "user", ANN), CARD, once="1"),
    ):
        with pytest.raises(Refused):
            await refused


# -- what would hold the listener up for ever


def refuses(code: str, status: int = 403) -> web.StreamResponse:
    return web.json_response({"errcode": code, "error": "?"}, status=status)


async def test_a_room_we_were_put_out_of_holds_no_other_up(fake: tuple[Fake, Any]) -> None:
    """Its past is not ours to read any more; what came to us is."""
    server, matrix = fake
    told = news(said("here", "$1"))
    gone = {"timeline": {"events": [member(BOT, "ban", "$ban")], "limited": True, "prev_batch": "p"}}
    told["rooms"]["leave"] = {"!gone:example.org": {**gone, "state": {"events": [member(ANN, "leave", "$l")]}}}

    def usual(heard: Heard) -> web.StreamResponse:
        if "/messages" in heard.target:
            return refuses("M_FORBIDDEN")
        return web.json_response(told) if "/sync" in heard.target else answers(heard)

    heard, memory = await listened_by(matrix, server, usual)
    assert {type(event).__name__ for event in heard} == {"Said", "Left"} and memory.kept["since"] == "s2"
    assert any(isinstance(event, Left) and event.ourselves for event in heard)


async def listened_by(matrix: Any, server: Fake, usual: Any) -> tuple[list[Event], Memory]:
    heard, memory = list[Event](), Memory()
    memory.kept |= {"since": "s1", "version:$card": "$v"}
    matrix.keep_in(memory)
    server.usual = usual

    async def put(event: Event, *, wait: bool = False, stored: Any = None) -> None:
        heard.append(event)

    await matrix._listener.once(put)
    return heard, memory


async def test_a_card_we_may_not_take_away_any_more_holds_nothing_up(fake: tuple[Fake, Any]) -> None:
    server, matrix = fake
    gone = {"type": "m.room.redaction", "event_id": "$r", "sender": ANN, "origin_server_ts": 1}
    told = news({**gone, "content": {"redacts": "$card"}}, said("on", "$2"))

    def usual(heard: Heard) -> web.StreamResponse:
        if "/redact/" in heard.target:
            return refuses("M_FORBIDDEN")
        return web.json_response(told) if "/sync" in heard.target else answers(heard)

    heard, memory = await listened_by(matrix, server, usual)
    assert [type(event).__name__ for event in heard] == ["Deleted", "Said"] and memory.kept["since"] == "s2"


@pytest.mark.parametrize("content", [[], "x", 7])
async def test_a_member_that_is_none_holds_nothing_up(fake: tuple[Fake, Any], content: Any) -> None:
    server, matrix = fake
    odd = {**member(ANN), "content": content}
    heard, memory = await listened(matrix, server, news(odd, {**member(BOT), "unsigned": content}, said("on", "$2")))
    assert [type(event).__name__ for event in heard] == ["Said"] and memory.kept["since"] == "s2"


@pytest.mark.parametrize("code", ["M_UNKNOWN", "M_INVALID_PARAM"])
async def test_a_server_that_was_set_up_anew_is_listened_to_anew(fake: tuple[Fake, Any], code: str) -> None:
    server, matrix = fake
    told = news(said("on", "$2"))

    def usual(heard: Heard) -> web.StreamResponse:
        return refuses(code, 400) if "since=s1" in heard.target else web.json_response(told)

    with pytest.raises(Retry):
        await listened_by(matrix, server, usual)
    assert "since" not in matrix._keeper.kept
    await matrix._listener.once(lambda event: None)
    assert matrix._keeper.kept["since"] == "s2"


async def test_a_revoked_token_loses_nothing_in_the_middle_of_it(fake: tuple[Fake, Any]) -> None:
    """An answer to a card is not read as a sentence because the card could not be looked at."""
    server, matrix = fake
    told = news(said("1", "$2", relates={"m.in_reply_to": {"event_id": "$card"}}))

    def usual(heard: Heard) -> web.StreamResponse:
        if "/event/" in heard.target:
            return refuses("M_UNKNOWN_TOKEN", 401)
        return web.json_response(told) if "/sync" in heard.target else answers(heard)

    with pytest.raises(Refused):
        await listened_by(matrix, server, usual)
    assert matrix._keeper.kept["since"] == "s1"


async def test_an_edit_that_is_taken_back_gives_the_message_its_words_again(fake: tuple[Fake, Any]) -> None:
    server, matrix = fake
    edit = said("* B", "$e", relates={"rel_type": "m.replace", "event_id": "$m"})
    edit["content"]["m.new_content"] = {"msgtype": "m.text", "body": "B"}
    mod = {"type": "m.room.redaction", "event_id": "$r", "sender": "@mod:example.org", "origin_server_ts": 2}
    told = news(edit, {**mod, "content": {"redacts": "$e"}})
    first = {"sender": ANN, "content": {"msgtype": "m.text", "body": "A"}}

    def usual(heard: Heard) -> web.StreamResponse:
        if "/event/" in heard.target:
            return web.json_response(first)
        return web.json_response(told) if "/sync" in heard.target else answers(heard)

    heard, _ = await listened_by(matrix, server, usual)
    read = [(event.text, event.message.id, event.who.id.id) for event in heard if isinstance(event, Edited)]
    assert read == [("B", "$m", ANN), ("A", "$m", ANN)], "whoever took it back, they are its author's words"
    assert len({event.once for event in heard}) == 2


@pytest.mark.parametrize(("told", "level"), [("75", 75), (" +7 ", 7), ("-1", -1), (7.9, 7)])
def test_a_power_level_may_be_in_quotes(told: object, level: int) -> None:
    assert powers.of({"users": {ANN: told}}, ANN) == level


@pytest.mark.parametrize("told", ["+-5", "--5", "", "5x", "9" * 30, True, None, [5], float("nan")])
def test_what_is_no_power_level_is_what_everybody_has(told: object) -> None:
    assert powers.of({"users": {ANN: told}, "users_default": 3}, ANN) == 3


async def test_one_message_that_cannot_be_had_makes_nobody_deaf(
    fake: tuple[Fake, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, matrix = fake
    told = news(said("1", "$2", relates={"m.in_reply_to": {"event_id": "$card"}}), said("2", "$3"))

    def usual(heard: Heard) -> web.StreamResponse:
        if "/event/" in heard.target:
            return web.Response(status=500, text="<html>")
        return web.json_response(told) if "/sync" in heard.target else answers(heard)

    with pytest.raises(Retry):
        await listened_by(matrix, server, usual)
    assert matrix._keeper.kept["since"] == "s1", "a server that is mended soon loses nothing"
    monkeypatch.setattr(listen, "STUCK_MS", 0)
    heard, memory = await listened_by(matrix, server, usual)
    assert [getattr(event, "text", "") for event in heard] == ["1", "2"] and memory.kept["since"] == "s2"
    assert matrix.misread == 1


async def test_a_server_that_was_away_is_given_its_time_anew(fake: tuple[Fake, Any]) -> None:
    server, matrix = fake

    def usual(heard: Heard) -> web.StreamResponse:
        return web.Response(status=500) if "/sync" in heard.target else answers(heard)

    matrix._listener._stuck_since = 1
    with pytest.raises(Retry):
        await listened_by(matrix, server, usual)
    assert matrix._listener._stuck_since == 0
