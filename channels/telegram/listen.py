"""Telegram is told how it reaches us and our commands; and asked for updates, where it does not deliver them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from telegram import BotCommand

from cards.words import N_, say
from channels import model
from channels.telegram import answers
from channels.telegram.calls import Quiet, asked
from channels.telegram.config import Config
from channels.telegram.events import WANTED
from channels.wire import TIRED, json_object
from gateway.errors import Refused, Retry, Unreadable

log = logging.getLogger("floatcard.telegram")

POLL_S = 30
"""For so long an unanswered long poll is kept open."""
AGAIN_S = 60.0
"""After what only a person can mend, such as a token that is not taken any more."""
TRIES = 3
"""Of answering one press, before whoever pressed has gone on."""
COMMANDS = {
    "card": N_("A customer's card, for you alone"),
    "why": N_("Why the last card is as it is"),
    "quiet": N_("Hush me here for a while"),
    "bind": N_("Tie this room to a customer"),
    "link": N_("Tie your accounts together"),
    "cancel": N_("Leave a form without saving"),
    "help": N_("What I do and what I hear"),
}

Read = Callable[[dict[str, Any]], Awaitable[tuple[model.Event, ...]]]


class Listener:
    def __init__(self, bot: Quiet, config: Config, read: Read) -> None:
        self._bot = bot
        self._config = config
        self._read = read
        self._answering: set[asyncio.Task[None]] = set()

    async def run(self, put: model.Put) -> None:
        """Tells Telegram how it reaches us; then, where it is to be asked, asks. Beside that it is told our commands:
        whatever it says to those, we hear."""
        await _until_done(self._reached)
        telling = asyncio.create_task(_until_done(self._introduce))
        try:
            await self._heard(put)
        finally:
            ending = [telling, *self._answering]
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)

    async def _heard(self, put: model.Put) -> None:
        offset: int | None = None
        while self._config.mode == "polling":
            offset = await self._patiently(put, offset)
        await asyncio.Event().wait()

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
        """What was got is acknowledged by the next question: until then all of it is stored. For what a press is
        answered with nobody waits but the one who pressed."""
        updates = await asked(lambda: self._bot.raw_updates(offset, POLL_S, WANTED, self._config.timeout))
        pressed: list[asyncio.Future[None]] = []
        try:
            for update in updates if isinstance(updates, list) else ():
                for event in await self._readable(update):
                    if isinstance(event, model.Pressed):
                        pressed.append(self._pressed(put, event))
                    else:
                        await put(event)
        finally:
            stored = await asyncio.gather(*pressed, return_exceptions=True)
        for fault in stored:
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

    def _pressed(self, put: model.Put, event: model.Pressed) -> asyncio.Future[None]:
        """Done when it is stored; it is answered in its own time."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._press(put, event, stored))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)
        return stored

    async def _press(self, put: model.Put, event: model.Pressed, stored: asyncio.Future[None]) -> None:
        answer: model.Answer | None = answers.old(event)
        try:
            if event.action:
                answer = await put(event, wait=True, stored=lambda: _done(stored))
            _done(stored)
        except Exception as fault:
            if stored.done():
                log.exception("a press could not be handled")
            else:
                stored.set_exception(fault)
            return
        finally:
            stored.cancel()  # of one that is done nothing is changed
        await self._answered(event, answer or model.Nothing())

    async def _answered(self, event: model.Pressed, answer: model.Answer) -> None:
        for _ in range(TRIES):
            try:
                await asked(lambda: self._bot.answer_callback_query(event.trigger, **answers.words(answer)))
            except Retry as tired:
                await asyncio.sleep(min(tired.after, TIRED))
                continue
            except Refused as refused:  # too late: the one who pressed has gone on
                log.info("a press could not be answered: %s", refused.say)
            return


def _done(stored: asyncio.Future[None]) -> None:
    if not stored.done():
        stored.set_result(None)


def _commands(locale: str) -> list[BotCommand]:
    return [BotCommand(name, say(locale, words)) for name, words in COMMANDS.items()]


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
