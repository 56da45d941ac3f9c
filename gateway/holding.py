"""A press whose answer takes longer than the network lets a form be opened: a form that says so waits in its place."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace

from cards.tree import Card
from cards.words import say
from channels.model import Answer, Event, Forms, Holds, Nothing, OpenForm, Pressed, Said, Toast
from gateway.answer import card_of
from gateway.errors import Refused, Retry
from gateway.outgoing.model import Rank
from gateway.services import Services
from gateway.turn import Turn

log = logging.getLogger("floatcard.holding")

HOLD_S = 1.2
"""After a press; a form that was not opened by then is opened empty."""


class Hold:
    """Begins with the press. `over` tells where its answer goes; `failed` says that none comes."""

    def __init__(self, s: Services, event: Event) -> None:
        self._s = s
        self._event = event
        trigger = event.trigger if isinstance(event, Pressed) else ""
        channel = s.channels[event.where.channel]
        self._begun = False
        self._task: asyncio.Task[str] | None = None
        if trigger and isinstance(channel, Holds) and isinstance(channel, Forms):
            self._task = asyncio.create_task(self._held(channel, trigger))

    async def over(self, turn: Turn, answer: Answer) -> tuple[Turn, Answer]:
        trigger = await self._trigger()
        if not trigger or not isinstance(turn.event, Pressed | Said):
            return turn, answer
        if isinstance(answer, Nothing):
            answer = Toast(say(turn.locale or self._s.config.locale, "Done."))
        card = answer.card if isinstance(answer, OpenForm) else card_of(self._s, turn, answer)
        return replace(turn, event=replace(turn.event, trigger=trigger)), OpenForm(card)

    async def failed(self) -> None:
        trigger = await self._trigger()
        channel = self._s.channels[self._event.where.channel]
        if trigger and isinstance(channel, Forms):
            card = self._notice(say(self._s.config.locale, "That took too long. Press again."))
            with contextlib.suppress(Retry, Refused):
                await self._s.gate.run(channel.name, "open", "", Rank.PRESS, lambda: channel.open(trigger, card))

    async def _trigger(self) -> str:
        """Empty when nothing waits."""
        task, self._task = self._task, None
        if task is None:
            return ""
        if not self._begun:
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return task.result() if not task.cancelled() else ""

    async def _held(self, channel: Holds, trigger: str) -> str:
        await asyncio.sleep(HOLD_S)
        self._begun = True
        name, card = self._event.where.channel, self._notice(say(self._s.config.locale, "One moment …"))
        try:
            return await self._s.gate.run(name, "open", "", Rank.PRESS, lambda: channel.hold(trigger, card))
        except (Retry, Refused):
            return ""
        except Exception:
            log.exception("a form could not be opened in waiting")
            return ""

    def _notice(self, text: str) -> Card:
        locale, now = self._s.config.locale, self._s.clock.now()
        facts = {"title": "", "text": text, "tone": "info", "buttons": ()}
        return self._s.deck.draw("notice", locale=locale, zone=self._s.config.zone, now=now, **facts)
