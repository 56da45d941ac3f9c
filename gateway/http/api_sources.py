"""How far each source was read, and a new epoch of one that was set back: for an admin's token."""

from __future__ import annotations

from dataclasses import asdict

from gateway.http import api_answers as told
from gateway.http.api_ask import Ask, Done
from gateway.http.api_parked import admin
from gateway.services import Services
from gateway.sources import listed, new_epoch


class Sources:
    def __init__(self, services: Services) -> None:
        self._s = services

    async def listing(self, ask: Ask) -> Done:
        admin(ask)
        rows = await listed(self._s)
        return Done(told.SourcePage(sources=[told.SourceState(**asdict(row)) for row in rows]))

    async def begin(self, ask: Ask) -> Done:
        admin(ask)
        begun = await new_epoch(self._s, ask.path["name"], f"token:{ask.caller.token.name}")
        return Done(told.Epoch(streams=list(begun.streams), records=begun.records))
