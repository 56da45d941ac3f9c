"""The workspace's user list. The answers are composed from docs.slack.dev/reference/methods/users.list and
docs.slack.dev/reference/objects/user-object."""

from __future__ import annotations

from typing import Any

import pytest

from channels.model import Place
from channels.slack.accounts import EACH_MS, UserList
from channels.slack.members import KIND_LIFE, Members
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


class Workspace:
    """Two rooms: of the configured workspace, and of another one."""

    bot = "UBOT"

    def __init__(self) -> None:
        self.now = 10 * KIND_LIFE
        self.users: dict[str, dict[str, Any]] = {
            "U1": {"team_id": "T1", "is_restricted": False},
            "U2": {"team_id": "T1", "is_restricted": True},
            "U3": {"team_id": "T9", "is_restricted": False},
            "U4": {"team_id": "T1"},
            "U5": {"team_id": "T1", "is_restricted": False, "deleted": True},
        }
        self.asked: list[str] = []
        self.list = UserList("slack", "T1", self, lambda: self.now)  # type: ignore[arg-type]
        self.members = Members("slack", "T1", self, lambda: self.now, self.list.listed)  # type: ignore[arg-type]

    @property
    def installs(self) -> Workspace:
        return self

    async def of(self, team: str) -> Workspace:
        return self

    async def get(self, team: str, method: str, **params: Any) -> dict[str, Any]:
        if method == "users.info":
            self.asked.append(params["user"])
            return {"user": {"id": params["user"], **self.users[params["user"]]}}
        everybody = [{"id": id_, **user} for id_, user in self.users.items()]
        return {"channel": {}, "members": everybody if method == "users.list" else [*self.users]}

    async def kinds(self, room: str = "C1") -> list[str]:
        self.asked.clear()
        return [who.kind for who in (await self.members.roster(Place("slack", room))).members]


EVERYBODY = ["U1", "U2", "U3", "U4", "U5"]
KINDS = ["member", "guest", "outsider", "member", "member"]


async def test_who_is_a_guest_is_asked_of_nobody_whom_the_list_tells_of() -> None:
    """One reading of the whole list serves every room; what it does not say of somebody is asked."""
    space = Workspace()
    await space.list.read()
    for room in ("C1", "C2"):
        assert await space.kinds(room) == KINDS
        assert space.asked == (["U4", "U5"] if room == "C1" else [])
    space.now += KIND_LIFE - 1
    await space.list.read()
    space.users["U1"]["is_restricted"] = True
    assert await space.kinds() == KINDS
    space.now += KIND_LIFE - 1
    await space.list.read()
    assert (await space.kinds())[0] == "guest", "nobody is believed to be a member for longer than the list is"


async def test_a_list_too_old_says_nothing_of_who_is_a_guest() -> None:
    space = Workspace()
    await space.list.read()
    space.now += KIND_LIFE + 1
    space.users["U1"]["is_restricted"] = True
    assert (await space.kinds())[0] == "guest" and space.asked == EVERYBODY


async def test_of_another_workspace_the_list_of_ours_says_nothing() -> None:
    space = Workspace()
    await space.list.read()
    assert (await space.kinds("T9:C1"))[:3] == ["outsider", "outsider", "member"] and space.asked == EVERYBODY
