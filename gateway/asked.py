"""A press or a form and whoever waits for its answer, in a request or on a connection of ours."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from cards.words import N_, say
from channels.letter import Letter
from channels.model import Answer, Event, Nothing, Pressed, Submitted, Toast
from gateway.errors import Refused, Rejected, Retry, Unreadable
from gateway.intake import Broken, Waiter, accept, put_by
from gateway.metrics import DUPLICATES, EVENTS, child
from gateway.services import Services
from gateway.telemetry import begun

log = logging.getLogger("floatcard.http")

MARGIN_S = 0.4
"""Of the network's deadline, kept for the way back."""


class Asked:
    def __init__(self, services: Services) -> None:
        self._s = services

    async def store(self, name: str, event: Event, waiter: Waiter | None = None) -> bool:
        """Durable when it returns; False when it was here before. Raises `Retry`."""
        child(EVENTS, name, type(event).__name__.lower()).inc()
        return _counted(name, await accept(self._s, event, waiter))

    async def put_by(self, name: str, letter: Letter) -> bool:
        """As `store`."""
        child(EVENTS, name, "said").inc()
        return _counted(name, await put_by(self._s, name, letter))

    async def put(self, event: Event, *, wait: bool = False, stored: Callable[[], None] | None = None) -> Answer | None:
        """For a channel that listens, each in a turn of its own: as `channels.model.Put`."""
        with begun():
            return await self._put(event, wait, stored)

    async def _put(self, event: Event, wait: bool, stored: Callable[[], None] | None) -> Answer | None:
        name = event.where.channel
        if not (wait and isinstance(event, Pressed | Submitted)):
            await self.store(name, event)
            return None
        try:
            return await self.answer(name, event, stored)
        except Rejected as why:
            log.warning("something pressed on %s was rejected: %s", name, why)
            return Nothing()

    async def answer(self, name: str, event: Event, stored: Callable[[], None] | None = None) -> Answer | None:
        """Stored first, of which `stored` is told; then the answer, if it comes before the network's patience ends.
        Raises `Rejected`, and `Retry` when it is not stored."""
        waiter = Waiter(asyncio.get_running_loop().create_future())
        patience = asyncio.get_running_loop().time() + self._s.channels[name].limits.deadline - MARGIN_S
        fresh = await self.store(name, event, waiter)
        if stored is not None:
            stored()
        if not fresh:
            return self.toast(event, N_("This was received already."))
        try:
            return await _within(waiter, patience)
        except Retry:
            return self.toast(event, N_("Received, but something is slow just now. It is kept and will be done."))
        except Refused as refused:
            return Toast(say(self._locale(event), refused.say, **refused.facts), "warning")
        except Unreadable:
            return self.toast(event, N_("This was made by an older version. Ask for the card again."))
        except Broken as bug:
            return Toast(say(self._locale(event), "Something broke, reference {turn}.", turn=str(bug)), "danger")

    def toast(self, event: Event, msgid: str) -> Toast:
        return Toast(say(self._locale(event), msgid), "info")

    def _locale(self, event: Event) -> str:
        person = self._s.people.linked("im", event.who.id.key)
        return (person.locale if person is not None else "") or self._s.config.locale


def _counted(name: str, fresh: bool) -> bool:
    if not fresh:
        DUPLICATES.labels(name).inc()
    return fresh


async def _within(waiter: Waiter, patience: float) -> Answer | None:
    """None when the answer is late: from then on it goes its own way."""
    left = max(patience - asyncio.get_running_loop().time(), 0.1)
    await asyncio.wait({waiter.answer}, timeout=left)
    return waiter.answer.result() if not waiter.answer.cancel() else None
