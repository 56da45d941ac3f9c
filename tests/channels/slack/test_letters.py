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
from channels.slack.letters import sealed
from channels.slack.places import Elsewhere
from channels.wire import Source, json_object
from gateway.errors import Unreadable
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
    assert b"token" not in letter.body and parse(SOURCE, json_object(letter.body)) == parse(SOURCE, delivered())


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
        second = parse(SOURCE, json_object(letter.body))
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


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", orjson.dumps(delivered({**PLAIN, "user": "no id"})), b"\xff"])
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
            assert await world.live.rows("job", "topic = 'letter'") == 1
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
        before = await world.live.counted("floatcard_received_total", channel="slack", outcome="unreadable")
        await said(world, user="nobody's id")
        await said(world, ts="1795228320.000300")
        await world.live.settle()
        assert await world.live.counted("floatcard_received_total", channel="slack", outcome="unreadable") == before + 1
        assert len(world.slack.cards(DEAL)) == 1 and await world.live.rows("job") == 0


async def test_past_the_mark_a_letter_is_put_off_and_noted(tmp_path: Path) -> None:
    async with around(tmp_path, more="[server]\nwaiting_cards = 2\nwaiting_alerts = 8\nwaiting = 12\n") as world:
        before = await world.live.counted("floatcard_shed_total", kind="said")
        with Gate(world.live).shut():
            for n in range(4):
                await said(world, ts=f"1795228320.00040{n}")
            assert await world.live.rows("job", "topic = 'letter'") == 2
            assert await world.live.counted("floatcard_shed_total", kind="said") == before + 2
            assert await world.live.rows("trail", f"step = 'shed' AND room = 'slack/{DEAL}'") == 2
        await world.live.settle()
        assert len(world.slack.cards(DEAL)) == 1, "one for both, so soon after each other"
