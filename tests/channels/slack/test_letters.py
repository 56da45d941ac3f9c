"""A plain message is put by as it came and read in its turn; whatever somebody may wait for is read at once."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from channels.model import Said
from channels.slack.events import parse
from channels.slack.letters import sealed, unsealed
from channels.slack.places import Elsewhere
from channels.wire import Source
from gateway import codec
from gateway.errors import Retry, Unreadable
from gateway.intake import LETTER
from tests.channels.harness import inbound, make, opened
from tests.channels.slack.world import BOT, DEAL, LI, TEAM, World, around, words
from tests.gateway.house import NAME
from tests.gateway.test_pressure import Gate

PLAIN = {"type": "message", "channel": "C0SALES01", "user": "U0ANN0001", "text": "hello", "ts": "1795228320.000200"}


def delivered(event: Any = None, **more: Any) -> dict[str, Any]:
    who = [{"team_id": TEAM, "user_id": BOT, "is_bot": True}]
    head = {"token": "the old verification token", "type": "event_callback", "team_id": TEAM, "event_id": "Ev1"}
    return {**head, "authorizations": who, "event": PLAIN if event is None else event, **more}


SOURCE = Source("slack", TEAM, 0)


def test_a_plain_message_is_a_letter_without_what_must_not_be_kept() -> None:
    letter = sealed(SOURCE, delivered())
    assert letter is not None
    assert (letter.once, letter.room) == (f"slack:{TEAM}:message:1795228320.000200:C0SALES01", "slack/C0SALES01")
    assert unsealed("slack", letter.body, 0) == parse(SOURCE, delivered())


def test_of_what_it_holds_only_what_is_read_is_kept() -> None:
    more = {"attachments": [{"text": "another's words"}], "action_token": "t", "blocks": [{"text": "as blocks"}]}
    letter = sealed(SOURCE, delivered({**PLAIN, **more}, api_app_id="A1"))
    assert letter is not None
    kept = orjson.loads(letter.body)[2]
    assert set(kept) == {"type", "team_id", "event_id", "authorizations", "event"} and set(kept["event"]) == set(PLAIN)


@pytest.mark.parametrize(
    "changed",
    [
        {"subtype": "me_message"},
        {"subtype": None},
        {"type": "app_mention"},
        {"channel_type": "im"},
        {"channel": "D0DIRECT1"},
        {"text": f"<@{BOT}> /card Acme"},
        {"text": ""},
        {"text": None},
        {"text": 7},
        {"ts": "soon"},
        {"channel": "C/../1"},
        {"edited": {"ts": "1.0"}},
        {"blocks": "none"},
    ],
    ids=str,
)
def test_what_somebody_may_wait_for_is_read_at_once_as_is_what_is_odd(changed: dict[str, Any]) -> None:
    assert sealed(SOURCE, delivered({**PLAIN, **changed})) is None


@pytest.mark.parametrize("payload", [{}, delivered([]), delivered(type="block_actions"), {"event": PLAIN}], ids=str)
def test_what_is_no_delivery_of_a_message_is_no_letter(payload: dict[str, Any]) -> None:
    assert sealed(SOURCE, payload) is None


def test_of_another_workspace_its_room_is_another() -> None:
    letter = sealed(Elsewhere("slack", "T0OTHER01", 0), delivered(team_id="T0OTHER01"))
    assert letter is not None
    assert (letter.once, letter.room) == (
        "slack:T0OTHER01:message:1795228320.000200:C0SALES01",
        "slack/T0OTHER01:C0SALES01",
    )


_SCALAR = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=8) | st.sampled_from(["D1", BOT])
_ANY = st.recursive(_SCALAR, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner))
_KEYS = [
    "type",
    "subtype",
    "channel",
    "channel_type",
    "user",
    "bot_id",
    "text",
    "ts",
    "thread_ts",
    "team",
    "blocks",
    "x",
]
_EVENTS = st.dictionaries(st.sampled_from(_KEYS), _ANY, max_size=3).map(lambda odd: {**PLAIN, **odd})


@given(_EVENTS, st.dictionaries(st.sampled_from(["team_id", "event_id", "authorizations", "type"]), _ANY, max_size=1))
@example({**PLAIN, "text": f"&lt;@{BOT}&gt; &gt;&gt;&gt; &amp;"}, {})
@example({**PLAIN, "thread_ts": "1795228000.000100", "bot_id": "B1"}, {})
def test_read_later_it_is_what_it_had_been_at_once(event: dict[str, Any], head: dict[str, Any]) -> None:
    payload = delivered(event, **head)
    letter = sealed(SOURCE, payload)
    if letter is None:
        return
    first = second = None
    with suppress(Unreadable):
        first = parse(SOURCE, payload)
    with suppress(Unreadable):
        second = unsealed("slack", letter.body, 0)
    assert first == second
    if first:
        (said,) = first
        assert isinstance(said, Said) and not said.addressed
        assert (said.once, said.where.room_key) == (letter.once, letter.room)


async def test_what_no_parser_of_ours_can_spell_again_is_read_at_once() -> None:
    raw = json.dumps(delivered({**PLAIN, "x": 2**70, "text": "half \ud83d a sign"})).encode()
    channel = make("slack")
    reply = await channel.receive(inbound("slack", raw, "application/json"))
    (said,) = (await opened(channel, reply)).events
    assert isinstance(said, Said) and said.text == "half \ufffd a sign"


NOBODYS = orjson.dumps([TEAM, False, delivered({**PLAIN, "user": "no id"})])


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'["T1", 0, {}]', b'["T1", false, {}]', NOBODYS, b"\xff"])
async def test_a_letter_that_cannot_be_read_says_so(body: bytes) -> None:
    with pytest.raises(Unreadable):
        await make("slack").read(body)


# in the house ----------------------------------------------------------------------------------------------------


async def said(world: World, **changed: Any) -> None:
    event = {**PLAIN, "user": LI, "channel": DEAL, "text": NAME, **changed}
    assert (await world.event(event, token="the old verification token"))[0] == 200


async def test_what_was_put_by_outlives_the_process_and_is_done_once(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        with Gate(world.live).shut():
            await said(world)
            await said(world)
            assert await world.live.rows("job") == 1
            assert await world.live.counted("floatcard_duplicates_total", channel="slack") >= 1
            kept = (tmp_path / "floatcard.db").read_bytes() + (tmp_path / "floatcard.db-wal").read_bytes()
            assert NAME.encode() in kept and b"verification token" not in kept
            await world.live.house.worker.stop(0)
        assert world.slack.cards(DEAL) == []
    async with around(tmp_path, slack=world.slack) as world:
        await world.live.settle()
        assert NAME in words(world.card().blocks)
        assert await world.live.rows("job") == 0
        await said(world)
        await said(world, type="app_mention")
        await world.live.settle()
        assert len(world.slack.cards(DEAL)) == 1


async def test_a_letter_nobody_can_read_is_counted_and_the_room_goes_on(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        before = await world.live.counted("floatcard_jobs_total", topic="event", outcome="unreadable")
        unread = await world.live.counted("floatcard_received_total", channel="slack", outcome="unreadable")
        await said(world, user="nobody's id")
        await said(world, ts="1795228320.000300")
        await world.live.settle()
        assert await world.live.counted("floatcard_jobs_total", topic="event", outcome="unreadable") == before + 1
        assert await world.live.counted("floatcard_received_total", channel="slack", outcome="unreadable") == unread + 1
        assert len(world.slack.cards(DEAL)) == 1 and await world.live.rows("job") == 0


async def test_past_the_mark_a_letter_is_put_off_and_noted(tmp_path: Path) -> None:
    async with around(tmp_path, more="[server]\nwaiting_cards = 2\nwaiting_alerts = 8\nwaiting = 12\n") as world:
        before = await world.live.counted("floatcard_shed_total", kind="said")
        with Gate(world.live).shut():
            for n in range(4):
                await said(world, ts=f"1795228320.00040{n}")
            assert await world.live.rows("job") == 2
            assert await world.live.counted("floatcard_shed_total", kind="said") == before + 2
            assert await world.live.rows("trail", f"step = 'shed' AND room = 'slack/{DEAL}'") == 2
        await world.live.settle()
        assert len(world.slack.cards(DEAL)) == 1, "one for both, so soon after each other"


async def test_what_is_meant_for_another_workspace_is_not_kept_under_our_name(tmp_path: Path) -> None:
    """As in a room shared by both: the same channel, the same time."""
    async with around(tmp_path) as world:
        event = {**PLAIN, "user": LI, "channel": DEAL, "text": NAME}
        status, text = await world.event(event, team="T0FOREIGN")
        assert status == 200 and "not understood" in text
        assert await world.live.rows("seen") == 0
        await said(world)
        await world.live.settle()
        assert len(world.slack.cards(DEAL)) == 1


async def test_whose_it_is_was_decided_when_it_came(tmp_path: Path) -> None:
    """A workspace that was left meanwhile: its message is still its own, of its own room, and never one of ours."""
    async with around(tmp_path) as world:
        channel: Any = world.live.s.channels["slack"]
        there = {"T0SECOND1"}

        async def has(team: str) -> bool:
            return team in there

        channel._calls.installs.has = has
        with Gate(world.live).shut():
            event = {**PLAIN, "user": LI, "channel": DEAL, "text": NAME}
            second = [{"team_id": "T0SECOND1", "user_id": BOT, "is_bot": True}]
            assert (await world.event(event, authorizations=second))[0] == 200
            await said(world)
            there.clear()
        await world.live.settle()
        ours, theirs = f"slack/{DEAL}", f"slack/T0SECOND1:{DEAL}"
        assert await world.live.rows("trail", f"step = 'matched' AND room = '{ours}'") == 1
        assert await world.live.rows("trail", f"step = 'matched' AND room = '{theirs}'") == 1


async def test_of_a_channel_that_is_gone_it_is_parked(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        with Gate(world.live).shut():
            await said(world)
        channels: Any = world.live.s.channels
        slack = channels.pop("slack")
        await world.live.settle()
        assert [why for _, why in await world.live.s.bus.parked()] == ["LookupError: tried 5 times"]
        channels["slack"] = slack
        assert await world.live.s.bus.replay() == 1
        await world.live.settle()
        assert len(world.slack.cards(DEAL)) == 1


async def test_a_gateway_that_knows_no_letters_parks_them(tmp_path: Path) -> None:
    """What every version does with the body of an event that it cannot decode."""
    letter = sealed(SOURCE, delivered())
    assert letter is not None
    with pytest.raises(ValueError, match=r".") as fault:
        codec.decode(LETTER + b"slack\n" + letter.body)
    assert not isinstance(fault.value, Unreadable)


async def test_where_the_store_is_away_slack_is_asked_to_come_again(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        channel: Any = world.live.s.channels["slack"]

        async def has(team: str) -> bool:
            raise Retry(7.0, "the store is away")

        channel._calls.installs.has = has
        event = {**PLAIN, "user": LI, "channel": DEAL, "text": NAME}
        assert (await world.event(event, team="T0SECOND1"))[0] == 503
