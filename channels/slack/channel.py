"""Slack's side of the protocols: verify, read, post, repaint, whisper, ask who is there, open a modal."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
from slack_sdk.signature import Clock, SignatureVerifier

from cards import tree
from channels import model
from channels.doctor import Doctor, Finding
from channels.keeper import Keeper, Keeps
from channels.letter import Reads
from channels.misread import Misreads
from channels.slack import answers, events
from channels.slack.accounts import UserList
from channels.slack.calls import Calls, part
from channels.slack.cards import LIMITS, message, page, unfurl, view
from channels.slack.config import Config
from channels.slack.doctor import examine
from channels.slack.installing import Installing
from channels.slack.letters import sealed, unsealed
from channels.slack.members import Members
from channels.slack.places import EPHEMERAL, HOME, Elsewhere, Spot, spot, stamp
from channels.wire import Source, wall_clock
from gateway.errors import NotHere, Refused, Rejected, Unreadable

JSON = {"content-type": "application/json; charset=utf-8"}
_AT, _SIGNATURE = "x-slack-request-timestamp", "x-slack-signature"
_HELD = "view:"
_NOT_THERE = frozenset({"channel_not_found", "not_in_channel", "user_not_in_channel"})


class _Wall(Clock):
    def __init__(self, wall: Callable[[], int]) -> None:
        self._wall = wall

    def now(self) -> float:
        return self._wall() / 1000


class _Verifier(SignatureVerifier):
    """The library's, over the bytes as they came and with an HMAC that has taken its key in once."""

    def __init__(self, secret: str, clock: Clock) -> None:
        super().__init__(secret, clock)
        self._mac = hmac.new(secret.encode(), digestmod="sha256")

    def generate_signature(self, *, timestamp: str, body: str | bytes) -> str:
        mac = self._mac.copy()
        mac.update(b"v0:%b:%b" % (timestamp.encode(), body if isinstance(body, bytes) else body.encode()))
        return f"v0={mac.hexdigest()}"


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
        self._config = config
        self._clock = clock
        self._verifier = _Verifier(config.signing_secret.get_secret_value(), _Wall(wall))
        self._calls = Calls(config, session, clock, wall)
        self._users = UserList(name, config.team or "", self._calls, clock)
        self._members = Members(name, config.team or "", self._calls, clock, self._users.listed)
        self._installing = Installing(name, config, self._calls, clock)
        self.misread = 0

    def keep_in(self, keeper: Keeper) -> None:
        self._calls.installs.keeper = self._installing.keeper = keeper

    # in --------------------------------------------------------------------------------------------------------

    async def receive(self, request: model.Inbound) -> model.Reply:
        self._verify(request)
        payload = events.decode(request.body, request.headers.get("content-type", ""))
        if payload.get("type") == "url_verification":
            return model.Reply(headers={"content-type": "text/plain"}, body=str(payload.get("challenge", "")).encode())
        source = await self._source(payload)
        if (letter := sealed(source, payload)) is not None:
            return model.Reply(letters=(letter,))
        told = await self._told(source, payload)
        return model.Reply(told, wait=bool(told) and isinstance(told[0], model.Submitted))

    def _verify(self, request: model.Inbound) -> None:
        try:
            at, signature = request.headers.get(_AT), request.headers.get(_SIGNATURE)
            valid = self._verifier.is_valid(request.body, at, signature)
        except (ValueError, TypeError):  # a timestamp that is no number, a body or a signature that is no text
            valid = False
        if not valid:
            raise Rejected("X-Slack-Signature does not match, or is more than 300 s old")

    async def read(self, letter: bytes) -> tuple[model.Event, ...]:
        return unsealed(self.name, letter, self._clock())

    async def _read(self, payload: Mapping[str, Any]) -> tuple[model.Event, ...]:
        return await self._told(await self._source(payload), payload)

    async def _told(self, source: Source, payload: Mapping[str, Any]) -> tuple[model.Event, ...]:
        told = events.parse(source, payload)
        if (at := events.uninstalled(payload)) is not None:
            await self._calls.installs.gone(source.scope, at)
        return told

    async def _source(self, payload: Mapping[str, Any]) -> Source:
        home, now = self._config.team, self._clock()
        for team in events.teams_of(payload):
            if team == home:
                return Source(self.name, team, now)
            if await self._calls.installs.has(team):
                return Elsewhere(self.name, team, now)
        if home is None:
            raise Unreadable("team_id: not a workspace the app is installed in")
        return Source(self.name, home, now)

    async def listen(self, put: model.Put) -> None:
        """Returns at once where no app token is configured: then Slack delivers to us."""
        if self._config.app_token is not None:
            from channels.slack.listen import Listener  # Bolt is loaded only where it is used

            token = self._config.app_token.get_secret_value()
            await Listener(self._calls.client(""), token, self._overheard).run(put)

    async def _overheard(self, payload: Mapping[str, Any]) -> tuple[model.Event, ...]:
        try:
            return await self._read(payload)
        except Unreadable:
            self.misread += 1
            raise

    async def page(self, path: str, request: model.Inbound) -> model.Reply:
        return await self._installing.page(path, request)

    def answer(self, event: model.Event, answer: model.Answer) -> model.Reply:
        """Only a submitted view is answered in its own response; a press is answered by `open` or `whisper`."""
        if not isinstance(event, model.Submitted):
            raise TypeError(f"Slack takes no answer in the response to a {type(event).__name__}")
        action = answers.words(event, answer)
        return model.Reply(headers=JSON, body=json.dumps(action).encode()) if action else model.Reply()

    # out -------------------------------------------------------------------------------------------------------

    async def send(self, place: model.Place, card: tree.Card, *, once: str) -> model.MessageRef:
        at = spot(place)
        if at.page:
            await self._publish(at, place, card)
            return model.MessageRef(place, HOME)
        if at.link:
            await self._unfurl(at, card)
            return model.MessageRef(place, at.thread)
        answer = await self._calls.call(at.team, "chat.postMessage", _post(at) | message(card))
        return model.MessageRef(place, part(answer, "ts", str))

    async def edit(self, message_: model.MessageRef, card: tree.Card) -> None:
        at, ts = spot(message_.place), stamp(message_)
        if at.page:
            await self._publish(at, message_.place, card)
        elif at.link:
            await self._unfurl(at, card)
        else:
            await self._calls.call(at.team, "chat.update", _at(at, ts) | message(card))

    async def delete(self, message_: model.MessageRef) -> None:
        """A page and a preview cannot be taken away: they are emptied."""
        at, ts = spot(message_.place), stamp(message_)
        if at.page or at.link:
            await self.edit(message_, tree.Card("notice", "", ()))
        else:
            await self._calls.call(at.team, "chat.delete", {"channel": at.room, "ts": ts})

    async def _publish(self, at: Spot, place: model.Place, card: tree.Card) -> None:
        shown = page(card, (place.room, "", HOME))
        await self._calls.call(at.team, "views.publish", {"user_id": at.room, "view": shown})

    async def _unfurl(self, at: Spot, card: tree.Card) -> None:
        body = {"channel": at.room, "ts": at.thread, "unfurls": {at.link: unfurl(card)}}
        await self._calls.call(at.team, "chat.unfurl", body)

    async def whisper(self, place: model.Place, to: model.ImId, card: tree.Card, *, once: str) -> model.MessageRef:
        """Raises `NotHere` where the bot or the person is not in the room: a command can be typed anywhere."""
        at = spot(place)
        if at.page:
            raise NotHere("This person is not in the room, so nothing can be whispered to them here.")
        try:
            answer = await self._calls.call(at.team, "chat.postEphemeral", _post(at) | {"user": to.id} | message(card))
        except Refused as refused:
            if getattr(refused, "word", "") in _NOT_THERE:
                raise NotHere(refused.say, **refused.facts) from refused
            raise
        return model.MessageRef(place, f"{EPHEMERAL}{answer['message_ts']}")

    async def direct(self, to: model.ImId) -> model.Place:
        team = "" if to.scope == self._config.team else to.scope
        answer = await self._calls.call(team, "conversations.open", {"users": to.id})
        room = str(part(answer, "channel", dict)["id"])
        return model.Place(self.name, f"{team}:{room}" if team else room)

    async def open(self, trigger: str, card: tree.Card) -> None:
        id_, *where = json.loads(trigger)
        team = spot(model.Place(self.name, where[0])).team
        if id_.startswith(_HELD):
            body = {"view_id": id_.removeprefix(_HELD), "view": view(card, where)}
            await self._calls.call(team, "views.update", body)
        else:
            await self._calls.call(team, "views.open", {"trigger_id": id_, "view": view(card, where)})

    async def hold(self, trigger: str, card: tree.Card) -> str:
        id_, *where = json.loads(trigger)
        team = spot(model.Place(self.name, where[0])).team
        answer = await self._calls.call(team, "views.open", {"trigger_id": id_, "view": view(card, where)})
        return json.dumps([_HELD + str(part(answer, "view", dict)["id"]), *where], separators=(",", ":"))

    async def accounts(self) -> tuple[model.Account, ...]:
        return await self._users.read()

    async def members(self, place: model.Place) -> model.Roster:
        return await self._members.roster(place)

    async def examine(self, place: model.Place | None) -> tuple[Finding, ...]:
        return await examine(self._calls, place)

    async def close(self) -> None:
        return None


def _post(at: Spot) -> dict[str, Any]:
    quiet = {"unfurl_links": False, "unfurl_media": False, "link_names": False, "parse": "none", "mrkdwn": False}
    return {"channel": at.room, **quiet, **({"thread_ts": at.thread} if at.thread and not at.link else {})}


def _at(at: Spot, ts: str) -> dict[str, Any]:
    return {"channel": at.room, "ts": ts, "parse": "none", "link_names": False}


def _claims(channel: Channel) -> None:
    """For the type checker: what this channel can do."""
    _channel: model.Channel = channel
    _reads: Reads = channel
    _edits: model.Edits = channel
    _deletes: model.Deletes = channel
    _whispers: model.Whispers = channel
    _members: model.Members = channel
    _accounts: model.Accounts = channel
    _directs: model.Directs = channel
    _forms: model.Forms = channel
    _holds: model.Holds = channel
    _answers: model.Answers = channel
    _listens: model.Listens = channel
    _misreads: Misreads = channel
    _pages: model.Pages = channel
    _keeps: Keeps = channel
    _doctor: Doctor = channel
