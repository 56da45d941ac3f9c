"""What the bot can do, by Slack's own word: the scopes of its token, and what a room says of it."""

from __future__ import annotations

from typing import Any

from cards.words import N_
from channels.doctor import Able, Finding
from channels.model import Place
from channels.slack.calls import Calls
from channels.slack.manifest import SCOPES
from channels.slack.members import kind_of
from channels.slack.places import spot
from gateway.errors import Refused

_SCOPE = N_("Add the scope {scope} under OAuth & Permissions and install the Slack app again.")
_INVITE = N_("Invite the bot: type /invite and its name in the room.")
_ARCHIVED = N_("The room is archived: unarchive it, or work elsewhere.")


async def examine(calls: Calls, place: Place | None) -> tuple[Finding, ...]:
    if place is None:
        return tuple([await _connected(calls, team) for team in await calls.installs.all()])
    at = spot(place)
    if at.page:
        return (Finding("speak", "yes"), Finding("edit", "yes"))
    scopes = await _scopes(calls, at.team)
    try:
        room = (await calls.get(at.team, "conversations.info", channel=at.room))["channel"]
    except Refused as refused:
        if getattr(refused, "word", "") in ("channel_not_found", "missing_scope"):
            return (Finding("hear", "no", _INVITE), Finding("speak", "no", _INVITE))
        raise
    return _room(room, scopes)


async def _connected(calls: Calls, team: str) -> Finding:
    try:
        scopes = await _scopes(calls, team)
    except Refused as refused:
        return Finding("connect", "no", refused.say, {key: str(each) for key, each in refused.facts.items()})
    missing = [scope for scope in SCOPES if scope not in scopes]
    if scopes and missing:
        return Finding("connect", "partly", _SCOPE, {"scope": ", ".join(missing)})
    return Finding("connect", "yes")


async def _scopes(calls: Calls, team: str) -> frozenset[str]:
    """Of the token, as Slack answers them in a header with every call; none where it does not say."""
    _, headers = await calls.asked(team, "auth.test", json={})
    named = {key.lower(): value for key, value in headers.items()}
    return frozenset(filter(None, (each.strip() for each in named.get("x-oauth-scopes", "").split(","))))


def _room(room: dict[str, Any], scopes: frozenset[str]) -> tuple[Finding, ...]:
    family = "im" if room.get("is_im") else "mpim" if room.get("is_mpim") else ""
    family = family or ("channels" if kind_of(room) == "public" else "groups")
    away = bool(room.get("is_archived"))
    inside = room.get("is_member", True) is not False or family in ("im", "mpim")
    return (
        _hears(family, inside, scopes),
        _does("speak", "chat:write", inside, away, scopes),
        _does("edit", "chat:write", inside, away, scopes),
        _does("whisper", "chat:write", inside, away, scopes),
        _lists(family, scopes),
    )


def _hears(family: str, inside: bool, scopes: frozenset[str]) -> Finding:
    if not inside:
        return Finding("hear", "no", _INVITE)
    if not scopes or f"{family}:history" in scopes:
        return Finding("hear", "yes" if scopes else "unknown")
    able: Able = "partly" if "app_mentions:read" in scopes else "no"
    return Finding("hear", able, _SCOPE, {"scope": f"{family}:history"})


def _does(what: Any, scope: str, inside: bool, away: bool, scopes: frozenset[str]) -> Finding:
    if away:
        return Finding(what, "no", _ARCHIVED)
    if not inside:
        return Finding(what, "no", _INVITE)
    if scopes and scope not in scopes:
        return Finding(what, "no", _SCOPE, {"scope": scope})
    return Finding(what, "yes")


def _lists(family: str, scopes: frozenset[str]) -> Finding:
    missing = [scope for scope in (f"{family}:read", "users:read") if scopes and scope not in scopes]
    return Finding("members", "no", _SCOPE, {"scope": ", ".join(missing)}) if missing else Finding("members", "yes")
