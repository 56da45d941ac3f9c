"""Telegram's side of the protocols: verify, read, post, repaint, answer a press, ask who is there."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import re
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any, Literal

import aiohttp
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from telegram import BotCommand, InlineKeyboardMarkup, LinkPreviewOptions
from telegram.constants import CallbackQueryLimit, ParseMode
from telegram.error import ChatMigrated

from cards import tree
from cards.inert import inert
from cards.words import N_, say
from channels import model
from channels.doctor import Finding
from channels.keeper import Keeper, Keeps
from channels.telegram.calls import asked, bot, unchanged
from channels.telegram.html import CALLBACK, EMPTY, LIMITS, draw
from channels.telegram.rooms import Rooms
from channels.telegram.text import units
from channels.telegram.updates import WANTED, parse
from channels.wire import TIRED, Source, base_address, json_object, wall_clock
from gateway.errors import Fixed, Gone, Refused, Rejected, Retry, Unreadable

log = logging.getLogger("floatcard.telegram")

JSON = {"content-type": "application/json; charset=utf-8"}
HEADER = "x-telegram-bot-api-secret-token"
POLL_S = 30
"""For so long an unanswered long poll is kept open."""
AGAIN_S = 60.0
"""After what only a person can mend, such as a token that is not taken any more."""
BUTTONS_LIVE_MS = 90 * 86_400_000
_DAY_MS = 86_400_000
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_OLD = N_("This was made by an older version. Ask for the card again.")
COMMANDS = {
    "card": N_("A customer's card, for you alone"),
    "why": N_("Why the last card is as it is"),
    "quiet": N_("Hush me here for a while"),
    "bind": N_("Tie this room to a customer"),
    "link": N_("Tie your accounts together"),
    "cancel": N_("Leave a form without saving"),
    "help": N_("What I do and what I hear"),
}


def _sayable(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9_-]*", secret.get_secret_value()):
        raise ValueError("Telegram takes only letters, digits, _ and - in a secret token")
    return secret


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    bot_token: Annotated[SecretStr, Field(min_length=20)]
    """BotFather → /newbot, or /token: `123456789:…`. The digits are the bot's own id."""
    username: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{3,31}$")]
    """The bot's user name without its @."""
    secret: Annotated[SecretStr, Field(min_length=16, max_length=256), AfterValidator(_sayable)]
    """Made up by you; Telegram sends it with each update it delivers."""
    mode: Literal["webhook", "polling"] = "webhook"
    """Whether Telegram delivers to us, or we ask."""
    webhook: Annotated[str, Field(pattern=r"^(https://\S+)?$")] = ""
    """Where Telegram is told to deliver at start; empty: you tell it yourself."""
    base_url: Annotated[str, AfterValidator(base_address)] = "https://api.telegram.org"
    """Where the Bot API is."""
    timeout: Annotated[float, Field(gt=0, le=120)] = 10.0
    """Seconds for one call."""


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
        self._rooms = Rooms(name, self._scope, self._bot, clock)
        self._keeper: Keeper | None = None
        self._put_at: dict[str, int] = {}

    def keep_in(self, keeper: Keeper) -> None:
        self._keeper = self._rooms.keeper = keeper

    async def receive(self, request: model.Inbound) -> model.Reply:
        """Reads what the store keeps under a button's name; touches no network."""
        given = request.headers.get(HEADER, "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, self._config.secret.get_secret_value().encode()):
            raise Rejected("X-Telegram-Bot-Api-Secret-Token is missing or is not ours")
        events = await self._read(json_object(request.body))
        if len(events) == 1 and isinstance(events[0], model.Pressed) and not events[0].action:
            toast = model.Toast(say(events[0].locale, _OLD))
            return _answering(events[0], toast)
        return model.Reply(events, wait=any(isinstance(event, model.Pressed) for event in events))

    async def _read(self, payload: dict[str, Any]) -> tuple[model.Event, ...]:
        events = parse(Source(self.name, self._scope, self._clock()), payload, self._config.username)
        await self._rooms.note(events)
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
        return _answering(event, answer)

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
        return await self._rooms.roster(place)

    async def examine(self, place: model.Place | None) -> tuple[Finding, ...]:
        return await self._rooms.examine(place, self._config.username, self._config.mode)

    async def listen(self, put: model.Put) -> None:
        """Tells Telegram how it reaches us; then, where it is to be asked, asks. Beside that it is told our commands:
        whatever it says to those, we hear."""
        await _until_done(self._reached)
        telling = asyncio.create_task(_until_done(self._introduce))
        try:
            await self._heard(put)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def _heard(self, put: model.Put) -> None:
        offset: int | None = None
        while self._config.mode == "polling":
            offset = await self._patiently(put, offset)
        await asyncio.Event().wait()

    async def close(self) -> None:
        return None

    async def _introduce(self) -> None:
        await asked(lambda: self._bot.set_my_commands(_commands("en")))
        await asked(lambda: self._bot.set_my_commands(_commands("zh-CN"), language_code="zh"))

    async def _reached(self) -> None:
        if self._config.mode == "polling":
            await asked(self._bot.delete_webhook)
        elif self._config.webhook:
            secret = self._config.secret.get_secret_value()
            await asked(
                lambda: self._bot.set_webhook(self._config.webhook, allowed_updates=WANTED, secret_token=secret)
            )

    async def _patiently(self, put: model.Put, offset: int | None) -> int | None:
        try:
            return await self._polled(put, offset)
        except Retry as tired:
            log.warning("Telegram's updates have to wait: %s", tired)
            await asyncio.sleep(tired.after)
        except Refused as refused:
            log.warning("Telegram gives no updates: %s", refused.say)
            await asyncio.sleep(AGAIN_S)
        except Exception:
            log.exception("Telegram's updates could not be taken")
            await asyncio.sleep(TIRED)
        return offset

    async def _polled(self, put: model.Put, offset: int | None) -> int | None:
        """What was got is acknowledged by the next question: until then all of it is stored."""
        updates = await asked(lambda: self._bot.raw_updates(offset, POLL_S, WANTED, self._config.timeout))
        pressed: list[asyncio.Task[None]] = []
        try:
            for update in updates if isinstance(updates, list) else ():
                for event in await self._readable(update):
                    if isinstance(event, model.Pressed):
                        pressed.append(asyncio.create_task(self._press(put, event)))
                    else:
                        await put(event)
        finally:
            answered = await asyncio.gather(*pressed, return_exceptions=True)
        for fault in answered:
            if isinstance(fault, BaseException):
                raise fault
        serials = [each["update_id"] for each in updates if isinstance(each, dict) and "update_id" in each]
        return max(serials) + 1 if serials else offset

    async def _readable(self, update: Any) -> tuple[model.Event, ...]:
        try:
            return await self._read(json_object(json.dumps(update)))
        except Unreadable as why:
            log.warning("an update from Telegram was not understood: %s", why)
        except (Retry, Refused):
            raise
        except Exception:  # ours to mend; what comes after it does not wait for that
            log.exception("an update from Telegram could not be read")
        return ()

    async def _press(self, put: model.Put, event: model.Pressed) -> None:
        old = model.Toast(say(event.locale, _OLD))
        answer = await put(event, wait=True) if event.action else old
        try:
            await asked(lambda: self._bot.answer_callback_query(event.trigger, **_words(answer or model.Nothing())))
        except Refused as refused:  # too late: the one who pressed has gone on
            log.info("a press could not be answered: %s", refused.say)

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


def _commands(locale: str) -> list[BotCommand]:
    return [BotCommand(name, say(locale, words)) for name, words in COMMANDS.items()]


def _answering(event: model.Pressed, answer: model.Answer) -> model.Reply:
    body = {"method": "answerCallbackQuery", "callback_query_id": event.trigger, **_words(answer)}
    return model.Reply(headers=JSON, body=json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))


def _words(answer: model.Answer) -> dict[str, Any]:
    most = CallbackQueryLimit.ANSWER_CALLBACK_QUERY_TEXT_LENGTH
    if isinstance(answer, model.Toast):
        text = _fitting(answer.text, most)
        return {"text": text, "show_alert": answer.tone in ("warning", "danger")} | (
            {"url": answer.url} if answer.url else {}
        )
    if isinstance(answer, model.FieldErrors):
        return {"text": _fitting("\n".join(answer.errors.values()), most), "show_alert": True}
    if isinstance(answer, model.ShowCard | model.OpenForm):
        return {"text": _fitting(answer.card.summary, most), "show_alert": True}
    if isinstance(answer, model.Nothing):
        return {}
    raise TypeError(f"channels.telegram cannot word a {type(answer).__name__}")


def _fitting(text: str, most: int) -> str:
    """In at most so many units of UTF-16."""
    shown = inert(text, limit=most)
    return shown if units(shown) <= most else inert(shown, limit=most // 2)


async def _until_done(work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            return await work()
        except Retry as tired:
            await asyncio.sleep(tired.after)
        except Refused as refused:
            log.warning("Telegram does not take our introduction: %s", refused.say)
            await asyncio.sleep(AGAIN_S)
        except Exception:
            log.exception("Telegram's answer to our introduction could not be read")
            await asyncio.sleep(AGAIN_S)


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
    _keeps: Keeps = channel
