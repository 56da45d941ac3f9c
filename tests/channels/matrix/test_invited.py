"""Who asks the bot into a room: what a foreign server tells of it is its own word."""

from __future__ import annotations

import types
from typing import Any, cast

import pytest

from channels.matrix.listen import Listener
from gateway.errors import Retry

BOT, BOSS, EVE, ROOM = "@bot:ours", "@boss:ours", "@eve:evil", "!room:evil"


def member(sender: str, who: str = BOT, *, direct: bool = True, **more: Any) -> dict[str, Any]:
    content = {"membership": "invite", "is_direct": direct}
    return {"type": "m.room.member", "sender": sender, "state_key": who, "content": content, **more}


class Channel:
    bot = BOT

    def __init__(self, told: object) -> None:
        self.told = told
        self.answers: list[str] = []
        self.direct: list[tuple[str, str]] = []
        self.calls = self
        self.config = types.SimpleNamespace(wait=1.0)
        self._config = self.config

    def kind(self, who: str) -> str:
        return "member" if who.endswith(":ours") else "outsider"

    async def call(self, method: str, path: str, *_: object, **__: object) -> dict[str, Any]:
        if "/sync" in path:
            return {"next_batch": "s", "rooms": {"invite": {ROOM: self.told}}}
        self.answers.append(path.rpartition("/")[2] if "leave" in path else "join")
        return {}

    async def is_encrypted(self, room: str) -> bool:
        return False

    async def mark_direct(self, who: str, room: str) -> None:
        self.direct.append((who, room))


async def invited(*events: object) -> Channel:
    channel = Channel({"invite_state": {"events": list(events)}})
    await Listener(cast("Any", channel)).once(cast("Any", None))
    return channel


async def test_a_colleague_is_followed() -> None:
    channel = await invited({"type": "m.room.name", "content": {}}, member(BOSS, BOSS), member(BOSS))
    assert (channel.answers, channel.direct) == (["join"], [(BOSS, ROOM)])


async def test_a_stranger_is_not() -> None:
    channel = await invited(member(EVE))
    assert (channel.answers, channel.direct) == (["leave"], [])


async def test_a_stranger_who_says_that_it_was_a_colleague_is_not() -> None:
    channel = await invited(member(BOSS), member(EVE))
    assert (channel.answers, channel.direct) == (["leave"], [])


@pytest.mark.parametrize(
    "told", [None, 7, {}, {"invite_state": 7}, {"invite_state": {"events": [7, {"type": "m.room.member"}, None]}}]
)
async def test_what_is_no_invitation_keeps_nobody_from_being_heard(told: object) -> None:
    channel = Channel(told)
    try:
        await Listener(cast("Any", channel)).once(cast("Any", None))
    except Retry:
        pytest.fail("nothing was to be tried again")
    assert channel.direct == []
