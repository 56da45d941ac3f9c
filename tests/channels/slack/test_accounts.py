"""The workspace's user list. The answers are composed from docs.slack.dev/reference/methods/users.list and
docs.slack.dev/reference/objects/user-object."""

from __future__ import annotations

from typing import Any

import pytest

from channels.slack.accounts import EACH_MS, UserList
from gateway.errors import Retry

PEOPLE: list[dict[str, Any]] = [
    {"id": "U1", "name": "li", "profile": {"real_name": "Li Ting", "email": "li@acme.com"}, "is_email_confirmed": True},
    {"id": "U2", "name": "new", "profile": {"email": "new@acme.com"}, "is_email_confirmed": False},
    {"id": "U3", "name": "gone", "deleted": True, "profile": {}},
    {"id": "U4", "name": "guest", "is_restricted": True, "profile": {}},
    {"id": "U5", "name": "bot", "is_bot": True, "profile": {}},
    {"id": "USLACKBOT", "name": "slackbot", "profile": {}},
]


class Calls:
    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []

    async def get(self, team: str, method: str, **params: Any) -> dict[str, Any]:
        self.asked.append((team, method, params["cursor"]))
        start = int(params["cursor"] or 0)
        more = str(start + 3) if start + 3 < len(PEOPLE) else ""
        return {"members": PEOPLE[start : start + 3], "response_metadata": {"next_cursor": more}}


async def test_who_is_in_the_workspace_and_who_left() -> None:
    calls, now = Calls(), [0]
    users = UserList("slack", "T1", calls, lambda: now[0])  # type: ignore[arg-type]
    found = await users.read()
    assert [(each.id.key, each.name, each.email, each.kind, each.active) for each in found] == [
        ("slack/T1/user/U1", "Li Ting", "li@acme.com", "member", True),
        ("slack/T1/user/U2", "new", "", "member", True),
        ("slack/T1/user/U3", "gone", "", "member", False),
        ("slack/T1/user/U4", "guest", "", "guest", True),
        ("slack/T1/user/U5", "bot", "", "bot", True),
    ]
    assert [(method, cursor) for _, method, cursor in calls.asked] == [("users.list", ""), ("users.list", "3")]


async def test_a_long_list_is_not_read_more_often_than_the_network_takes() -> None:
    calls, now = Calls(), [0]
    users = UserList("slack", "T1", calls, lambda: now[0])  # type: ignore[arg-type]
    first = await users.read()
    now[0] = 2 * EACH_MS - 1
    assert await users.read() is first and len(calls.asked) == 2
    now[0] += 1
    await users.read()
    assert len(calls.asked) == 4


async def test_an_answer_that_is_no_list_is_asked_for_again_later() -> None:
    calls = Calls()

    async def get(*_: Any, **__: Any) -> dict[str, Any]:
        return {"ok": True}

    calls.get = get  # type: ignore[method-assign]
    with pytest.raises(Retry, match="members"):
        await UserList("slack", "T1", calls, lambda: 0).read()  # type: ignore[arg-type]
