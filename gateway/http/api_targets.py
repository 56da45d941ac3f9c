"""Whom this gateway calls and whether they answer: for an admin's token."""

from __future__ import annotations

from gateway.http import api_answers as told
from gateway.http.api_ask import Ask, Done
from gateway.http.api_parked import admin
from gateway.outgoing.targets import Standing, standing, targets
from gateway.services import Services


class Called:
    def __init__(self, services: Services) -> None:
        self._s = services

    async def listing(self, ask: Ask) -> Done:
        admin(ask)
        s = self._s
        found = standing(s.gate.breakers, targets(s.config, s.channels, s.crms))
        return Done(told.TargetPage(targets=[_told(each) for each in found]))


def _told(each: Standing) -> told.TargetState:
    target = each.target
    return told.TargetState(
        kind=target.kind,
        name=target.name,
        part=target.part,
        state=each.state,
        failures=each.failures,
        after=round(each.after, 1),
    )
