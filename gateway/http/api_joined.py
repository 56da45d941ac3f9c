"""Which records of several CRMs are one customer: an admin's token looks, joins and parts."""

from __future__ import annotations

from gateway.http import api_joined_models as told
from gateway.http.api_ask import Ask, Done
from gateway.http.api_parked import admin
from gateway.joining import Joining
from gateway.services import Services


class Joins:
    def __init__(self, services: Services) -> None:
        self._joining = Joining(services)

    async def listing(self, ask: Ask) -> Done:
        admin(ask)
        found = await self._joining.all()
        return Done(told.JoinsPage(joins=[told.JoinView(record=each.record, ref=each.ref) for each in found]))

    async def look(self, ask: Ask) -> Done:
        admin(ask)
        body = ask.sent(told.JoinBody)
        pair = await self._joining.look(body.record, body.ref)
        return Done(told.JoinLook(record=body.record, ref=body.ref, differs=list(pair.differs)))

    async def join(self, ask: Ask) -> Done:
        admin(ask)
        body = ask.sent(told.JoinBody)
        await self._joining.join(body.record, body.ref, f"token:{ask.caller.token.name}")
        return await self.listing(ask)

    async def part(self, ask: Ask) -> Done:
        admin(ask)
        await self._joining.part(ask.sent(told.PartBody).ref, f"token:{ask.caller.token.name}")
        return await self.listing(ask)
