"""The workspace's whole user list, for who is who and who left (docs.slack.dev/reference/methods/users.list)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from channels import model
from channels.slack.calls import Calls, part
from channels.slack.interactions import SLACKBOT
from channels.slack.members import sender

PAGE = 1000
PAGES = 200
EACH_MS = 4_000
"""The method takes about twenty pages a minute: a list of many is not read again before so many ms a page."""


class UserList:
    def __init__(self, name: str, home: str, calls: Calls, clock: Callable[[], int]) -> None:
        self._name = name
        self._home = home
        self._calls = calls
        self._clock = clock
        self._kept: tuple[model.Account, ...] = ()
        self._until = 0
        self._senders: dict[str, model.Sender] = {}
        self._read_at = 0

    def listed(self, id_: str, since: int) -> model.Sender | None:
        """What somebody is in our own workspace, by a list that was read no longer ago."""
        return self._senders.get(id_) if self._read_at >= since else None

    async def read(self) -> tuple[model.Account, ...]:
        """Those who were deactivated too. Raises `Retry` and `Refused`; of a list without an end, all or nothing."""
        if self._clock() < self._until:
            return self._kept
        begun, found, senders, cursor = self._clock(), list[model.Account](), dict[str, model.Sender](), ""
        for page in range(1, PAGES + 1):
            answer = await self._calls.get(self._home, "users.list", limit=PAGE, cursor=cursor)
            users = [user for user in part(answer, "members", list) if user["id"] != SLACKBOT]
            found += [self._account(user) for user in users]
            senders |= {user["id"]: sender(self._name, self._home, user) for user in users if _tells(user)}
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                self._kept, self._until = tuple(found), self._clock() + page * EACH_MS
                self._senders, self._read_at = senders, begun
                break
        return self._kept

    def _account(self, user: dict[str, Any]) -> model.Account:
        profile = user.get("profile") or {}
        name = profile.get("real_name") or user.get("real_name") or user.get("name") or ""
        email = profile.get("email") if user.get("is_email_confirmed") is True else ""
        id_ = model.ImId(self._name, self._home, "user", user["id"])
        return model.Account(id_, str(name), str(email or ""), _kind(user), not user.get("deleted"))


def _tells(user: dict[str, Any]) -> bool:
    """Whether it is said that somebody is a guest, or that they are not: of who was deactivated little is said."""
    return isinstance(user.get("is_restricted"), bool) and not user.get("deleted")


def _kind(user: dict[str, Any]) -> Literal["member", "guest", "bot"]:
    if user.get("is_bot"):
        return "bot"
    return "guest" if user.get("is_restricted") or user.get("is_ultra_restricted") else "member"
