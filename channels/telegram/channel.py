"""Telegram's side of the protocols: verify, read, post, repaint, answer a press, ask who is there."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import aiohttp
from telegram import InlineKeyboardMarkup, LinkPreviewOptions
from telegram.constants import ParseMode
from telegram.error import ChatMigrated

from cards import tree
from cards.words import N_
from channels import model
from channels.doctor import Doctor, Finding
from channels.keeper import Keeper, Keeps
from channels.misread import Misreads
from channels.telegram import answers
from channels.telegram.calls import asked, bot, unchanged
from channels.telegram.cards import CALLBACK, EMPTY, LIMITS, draw
from channels.telegram.config import Config
from channels.telegram.doctor import examine
from channels.telegram.events import parse
from channels.telegram.listen import Listener
from channels.telegram.members import Members
from channels.wire import Source, json_object, wall_clock
from gateway.errors import Fixed, Gone, Refused, Rejected, Unreadable

HEADER = "x-telegram-bot-api-secret-token"
BUTTONS_LIVE_MS = 90 * 86_400_000
_DAY_MS = 86_400_000
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


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
        self._scope = config.bot_token.get_secret_value().partition(":")[0]
        self._clock = clock
        self._bot = bot(config.bot_token, config.base_url, session, config.timeout)
        self._members = Members(name, self._scope, self._bot, clock)
        self._keeper: Keeper | None = None
        self._put_at: dict[str, int] = {}
        self.misread = 0

    def keep_in(self, keeper: Keeper) -> None:
        self._keeper = self._members.keeper = keeper

    async def receive(self, request: model.Inbound) -> model.Reply:
        """Reads what the store keeps under a button's name; touches no network."""
        given = request.headers.get(HEADER, "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, self._config.secret.get_secret_value().encode()):
            raise Rejected("X-Telegram-Bot-Api-Secret-Token is missing or is not ours")
        events = await self._read(json_object(request.body))
        if len(events) == 1 and isinstance(events[0], model.Pressed) and not events[0].action:
            return answers.in_response(events[0], answers.old(events[0]))
        return model.Reply(events, wait=any(isinstance(event, model.Pressed) for event in events))

    async def _read(self, payload: dict[str, Any]) -> tuple[model.Event, ...]:
        events = parse(Source(self.name, self._scope, self._clock()), payload, self._config.username)
        await self._members.note(events)
        return tuple([await self._whole(event) for event in events])

    async def _whole(self, event: model.Event) -> model.Event:
        """A press with what is kept under its short name; without an action when nothing is."""
        if not isinstance(event, model.Pressed) or event.action or self._keeper is None:
            return event
        action, _, data = (await self._keeper.get(f"button/{event.data}") or "").partition(":")
        return replace(event, action=action, data=data) if data else event

    def answer(self, event: model.Event, answer: model.Answer) -> model.Reply:
        """A press is answered by a call in the response to it (core.telegram.org/bots/api#making-requests)."""
        if not isinstance(event, model.Pressed):
            raise TypeError(f"Telegram takes no answer in the response to a {type(event).__name__}")
        return answers.in_response(event, answer)

    async def send(self, place: model.Place, card: tree.Card, *, once: str) -> model.MessageRef:
        try:
            return await self._send(place, card)
        except ChatMigrated as moved:
            return await self._send(model.Place(self.name, str(moved.new_chat_id)), card)

    async def _send(self, place: model.Place, card: tree.Card) -> model.MessageRef:
        text, keys = await self._drawn(card)
        sent = await asked(
            lambda: self._bot.send_message(
                int(place.room),
                text,
                parse_mode=ParseMode.HTML,
                message_thread_id=int(place.thread) if place.thread else None,
                link_preview_options=_NO_PREVIEW,
                reply_markup=keys,
            ),
            direct=not place.room.startswith("-"),
        )
        return model.MessageRef(place, str(sent.message_id))

    async def edit(self, message: model.MessageRef, card: tree.Card) -> None:
        text, keys = await self._drawn(card)
        try:
            await asked(
                lambda: self._bot.edit_message_text(
                    text,
                    int(message.place.room),
                    int(message.id),
                    parse_mode=ParseMode.HTML,
                    link_preview_options=_NO_PREVIEW,
                    reply_markup=keys,
                )
            )
        except ChatMigrated:
            raise Gone(N_("The message is not there any more.")) from None
        except Refused as refused:
            if not unchanged(refused):
                raise

    async def delete(self, message: model.MessageRef) -> None:
        """Telegram takes away what is younger than 48 hours; of what is older nothing is left to read."""
        room, id_ = int(message.place.room), int(message.id)
        try:
            await asked(lambda: self._bot.delete_message(room, id_))
        except ChatMigrated:
            raise Gone(N_("The message is not there any more.")) from None
        except Fixed:
            await self.edit(message, tree.Card("notice", EMPTY, (tree.Text(EMPTY),)))

    async def direct(self, to: model.ImId) -> model.Place:
        if to.kind != "user":
            raise Refused(N_("This person cannot be written to directly."))
        return model.Place(self.name, to.id)

    def invitation(self, to: model.ImId) -> str:
        return f"https://t.me/{self._config.username}?start=hello"

    async def members(self, place: model.Place) -> model.Roster:
        return await self._members.roster(place)

    async def examine(self, place: model.Place | None) -> tuple[Finding, ...]:
        return await examine(self._members, self._config, place)

    async def listen(self, put: model.Put) -> None:
        await Listener(self._bot, self._config, self._overheard).run(put)

    async def _overheard(self, payload: dict[str, Any]) -> tuple[model.Event, ...]:
        try:
            return await self._read(payload)
        except Unreadable:
            self.misread += 1
            raise

    async def close(self) -> None:
        return None

    async def _drawn(self, card: tree.Card) -> tuple[str, InlineKeyboardMarkup | None]:
        drawn = draw(card)
        keys = drawn["reply_markup"]["inline_keyboard"]
        for key in [key for row in keys for key in row]:
            key["callback_data"] = await self._short(key["callback_data"])
        markup = InlineKeyboardMarkup.de_json({"inline_keyboard": keys}, self._bot) if keys else None
        return drawn["text"], markup

    async def _short(self, data: str) -> str:
        """The name under which a button's action is kept: nobody makes one up, since it is a hash of what is signed."""
        if self._keeper is None or len(data.encode()) <= CALLBACK:
            return data
        name = urlsafe_b64encode(hashlib.sha256(data.encode()).digest()).decode()[:32]
        now = self._clock()
        if now - self._put_at.get(name, -_DAY_MS) >= _DAY_MS:
            await self._keeper.put(f"button/{name}", data, until=now + BUTTONS_LIVE_MS)
            if len(self._put_at) >= 20_000:
                self._put_at.clear()
            self._put_at[name] = now
        return name


def _claims(channel: Channel) -> None:
    """For the type checker: what this channel can do."""
    _channel: model.Channel = channel
    _edits: model.Edits = channel
    _deletes: model.Deletes = channel
    _members: model.Members = channel
    _directs: model.Directs = channel
    _invites: model.Invites = channel
    _answers: model.Answers = channel
    _listens: model.Listens = channel
    _misreads: Misreads = channel
    _keeps: Keeps = channel
    _doctor: Doctor = channel
