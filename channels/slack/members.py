"""Who is in a room, and what each of them is there. Our own bot is left out: it reads for nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from channels import model
from channels.slack.calls import Calls, part
from channels.slack.interactions import SLACKBOT
from channels.slack.places import Spot, spot

KIND_LIFE = 300_000
"""Milliseconds for which we remember whether somebody is a guest."""
LOOKUPS = 200
"""People asked about for one roster; the rest stay `unknown`, for whom nothing may be assumed."""
PAGES = 50


class Members:
    """`listed`: what somebody is by the workspace's own list, if it was read since; then nobody asks about them."""

    def __init__(
        self,
        name: str,
        home: str,
        calls: Calls,
        clock: Callable[[], int],
        listed: Callable[[str, int], model.Sender | None],
    ) -> None:
        self._name = name
        self._home = home
        self._calls = calls
        self._clock = clock
        self._listed = listed
        self._known: dict[tuple[str, str], tuple[int, model.Sender]] = {}
        self._ourselves: dict[str, str] = {}

    async def roster(self, place: model.Place) -> model.Roster:
        at = spot(place)
        if at.page:
            return model.Roster(tuple(await self._people(at, [at.room])), True, self._clock(), kind="direct")
        room = (await self._calls.get(at.team, "conversations.info", channel=at.room))["channel"]
        ids, complete = await self._ids(at)
        us = await self.ourselves(at.team)
        people = await self._people(at, [id_ for id_ in ids if id_ != us])
        external = bool(room.get("is_ext_shared") or room.get("is_pending_ext_shared"))
        return model.Roster(
            tuple(people), complete, self._clock(), str(room.get("name") or ""), kind_of(room), external
        )

    async def ourselves(self, team: str) -> str:
        """The bot's own user id there."""
        if team not in self._ourselves:
            known = (await self._calls.installs.of(team)).bot
            self._ourselves[team] = known or str((await self._calls.call(team, "auth.test", {})).get("user_id") or "")
        return self._ourselves[team]

    async def _ids(self, at: Spot) -> tuple[list[str], bool]:
        ids: list[str] = []
        cursor = ""
        for _ in range(PAGES):
            answer = await self._calls.get(at.team, "conversations.members", channel=at.room, limit=200, cursor=cursor)
            ids += part(answer, "members", list)
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return ids, True
        return ids, False

    async def _people(self, at: Spot, ids: list[str]) -> list[model.Sender]:
        fresh = self._clock() - KIND_LIFE
        self._known = {key: seen for key, seen in self._known.items() if seen[0] >= fresh}
        known = {} if at.team else {id_: who for id_ in ids if (who := self._listed(id_, fresh)) is not None}
        asked = [id_ for id_ in ids if id_ not in known]
        for id_ in [id_ for id_ in asked if (at.team, id_) not in self._known][:LOOKUPS]:
            user = part(await self._calls.get(at.team, "users.info", user=id_), "user", dict)
            self._known[at.team, id_] = (self._clock(), sender(self._name, at.team or self._home, user))
        known |= {id_: self._known[at.team, id_][1] for id_ in asked if (at.team, id_) in self._known}
        return [known.get(id_) or self._unknown(at.team, id_) for id_ in ids]

    def _unknown(self, team: str, id_: str) -> model.Sender:
        return model.Sender(model.ImId(self._name, team or self._home, "user", id_), "", "unknown")


def sender(channel: str, team: str, user: dict[str, Any]) -> model.Sender:
    profile = user.get("profile") or {}
    shown = profile.get("display_name") or user.get("real_name") or user.get("name") or ""
    return model.Sender(model.ImId(channel, team, "user", user["id"]), str(shown), _kind_of_person(team, user))


def _kind_of_person(team: str, user: dict[str, Any]) -> Literal["member", "guest", "outsider", "bot"]:
    """Of another company's workspace in a shared room, or of another workspace of ours: from outside either way."""
    teams = (user.get("enterprise_user") or {}).get("teams") or [user.get("team_id")]
    if user.get("is_bot") or user["id"] == SLACKBOT:
        return "bot"
    if user.get("is_stranger") or team not in teams:
        return "outsider"
    return "guest" if user.get("is_restricted") or user.get("is_ultra_restricted") else "member"


def kind_of(room: dict[str, Any]) -> Literal["group", "direct", "public"]:
    if room.get("is_im"):
        return "direct"
    return "public" if room.get("is_channel") and not room.get("is_private") else "group"
