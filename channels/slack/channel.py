"""Slack's side of the protocols: verify, read, post, repaint, whisper, ask who is there, open a modal."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import aiohttp
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.signature import Clock, SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from cards import tree
from cards.inert import inert
from cards.words import N_
from channels import model
from channels.slack.blocks import LIMITS, message, view
from channels.slack.events import decode, parse
from channels.wire import TIRED, Source, base_address, retry_after, wall_clock
from gateway.errors import Fixed, Gone, Refused, Rejected, Retry

JSON = {"content-type": "application/json; charset=utf-8"}
KIND_LIFE = 300_000
"""Milliseconds for which we remember whether somebody is a guest."""
LOOKUPS = 200
"""People asked about for one roster; the rest stay `unknown`, for whom nothing may be assumed."""
_EPHEMERAL = "ephemeral:"

_TRY_AGAIN = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
_KINDS: dict[str, type[Refused]] = {
    "message_not_found": Gone,
    **dict.fromkeys(("cant_update_message", "cant_delete_message", "edit_window_closed"), Fixed),
}
_REFUSALS = {
    **dict.fromkeys(
        ("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"),
        N_("Slack does not accept the bot's token any more. Install the app again and give its new token."),
    ),
    **dict.fromkeys(
        ("channel_not_found", "not_in_channel", "is_archived"),
        N_("The room is not there any more, or the bot is not in it."),
    ),
    **dict.fromkeys(
        ("message_not_found", "cant_update_message", "cant_delete_message", "edit_window_closed"),
        N_("The message is not there any more."),
    ),
    **dict.fromkeys(
        ("user_not_found", "user_disabled", "user_not_visible", "cannot_dm_bot"),
        N_("This person cannot be written to directly."),
    ),
    **dict.fromkeys(
        ("expired_trigger_id", "trigger_expired", "exchanged_trigger_id", "trigger_exchanged", "invalid_trigger_id"),
        N_("The form could not be opened in time. Press the button again."),
    ),
    "user_not_in_channel": N_("This person is not in the room, so nothing can be whispered to them here."),
}


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    team: Annotated[str, Field(pattern=r"^[TE][A-Z0-9]{1,30}$")]
    """The workspace's id: `T…`, as in the address of its web client."""
    signing_secret: Annotated[SecretStr, Field(min_length=8)]
    """Basic Information → App Credentials → Signing Secret."""
    bot_token: Annotated[SecretStr, Field(min_length=8)]
    """OAuth & Permissions → Bot User OAuth Token (`xoxb-…`)."""
    base_url: Annotated[str, AfterValidator(base_address)] = "https://slack.com/api"
    """Where the Web API is."""
    timeout: Annotated[float, Field(gt=0, le=120)] = 10.0
    """Seconds for one call."""


class _Wall(Clock):
    def __init__(self, wall: Callable[[], int]) -> None:
        self._wall = wall

    def now(self) -> float:
        return self._wall() / 1000


class Channel:
    """Both clocks give milliseconds since the epoch. The session is the gateway's and stays open after `close`."""

    limits = LIMITS

    def __init__(
        self,
        name: str,
        config: Config,
        *,
        session: aiohttp.ClientSession,
        clock: Callable[[], int],
        wall: Callable[[], int] = wall_clock,
    ) -> None:
        self.name = name
        self._team = config.team
        self._clock = clock
        self._wall = wall
        self._timeout = config.timeout
        self._verifier = SignatureVerifier(config.signing_secret.get_secret_value(), _Wall(wall))
        self._client = _client(config, session)
        self._known: dict[str, tuple[int, model.Sender]] = {}

    async def receive(self, request: model.Inbound) -> model.Reply:
        self._verify(request)
        payload = decode(request.body, request.headers.get("content-type", ""))
        if payload.get("type") == "url_verification":
            return model.Reply(headers={"content-type": "text/plain"}, body=str(payload.get("challenge", "")).encode())
        events = parse(Source(self.name, self._team, self._clock()), payload)
        return model.Reply(events, wait=any(isinstance(event, model.Submitted) for event in events))

    def _verify(self, request: model.Inbound) -> None:
        try:
            valid = self._verifier.is_valid_request(request.body, _signature(request.headers))
        except (ValueError, TypeError):  # a timestamp that is no number, a body or a signature that is no text
            valid = False
        if not valid:
            raise Rejected("X-Slack-Signature does not match, or is more than 300 s old")

    def answer(self, event: model.Event, answer: model.Answer) -> model.Reply:
        """Only a submitted view is answered in its own response; a press is answered by `open` or `whisper`."""
        if not isinstance(event, model.Submitted):
            raise TypeError(f"Slack takes no answer in the response to a {type(event).__name__}")
        action = _action(event, answer)
        return model.Reply(headers=JSON, body=json.dumps(action).encode()) if action else model.Reply()

    async def send(self, place: model.Place, card: tree.Card, *, once: str) -> model.MessageRef:
        answer = await self._call("chat.postMessage", _post(place) | message(card))
        return model.MessageRef(place, str(answer["ts"]))

    async def edit(self, message_: model.MessageRef, card: tree.Card) -> None:
        await self._call("chat.update", _at(message_) | message(card))

    async def delete(self, message_: model.MessageRef) -> None:
        await self._call("chat.delete", _at(message_))

    async def whisper(self, place: model.Place, to: model.ImId, card: tree.Card, *, once: str) -> model.MessageRef:
        answer = await self._call("chat.postEphemeral", _post(place) | {"user": to.id} | message(card))
        return model.MessageRef(place, f"{_EPHEMERAL}{answer['message_ts']}")

    async def direct(self, to: model.ImId) -> model.Place:
        answer = await self._call("conversations.open", {"users": to.id})
        return model.Place(self.name, str(answer["channel"]["id"]))

    async def open(self, trigger: str, card: tree.Card) -> None:
        id_, *where = json.loads(trigger)
        await self._call("views.open", {"trigger_id": id_, "view": view(card, where)})

    async def members(self, place: model.Place) -> model.Roster:
        room = (await self._get("conversations.info", channel=place.room))["channel"]
        ids, complete = await self._ids(place.room)
        people = await self._people(ids)
        title, external = (
            str(room.get("name") or ""),
            bool(room.get("is_ext_shared") or room.get("is_pending_ext_shared")),
        )
        return model.Roster(tuple(people), complete, self._clock(), title, _kind(room), external)

    async def close(self) -> None:
        return None

    async def _ids(self, room: str) -> tuple[list[str], bool]:
        ids: list[str] = []
        cursor = ""
        for _ in range(50):
            answer = await self._get("conversations.members", channel=room, limit=200, cursor=cursor)
            ids += answer["members"]
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return ids, True
        return ids, False

    async def _people(self, ids: list[str]) -> list[model.Sender]:
        fresh = self._clock() - KIND_LIFE
        self._known = {id_: seen for id_, seen in self._known.items() if seen[0] >= fresh}
        for id_ in [id_ for id_ in ids if id_ not in self._known][:LOOKUPS]:
            user = (await self._get("users.info", user=id_))["user"]
            self._known[id_] = (self._clock(), self._sender(user))
        unknown = {id_: model.Sender(self._id(id_), "", "unknown") for id_ in ids if id_ not in self._known}
        return [unknown[id_] if id_ in unknown else self._known[id_][1] for id_ in ids]

    def _sender(self, user: dict[str, Any]) -> model.Sender:
        profile = user.get("profile") or {}
        shown = profile.get("display_name") or user.get("real_name") or user.get("name") or ""
        return model.Sender(self._id(user["id"]), str(shown), self._person_kind(user))

    def _id(self, id_: str) -> model.ImId:
        return model.ImId(self.name, self._team, "user", id_)

    def _person_kind(self, user: dict[str, Any]) -> Literal["member", "guest", "outsider", "bot"]:
        teams = (user.get("enterprise_user") or {}).get("teams") or [user.get("team_id")]
        if user.get("is_bot") or user["id"] == "USLACKBOT":
            return "bot"
        if user.get("is_stranger") or self._team not in teams:
            return "outsider"
        return "guest" if user.get("is_restricted") or user.get("is_ultra_restricted") else "member"

    async def _get(self, method: str, **params: Any) -> dict[str, Any]:
        given = {key: value for key, value in params.items() if value != ""}
        return await self._asked(method, http_verb="GET", params=given)

    async def _call(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        return await self._asked(method, json=body)

    async def _asked(self, method: str, **how: Any) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._client.api_call(method, **how)
        except SlackApiError as fault:
            raise _happens_next(fault, self._wall()) from None  # its text holds the whole answer
        except (SlackClientError, aiohttp.ClientError, TimeoutError) as fault:
            raise Retry(TIRED, f"Slack: {type(fault).__name__}") from fault
        return dict(answer.data) if isinstance(answer.data, dict) else {}


def _signature(headers: Mapping[str, str]) -> dict[str, str]:
    """The verifier spells every header anew that it is given: it gets the two it reads."""
    return {name: headers[name] for name in ("x-slack-request-timestamp", "x-slack-signature") if name in headers}


def _client(config: Config, session: aiohttp.ClientSession) -> AsyncWebClient:
    # slack_sdk writes whole requests and answers to its log at DEBUG; this one has no such level.
    quiet = logging.getLogger("floatcard.slack")
    quiet.setLevel(logging.WARNING)
    token = config.bot_token.get_secret_value()
    # Trying again is the bus's business: no retry handlers.
    return AsyncWebClient(token, config.base_url, session=session, logger=quiet, retry_handlers=[])


def _post(place: model.Place) -> dict[str, Any]:
    quiet = {"unfurl_links": False, "unfurl_media": False, "link_names": False, "parse": "none", "mrkdwn": False}
    return {"channel": place.room, **quiet, **({"thread_ts": place.thread} if place.thread else {})}


def _at(message_: model.MessageRef) -> dict[str, Any]:
    if message_.id.startswith(_EPHEMERAL):
        raise Fixed("Slack cannot change a whisper once it is shown.")
    return {"channel": message_.place.room, "ts": message_.id, "parse": "none", "link_names": False}


def _kind(room: dict[str, Any]) -> Literal["group", "direct", "public"]:
    if room.get("is_im"):
        return "direct"
    return "public" if room.get("is_channel") and not room.get("is_private") else "group"


def _action(event: model.Submitted, answer: model.Answer) -> dict[str, Any]:
    where = [event.where.room, event.where.thread, event.message.id if event.message else ""]
    if isinstance(answer, model.FieldErrors):
        return _errors(event, answer)
    if isinstance(answer, model.ShowCard | model.OpenForm):
        return {"response_action": "update", "view": view(answer.card, where)}
    if isinstance(answer, model.Toast):
        said = tree.Card("notice", answer.text, (tree.Text(answer.text, answer.tone),))
        return {"response_action": "update", "view": view(said, where)}
    if isinstance(answer, model.Nothing):
        return {}
    raise TypeError(f"channels.slack cannot word a {type(answer).__name__}")


def _errors(event: model.Submitted, answer: model.FieldErrors) -> dict[str, Any]:
    """Slack takes errors for the inputs of that view alone; the others are put to the first of these."""
    words = {name: inert(text, limit=500, lines=False) for name, text in answer.errors.items()}
    known = {name: text for name, text in words.items() if name in event.values}
    elsewhere = " · ".join(text for name, text in words.items() if name not in event.values)
    if elsewhere and event.values:
        first = next(iter(event.values))
        known[first] = " · ".join(filter(None, (known.get(first, ""), elsewhere)))
    return {"response_action": "errors", "errors": known}


def _happens_next(fault: SlackApiError, now: int) -> Exception:
    response = fault.response
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0))
    data = getattr(response, "data", None)
    reason = str(data.get("error", "")) if isinstance(data, dict) else ""
    if status == 429 or reason in ("ratelimited", "rate_limited"):
        return Retry(retry_after(response.headers.get("Retry-After"), now), "Slack: rate limit", limit="method")
    if status >= 500 or reason in _TRY_AGAIN or not reason:
        return Retry(TIRED, f"Slack answered {status} {reason}".rstrip())
    if reason == "missing_scope" and isinstance(data, dict):
        say = N_("The Slack app lacks the scope {scope}. Add it under OAuth & Permissions and install the app again.")
        return Refused(say, scope=str(data.get("needed", "")))
    kind = _KINDS.get(reason, Refused)
    return kind(_REFUSALS.get(reason, N_("Slack refused this: {reason}.")), reason=reason)


def _claims(channel: Channel) -> None:
    """For the type checker: what this channel can do."""
    _channel: model.Channel = channel
    _edits: model.Edits = channel
    _deletes: model.Deletes = channel
    _whispers: model.Whispers = channel
    _members: model.Members = channel
    _directs: model.Directs = channel
    _forms: model.Forms = channel
    _answers: model.Answers = channel
